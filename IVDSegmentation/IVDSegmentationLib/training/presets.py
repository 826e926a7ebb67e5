"""What is trained for a model to release, and how; a model's card says how many steps its networks had.

The paper's own trainings are in `paper`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..levels.evidence import CROP_SIZE, INPUTS, OUTPUTS
from .augmentation import (
    BOX_AUGMENTATION,
    WINDOW_AUGMENTATION,
    Augmentation,
)
from .channel_dropout import ANY_SUBSET
from .losses import dice_and_cross_entropy, levels_and_orientation


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
        shares: Source (sources.READERS), "phantom" or "noise" -> its share of the samples. Sources that are not there
            leave theirs to the others, in proportion.
        cosine: Whether the learning rate falls to a hundredth, along a cosine.
        average: Momentum of the exponential moving average of the weights that is kept; None for the last weights.
        weight_decay: Of AdamW; with 0 it is Adam.
        phantoms: How many phantoms are drawn from, seeds 1 and up (tests and checks use seeds from 1000).
        noises: How many volumes of noise are drawn from (noise_scans.py), seeds 1 and up.
        subsets: Name of a subset of channels -> how often it is drawn (channel_dropout.py); None for all channels.
        precision: What to compute in (precision.PRECISIONS).
        clip_norm: Largest norm of each gradient; longer ones are shortened to it. None for any.
        fine_tuning: Training that starts from the weights of a finished one; the localizer's has the L5-S1 that it finds where
            nobody labelled it as pseudo-labels (pseudo_labels.py). None for a network that is not fine-tuned.
    """

    architecture: str
    parameters: Mapping[str, Any]
    loss: Callable[[Any, Any], Any]
    augmentation: Augmentation
    steps: int
    batch: int
    learning_rate: float
    shares: Mapping[str, float]
    cosine: bool = True
    average: float | None = None
    weight_decay: float = 0.0
    phantoms: int = 0
    noises: int = 0
    subsets: Mapping[str, float] | None = None
    precision: str = "float32"
    clip_norm: float | None = 1.0
    fine_tuning: Preset | None = None


_SEGMENTER = Preset(
    architecture="unet",
    parameters={"features": (16, 32, 64), "dropout": 0.1},
    loss=dice_and_cross_entropy,
    augmentation=BOX_AUGMENTATION,
    steps=3000,
    batch=2,
    learning_rate=2e-3,
    average=0.995,
    weight_decay=1e-3,
    shares={
        "ivdm3seg-patches": 0.33,
        "ivdm3seg": 0.33,
        "spider-space": 0.25,
        "myosegmentum-water": 0.16,
        "chu-vertebrae": 0.08,
        "zukic-vertebrae": 0.06,
        "phantom": 0.12,
        "noise": 0.05,
    },
    phantoms=24,
    noises=60,
    subsets=ANY_SUBSET,
    precision="auto",
)

SEGMENTER = {
    "default": replace(
        _SEGMENTER,
        fine_tuning=replace(
            _SEGMENTER,
            steps=1200,
            learning_rate=6e-4,
            shares={
                "ivdm3seg-patches": 0.3,
                "ivdm3seg": 0.3,
                "spider-space": 0.2,
                "myosegmentum-water": 0.24,
                "chu-vertebrae": 0.1,
                "zukic-vertebrae": 0.08,
                "phantom": 0.12,
                "noise": 0.06,
            },
        ),
    ),
}
"""Stage 2. The fine-tuning sees more of the partial labels, of which the first training still missed 3 % in water."""

_FIRST_TRAINING = Preset(
    architecture="unet",
    parameters={"features": (16, 32, 64, 128)},
    loss=dice_and_cross_entropy,
    augmentation=WINDOW_AUGMENTATION,
    steps=1300,
    batch=1,
    learning_rate=2e-3,
    average=0.99,
    weight_decay=1e-3,
    shares={
        "ivdm3seg-patches": 0.12,
        "ivdm3seg": 0.2,
        "spider-space": 0.25,
        "myosegmentum-water": 0.28,
        "chu-vertebrae": 0.12,
        "zukic-vertebrae": 0.08,
        "phantom": 0.15,
    },
    phantoms=32,
    precision="auto",
)

LOCALIZER = {
    "default": replace(_FIRST_TRAINING, fine_tuning=replace(_FIRST_TRAINING, learning_rate=8e-4)),
}

LEVELS = {
    "default": Preset(
        architecture="level_classifier",
        parameters={"channels": INPUTS, "patch_size": CROP_SIZE, "features": (8, 24, 48, 64), "outputs": OUTPUTS},
        loss=levels_and_orientation,
        augmentation=replace(WINDOW_AUGMENTATION, gamma=0.4, noise=0.12),
        steps=3000,
        batch=16,
        learning_rate=2e-3,
        shares={},
        average=0.99,
        weight_decay=1e-2,
        precision="auto",
    )
}

PRESETS = {"localizer": LOCALIZER, "segmenter": SEGMENTER, "levels": LEVELS}
"""By network, as the command line calls it, and by name."""


def with_changes(preset: Preset, steps: int | None, precision: str | None) -> Preset:
    """A preset with other steps or another precision, in its fine-tuning, too, where there is one.

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
