"""Training a localizer or a segmenter on scans and phantoms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from .localizer_samples import LocalizerSamples
from .loop import train_network
from .noise_scans import noise_scan
from .presets import Preset
from .pseudo_labels import with_pseudo_label
from .scans import Scan, phantom_scan
from .segmenter_samples import SegmenterSamples

if TYPE_CHECKING:
    import keras


def train_localizer(
    scans: Sequence[Scan], preset: Preset, folder: Path, seed: int = 0, start: keras.Model | None = None
) -> keras.Model:
    """Train a localizer, or fine-tune one with pseudo-labels.

    Args:
        scans: Training scans.
        preset: A preset of presets.LOCALIZER.
        folder: Receives checkpoints, log and weights.
        seed: Of samples and initial weights.
        start: Network to fine-tune, as the preset's fine_tuning says; None to train from random weights.

    Returns:
        The trained network, float32.

    Raises:
        InputError: `start` is given, and the preset has no fine-tuning.
        TrainingError: The training diverged.
    """
    if start is None:
        return train_network(LocalizerSamples(scans, preset), preset, folder, seed)
    tuning = _fine_tuning(preset)
    labelled = [with_pseudo_label(scan, start) for scan in scans]
    return train_network(LocalizerSamples(labelled, tuning), tuning, folder, seed, start=start)


def train_segmenter(
    scans: Sequence[Scan], preset: Preset, folder: Path, seed: int = 0, start: keras.Model | None = None
) -> keras.Model:
    """Train a segmenter, or fine-tune one.

    Args:
        scans: Training scans.
        preset: A preset of presets.SEGMENTER.
        folder: Receives checkpoints, log and weights.
        seed: Of samples and initial weights.
        start: Network to fine-tune, as the preset's fine_tuning says; None to train from random weights.

    Returns:
        The trained network, float32.

    Raises:
        InputError: `start` is given, and the preset has no fine-tuning.
        TrainingError: The training diverged.
    """
    chosen = preset if start is None else _fine_tuning(preset)
    # One after another: of a phantom only the boxes are kept.
    phantoms = (phantom_scan(number) for number in range(1, chosen.phantoms + 1))
    noises = (noise_scan(number) for number in range(1, chosen.noises + 1))
    return train_network(SegmenterSamples(chain(scans, phantoms, noises), chosen), chosen, folder, seed, start=start)


def _fine_tuning(preset: Preset) -> Preset:
    """The fine-tuning of a preset. Raises InputError where it has none."""
    if preset.fine_tuning is None:
        raise InputError("this preset has no fine-tuning: train without --start")
    return preset.fine_tuning
