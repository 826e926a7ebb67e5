"""The report's pictures: slices along the spine with outlines and names as SVG."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..images import WORKING_SPACING_MM
from ..levels.colors import LEVEL_COLORS
from ..pipeline.segmentation import Segmentation
from ..templates import template

SAGITTAL, CORONAL = "sagittal", "coronal"
_SURFACE = 0.5
_BRIGHTEST_PERCENTILE = 98.0
"""Of what lies within _SPINE_MM of the line through the discs, the white of a picture."""
_SPINE_MM = 18.0
"""Half the depth of a disc: vertebrae and discs, and little of the canal."""
_MARGIN_MM = 35.0
"""Shown around the discs, as far as the field of view goes."""
_NAMES_MM = 36
"""Width of the strip on the left that holds the names."""


@dataclass(frozen=True)
class Plane:
    """A slice that follows the spine: `across` (y for sagittal, x for coronal) by z.

    outlines: level -> closed curves (n, 2) in mm from the corner of the picture, right and down. width_mm, height_mm: of
    the picture. points_ijk: (3, across, z), the continuous voxel position of each of its pixels.
    """

    kind: str
    outlines: Mapping[str, list[np.ndarray]]
    width_mm: float
    height_mm: float
    points_ijk: np.ndarray


def spine_plane(segmentation: Segmentation, kind: str) -> Plane:
    """Lay a slice through the centres of the discs, bent with the spine, above and below them flat.

    Args:
        segmentation: The segmentation.
        kind: SAGITTAL or CORONAL.

    Returns:
        The slice with the outlines of the discs.
    """
    from scipy.ndimage import map_coordinates
    from skimage.measure import find_contours

    centers = np.array([disc.center_ijk for disc in segmentation.found])
    through = 0 if kind == SAGITTAL else 1
    across = 1 - through
    shape = segmentation.labels.shape
    step = np.array([WORKING_SPACING_MM[across], WORKING_SPACING_MM[2]])
    lines = []
    for axis, spacing_mm in ((across, step[0]), (2, step[1])):
        held = np.flatnonzero(segmentation.labels.any(axis=tuple(other for other in range(3) if other != axis)))
        reach = round(_MARGIN_MM / spacing_mm)
        lines.append(np.arange(max(held[0] - reach, 0), min(held[-1] + reach + 1, shape[axis])))
    order = np.argsort(centers[:, 2])
    depth = np.interp(lines[1], centers[order, 2], centers[order, through])
    grid = np.empty((3, len(lines[0]), len(lines[1])))
    grid[through], grid[across], grid[2] = depth[None], lines[0][:, None], lines[1][None]
    labels = map_coordinates(segmentation.labels, grid, order=0)
    probability = map_coordinates(segmentation.probability, grid, order=1)
    outlines = {}
    for disc in segmentation.found:
        own = np.where(labels == disc.label, np.maximum(probability, _SURFACE + 0.01), 0)
        near = np.where(labels == 0, np.minimum(probability, _SURFACE - 0.01), own)
        rows, columns = np.nonzero(labels == disc.label)
        if not len(rows):
            continue
        # A frame of one voxel closes the outline at the edge of the picture; further out another disc's probability begins.
        low, high = np.array([rows.min(), columns.min()]) - 2, np.array([rows.max(), columns.max()]) + 3
        low, high = np.maximum(low, 0), np.minimum(high, labels.shape)
        part = np.pad(near[low[0] : high[0], low[1] : high[1]], 1)
        curves = [curve - 1 + low + 0.5 for curve in find_contours(part, _SURFACE)]
        outlines[disc.level] = [np.stack([c[:, 0], labels.shape[1] - c[:, 1]], axis=1) * step for c in curves]
    width_mm, height_mm = labels.shape * step
    return Plane(kind, outlines, float(width_mm), float(height_mm), grid)


def channel_svg(channel: np.ndarray, plane: Plane, title: str) -> str:
    """Draw a channel on a slice, with the outlines and names of the discs.

    Args:
        channel: [x, y, z] on the working grid.
        plane: The slice.
        title: What the picture shows.

    Returns:
        One <svg>; units of its view box are mm.
    """
    left, right = ("A", "P") if plane.kind == SAGITTAL else ("R", "L")
    return template("channel.svg.jinja").render(
        title=title,
        image=png_uri(grey_pixels(channel, plane)),
        names_mm=_NAMES_MM,
        width_mm=plane.width_mm,
        height_mm=plane.height_mm,
        left=left,
        right=right,
        discs=drawn_discs(plane),
    )


def drawn_discs(plane: Plane) -> list[dict[str, Any]]:
    """What a template draws of the discs.

    Args:
        plane: The slice.

    Returns:
        Of each disc that the slice shows level, colour, path (of SVG, mm) and y_mm, the height of its middle.
    """
    return [
        {
            "level": level,
            "colour": css_colour(level),
            "path": "".join("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in curve) + "Z" for curve in curves),
            "y_mm": float(np.concatenate(curves)[:, 1].mean()),
        }
        for level, curves in plane.outlines.items()
    ]


def grey_pixels(channel: np.ndarray, plane: Plane) -> np.ndarray:
    """What a channel shows on a slice, from black to the brightest of the spine, so that discs and vertebrae are told apart.

    Fat under the skin near a coil and the fluid of the canal are many times brighter than they; they come out white.

    Args:
        channel: [x, y, z] on the working grid.
        plane: The slice.

    Returns:
        uint8 [row, column], the first row on top.
    """
    from scipy.ndimage import map_coordinates

    pixels = map_coordinates(channel, plane.points_ijk, order=1).T[::-1]
    bright = float(np.percentile(pixels[_near_spine(plane, pixels.shape)], _BRIGHTEST_PERCENTILE))
    return (np.clip(pixels / max(bright, 1e-6), 0, 1) * 255).astype(np.uint8)


def _near_spine(plane: Plane, shape: tuple[int, ...]) -> np.ndarray:
    """Which pixels, [row, column], lie within _SPINE_MM of the line through the outlines; all where there is none."""
    if not plane.outlines:
        return np.ones(shape, bool)
    middles = np.array([np.concatenate(curves).mean(axis=0) for curves in plane.outlines.values()])
    middles = middles[np.argsort(middles[:, 1])]
    down_mm = (np.arange(shape[0]) + 0.5) * plane.height_mm / shape[0]
    right_mm = (np.arange(shape[1]) + 0.5) * plane.width_mm / shape[1]
    line_mm = np.interp(down_mm, middles[:, 1], middles[:, 0])
    near: np.ndarray = np.abs(right_mm - line_mm[:, None]) <= _SPINE_MM
    return near


def css_colour(level: str) -> str:
    """The colour of a level.

    Args:
        level: Its name.

    Returns:
        #rrggbb.
    """
    return "#" + "".join(f"{round(255 * part):02x}" for part in LEVEL_COLORS[level])


def png_uri(pixels: np.ndarray) -> str:
    """Write pixels as a PNG.

    Args:
        pixels: uint8 [row, column] or [row, column, 3 or 4], first row on top.

    Returns:
        A data: URI.
    """
    from PIL import Image

    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode("ascii")
