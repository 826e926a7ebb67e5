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

MARGIN_VOXELS = 10
"""Kept around a box that is cut from a whole volume, so that shifts and rotations bring in what is really there."""


def assemble_sample(
    channels: np.ndarray, discs: np.ndarray, known: np.ndarray, size: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Channels [x, y, z, 4], disc and known maps -> network input [*size, 4] and target [*size, 2] (losses.py)."""
    target = np.stack([discs >= 0.5, known > 0.99], -1).astype(np.float32)
    return pad(normalise(channels), size), pad(target, size)


class SegmenterSamples:
    """Augmented boxes around discs. `sample(seed)` -> input [36, 36, 28, 4], target [36, 36, 28, 2].

    scans of three kinds are drawn with the preset's shares: water volumes, phantoms, and all others.
    """

    def __init__(self, scans: Sequence[Scan], preset: Preset) -> None:
        self.preset = preset
        self.boxes: dict[str, list[tuple[Scan, np.ndarray, int]]] = {}
        for scan in scans:
            margin = 0 if scan.discs.shape == BOX_SIZE else MARGIN_VOXELS
            size = [n + 2 * margin for n in BOX_SIZE]
            parts = [scan.channels, (scan.discs > 0)[..., None], scan.known[..., None]]
            whole = np.concatenate([p.astype(np.float32) for p in parts], -1)
            kind = scan.source if scan.source in ("myosegmentum-water", "phantom") else "others"
            for center in scan.centers_ijk:
                box = crop(whole, box_start(center, size), size)
                self.boxes.setdefault(kind, []).append((scan, box, margin))
        shares = {"myosegmentum-water": preset.water_share, "phantom": preset.phantom_share}
        shares["others"] = 1.0 - sum(shares.values())
        self.kinds = sorted(self.boxes)
        weights = np.array([shares[kind] for kind in self.kinds])
        self.shares = weights / weights.sum()

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(seed)
        change = self.preset.augmentation
        boxes = self.boxes[str(rng.choice(self.kinds, p=self.shares))]
        scan, box, margin = boxes[rng.integers(len(boxes))]
        transform = random_transform(change, BOX_SIZE, WORKING_SPACING_MM, rng)
        offset_mm = [margin * s for s in WORKING_SPACING_MM]
        seen = resample(box, transform, BOX_SIZE, WORKING_SPACING_MM, offset_mm=offset_mm, extend=rng.random() < 0.5)
        channels = change_intensities(seen[..., :4], change, rng)
        if self.preset.channel_dropout and all(scan.available):
            channels = drop_channels(channels, rng)
        return assemble_sample(channels, seen[..., 4], seen[..., 5], PATCH_SIZE)
