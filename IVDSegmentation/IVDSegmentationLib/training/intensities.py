"""Augmentations of intensity: what scanners and degeneration do to the signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..images.random_field import SIGMA_PER_SCALE, smooth_field
from .augmentation import Augmentation

LARGEST_LOSS = 0.65
"""Of a healthy disc's signal: more leaves less than the marrow of the bodies has."""


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
    """Random blur, gamma, smooth bias, noise, and gain of each channel.

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
    if change.gamma and rng.random() < 0.4:
        x = x ** np.exp(rng.uniform(-1, 1) * change.gamma)
    if change.bias and rng.random() < 0.6:
        sigma_voxels = min(x.shape[:3]) * rng.uniform(0.3, 0.8)
        field = standard_field(rng, x.shape[:3], sigma_voxels)
        x = x * np.exp(change.bias * rng.uniform(0, 1) * field)[..., None]
    if change.noise and rng.random() < 0.4:
        x = np.abs(x + rng.uniform(0, change.noise) * rng.standard_normal(x.shape).astype(np.float32))
    if change.gain:
        x = x * np.exp(rng.uniform(-1, 1, x.shape[-1]) * change.gain)
    present = np.any(stacked, axis=(0, 1, 2))
    x = np.where(np.logical_or(outside[..., None], ~present), 0, x)
    return (x * scale).astype(np.float32)


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
