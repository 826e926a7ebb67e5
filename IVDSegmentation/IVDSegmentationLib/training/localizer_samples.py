"""Endless random samples for the localizer: water volumes, phantoms, and columns stacked from four-channel boxes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..dixon.channels import CHANNELS
from ..networks.inputs import normalise
from ..pipeline.crop import BOX_SIZE
from ..pipeline.localize import SPACING_MM, coarsen
from .channel_dropout import ANY_SUBSET, drop_channels
from .geometry import narrow_field_of_view, random_transform, resample
from .intensities import change_intensities, degenerate_discs, standard_field
from .known_regions import below_sacrum, far_from_spine
from .presets import Preset
from .scans import Scan, phantom_scan
from .synthesis import synthesise_channels
from .targets import assemble_sample, sampling_of

WINDOW = (16, 88, 88)
"""Voxels of the localizer's grid in one sample: 64 x 220 x 220 mm, all of the width that most scans have."""

VARIANTS = 4
"""Versions of a subject's column and of a water volume: half of the latter as it is, half with synthesised channels."""

WATER = CHANNELS.index("water")

BOXES = "ivdm3seg-patches"
"""The source whose scans are boxes, which are stacked into columns."""


def coarse_scan(channels: np.ndarray, discs: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A scan on the localizer's grid.

    Args:
        channels: float32 [x, y, z, 4] on the working grid.
        discs: uint8 [x, y, z].
        known: bool [x, y, z].

    Returns:
        float32 [x, y, z, 6] on the localizer's grid: channels, averaged and normalised; of what is known in a voxel, the
        share that is disc; and 1 where at least half of it is known.
    """
    disc, share = np.moveaxis(coarsen(np.stack([(discs > 0) & known, known], -1).astype(np.float32)), -1, 0)
    maps = np.stack([disc / np.maximum(share, 1e-3), share >= 0.5], -1)
    return np.concatenate([normalise(coarsen(channels)), maps.astype(np.float32)], -1)


class LocalizerSamples:
    """Augmented windows: an endless source of samples, each from a seed of its own.

    What is drawn is computed once and kept, on the localizer's grid: at most VARIANTS of each volume and column, and the
    phantoms.
    """

    def __init__(self, scans: Sequence[Scan], preset: Preset) -> None:
        """Sort the scans.

        Args:
            scans: Whole volumes and boxes.
            preset: Shares, phantoms and augmentation.
        """
        self.preset = preset
        self.wholes: dict[str, list[Scan]] = {}
        for scan in scans:
            if scan.source != BOXES:
                self.wholes.setdefault(scan.source, []).append(scan)
        boxes = [s for s in scans if s.source == BOXES]
        self.columns = [[s for s in boxes if s.subject == subject] for subject in sorted({s.subject for s in boxes})]
        count = {source: len(wholes) for source, wholes in self.wholes.items()}
        self.count = {**count, BOXES: len(self.columns), "phantom": preset.phantoms}
        self.sources, self.shares = sampling_of(preset.shares, (source for source, n in self.count.items() if n))
        self._kept: dict[tuple[str, int, int], np.ndarray] = {}

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sample of a seed.

        Args:
            seed: >= 0.

        Returns:
            Input float32 [16, 88, 88, 4] and target float32 [16, 88, 88, 2] (losses.py).
        """
        rng = np.random.default_rng(seed)
        change = self.preset.augmentation
        whole = self._draw(rng)
        room = np.asarray(whole.shape[:3]) - WINDOW
        start = np.where(room > 0, rng.uniform(size=3) * np.maximum(room, 0), room / 2)
        transform = random_transform(change, WINDOW, SPACING_MM, rng)
        seen = resample(
            whole, transform, WINDOW, SPACING_MM, offset_mm=start * np.asarray(SPACING_MM), extend=rng.random() < 0.3
        )
        if rng.random() < change.slab:
            seen = narrow_field_of_view(seen, SPACING_MM[0], rng)
        healthy = seen[..., :4]
        channels = degenerate_discs(healthy, seen[..., 4], change.degeneration, rng) if change.degeneration else healthy
        channels = change_intensities(channels, change, rng)
        if np.any(channels, axis=(0, 1, 2)).all():
            channels = drop_channels(channels, ANY_SUBSET, rng)
        # Beyond the scan there is air and no disc: a user's field of view may hold such a margin too.
        outside = ~seen[..., :4].any(-1)
        return assemble_sample(channels, seen[..., 4], np.maximum(seen[..., 5], outside), WINDOW)

    def _draw(self, rng: np.random.Generator) -> np.ndarray:
        """A random scan [x, y, z, 6] on the localizer's grid (`coarse_scan`)."""
        source = str(rng.choice(self.sources, p=self.shares))
        index = int(rng.integers(self.count[source]))
        several = source == BOXES or (source in self.wholes and _can_be_completed(self.wholes[source][index]))
        key = (source, index, int(rng.integers(VARIANTS)) if several else 0)
        if key not in self._kept:
            self._kept[key] = self._make(*key)
        return self._kept[key]

    def _make(self, source: str, index: int, variant: int) -> np.ndarray:
        """One version of a whole volume, a column or a phantom."""
        rng = np.random.default_rng((index, variant))
        if source == "phantom":
            return _phantom(index + 1)
        if source == BOXES:
            return _column(self.columns[index], rng)
        scan = self.wholes[source][index]
        known = scan.known
        if scan.vertebrae is not None:
            known = known | far_from_spine(scan.vertebrae) | below_sacrum(scan.vertebrae)
        coarse = coarse_scan(scan.channels, scan.discs, known)
        if variant % 2 and scan.vertebrae is not None:
            marrow = coarsen((scan.vertebrae > 0)[..., None].astype(np.float32))[..., 0]
            coarse[..., :4] = normalise(synthesise_channels(coarse[..., WATER], marrow, coarse[..., 4], rng))
        return coarse


def _can_be_completed(scan: Scan) -> bool:
    """Whether the channels that a scan lacks can be synthesised: from water, and where the marrow is known."""
    return scan.vertebrae is not None and scan.available == (False, False, False, True)


def _phantom(seed: int) -> np.ndarray:
    """A phantom [x, y, z, 6] on the localizer's grid."""
    scan = phantom_scan(seed)
    return coarse_scan(scan.channels, scan.discs, scan.known)


def _column(boxes: Sequence[Scan], rng: np.random.Generator) -> np.ndarray:
    """Boxes of one subject stacked into a spine of four real channels, gently curved, in air or in random tissue."""
    whole = np.zeros((BOX_SIZE[0] + 1, 176, BOX_SIZE[2] * len(boxes), 6), np.float32)
    middle = 70 + 14 * np.sin(np.linspace(rng.uniform(-1, 2), rng.uniform(2, 5), len(boxes))) + rng.uniform(-15, 15)
    for index, box in enumerate(boxes):
        y = int(middle[index]) - BOX_SIZE[1] // 2
        inside = (slice(BOX_SIZE[0]), slice(y, y + BOX_SIZE[1]), slice(index * BOX_SIZE[2], (index + 1) * BOX_SIZE[2]))
        whole[inside] = np.concatenate([box.channels, np.stack([box.discs > 0, box.known], -1)], -1)
    column = coarsen(whole)
    around = 1 - column[..., 5:]
    tissue = np.clip(1 + 0.4 * standard_field(rng, column.shape[:3], 3), 0, None)[..., None] * rng.uniform(0, 1.2, 4)
    column[..., :4] += around * tissue * column[..., 1][column[..., 5] > 0.5].mean() * rng.integers(0, 2)
    column[..., 5] = 1
    return np.concatenate([normalise(column[..., :4]), column[..., 4:]], -1)
