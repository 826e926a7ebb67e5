"""Whether water and fat are exchanged, judged by what is seen of the anatomy."""

from __future__ import annotations

import numpy as np

_PLATE_SKEWNESS = -0.5
"""Plate skewness below which thin plates are dark in `water`: at least +0.26 in the 34 whole water volumes of
MyoSegmenTUM, at least -0.36 in the 49 boxes; exchanged, 43 of the 49 boxes fall below and have more fat than water."""
_RIM_OF_WATER = -0.4
"""(fat - water) / (fat + water) of the posterior rim: 0.5 to 0.8 in 16 phantoms, so -0.5 to -0.8 exchanged. Not
enough by itself: about -0.5 too in the leanest of the 34 volunteers of MyoSegmenTUM, muscle close under the skin."""


def look_exchanged(water: np.ndarray, fat: np.ndarray, spacing_mm: tuple[float, float, float]) -> bool:
    """Whether anatomy says that water and fat are exchanged. The Dixon relations, symmetric in the two, cannot tell.

    Two signs change when the channels are exchanged. Discs are thin bright plates between tall vertebrae in water, thin
    dark ones in fat. The posterior rim of the body, under the skin, is fat. Where the rim is in the image, both signs
    must agree; elsewhere the plates must be clearly dark, and there must be more `fat` than `water`.

    Args:
        water: The channel called water, float [x, y, z], towards left, posterior, superior, >= 0.
        fat: The channel called fat, of the same shape and intensity unit.
        spacing_mm: Voxel size along x, y, z.

    Returns:
        True where the channel called water shows fat.
    """
    difference = water - fat
    rim = _rim_of_fat(difference, water, fat, spacing_mm)
    plates = _plate_skewness(difference, spacing_mm)
    if rim is not None:
        return rim < _RIM_OF_WATER and plates < 0
    return plates < _PLATE_SKEWNESS and float(water.mean()) < float(fat.mean())


def _plate_skewness(difference: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Skewness of the caudal-cranial fine structure of water - fat, near the middle of the field of view.

    Positive where thin plates are brighter than what lies between them. The band passed, 2.5 to 9 mm, holds the height
    of discs; 5 mm of smoothing across leaves little but plates.
    """
    middle = difference.shape[0] // 2
    half = max(int(25 / spacing_mm[0]), 1)
    slab = difference[max(middle - half, 0) : middle + half + 1]
    across_x = _smoothing(slab.shape[0], 5 / spacing_mm[0])[::2]
    across_y = _smoothing(slab.shape[1], 5 / spacing_mm[1])[::2]
    along_z = _smoothing(slab.shape[2], 2.5 / spacing_mm[2]) - _smoothing(slab.shape[2], 9 / spacing_mm[2])
    smooth = np.tensordot(across_x, slab, (1, 0))
    plates = np.matmul(across_y, smooth) @ along_z.T
    squares = plates * plates
    spread = float(np.mean(squares)) ** 1.5
    return float(np.mean(squares * plates)) / spread if spread > 0 else 0.0


def _smoothing(size: int, sigma: float) -> np.ndarray:
    """Gaussian smoothing of a line of `size` voxels as a float32 matrix, edge voxels repeated."""
    reach = int(4 * sigma + 1)
    matrix = np.zeros((size, size))
    position = np.arange(size)
    for offset in range(-reach, reach + 1):
        np.add.at(matrix, (position, np.clip(position + offset, 0, size - 1)), np.exp(-0.5 * (offset / sigma) ** 2))
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


def _rim_of_fat(
    difference: np.ndarray, water: np.ndarray, fat: np.ndarray, spacing_mm: tuple[float, float, float]
) -> float | None:
    """Mean (fat - water) / (fat + water) 3 to 8 mm under the posterior surface: -1 (water) .. 1 (fat).

    None where fewer than half of the lines from behind meet at least 8 mm of air first.
    """
    signal = water[::2, :, ::2] + fat[::2, :, ::2]
    tissue = signal > 0.15 * np.percentile(signal, 95)
    # A voxel is inside when it and the next two from behind are tissue: noise and ghosts in air are not.
    inside = tissue[:, 2:] & tissue[:, 1:-1] & tissue[:, :-2]
    if inside.shape[1] == 0:
        return None
    from_behind = inside[:, ::-1]
    air_voxels = np.where(from_behind.any(axis=1), np.argmax(from_behind, axis=1), 0)
    seen = air_voxels * spacing_mm[1] >= 8
    if seen.mean() < 0.5:
        return None
    surface = signal.shape[1] - 1 - air_voxels
    depths = np.arange(int(np.ceil(3 / spacing_mm[1])), int(8 / spacing_mm[1]) + 1)
    at = np.clip(surface[:, None, :] - depths[None, :, None], 0, None)
    rim_difference = np.take_along_axis(difference[::2, :, ::2], at, axis=1).transpose(0, 2, 1)[seen]
    rim_signal = np.take_along_axis(signal, at, axis=1).transpose(0, 2, 1)[seen]
    total = float(rim_signal.sum())
    return -float(rim_difference.sum()) / total if total > 0 else None
