"""The tissue of the phantom's spine: vertebral bodies and discs, painted in this order."""

from __future__ import annotations

import numpy as np

from ..levels.labelling import LABELS
from .canvas import CORTICAL, DISC, MARROW, REMNANT, Canvas, ramp
from .disc import PhantomDisc, reach_mm
from .signals import Signals

_SUBSAMPLES = 3
"""Points per voxel and axis on which a disc's share of a voxel is counted."""


def _in_frame(disc: PhantomDisc, grids: list[np.ndarray]) -> list[np.ndarray]:
    """Coordinates a, b, c (mm) of a box's points in the disc's frame."""
    axes = disc.axes.astype(np.float32)
    x, y, z = (grid - np.float32(center) for grid, center in zip(grids, disc.center_mm, strict=True))
    return [x * axis[0] + y * axis[1] + z * axis[2] for axis in axes]


def paint_body(
    canvas: Canvas,
    below: PhantomDisc,
    above: PhantomDisc,
    *,
    signals: Signals,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paint a vertebral body between two discs: waisted, marrow with a basivertebral vein, a dark shell.

    Args:
        canvas: What to paint on.
        below: The disc below the body.
        above: The disc above it.
        signals: Water and fat of the tissues.
        texture: Random field [x, y, z] of mean 0 and standard deviation about 1, the grain of the marrow.
        rng: The phantom's generator.
    """
    center = (below.center_mm + above.center_mm) / 2
    reach = np.maximum(reach_mm(below), reach_mm(above)) + np.abs(above.center_mm - below.center_mm) / 2 + 3
    box = canvas.box(center, reach)
    if 0 in canvas.water[box].shape:
        return
    grids = canvas.coordinates(box)
    a0, b0, c0 = _in_frame(below, grids)
    a1, b1, c1 = _in_frame(above, grids)
    # The discs are painted over the ends later, so the body reaches to their mid-planes.
    t = np.clip(c0 / np.maximum(c0 - c1, 1), 0, 1)
    waist = 1 - np.float32(rng.uniform(0.06, 0.16)) * 4 * t * (1 - t)
    a, b = (a0 + t * (a1 - a0)) / waist, (b0 + t * (b1 - b0)) / waist
    radius = np.sqrt((1 - t) * below.section(a, b) + t * above.section(a, b))
    wall = (1 - radius) * min(below.half_depth_mm, above.half_depth_mm)
    ends = np.minimum(c0, -c1)
    share = ramp(np.minimum(wall, ends))
    canvas.paint(box, share, CORTICAL, 0.1, 0.05)
    inner = ramp(np.minimum(wall - np.float32(rng.uniform(0.4, 1.2)), ends))
    water, fat = signals.marrow
    fraction = 1 + 0.08 * rng.normal() + np.float32(rng.uniform(0.02, 0.12)) * texture[box]
    canvas.paint(box, inner, MARROW, water * (2 - fraction), fat * fraction)
    vein = np.exp(-((a / 8) ** 2 + ((b - below.half_depth_mm * 0.7) / 6) ** 2 + ((t - 0.5) * 12) ** 2))
    canvas.paint(box, inner * vein * np.float32(rng.uniform(0, 0.8)), MARROW, rng.uniform(0.2, 1.5), 0.1)


def paint_disc(
    canvas: Canvas,
    disc: PhantomDisc,
    labels: np.ndarray,
    *,
    signals: Signals,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """Paint a disc with its dark endplates, and label it.

    The disc's share of a voxel is counted on 3 x 3 x 3 points. A voxel is labelled where it is a half or more.

    Args:
        canvas: What to paint on.
        disc: The disc.
        labels: uint8 [x, y, z], the label map; the disc's label is written to it.
        signals: Water and fat of the tissues.
        texture: Random field [x, y, z] of mean 0 and standard deviation about 1, the grain of the disc.
        rng: The phantom's generator.
    """
    rims = rng.uniform(0.4, 1.8, 2)
    box = canvas.box(disc.center_mm, reach_mm(disc) + 2.5)
    shape = canvas.water[box].shape
    if 0 in shape:
        return
    a, b, c = _in_frame(disc, canvas.coordinates(box, _SUBSAMPLES))
    within = disc.section(a, b) <= 1
    upper, lower = disc.upper(a, b), disc.lower(a, b)
    inside = within & (c <= upper) & (c >= lower)
    around = within & (c <= upper + np.float32(rims[0])) & (c >= lower - np.float32(rims[1]))

    def share_of(points: np.ndarray) -> np.ndarray:
        split = points.reshape(shape[0], _SUBSAMPLES, shape[1], _SUBSAMPLES, shape[2], _SUBSAMPLES)
        return split.mean(axis=(1, 3, 5), dtype=np.float32)

    share = share_of(inside)
    if disc.kind == "fused":
        canvas.paint(box, share_of(around), MARROW, *signals.marrow)
        canvas.paint(box, 0.4 * share, MARROW, 0.1, 0.1)
        return
    # The endplates count what the disc leaves: painting the whole sandwich dark first gives exactly that.
    canvas.paint(box, share_of(around), CORTICAL, 0.1, 0.05)
    a, b, _ = _in_frame(disc, canvas.coordinates(box))
    radius = np.sqrt(disc.section(a, b))
    brightness = (1 - 0.4 * disc.degeneration) * (1 + 0.08 * rng.normal())
    nucleus = np.clip((0.8 - radius) / 0.25, 0, 1) * (1 - 0.7 * disc.degeneration)
    # Sharpey's fibres: the outermost annulus is dark in front and behind, and belongs to the disc.
    fibres = np.clip((radius - rng.uniform(0.78, 0.9)) / 0.1, 0, 1) * np.clip(np.abs(b) / disc.half_depth_mm, 0, 1)
    water = brightness * (signals.annulus + (1 - signals.annulus) * np.maximum(nucleus, 0.55))
    water = water * (1 - np.float32(rng.uniform(0.1, 0.7)) * fibres) * (1 + 0.06 * texture[box])
    is_disc = disc.kind == "disc"
    canvas.paint(box, share, DISC if is_disc else REMNANT, water, signals.disc_fat * (1 + fibres))
    if is_disc:
        labels[box][share >= 0.5] = LABELS[disc.level]
