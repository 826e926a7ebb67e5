"""Endless random samples for the segmenter, each from its own seed, so that a resumed training sees what it would have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..inputs import normalise
from ..patches import BOX_SIZE, PATCH_SIZE, box_start, crop, pad
from ..volumes import WORKING_SPACING_MM
from .augmentation import change_intensities, random_transform, resample
from .presets import Preset
from .scans import Scan
from .subsets import drop_channels
from .synthesis import synthesise_channels

MARGIN_VOXELS = 10
"""Kept around a box that is cut from a whole volume, so that shifts and rotations bring in what is really there."""


def assemble_sample(
    channels: np.ndarray, discs: np.ndarray, known: np.ndarray, size: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Channels [x, y, z, 4], disc and known maps -> network input [*size, 4] and target [*size, 2] (losses.py)."""
    target = np.stack([discs >= 0.5, known > 0.99], -1).astype(np.float32)
    return pad(normalise(channels), size), pad(target, size)


class SegmenterSamples:
    """Augmented boxes around discs. `sample(seed)` -> input [36, 36, 28, 4], target [36, 36, 28, 2]."""

    def __init__(self, scans: Sequence[Scan], preset: Preset) -> None:
        self.preset = preset
        self.boxes: dict[bool, list[tuple[Scan, np.ndarray, int]]] = {False: [], True: []}
        for scan in scans:
            margin = 0 if scan.discs.shape == BOX_SIZE else MARGIN_VOXELS
            size = [n + 2 * margin for n in BOX_SIZE]
            parts = [scan.channels, (scan.discs > 0)[..., None], scan.known[..., None]]
            whole = np.concatenate([p.astype(np.float32) for p in parts], -1)
            for center in scan.centers_ijk:
                box = crop(whole, box_start(center, size), size)
                self.boxes[not all(scan.available)].append((scan, box, margin))

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        change = self.preset.augmentation
        lacking = rng.random() < self.preset.water_share
        kind = lacking if self.boxes[lacking] else not lacking
        scan, box, margin = self.boxes[kind][rng.integers(len(self.boxes[kind]))]
        transform = random_transform(change, BOX_SIZE, WORKING_SPACING_MM, rng)
        offset_mm = margin * np.asarray(WORKING_SPACING_MM)
        seen = resample(box, transform, BOX_SIZE, WORKING_SPACING_MM, offset_mm, extend=rng.random() < 0.5)
        channels, discs, known = seen[..., :4], seen[..., 4], seen[..., 5]
        if kind and self.preset.channel_dropout and rng.random() < 0.3:
            channels = synthesise_channels(channels[..., 3], np.zeros(discs.shape), discs, rng)
        channels = change_intensities(channels, change, rng)
        if self.preset.channel_dropout and (not kind or channels[..., 0].any()):
            channels = drop_channels(channels, rng)
        return assemble_sample(channels, discs, known, PATCH_SIZE)
