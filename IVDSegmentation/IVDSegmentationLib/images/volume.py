"""Voxels on their grid, and the check that they are an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from .grid import Grid

_BLOCK = 32
"""Voxels along the last axis that are copied at a time."""


@dataclass(frozen=True)
class Volume:
    """An image: voxels on a grid.

    Attributes:
        voxels: [i, j, k], any type.
        grid: Where the voxels lie.
        source: The file or node it comes from, for messages; never a patient's name.
        files: The DICOM files it was read from; empty where it comes from elsewhere.
    """

    voxels: np.ndarray
    grid: Grid
    source: str = ""
    files: tuple[Path, ...] = ()


def contiguous(voxels: np.ndarray, dtype: np.dtype | type | None = None) -> np.ndarray:
    """Voxels in the order of their axes in memory.

    They are copied in blocks that stay in the cache whatever their order was: a fifth of the time of a single copy where it
    was the reverse.

    Args:
        voxels: Three-dimensional.
        dtype: Type of the result; that of the voxels where it is None.

    Returns:
        C-contiguous, a copy.
    """
    copy = np.empty(voxels.shape, dtype or voxels.dtype)
    for start in range(0, voxels.shape[2], _BLOCK):
        copy[:, :, start : start + _BLOCK] = voxels[:, :, start : start + _BLOCK]
    return copy


def check_voxels(volume: Volume, mask: bool = False) -> None:
    """Refuse voxels that are no image.

    Args:
        volume: The volume; its source names it in the message.
        mask: Whether it holds labels, which may be 0 everywhere.

    Raises:
        InputError: The voxels are not three-dimensional, none at all, complex, NaN or infinite somewhere, or all the
            same.
    """
    name, voxels = volume.source or "the volume", volume.voxels
    if voxels.ndim != 3:
        raise InputError(f"{name} is not three-dimensional ({'x'.join(map(str, voxels.shape))} voxels)")
    if voxels.size == 0:
        raise InputError(f"{name} holds no voxels")
    if np.iscomplexobj(voxels):
        raise InputError(f"{name} has complex pixels: save the magnitude")
    low, high = float(voxels.min()), float(voxels.max())  # NaN and infinity show in them
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(voxels)))
        raise InputError(f"{name} has NaN or infinite values in {count} {'voxel' if count == 1 else 'voxels'}: export it again")
    if low == high and not (mask and low == 0):
        raise InputError(f"{name} has the same value ({low:g}) in every voxel: it holds no image")
