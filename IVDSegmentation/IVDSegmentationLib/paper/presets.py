"""The two ways to train: the paper's, and one whose schedule two CPU cores can run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..training.augmentation import Augmentation
from ..training.losses import dice_loss
from ..training.presets import Preset

SEGMENTER, CONVENTIONAL, SLICES = "paper_segmenter", "conventional_unet", "slice_unet"
"""The three networks, as networks.architectures calls them."""

PARAMETERS: dict[str, dict[str, Any]] = {SEGMENTER: {}, CONVENTIONAL: {}, SLICES: {}}
"""Of the networks, where they are not the paper's."""

MADE_BEFOREHAND = Augmentation(probability=0.0)
"""No change while training: the volumes are augmented before it."""


@dataclass(frozen=True)
class PaperPreset:
    """A schedule of the paper's trainings, and what goes with it. Networks, data, losses and inputs are the same in all.

    Attributes:
        name: As the command line calls it.
        epochs: Passes over the augmented data, by network; empty where steps say how long.
        steps: Optimisation steps, by network; empty where epochs say how long.
        batch: Samples in one step, by network.
        learning_rate: Of Adam, by network; the highest where it falls.
        cosine: Whether the learning rate falls to a hundredth, along a cosine.
        momentum: Of the running averages of batch normalisation.
        window_voxels: How much of a volume, along z, the conventional 3D U-Net sees in one step; None for all of it.
        one_slice_size: Whether slices along x, y and z are padded to one size; otherwise those along each axis to their own.
        localizer_of_each_set: Whether every set of channels has a localizer of its own, which finds the centres; otherwise the
            sets are compared in boxes at the given centres.
        precision: What to compute in (training.precision.PRECISIONS).
    """

    name: str
    epochs: Mapping[str, int]
    steps: Mapping[str, int]
    batch: Mapping[str, int]
    learning_rate: Mapping[str, float]
    cosine: bool
    momentum: float
    window_voxels: int | None
    one_slice_size: bool
    localizer_of_each_set: bool
    precision: str

    def training(self, network: str, channels: int, count: int) -> Preset:
        """What the training loop is given.

        Args:
            network: One of PARAMETERS.
            channels: Channels of its input.
            count: Samples of the augmented data.

        Returns:
            The preset of the training.
        """
        batch = self.batch[network]
        epochs = self.epochs.get(network)
        parameters = {"channels": channels, **PARAMETERS[network]}
        if network != SLICES:  # which has no batch normalisation
            parameters["momentum"] = self.momentum
        return Preset(
            architecture=network,
            parameters=parameters,
            loss=dice_loss,
            augmentation=MADE_BEFOREHAND,
            steps=self.steps[network] if epochs is None else max(1, epochs * count // batch),
            batch=batch,
            learning_rate=self.learning_rate[network],
            shares={},
            cosine=self.cosine,
            precision=self.precision,
            clip_norm=None,
        )


PAPER = PaperPreset(
    name="paper",
    epochs={SEGMENTER: 10_000, CONVENTIONAL: 10_000, SLICES: 500},
    steps={},
    batch={SEGMENTER: 1, CONVENTIONAL: 1, SLICES: 16},
    learning_rate={SEGMENTER: 1e-5, CONVENTIONAL: 1e-5, SLICES: 1e-5},
    cosine=False,
    momentum=0.99,
    window_voxels=None,
    one_slice_size=True,
    localizer_of_each_set=True,
    precision="float32",
)
"""The paper's schedule: He initialisation, Adam 1e-5, Dice loss with smoothing 1, batch 1 (3D) and 16 (2D), 10,000 epochs (3D)
and 500 (2D). The conventional 3D U-Net is trained for as long as the paper's own 3D network."""

PAPER_FAST = PaperPreset(
    name="paper-fast",
    epochs={},
    steps={SEGMENTER: 1200, CONVENTIONAL: 200, SLICES: 200},
    batch={SEGMENTER: 1, CONVENTIONAL: 1, SLICES: 4},
    learning_rate={SEGMENTER: 1e-3, CONVENTIONAL: 1e-3, SLICES: 2e-4},
    cosine=True,
    momentum=0.9,
    window_voxels=56,
    one_slice_size=False,
    localizer_of_each_set=False,
    precision="auto",
)
"""A schedule that two CPU cores can run: a higher rate that falls, fewer steps, and running averages that follow faster. The 2D
network, which has no normalisation, takes a lower rate than the others."""

PRESETS = {preset.name: preset for preset in (PAPER, PAPER_FAST)}
"""By name, as the command line calls them."""
