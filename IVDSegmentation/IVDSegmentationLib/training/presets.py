"""What is trained for the released model, and how. The paper's own trainings are in `paper`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from .augmentation import (
    MODERATE_AUGMENTATION,
    STRONG_AUGMENTATION,
    WATER_AUGMENTATION,
    Augmentation,
)
from .channel_dropout import ANY_SUBSET, WATER_ONLY
from .losses import dice_and_cross_entropy, disc_and_vertebra


@dataclass(frozen=True)
class Preset:
    """What is trained on what, and how.

    Attributes:
        architecture: Name of the network, for networks.architectures.
        parameters: Its parameters.
        loss: From target and probability to a scalar (losses.py).
        augmentation: How far augmentation goes.
        steps: Optimisation steps.
        batch: Samples in one step.
        learning_rate: Of Adam; the highest where it is not constant.
        cosine: Whether the learning rate falls to a hundredth, along a cosine.
        average: Momentum of the exponential moving average of the weights that is kept; None for the last weights.
        weight_decay: Of AdamW; with 0 it is Adam.
        water_share: Share of the samples that come from water volumes.
        phantom_share: Share of the samples that come from phantoms.
        subsets: Name of a subset of channels -> how often it is drawn (channel_dropout.py); None for all channels.
        precision: What to compute in (precision.PRECISIONS).
        clip_norm: Largest norm of each gradient; longer ones are shortened to it. None for any.
        fine_tuning: Second training that starts from the weights of this one, with the L5-S1 that it found in the water
            volumes as pseudo-labels (pseudo_labels.py). None for a single training.
    """

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
    clip_norm: float | None = 1.0
    fine_tuning: Preset | None = None


SEGMENTER = {
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
"""Stage 2 where smooth water is the only channel (pipeline.segment.stage_two chooses): the water volumes and their style."""

_FIRST_TRAINING = Preset(
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
    "default": replace(_FIRST_TRAINING, fine_tuning=replace(_FIRST_TRAINING, steps=900, learning_rate=5e-4)),
}

PRESETS = {"localizer": LOCALIZER, "segmenter": SEGMENTER, "water-segmenter": WATER_SEGMENTER}
"""By network, as the command line calls it, and by name."""


def with_changes(preset: Preset, steps: int | None, precision: str | None) -> Preset:
    """A preset with other steps or another precision, in both trainings where there is a fine-tuning.

    Args:
        preset: The preset.
        steps: Optimisation steps, or None for those of the preset.
        precision: One of precision.PRECISIONS, or None for that of the preset.

    Returns:
        The changed preset.
    """
    given = {"steps": steps or None, "precision": precision}
    changes: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    return replace(preset, **changes, fine_tuning=preset.fine_tuning and replace(preset.fine_tuning, **changes))
