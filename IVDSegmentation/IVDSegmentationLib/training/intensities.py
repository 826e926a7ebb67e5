"""Augmentations of intensity: what scanners and degeneration do to the signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..images.random_field import SIGMA_PER_SCALE, smooth_field
from .augmentation import Augmentation

LARGEST_LOSS = 0.65
"""Of a healthy disc's signal: more leaves less than the marrow of the bodies has."""

COARSER = (1.2, 2.2)
"""Voxel sizes of usual sagittal examinations over those of the working grid: 4 mm slices, 1.5 to 2.5 mm in plane."""


def standard_field(rng: np.random.Generator, shape: Sequence[int], sigma_voxels: float) -> np.ndarray:
    """A smooth random field that has mean 0 and standard deviation 1 over its own voxels.

    Args:
        rng: Generator.
        shape: Voxels along x, y, z.
        sigma_voxels: As smooth as white noise after a Gaussian of this standard deviation.

    Returns:
        float32 [x, y, z].
    """
    field = smooth_field(rng, shape, (1,) * len(shape), sigma_voxels / SIGMA_PER_SCALE)
    return (field - field.mean()) / (field.std() + 1e-6)


def change_intensities(stacked: np.ndarray, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Random blur, larger voxels, gamma, smooth bias, ghost, noise, and gain of each channel.

    Args:
        stacked: float32 [x, y, z, channel], >= 0.
        change: How far each of them goes.
        rng: Generator.

    Returns:
        float32 of the same shape and scale. Absent channels (0 everywhere) stay 0, and so do voxels outside the scan
        (0 in all channels).
    """
    from scipy import ndimage

    scale = max(float(np.percentile(stacked[..., i], 99)) for i in range(stacked.shape[-1]))
    if scale <= 0:
        return stacked
    x = stacked / scale
    outside = ~np.any(x, axis=-1)
    if change.blur and rng.random() < 0.2:
        x = ndimage.gaussian_filter(x, (*rng.uniform(0, change.blur, 3), 0))
    if change.coarse and rng.random() < change.coarse:
        x = larger_voxels(x, rng)
    if change.gamma and rng.random() < 0.4:
        x = x ** np.exp(rng.uniform(-1, 1) * change.gamma)
    if change.bias and rng.random() < 0.6:
        sigma_voxels = min(x.shape[:3]) * rng.uniform(0.3, 0.8)
        field = standard_field(rng, x.shape[:3], sigma_voxels)
        x = x * np.exp(change.bias * rng.uniform(0, 1) * field)[..., None]
    if change.ghost and rng.random() < 0.15:
        # Motion repeats the image along the phase-encoding axis, which is y or z in sagittal examinations.
        axis = int(rng.integers(1, 3))
        shifted = np.roll(x, int(rng.uniform(0.15, 0.5) * x.shape[axis]), axis)
        x = x + rng.uniform(0, change.ghost) * shifted
    if change.noise and rng.random() < 0.4:
        x = np.abs(x + rng.uniform(0, change.noise) * rng.standard_normal(x.shape).astype(np.float32))
    if change.gain:
        x = x * np.exp(rng.uniform(-1, 1, x.shape[-1]) * change.gain)
    present = np.any(stacked, axis=(0, 1, 2))
    x = np.where(np.logical_or(outside[..., None], ~present), 0, x)
    return (x * scale).astype(np.float32)


def larger_voxels(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What is left of an image that was acquired with larger voxels and brought back to this grid.

    Args:
        x: float32 [x, y, z, channel].
        rng: Generator; along each axis it draws whether the voxels were larger, and by which factor of COARSER.

    Returns:
        float32 of the same shape: averages over the larger voxels, interpolated linearly between their centres.
    """
    for axis in range(3):
        if rng.random() < 0.6:
            factor = rng.uniform(*COARSER)
            x = np.moveaxis(np.tensordot(_down_and_up(x.shape[axis], factor, rng.random()), x, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(x, np.float32)


def _down_and_up(size: int, factor: float, phase: float) -> np.ndarray:
    """Averages over cells of `factor` voxels and linear interpolation between their centres, float32 [size, size].

    The first cell begins `phase` cells before the grid.
    """
    edges = (np.arange(int(np.ceil(size / factor)) + 2) - phase) * factor
    voxels = np.arange(size)
    low, high = np.maximum(edges[:-1, None], voxels), np.minimum(edges[1:, None], voxels + 1)
    down = np.clip(high - low, 0, None)
    covered = down.sum(1) > 0.5 * min(factor, 1)
    down, centers = down[covered] / down[covered].sum(1, keepdims=True), ((edges[:-1] + edges[1:]) / 2)[covered]
    up = np.stack([np.interp(voxels + 0.5, centers, row) for row in np.eye(len(centers))], 1)
    return (up @ down).astype(np.float32)


def degenerate_discs(stacked: np.ndarray, discs: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    """Take signal from discs, as degeneration does.

    Args:
        stacked: float32 [x, y, z, channel].
        discs: [x, y, z], 0..1, the interpolated map of the discs; a disc is a component of it.
        probability: Of each disc to lose signal.
        rng: Generator; a disc loses up to LARGEST_LOSS.

    Returns:
        float32 of the same shape, a copy.
    """
    from scipy import ndimage

    components, count = ndimage.label(discs >= 0.5)
    loss = np.zeros(count + 1, np.float32)
    loss[1:] = rng.uniform(0, LARGEST_LOSS, count) * (rng.random(count) < probability)
    # The voxels that a disc fills in part have the label of the disc next to them.
    grown = ndimage.grey_dilation(components, size=3)
    return np.asarray(stacked * (1 - loss[grown] * discs)[..., None], np.float32)
