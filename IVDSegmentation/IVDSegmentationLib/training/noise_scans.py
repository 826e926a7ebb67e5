"""Volumes without anatomy: noise and smooth random fields, in which a network must find nothing."""

from __future__ import annotations

import numpy as np

from ..dixon.channels import CHANNELS
from ..pipeline.crop import BOX_SIZE
from .intensities import standard_field
from .scans import Scan

MARGIN_VOXELS = 10
"""Around the box that is cut from the middle, as shifts and rotations reach."""


def noise_scan(seed: int) -> Scan:
    """A volume of noise as training data: four channels, no disc, every voxel known.

    Args:
        seed: Of the noise.

    Returns:
        The scan. Each channel is an average signal with white noise, or with a random field as smooth as organs are, of its
        own; its one center is the middle.
    """
    rng = np.random.default_rng((seed, 2))
    shape = tuple(n + 2 * MARGIN_VOXELS for n in BOX_SIZE)
    smooth = rng.random() < 0.6
    channels = []
    for _ in CHANNELS:
        field = standard_field(rng, shape, rng.uniform(1, 5)) if smooth else rng.standard_normal(shape)
        channels.append(np.abs(100 + rng.uniform(10, 70) * field))
    middle = tuple(float(n // 2) for n in shape)
    return Scan(
        subject=f"noise-{seed}",
        name=str(seed),
        source="noise",
        channels=np.stack(channels, -1).astype(np.float32),
        available=(True,) * 4,
        discs=np.zeros(shape, np.uint8),
        known=np.ones(shape, bool),
        vertebrae=None,
        centers_ijk=((middle[0], middle[1], middle[2]),),
    )
