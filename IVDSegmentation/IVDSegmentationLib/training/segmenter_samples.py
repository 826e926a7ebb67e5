"""Endless random samples for the segmenter, each from its own seed, so that a resumed training sees what it would have."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..dixon import CHANNELS
from ..images import WORKING_SPACING_MM
from ..pipeline.crop import BOX_SIZE, PATCH_SIZE, box_start, crop
from .channel_dropout import drop_channels
from .geometry import cut_field_of_view, narrow_field_of_view, random_transform, resample
from .intensities import change_intensities
from .presets import Preset
from .scans import Scan
from .targets import assemble_sample, sampling_of

MARGIN_VOXELS = 10
"""Kept around a box that is cut from a whole volume, so that shifts and rotations bring in what is really there."""


@dataclass(frozen=True)
class _Box:
    """One box of a scan.

    Attributes:
        available: Which channels the scan has.
        maps: float32 [x, y, z, map]: these channels, then disc and known.
        margin: Voxels around the box proper, along each axis.
    """

    available: tuple[bool, bool, bool, bool]
    maps: np.ndarray
    margin: int


class SegmenterSamples:
    """Augmented boxes around discs: an endless source of samples, each from a seed of its own.

    A source is drawn with the preset's share, then one of its boxes.
    """

    def __init__(self, scans: Iterable[Scan], preset: Preset) -> None:
        """Cut the boxes; the scans themselves are not kept.

        Args:
            scans: Scans with discs.
            preset: Shares, augmentation and channel dropout.
        """
        self.preset = preset
        self.boxes: dict[str, list[_Box]] = {}
        for scan in scans:
            margin = 0 if scan.discs.shape == BOX_SIZE else MARGIN_VOXELS
            size = [n + 2 * margin for n in BOX_SIZE]
            maps = np.stack([scan.discs > 0, scan.known], -1)
            # Only what is there is carried through the resampling, which takes most of a sample's time.
            whole = np.concatenate([scan.channels[..., list(scan.available)], maps.astype(np.float32)], -1)
            for center in scan.centers_ijk:
                box = crop(whole, box_start(center, size), size)
                self.boxes.setdefault(scan.source, []).append(_Box(scan.available, box, margin))
        self.sources, self.shares = sampling_of(preset.shares, self.boxes)

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sample of a seed.

        Args:
            seed: >= 0.

        Returns:
            Input float32 [36, 36, 28, 4] and target float32 [36, 36, 28, 2] (losses.py).
        """
        rng = np.random.default_rng(seed)
        change = self.preset.augmentation
        boxes = self.boxes[str(rng.choice(self.sources, p=self.shares))]
        drawn = boxes[rng.integers(len(boxes))]
        transform = random_transform(change, BOX_SIZE, WORKING_SPACING_MM, rng)
        offset_mm = [drawn.margin * s for s in WORKING_SPACING_MM]
        seen = resample(drawn.maps, transform, BOX_SIZE, WORKING_SPACING_MM, offset_mm=offset_mm, extend=rng.random() < 0.5)
        if rng.random() < change.cut:
            seen = cut_field_of_view(seen, rng)
        if rng.random() < change.slab:
            seen = narrow_field_of_view(seen, WORKING_SPACING_MM[0], rng)
        channels = np.zeros((*BOX_SIZE, len(CHANNELS)), np.float32)
        channels[..., list(drawn.available)] = change_intensities(seen[..., :-2], change, rng)
        if self.preset.subsets and all(drawn.available):
            channels = drop_channels(channels, self.preset.subsets, rng)
        return assemble_sample(channels, seen[..., -2], seen[..., -1], PATCH_SIZE)
