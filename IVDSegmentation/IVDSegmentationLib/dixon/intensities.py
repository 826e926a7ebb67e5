"""Intensities that no Dixon examination has: the networks would find no disc in them, and not say why."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..images import Volume
from ..threads import in_threads

MOST_NEGATIVE = 0.25
"""Share of the signal that may be below 0. A magnitude image has none, interpolation rings by some hundredths; phase images,
and images that are scaled to a mean of 0, have a half."""

MOST_APART = 100.0
"""Times that one channel may be brighter than another: 2.2 at most in the 49 boxes of IVDM3Seg, by the same measure."""


def check_intensities(volumes: Mapping[str, Volume], names: Mapping[str, str]) -> None:
    """Refuse channels that are no magnitude images, or not of one scale.

    Args:
        volumes: Channel -> volume, voxels checked.
        names: Channel -> how a sentence names it.

    Raises:
        InputError: A channel is mostly negative, or channels differ so much in brightness that they are not of one scale.
    """
    brightness = {}
    for channel, (below, total, bright) in zip(volumes, in_threads(_signal, volumes.values()), strict=True):
        if below > MOST_NEGATIVE * total:
            raise InputError(
                f"{names[channel]} has {below / total:.0%} of its signal below 0, and Dixon channels are magnitude images: "
                "export the magnitude as the scanner made it"
            )
        brightness[channel] = bright
    low, high = min(brightness, key=brightness.__getitem__), max(brightness, key=brightness.__getitem__)
    if 0 < brightness[low] * MOST_APART < brightness[high]:
        times = f"{brightness[high] / brightness[low]:.0f} times as bright as {names[low]}"
        raise InputError(
            f"{names[high]} is {times}, and the channels of an examination have one scale: export both as the scanner made them"
        )


def _signal(volume: Volume) -> tuple[float, float, float]:
    """Sum of what is below 0, its sign turned; sum of all without signs; and the 99th percentile; of every other voxel."""
    thin = volume.voxels[::2, ::2, ::2].ravel(order="K")
    below = -float(thin[thin < 0].sum(dtype=float)) if thin.min() < 0 else 0.0
    return below, 2 * below + float(thin.sum(dtype=float)), float(np.percentile(thin, 99))
