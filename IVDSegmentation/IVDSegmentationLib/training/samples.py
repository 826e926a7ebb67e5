"""Endless random samples for the segmenter, each from its own seed, so that a resumed training sees what it would have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dixon.channels import CHANNELS
from ..images import WORKING_SPACING_MM
from ..networks.inputs import normalise
from ..pipeline.crop import BOX_SIZE, PATCH_SIZE, box_start, crop, pad
from .augmentation import change_intensities, cut_field_of_view, random_transform, resample
from .presets import Preset
from .scans import Scan
from .subsets import drop_channels

MARGIN_VOXELS = 10
"""Kept around a box that is cut from a whole volume, so that shifts and rotations bring in what is really there."""


def assemble_sample(
    channels: np.ndarray, discs: np.ndarray, known: np.ndarray, size: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """Channels [x, y, z, 4], disc and known maps -> network input [*size, 4] and target [*size, 2] (losses.py)."""
    return pad(normalise(channels), size), pad(known_map(discs, known), size)


def known_map(structure: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Interpolated maps [x, y, z] of a structure and of where it is known -> 0/1, float32 [x, y, z, 2]."""
    return np.stack([structure >= 0.5, known > 0.99], -1).astype(np.float32)


class SegmenterSamples:
    """Augmented boxes around discs. `sample(seed)` -> input [36, 36, 28, 4], target [36, 36, 28, 4] (losses.py).

    scans of three kinds are drawn with the preset's shares: water volumes, phantoms, and all others.
    """

    def __init__(self, scans: Sequence[Scan], preset: Preset) -> None:
        self.preset = preset
        self.boxes: dict[str, list[tuple[Scan, np.ndarray, int]]] = {}
        for scan in scans:
            margin = 0 if scan.discs.shape == BOX_SIZE else MARGIN_VOXELS
            size = [n + 2 * margin for n in BOX_SIZE]
            drawn = np.zeros(scan.discs.shape, bool) if scan.vertebrae is None else scan.vertebrae > 0
            drawn_known = scan.known & (scan.vertebrae is not None)
            maps = np.stack([scan.discs > 0, scan.known, drawn, drawn_known], -1)
            # Only what is there is carried through the resampling, which takes most of a sample's time.
            whole = np.concatenate([scan.channels[..., list(scan.available)], maps.astype(np.float32)], -1)
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
        if rng.random() < change.cut:
            seen = cut_field_of_view(seen, rng)
        channels = np.zeros((*BOX_SIZE, len(CHANNELS)), np.float32)
        channels[..., list(scan.available)] = change_intensities(seen[..., :-4], change, rng)
        disc, known, vertebra, vertebra_known = np.moveaxis(seen[..., -4:], -1, 0)
        if self.preset.subsets and all(scan.available):
            channels = drop_channels(channels, self.preset.subsets, rng)
        x, target = assemble_sample(channels, disc, known, PATCH_SIZE)
        return x, np.concatenate([target, pad(known_map(vertebra, vertebra_known), PATCH_SIZE)], -1)
