"""Training the level network on scans and phantoms, seen with a localizer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .level_samples import LevelSamples
from .level_volumes import FIRST_PHANTOM, PHANTOMS, level_volume, phantom_volume
from .loop import train_network
from .presets import Preset
from .scans import Scan

if TYPE_CHECKING:
    import keras

    from ..networks.engine import Network


def train_levels(
    scans: Sequence[Scan],
    localizer: Network,
    preset: Preset,
    folder: Path,
    *,
    seed: int = 0,
    start: keras.Model | None = None,
) -> keras.Model:
    """Train a level network.

    Args:
        scans: Training scans of sources.WHOLE_SOURCES.
        localizer: What the network sees the candidates by.
        preset: Of presets.LEVELS.
        folder: Receives checkpoints, log and weights.
        seed: Of samples and initial weights.
        start: A level network whose weights are the initial ones; None for random ones.

    Returns:
        The trained network, float32.

    Raises:
        TrainingError: The training diverged.
    """
    from tqdm import tqdm

    volumes = [level_volume(scan, localizer) for scan in tqdm(scans, desc="scans", unit="scan")]
    seeds = tqdm(range(FIRST_PHANTOM, FIRST_PHANTOM + PHANTOMS), desc="phantoms", unit="phantom")
    phantoms = [phantom_volume(number, localizer) for number in seeds]
    return train_network(LevelSamples(volumes, phantoms, preset), preset, folder, seed, start=start)
