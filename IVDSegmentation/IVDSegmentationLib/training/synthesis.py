"""The channels that a water volume lacks, synthesised: a plausible fat image, and from it in-phase and opposed-phase.

Only water volumes have a whole field of view here, so a network that shall read four channels over a whole field of view
meets them in this form. What is synthesised varies widely, so that a network can rely on nothing of it but the Dixon
relations.
"""

from __future__ import annotations

import numpy as np

from ..dixon import CHANNELS
from .intensities import standard_field


def body_mask(water: np.ndarray) -> np.ndarray:
    """The body in a water image, fat and gas inside it included.

    Args:
        water: [x, y, z] on the localizer's grid, scaled to a 99th percentile of 1.

    Returns:
        bool [x, y, z].
    """
    from scipy import ndimage

    bright = ndimage.gaussian_filter(water, 1.5) > 0.12
    return ndimage.binary_closing(np.pad(bright, 9, mode="edge"), iterations=8)[9:-9, 9:-9, 9:-9]


def synthesise_channels(water: np.ndarray, marrow: np.ndarray, disc: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Synthesise the channels that a water volume lacks.

    Fat is high where water is low within the body (fatty tissue), a random fraction of the signal in marrow, and low in
    discs and muscle. In-phase is water + fat and opposed-phase |water - fat|, each with noise of its own.

    Args:
        water: [x, y, z] on the localizer's grid.
        marrow: Share of each voxel that is vertebra, 0..1, [x, y, z].
        disc: Share of each voxel that is disc, 0..1, [x, y, z].
        rng: Generator of all that is random.

    Returns:
        float32 [x, y, z, 4] in the order of CHANNELS, in the unit of water.
    """
    scale = float(np.percentile(water, 99)) or 1.0
    w = water.astype(np.float32) / scale
    shape = w.shape
    fatty = np.clip(1.0 - w / rng.uniform(0.2, 0.5), 0, 1) ** rng.uniform(0.5, 2.0) * body_mask(w)
    fatty *= np.clip(1.0 + 0.35 * standard_field(rng, shape, 4), 0.1, None)
    fat = rng.uniform(0.5, 2.2) * fatty + rng.uniform(0.0, 0.15) * w

    fraction = np.clip(rng.uniform(0.2, 0.65) + 0.08 * standard_field(rng, shape, 3), 0.05, 0.8)
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
