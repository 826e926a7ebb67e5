"""The phantom's tissues: water and fat signal painted layer over layer, with partial volume at every border."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..levels.labelling import LABELS
from .anatomy import DiscShape, reach_mm

AIR, FAT, MUSCLE, MARROW, CORTICAL, DISC, CSF, CORD, VESSEL, ORGAN, GAS, LIGAMENT, SKIN, REMNANT = range(14)
"""Tissue classes of `Phantom.tissue`."""

Box = tuple[slice, slice, slice]
_SUBSAMPLES = 3
"""Points per voxel and axis on which a disc's share of a voxel is counted."""


@dataclass(frozen=True)
class Signals:
    """Water and fat of the tissues, relative to the water of a healthy disc; drawn once a phantom."""

    marrow: tuple[float, float]
    muscle: float
    muscle_fat: float
    fat: float
    csf: float
    cord: float
    organ: float
    annulus: float
    disc_fat: float
    ligament: float
    skin: float

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Signals:
        return cls(
            marrow=(rng.uniform(0.36, 0.68), rng.uniform(0.2, 0.65)),
            muscle=rng.uniform(0.6, 1.0),
            muscle_fat=rng.uniform(0.0, 0.45),
            fat=rng.uniform(0.9, 2.0),
            csf=rng.uniform(0.55, 1.9),
            cord=rng.uniform(0.5, 1.0),
            organ=rng.uniform(0.5, 1.0),
            annulus=rng.uniform(0.5, 0.9),
            disc_fat=rng.uniform(0.02, 0.09),
            ligament=rng.uniform(0.1, 0.4),
            skin=rng.uniform(0.4, 1.6),
        )


class Canvas:
    """Water, fat (float32) and tissue (uint8) on a grid centred on the origin, axes x, y, z in mm."""

    def __init__(self, size: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
        self.size = size
        self.spacing_mm = np.asarray(spacing_mm, float)
        self.extent_mm = self.spacing_mm * size
        self.axes_mm = [
            ((np.arange(n) - (n - 1) / 2) * step).astype(np.float32) for n, step in zip(size, spacing_mm, strict=True)
        ]
        self.water = np.zeros(size, np.float32)
        self.fat = np.zeros(size, np.float32)
        self.tissue = np.zeros(size, np.uint8)

    def box(self, center_mm: np.ndarray, reach: np.ndarray) -> Box:
        """The voxels within reach (mm, per axis) of a point, cut at the edges; may be empty."""
        first = np.ceil((center_mm - reach + self.extent_mm / 2) / self.spacing_mm - 0.5).astype(int)
        last = np.floor((center_mm + reach + self.extent_mm / 2) / self.spacing_mm - 0.5).astype(int) + 1
        first, last = np.clip(first, 0, self.size), np.clip(last, 0, self.size)
        return (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))

    def coordinates(self, box: Box, per_voxel: int = 1) -> list[np.ndarray]:
        """Open grids x, y, z (mm) of a box, with per_voxel evenly spread points along each axis of a voxel."""
        offsets = (np.arange(per_voxel) + 0.5) / per_voxel - 0.5
        grids = []
        for axis, part in enumerate(box):
            points = self.axes_mm[axis][part][:, None] + offsets[None, :] * self.spacing_mm[axis]
            grids.append(points.astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)]))
        return grids

    def paint(self, box: Box, share: np.ndarray, tissue: int, water: float | np.ndarray, fat: float | np.ndarray) -> None:
        """Lay a tissue over what is there: share 0..1 of each voxel (broadcast over the box) becomes water and fat."""
        for canvas, value in ((self.water, water), (self.fat, fat)):
            part = canvas[box]
            part += share * (value - part)
        under = self.tissue[box]
        under[np.broadcast_to(share >= 0.5, under.shape)] = tissue


def ramp(distance_mm: np.ndarray, width_mm: float = 1.5) -> np.ndarray:
    """Share of a voxel inside a border: 0.5 on it, from 0 to 1 over width_mm; distance_mm is positive inside."""
    return np.clip(distance_mm * np.float32(1 / width_mm) + np.float32(0.5), 0, 1)


def smooth_field(rng: np.random.Generator, size: Sequence[int], spacing_mm: Sequence[float], scale_mm: float) -> np.ndarray:
    """A random field of mean 0 and SD about 1 whose structures are scale_mm large: coarse noise, interpolated."""
    matrices = []
    for n, step in zip(size, spacing_mm, strict=True):
        knots = int(np.ceil(n * step / scale_mm)) + 2
        position = np.arange(n)[:, None] * (step / scale_mm) + 0.5
        weights = np.exp(-(((position - np.arange(knots)) / 0.6) ** 2))
        matrices.append((weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32))
    field = rng.standard_normal([matrix.shape[1] for matrix in matrices], dtype=np.float32)
    for axis, matrix in enumerate(matrices):
        field = np.moveaxis(np.tensordot(matrix, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)


def _in_frame(disc: DiscShape, grids: list[np.ndarray]) -> list[np.ndarray]:
    """Coordinates a, b, c (mm) of a box's points in the disc's frame."""
    axes = disc.axes.astype(np.float32)
    x, y, z = (grid - np.float32(center) for grid, center in zip(grids, disc.center_mm, strict=True))
    return [x * axis[0] + y * axis[1] + z * axis[2] for axis in axes]


def paint_body(
    canvas: Canvas,
    below: DiscShape,
    above: DiscShape,
    *,
    signals: Signals,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A vertebral body between two discs: waisted, marrow with a basivertebral vein, a dark shell."""
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
    disc: DiscShape,
    labels: np.ndarray,
    *,
    signals: Signals,
    texture: np.ndarray,
    rng: np.random.Generator,
) -> None:
    """A disc with its dark endplates, its share of a voxel counted on 3 x 3 x 3 points; labelled from half upward."""
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
