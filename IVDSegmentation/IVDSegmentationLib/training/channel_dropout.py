"""Channel dropout: the subsets of channels that a user may have, at random in training and one by one in validation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dixon import CHANNELS, complete_channels
from ..networks.inputs import stack_channels

SUBSETS: dict[str, tuple[str, ...]] = {
    "all": ("fat", "in_phase", "opposed_phase", "water"),
    "opposed+water+fat": ("fat", "opposed_phase", "water"),
    "opposed+water+in": ("in_phase", "opposed_phase", "water"),
    "opposed+water": ("opposed_phase", "water"),
    "opposed+in": ("in_phase", "opposed_phase"),
    "water": ("water",),
    "opposed": ("opposed_phase",),
    "in": ("in_phase",),
}
"""Named sets of given channels. Sets that determine all four by the Dixon relations are completed before the network."""

ANY_SUBSET = {"all": 0.45, "opposed+water": 0.13, "opposed+in": 0.07, "water": 0.15, "opposed": 0.12, "in": 0.08}
"""How often a network that takes any subset sees each of them in training."""


def keep_subset(stacked: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """What the pipeline feeds the networks when only some channels are given.

    Args:
        stacked: [x, y, z, 4] in the order of CHANNELS.
        names: The channels given.

    Returns:
        float32 [x, y, z, 4], a copy: completed where the Dixon relations allow, 0 in the other channels.
    """
    given = {name: stacked[..., CHANNELS.index(name)] for name in names}
    return stack_channels(complete_channels(given)[0])


def drop_channels(stacked: np.ndarray, shares: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """Leave a random subset of the channels.

    A quarter of the full sets get an opposed-phase channel computed from water and fat, as the pipeline does where it is
    missing.

    Args:
        stacked: float32 [x, y, z, 4] in the order of CHANNELS.
        shares: Name of a subset (SUBSETS) -> how often it is drawn; their sum is 1.
        rng: Generator.

    Returns:
        float32 [x, y, z, 4], 0 in the channels left out; `stacked` itself where none is.
    """
    name = rng.choice(list(shares), p=list(shares.values()))
    if name == "all":
        if rng.random() < 0.25:
            stacked = stacked.copy()
            water, fat = (stacked[..., CHANNELS.index(n)] for n in ("water", "fat"))
            stacked[..., CHANNELS.index("opposed_phase")] = np.abs(water - fat)
        return stacked
    kept = np.array([n in SUBSETS[name] for n in CHANNELS])
    return np.where(kept, stacked, 0).astype(np.float32)
