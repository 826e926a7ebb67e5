"""Training a localizer or a segmenter on scans and phantoms."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from .localizer_samples import LocalizerSamples
from .loop import train_network
from .presets import Preset
from .pseudo_labels import with_pseudo_label
from .scans import Scan, phantom_scan
from .segmenter_samples import SegmenterSamples

if TYPE_CHECKING:
    import keras

PHANTOMS = {"localizer": 48, "segmenter": 24}
"""Different phantoms that each network trains on (seeds 1, 2, ...; tests and checks use seeds from 1000)."""


def train_localizer(scans: Sequence[Scan], preset: Preset, folder: Path, seed: int = 0) -> keras.Model:
    """Train a localizer, and fine-tune it on pseudo-labels where the preset says so.

    Args:
        scans: Training scans.
        preset: A preset of presets.LOCALIZER.
        folder: Receives checkpoints, log and weights. What precedes a fine-tuning is in its folder `first`.
        seed: Of samples and initial weights.

    Returns:
        The trained network, float32.

    Raises:
        TrainingError: The training diverged.
    """
    tuning = preset.fine_tuning
    first_folder = folder if tuning is None else folder / "first"
    first = train_network(LocalizerSamples(scans, preset, PHANTOMS["localizer"]), preset, first_folder, seed)
    if tuning is None:
        return first
    labelled = [with_pseudo_label(scan, first) for scan in scans]
    return train_network(LocalizerSamples(labelled, preset, PHANTOMS["localizer"]), tuning, folder, seed, start=first)


def train_segmenter(scans: Sequence[Scan], preset: Preset, folder: Path, seed: int = 0) -> keras.Model:
    """Train a segmenter.

    Args:
        scans: Training scans.
        preset: A preset of presets.SEGMENTER or WATER_SEGMENTER.
        folder: Receives checkpoints, log and weights.
        seed: Of samples and initial weights.

    Returns:
        The trained network, float32.

    Raises:
        TrainingError: The training diverged.
    """
    count = PHANTOMS["segmenter"] if preset.phantom_share else 0
    # One after another: of a phantom only the boxes are kept.
    phantoms = (phantom_scan(number) for number in range(1, count + 1))
    return train_network(SegmenterSamples(chain(scans, phantoms), preset), preset, folder, seed)
