"""From channels to a network's input: one order, one scale, absent channels as zeros."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dixon.channels import CHANNELS


def stack_channels(channels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Channels as a network takes them.

    Args:
        channels: Name -> [x, y, z], one shape.

    Returns:
        float32 [x, y, z, 4] in the order of CHANNELS, 0 where a channel is absent.
    """
    shape = next(iter(channels.values())).shape
    stacked = np.zeros((*shape, len(CHANNELS)), np.float32)
    for index, name in enumerate(CHANNELS):
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
    scale = max(float(np.percentile(stacked[..., index], 99)) for index in range(stacked.shape[-1]))
    return (stacked / scale if scale > 0 else stacked).astype(np.float32)
