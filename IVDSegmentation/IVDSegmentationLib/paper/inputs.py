"""The four sets of channels that the paper compares, and the two waters that they can hold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dixon.channels import CHANNELS
from ..networks.inputs import stack_channels

INPUT_SETS: dict[int, tuple[str, ...]] = {
    1: ("opposed_phase", "water", "fat", "in_phase"),
    2: ("opposed_phase", "water", "fat"),
    3: ("opposed_phase", "water", "in_phase"),
    4: ("opposed_phase", "water"),
}
"""The paper's Table III. Its text calls both 2 and 3 "without fat"; the table leaves in-phase out of 2 and fat out of 3."""

SLICE_CHANNEL = "opposed_phase"
"""Of the 2D network, whose Fig. 2 begins with one channel without saying which: that of the highest contrast in Table I."""


@dataclass(frozen=True)
class Inputs:
    """What a network is given.

    Attributes:
        number: Key of INPUT_SETS.
        copied_water: Whether in-phase stands in the place of water, as in the boxes that the authors published.
    """

    number: int = 2
    copied_water: bool = False

    @property
    def channels(self) -> tuple[str, ...]:
        """The channels, in the order in which the network takes them."""
        return INPUT_SETS[self.number]

    def images(self, channels: np.ndarray) -> dict[str, np.ndarray]:
        """The images that are given.

        Args:
            channels: float32 [x, y, z, 4] in the order of CHANNELS.

        Returns:
            Name -> float32 [x, y, z], those of the set.
        """
        sources = {name: "in_phase" if self.copied_water and name == "water" else name for name in self.channels}
        return {name: channels[..., CHANNELS.index(source)] for name, source in sources.items()}

    def stacked(self, channels: np.ndarray) -> np.ndarray:
        """What a network is given, before normalisation.

        Args:
            channels: float32 [x, y, z, 4] in the order of CHANNELS.

        Returns:
            float32 [x, y, z, channel] in the order of the set.
        """
        return stack_channels(self.images(channels), self.channels)
