"""From channels to a network's input: one order, one scale, absent channels as zeros."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ..dixon.channels import CHANNELS

COARSE_STEP = (2, 2, 2)
"""Working voxels in one voxel of the released localizer's grid, 4.0 x 2.5 x 2.5 mm: discs are 40 mm wide, and centres need
2 mm."""


def stack_channels(channels: Mapping[str, np.ndarray], order: Sequence[str] = CHANNELS) -> np.ndarray:
    """Channels as a network takes them.

    Args:
        channels: Name -> [x, y, z], one shape.
        order: The channels that the network takes; others are left out.

    Returns:
        float32 [x, y, z, channel] in this order, 0 where a channel is absent.
    """
    shape = next(iter(channels.values())).shape
    stacked = np.zeros((*shape, len(order)), np.float32)
    for index, name in enumerate(order):
        if name in channels:
            stacked[..., index] = channels[name]
    return stacked


def normalise(stacked: np.ndarray) -> np.ndarray:
    """Divide channels by the largest of their 99th percentiles, one factor for all of them.

    One factor keeps the ratios between channels, which hold the fat fraction. The largest channel's is the in-phase one's
    wherever that is there.

    Args:
        stacked: [x, y, z, channel].

    Returns:
        float32 of the same shape; input of zeros stays as it is.
    """
    flat = stacked.reshape(-1, stacked.shape[-1])
    scale = -np.inf
    most_above = len(flat) - 1 - int(np.ceil(0.99 * (len(flat) - 1)))
    for index in np.argsort(-flat[::64].sum(axis=0)):
        # Counting is quicker than sorting: a channel with no more values above the scale has no larger percentile.
        if np.count_nonzero(flat[:, index] > scale) > most_above:
            scale = max(scale, float(np.percentile(flat[:, index], 99)))
    return (stacked / scale if scale > 0 else stacked).astype(np.float32, copy=False)
