"""One disc alone: its probability in a box around it, and the share of each voxel that it fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..images import Grid

SURFACE = 0.5
"""The disc's surface is where its probability crosses this."""
_SIDE = 0.01
"""A voxel whose label and probability disagree is put on its label's side of SURFACE by this much."""
_MARGIN = 2
"""Voxels around the labelled ones that may hold part of the disc."""


@dataclass(frozen=True)
class DiscMap:
    """One disc in a box that is closed by a layer of zeros, also where the field of view cuts the disc.

    probability: float32 [x, y, z], 0..1, above SURFACE exactly in the voxels labelled as this disc, 0 in those of others.
    grid: of the box. cut: for x, y and z, whether labelled voxels lie in the first or last layer of the field of view.
    """

    probability: np.ndarray
    grid: Grid
    cut: tuple[bool, bool, bool]


def labelled_box(labels: np.ndarray, label: int) -> tuple[slice, slice, slice]:
    """The smallest box that holds all voxels of a label.

    Args:
        labels: uint8 [x, y, z].
        label: The disc's.

    Returns:
        Slices along x, y, z.

    Raises:
        InputError: No voxel has the label.
    """
    mine = labels == label
    box = [slice(0, n) for n in labels.shape]
    for axis in range(3):
        held = np.flatnonzero(mine[tuple(box)].any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(held):
            raise InputError(f"no voxel has the label {label}: there is no such disc to measure")
        box[axis] = slice(int(held[0]), int(held[-1]) + 1)  # what is left to look through for the next axis is small
    return box[0], box[1], box[2]


def disc_map(probability: np.ndarray, labels: np.ndarray, label: int, grid: Grid) -> DiscMap:
    """Take one disc out of the maps of all.

    Args:
        probability: Probability of disc, float32 [x, y, z], 0..1.
        labels: uint8 [x, y, z], 0 is none.
        label: Label of the disc.
        grid: Of both maps.

    Returns:
        The disc.

    Raises:
        InputError: Maps and grid differ in shape, or no voxel has the label.
    """
    if not probability.shape == labels.shape == grid.size:
        raise InputError(
            f"probability {probability.shape}, labels {labels.shape} and grid {grid.size} differ in shape: "
            "give maps of one working grid"
        )
    held = labelled_box(labels, label)
    starts = [max(line.start - _MARGIN, 0) for line in held]
    stops = [min(line.stop + _MARGIN, n) for line, n in zip(held, grid.size, strict=True)]
    box = tuple(slice(start, stop) for start, stop in zip(starts, stops, strict=True))
    inside, near = labels[box] == label, np.clip(probability[box], 0, 1)
    own = np.where(inside, np.maximum(near, SURFACE + _SIDE), np.minimum(near, SURFACE - _SIDE))
    own[(labels[box] != 0) & ~inside] = 0
    x, y, z = (float(value) for value in grid.to_mm(np.array(starts) - 1))
    size = (stops[0] - starts[0] + 2, stops[1] - starts[1] + 2, stops[2] - starts[2] + 2)
    cut_x, cut_y, cut_z = (line.start == 0 or line.stop == n for line, n in zip(held, grid.size, strict=True))
    closed = np.pad(own, 1).astype(np.float32)
    return DiscMap(closed, Grid(size, grid.spacing_mm, (x, y, z), grid.direction), (cut_x, cut_y, cut_z))


def occupancy(disc: DiscMap) -> np.ndarray:
    """Weigh the voxels of a disc.

    1 where a voxel and its six neighbours lie inside, 0 where none of its 26 neighbours does, its probability between. An
    interior of which the network is not quite certain so counts in full, and low probabilities around the disc do not count.

    Args:
        disc: The disc.

    Returns:
        The share of each voxel that the disc fills, float32 [x, y, z], 0..1.
    """
    from scipy.ndimage import binary_dilation, binary_erosion, generate_binary_structure

    inside = disc.probability >= SURFACE
    interior = binary_erosion(inside)
    reached = binary_dilation(inside, generate_binary_structure(3, 3))
    return np.where(interior, np.float32(1), np.where(reached, disc.probability, np.float32(0)))
