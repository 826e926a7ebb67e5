"""Discs of exact shape on a grid: the share of each voxel they fill, and results made of it, without networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from IVDSegmentationLib.dixon.case import DixonCase
from IVDSegmentationLib.images import WORKING_SPACING_MM, Grid, Volume
from IVDSegmentationLib.levels.labelling import LABELS
from IVDSegmentationLib.measure.segmented import Disc
from IVDSegmentationLib.phantom import Anatomy, DiscTruth
from IVDSegmentationLib.phantom.disc import PhantomDisc, reach_mm
from IVDSegmentationLib.phantom.spine import build_spine
from IVDSegmentationLib.phantom.truth import exact_truth, visible_fraction
from IVDSegmentationLib.pipeline.segmentation import Segmentation

Inside = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
FIELD = (36, 256, 256)
PER_VOXEL = 3


def centred_grid(size: tuple[int, int, int], direction: np.ndarray | None = None) -> Grid:
    """A grid of working voxels whose field of view is centred on the LPS origin."""
    axes = np.eye(3) if direction is None else direction
    x, y, z = (float(v) for v in -axes @ ((np.asarray(size) - 1) / 2 * WORKING_SPACING_MM))
    rows = tuple((float(row[0]), float(row[1]), float(row[2])) for row in axes)
    return Grid(size, WORKING_SPACING_MM, (x, y, z), rows)


def share_inside(inside: Inside, grid: Grid, per_voxel: int = PER_VOXEL) -> np.ndarray:
    """The share of each voxel inside a shape, float32 [x, y, z], counted on per_voxel^3 points; inside takes LPS mm."""
    lines = [(np.arange(n * per_voxel) + 0.5) / per_voxel - 0.5 for n in grid.size]
    columns = (np.asarray(grid.direction) * grid.spacing_mm).T
    share = np.empty(grid.size, np.float32)
    for i in range(grid.size[0]):  # by slice: all points at once would not fit in memory
        slab = np.meshgrid(lines[0][i * per_voxel : (i + 1) * per_voxel], *lines[1:], indexing="ij", sparse=True)
        # Terms that are 0 are left out, so that on a straight grid x, y and z stay lines, which is much quicker.
        xyz = [
            grid.origin_mm[row] + sum(step[row] * line for step, line in zip(columns, slab, strict=True) if step[row])
            for row in range(3)
        ]
        split = inside(*xyz).reshape(per_voxel, grid.size[1], per_voxel, grid.size[2], per_voxel)
        share[i] = split.mean(axis=(0, 2, 4))
    return share


def inside_of(disc: PhantomDisc) -> Inside:
    """Whether LPS points lie in the closed form of a phantom's disc."""

    def inside(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        x, y, z = x - disc.center_mm[0], y - disc.center_mm[1], z - disc.center_mm[2]
        a, b, c = (axis[0] * x + axis[1] * y + axis[2] * z for axis in disc.axes)
        return (disc.section(a, b) <= 1) & (c <= disc.upper(a, b)) & (c >= disc.lower(a, b))

    return inside


def part_of(grid: Grid, center_mm: np.ndarray, reach: np.ndarray) -> tuple[tuple[slice, ...], Grid]:
    """The voxels of a grid within reach (mm) of a point, and their own grid."""
    first = np.maximum(np.floor(grid.to_ijk(center_mm - reach)).astype(int), 0)
    last = np.maximum(np.minimum(np.ceil(grid.to_ijk(center_mm + reach)).astype(int) + 1, grid.size), first)
    x, y, z = (float(v) for v in grid.to_mm(first))
    size = (int(last[0] - first[0]), int(last[1] - first[1]), int(last[2] - first[2]))
    box = tuple(slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return box, Grid(size, grid.spacing_mm, (x, y, z), grid.direction)


def result_of(
    probability: np.ndarray, labels: np.ndarray, grid: Grid, channels: dict[str, np.ndarray] | None = None
) -> Segmentation:
    """A result of maps on a working grid that is also that of the input."""
    levels = {label: level for level, label in LABELS.items()}
    discs = []
    for label in (int(n) for n in np.unique(labels) if n):
        center_ijk = np.argwhere(labels == label).mean(axis=0)
        x, y, z = (float(v) for v in grid.to_mm(center_ijk))
        discs.append(Disc(levels[label], label, (x, y, z), tuple(float(v) for v in center_ijk), 1.0))
    case = DixonCase("exact", channels or {}, frozenset(), grid, grid)
    return Segmentation(case, tuple(discs), probability, labels, Volume(labels, grid, "discs"))


def exact_spine(seed: int, anatomy: Anatomy | None = None) -> tuple[Segmentation, dict[str, DiscTruth]]:
    """The discs of the phantom of this seed (FIELD, moved to the origin) as a result whose probability is the exact
    share of each voxel, and the truth of those wholly in view by level."""
    grid = centred_grid(FIELD)
    extent_mm = np.asarray(FIELD) * WORKING_SPACING_MM
    probability, labels = np.zeros(FIELD, np.float32), np.zeros(FIELD, np.uint8)
    truth = {}
    for disc in _discs(seed, anatomy or Anatomy(), extent_mm):
        box, part = part_of(grid, disc.center_mm, reach_mm(disc) + 3)
        if 0 in part.size:
            continue
        share = share_inside(inside_of(disc), part)
        probability[box] = np.maximum(probability[box], share)
        labels[box][share >= 0.5] = LABELS[disc.level]
        if visible_fraction(disc, extent_mm) == 1:
            truth[disc.level] = exact_truth(disc, disc.level)
    return result_of(probability, labels, grid), truth


def _discs(seed: int, anatomy: Anatomy, extent_mm: np.ndarray) -> Iterator[PhantomDisc]:
    rng = np.random.default_rng(seed)
    return (disc for disc in build_spine(rng, anatomy, extent_mm) if disc.kind == "disc")
