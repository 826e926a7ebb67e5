"""Cutting the box around a disc out of a volume, padding it for the network, and putting it back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BOX_SIZE = (35, 35, 25)
"""The paper's box around a disc, in voxels of the working grid, x, y, z."""

PATCH_SIZE = (36, 36, 28)
"""The box zero-padded for two poolings by two."""


def box_start(center_ijk: Sequence[float], box_size: Sequence[int] = BOX_SIZE) -> tuple[int, int, int]:
    """Where the box around a position begins.

    Args:
        center_ijk: Continuous voxel position.
        box_size: Voxels of the box.

    Returns:
        First voxel of the box whose middle voxel is nearest to the position; it may lie outside the volume.
    """
    start = [round(float(c)) - n // 2 for c, n in zip(center_ijk, box_size, strict=True)]
    return start[0], start[1], start[2]


def overlap(start: Sequence[int], size: Sequence[int], shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a box and a volume overlap.

    Args:
        start: First voxel of the box; it may lie outside the volume.
        size: Voxels of the box.
        shape: Voxels of the volume.

    Returns:
        The overlap as slices of the volume, and as slices of the box.
    """
    inside_volume, inside_box = [], []
    for first, count, limit in zip(start, size, shape, strict=False):
        low = max(first, 0)
        high = max(min(first + count, limit), low)
        inside_volume.append(slice(low, high))
        inside_box.append(slice(low - first, high - first))
    return tuple(inside_volume), tuple(inside_box)


def crop(volume: np.ndarray, start: Sequence[int], size: Sequence[int] = BOX_SIZE) -> np.ndarray:
    """Cut a box out of a volume.

    Args:
        volume: [x, y, z, ...].
        start: First voxel of the box; it may lie outside the volume.
        size: Voxels of the box.

    Returns:
        [*size, ...], of the same type; 0 where the box reaches outside.
    """
    box = np.zeros((*size, *volume.shape[3:]), volume.dtype)
    inside_volume, inside_box = overlap(start, size, volume.shape)
    box[inside_box] = volume[inside_volume]
    return box


def pad(box: np.ndarray, size: Sequence[int] = PATCH_SIZE) -> np.ndarray:
    """Pad a box with zeros, the surplus shared between both ends, an odd voxel after.

    Args:
        box: [x, y, z, ...].
        size: Voxels of the result.

    Returns:
        [*size, ...].
    """
    surplus = [n - m for n, m in zip(size, box.shape, strict=False)]
    width = [(s // 2, s - s // 2) for s in surplus] + [(0, 0)] * (box.ndim - 3)
    return np.pad(box, width)


def unpad(patch: np.ndarray, size: Sequence[int] = BOX_SIZE) -> np.ndarray:
    """Undo `pad`.

    Args:
        patch: [x, y, z, ...], padded.
        size: Voxels of the box inside it.

    Returns:
        [*size, ...], a view.
    """
    first = [(n - m) // 2 for n, m in zip(patch.shape, size, strict=False)]
    return patch[tuple(slice(f, f + m) for f, m in zip(first, size, strict=True))]
