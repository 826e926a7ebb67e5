"""Channel dropout: the subsets of channels that a user may have, drawn at random in training and one by one in validation."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dixon.channels import CHANNELS

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
WATER_ONLY = {"water": 1.0}
"""The same of a network for water alone."""


def keep_subset(stacked: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """What the pipeline makes of [x, y, z, 4] when only the named channels are given: completed where the Dixon relations
    allow, zeros elsewhere. Returns a new array."""
    from ..dixon import complete_channels
    from ..networks.inputs import stack_channels

    given = {name: stacked[..., CHANNELS.index(name)] for name in names}
    return stack_channels(complete_channels(given)[0])


def drop_channels(stacked: np.ndarray, shares: Mapping[str, float], rng: np.random.Generator) -> np.ndarray:
    """[x, y, z, 4] with zeros outside a random one of SUBSETS, each as often as shares (sum 1) says; a quarter of the full
    sets get an opposed-phase channel computed from water and fat, as the pipeline does where it is missing."""
    name = rng.choice(list(shares), p=list(shares.values()))
    if name == "all":
        if rng.random() < 0.25:
            stacked = stacked.copy()
            water, fat = (stacked[..., CHANNELS.index(n)] for n in ("water", "fat"))
            stacked[..., CHANNELS.index("opposed_phase")] = np.abs(water - fat)
        return stacked
    kept = np.array([n in SUBSETS[name] for n in CHANNELS])
    return np.where(kept, stacked, 0).astype(np.float32)
