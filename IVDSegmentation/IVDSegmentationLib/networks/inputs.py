"""From channels to a network's input: one order, one scale, absent channels as zeros."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dixon.channels import CHANNELS


def stack_channels(channels: Mapping[str, np.ndarray]) -> np.ndarray:
    """Channels, each [x, y, z] -> float32 [x, y, z, 4] in the order of CHANNELS, zeros where a channel is absent."""
    shape = next(iter(channels.values())).shape
    stacked = np.zeros((*shape, len(CHANNELS)), np.float32)
    for index, name in enumerate(CHANNELS):
        if name in channels:
            stacked[..., index] = channels[name]
    return stacked


def normalise(stacked: np.ndarray) -> np.ndarray:
    """Divide [x, y, z, channel] by the largest of the channels' 99th percentiles, one factor for all of them.

    One factor keeps the ratios between channels, which hold the fat fraction; the largest channel's is the in-phase
    one's wherever that is there. All-zero input stays zero.
    """
    scale = max(float(np.percentile(stacked[..., index], 99)) for index in range(stacked.shape[-1]))
    return (stacked / scale if scale > 0 else stacked).astype(np.float32)
