"""What is trained and how: the paper's preset to the letter, and the default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .augmentation import (
    MODERATE_AUGMENTATION,
    PAPER_AUGMENTATION,
    STRONG_AUGMENTATION,
    WATER_AUGMENTATION,
    Augmentation,
)
from .losses import dice_and_cross_entropy, dice_loss, disc_and_vertebra
from .subsets import ANY_SUBSET, WATER_ONLY


@dataclass(frozen=True)
class Preset:
    """architecture, parameters: for networks.build_network. learning_rate: of Adam; cosine: let it fall to a hundredth.
    average: momentum of the running average of the weights that is kept, or None. water_share,
    phantom_share: of the samples that come from water volumes and from phantoms. subsets: how often a segmenter sees which
    channels (subsets.py), or None for all. precision: what to compute in (precision.PRECISIONS).
    second: how a localizer goes on, told of the L5-S1 of the water volumes as it found them itself (lowest_disc.py)."""

    architecture: str
    parameters: Mapping[str, Any]
    loss: Callable[[Any, Any], Any]
    augmentation: Augmentation
    steps: int
    batch: int
    learning_rate: float
    cosine: bool = True
    average: float | None = None
    weight_decay: float = 0.0
    water_share: float = 0.0
    phantom_share: float = 0.0
    subsets: Mapping[str, float] | None = None
    precision: str = "float32"
    second: Preset | None = None


SEGMENTER = {
    # 6 subjects become 24 by augmentation; 15,000 epochs in the published code are more than their figure needs.
    "paper": Preset(
        architecture="paper",
        parameters={"channels": 4},
        loss=dice_loss,
        augmentation=PAPER_AUGMENTATION,
        steps=200_000,
        batch=1,
        learning_rate=1e-5,
        cosine=False,
    ),
    "default": Preset(
        architecture="unet",
        parameters={"features": (16, 32, 64), "dropout": 0.1},
        loss=dice_and_cross_entropy,
        augmentation=MODERATE_AUGMENTATION,
        steps=2500,
        batch=2,
        learning_rate=2e-3,
        average=0.995,
        weight_decay=1e-3,
        phantom_share=0.15,
        subsets=ANY_SUBSET,
        precision="auto",
    ),
}
"""Stage 2, given more than water. The water volumes are left to the one below: their reference is of another style."""

WATER_SEGMENTER = {
    "paper": replace(SEGMENTER["paper"], water_share=1.0, subsets=WATER_ONLY),
    "default": replace(
        SEGMENTER["default"],
        parameters={"features": (16, 32, 64), "dropout": 0.1, "outputs": 2},
        loss=disc_and_vertebra,
        augmentation=WATER_AUGMENTATION,
        steps=4000,
        water_share=1.0,
        phantom_share=0.0,
        subsets=WATER_ONLY,
    ),
}
"""Stage 2 where smooth water is the only channel (segmentation.segment_by_channels): the water volumes and their style."""

_FIRST_ROUND = Preset(
    architecture="unet",
    parameters={"features": (16, 32, 64, 128)},
    loss=dice_and_cross_entropy,
    augmentation=STRONG_AUGMENTATION,
    steps=1800,
    batch=1,
    learning_rate=2e-3,
    average=0.99,
    weight_decay=1e-3,
    water_share=0.5,
    precision="auto",
)

LOCALIZER = {
    "paper": Preset(
        architecture="paper",
        parameters={"channels": 4, "patch_size": (None, None, None)},
        loss=dice_loss,
        augmentation=PAPER_AUGMENTATION,
        steps=200_000,
        batch=1,
        learning_rate=1e-5,
        cosine=False,
        water_share=0.5,
    ),
    "default": replace(_FIRST_ROUND, second=replace(_FIRST_ROUND, steps=900, learning_rate=5e-4)),
}

PRESETS = {"localizer": LOCALIZER, "segmenter": SEGMENTER, "water-segmenter": WATER_SEGMENTER}
"""By network, as the command line calls it, and by name."""


def with_changes(preset: Preset, steps: int | None, precision: str | None) -> Preset:
    """The preset with another number of steps, or another precision, where one is given: of each round, if there are two."""
    given = {"steps": steps or None, "precision": precision}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(preset, **changes, second=preset.second and replace(preset.second, **changes))
