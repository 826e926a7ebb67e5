"""Making up the channels that a water volume lacks: a plausible fat image, and from it in-phase and opposed-phase.

Only water volumes have a whole field of view here, so a network that shall read four channels over a whole field of view
meets them in this form. What is made up is randomised widely, so that nothing of it but the Dixon relations can be relied on.
"""

from __future__ import annotations

import numpy as np

from ..dixon.channels import CHANNELS


def smooth_field(shape: tuple[int, ...], sigma_voxels: float, rng: np.random.Generator) -> np.ndarray:
    """A random field [x, y, z], mean 0, standard deviation 1, smooth over about sigma_voxels; float32."""
    from scipy import ndimage

    step = max(1, int(sigma_voxels / 2))
    coarse = rng.standard_normal([n // step + 4 for n in shape]).astype(np.float32)
    coarse = ndimage.gaussian_filter(coarse, sigma_voxels / step)
    fine = ndimage.zoom(coarse, step, order=1) if step > 1 else coarse
    field = fine[tuple(slice(0, n) for n in shape)]
    return (field - field.mean()) / (field.std() + 1e-6)


def body_mask(water: np.ndarray) -> np.ndarray:
    """Bool [x, y, z]: the body, from water [x, y, z] normalised to a 99th percentile of 1; fat and gas inside included."""
    from scipy import ndimage

    bright = ndimage.gaussian_filter(water, 1.5) > 0.12
    return ndimage.binary_closing(np.pad(bright, 9, mode="edge"), iterations=8)[9:-9, 9:-9, 9:-9]


def synthesise_channels(water: np.ndarray, marrow: np.ndarray, disc: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Four consistent channels [x, y, z, 4] in the order of CHANNELS for water [x, y, z] on the localizer's grid.

    marrow, disc: the share of each voxel that is vertebra, disc; float, 0..1. Fat is high where water is low within the
    body (fatty tissue), a random fraction of the signal in marrow, low in disc and muscle; in-phase = water + fat,
    opposed-phase = |water - fat|, each with noise of its own.
    """
    scale = float(np.percentile(water, 99)) or 1.0
    w = water.astype(np.float32) / scale
    shape = w.shape
    fatty = np.clip(1.0 - w / rng.uniform(0.2, 0.5), 0, 1) ** rng.uniform(0.5, 2.0) * body_mask(w)
    fatty *= np.clip(1.0 + 0.35 * smooth_field(shape, 4, rng), 0.1, None)
    fat = rng.uniform(0.5, 2.2) * fatty + rng.uniform(0.0, 0.15) * w

    fraction = np.clip(rng.uniform(0.2, 0.65) + 0.08 * smooth_field(shape, 3, rng), 0.05, 0.8)
    fat = (1 - marrow) * fat + marrow * np.maximum(w, 0.1) * fraction / (1 - fraction)
    fat = np.clip((1 - disc) * fat + disc * w * rng.uniform(0.0, 0.15), 0, None)

    sigma = rng.uniform(0.005, 0.03)
    noise = [sigma * rng.standard_normal(shape).astype(np.float32) for _ in range(3)]
    made = {
        "water": w,
        "fat": np.abs(fat + noise[0]),
        "in_phase": np.abs(w + fat + noise[1]),
        "opposed_phase": np.abs(np.abs(w - fat) * rng.uniform(0.9, 1.1) + noise[2]),
    }
    return np.stack([made[name] * scale for name in CHANNELS], -1).astype(np.float32)
