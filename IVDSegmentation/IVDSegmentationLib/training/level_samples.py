"""Endless random samples for the level network: candidates of volumes turned, bent, cut, flipped, and of other contrast."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..dixon.channels import CHANNELS
from ..levels.evidence import AS_STORED, CLASSES, EXCHANGED, OUTPUTS, UPSIDE_DOWN, level_crops
from ..networks.inputs import normalise
from ..pipeline.localize import SPACING_MM, centers_on_coarse, find_discs
from .augmentation import Augmentation
from .geometry import resample
from .intensities import change_intensities
from .level_truth import UNKNOWN, LevelTruth, class_of, with_sacrum
from .presets import Preset

PER_VOLUME = 8
"""Candidates taken of one augmented volume, one after the other: making the volume is most of the work."""

FLIPS = {
    AS_STORED: [(1, 1, 1)],
    EXCHANGED: [(-1, -1, 1)],
    UPSIDE_DOWN: [(1, 1, -1), (1, -1, -1), (-1, 1, -1)],
}
"""Orientation -> the flips of the axes that lead to it."""
SHARES = {AS_STORED: 0.72, EXCHANGED: 0.17, UPSIDE_DOWN: 0.11}
"""How often each is shown. Levels are learnt as stored alone: the pipeline mends an image before it reads them."""

PHANTOM_SHARE = 0.3
"""Share of the samples that come from phantoms."""

TILTS_DEG = (18.0, 14.0, 8.0)
BEND_MM = 14.0
"""Largest rotation about x, y, z; how far the column bends 80 mm from the middle of the bend, at most."""

CUT, NARROW = 0.4, 0.2
"""How often the field of view ends in the spine, below or above; how often it is a slab of 8 to 32 mm."""

JITTER_MM = (3.0, 3.0, 2.5)
"""Standard deviation of a candidate's centre about the truth."""

TALLEST, SHORTEST = 112, 24
"""Slices of the localizer's grid that a field of view has at most, and that a cut one keeps at least."""

FORGOTTEN, INVENTED = 0.1, 0.4
INVENTED_MM = (12.0, 40.0, 40.0)
"""Chance that the localizer's map lacks a disc, and that it holds one more structure that is none; how far such a one lies
from a disc (standard deviation)."""


@dataclass(frozen=True)
class LevelVolume:
    """A volume as the level network meets it, with the truth.

    Attributes:
        person: The unit of every split.
        channels: float16 [x, y, z, 4], the localizer's normalised input.
        maps: float16 [3, x, y, z], the localizer's output for the volume as it is, exchanged and upside down (evidence.py),
            each turned back.
        truth: Levels and centres, on the same grid.
    """

    person: str
    channels: np.ndarray
    maps: np.ndarray
    truth: LevelTruth


class LevelSamples:
    """Crops around candidates, each from a seed of its own."""

    def __init__(self, volumes: Sequence[LevelVolume], phantoms: Sequence[LevelVolume], preset: Preset) -> None:
        """Sort the volumes.

        Args:
            volumes: Of people. Each person is drawn as often as any other.
            phantoms: Of nobody.
            preset: Augmentation of intensities.
        """
        self.people = [[v for v in volumes if v.person == p] for p in sorted({v.person for v in volumes})]
        self.phantoms = list(phantoms)
        self.change = preset.augmentation
        self._candidates = lru_cache(maxsize=16)(self._make)

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sample of a seed.

        Args:
            seed: >= 0. PER_VOLUME consecutive ones share an augmented volume.

        Returns:
            Input float32 [*CROP_SIZE, INPUTS] and target float32 [OUTPUTS]: the class, zeros where it is unknown or not asked
            for, and the orientation.
        """
        crops, targets = self._candidates(seed // PER_VOLUME)
        return crops[seed % PER_VOLUME], targets[seed % PER_VOLUME]

    def _make(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """PER_VOLUME candidates of one augmented volume."""
        rng = np.random.default_rng(seed)
        volume = self._draw(rng)
        orientation = int(rng.choice(list(SHARES), p=list(SHARES.values())))
        channels, probability, truth = changed_volume(volume, orientation, self.change, rng)
        invented = _disturb(probability, truth, rng)
        view = np.asarray(channels.any(axis=-1))
        middles = [*_jittered(truth.centers, rng), *invented, *centers_on_coarse(find_discs(probability))]
        inside = [m for m in middles if _in_view(m, view)] or [np.asarray(view.shape) / 2]
        classes = np.array([class_of(m, truth) for m in inside])
        counts = {c: int((classes == c).sum()) for c in set(classes.tolist())}
        weight = np.array([(0.1 if c == UNKNOWN else 1.0) / counts[c] for c in classes.tolist()])
        chosen = rng.choice(len(inside), PER_VOLUME, p=weight / weight.sum())
        targets = np.zeros((PER_VOLUME, OUTPUTS), np.float32)
        for row, n in enumerate(chosen):
            if classes[n] != UNKNOWN and orientation == AS_STORED:
                targets[row, classes[n]] = 1
        targets[:, len(CLASSES) + orientation] = 1
        return level_crops(channels, probability, [inside[n] for n in chosen]), targets

    def _draw(self, rng: np.random.Generator) -> LevelVolume:
        if self.phantoms and (not self.people or rng.random() < PHANTOM_SHARE):
            return self.phantoms[int(rng.integers(len(self.phantoms)))]
        mine = self.people[int(rng.integers(len(self.people)))]
        return mine[int(rng.integers(len(mine)))]


def changed_volume(
    volume: LevelVolume, orientation: int, change: Augmentation, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, LevelTruth]:
    """A volume as another examination may show it: turned, bent, cut, of other contrast.

    Args:
        volume: The volume.
        orientation: How it shall lie, of FLIPS.
        change: Of the intensities.
        rng: Generator.

    Returns:
        Channels float32 [x, y, z, 4], normalised; the localizer's map float32 [x, y, z]; and the truth.
    """
    seen, truth = _moved(volume, orientation, rng)
    channels, probability = seen[..., :4], seen[..., 4]
    present = [n for n in range(4) if volume.channels[..., n].any()]
    changed = change_intensities(channels[..., present], change, rng)
    channels = np.zeros_like(channels)
    channels[..., _slots(present, rng)] = changed
    return normalise(channels), probability, truth


def _moved(volume: LevelVolume, orientation: int, rng: np.random.Generator) -> tuple[np.ndarray, LevelTruth]:
    """The volume flipped, turned, scaled, bent and cut, [x, y, z, 5]: channels and the localizer's map; the truth with it."""
    import SimpleITK as sitk

    present = [n for n in range(4) if volume.channels[..., n].any()]
    stacked = np.concatenate([volume.channels[..., present], volume.maps[orientation][..., None]], -1).astype(np.float32)
    options = FLIPS[orientation]
    flip = np.array(options[int(rng.integers(len(options)))], float)
    if rng.random() < 0.5:
        flip[0] *= -1  # left and right look alike: either teaches the other
    spacing = np.asarray(SPACING_MM)
    shape = np.asarray(stacked.shape[:3])
    angles = np.deg2rad(rng.uniform(-1, 1, 3) * TILTS_DEG)
    euler = sitk.Euler3DTransform((0.0, 0.0, 0.0), *(float(a) for a in angles))
    scale = 1 + rng.uniform(-0.12, 0.12) + rng.uniform(-0.04, 0.04, 3)
    matrix = np.reshape(euler.GetMatrix(), (3, 3)) @ np.diag(flip * scale)
    middle = (shape - 1) * spacing / 2
    truth = with_sacrum(volume.truth, rng)
    centers = ((truth.centers * spacing - middle) @ np.linalg.inv(matrix).T + middle) / spacing
    start, stop = _cut(shape, centers, rng)
    affine = sitk.AffineTransform(3)
    affine.SetMatrix([float(m) for m in matrix.ravel()])
    affine.SetCenter([float(m) for m in middle - start * spacing])
    affine.SetTranslation([float(m) for m in start * spacing])
    size = stop - start
    moved = resample(stacked, affine, size, SPACING_MM)
    centers -= start
    # A bend: slices slide along y and x, by whole voxels.
    apex, along = rng.uniform(0, 1) * size[2], np.arange(size[2])
    for axis, most in ((1, BEND_MM), (0, BEND_MM / 2)):
        slide_mm = rng.uniform(-1, 1) * most * rng.integers(0, 2)
        slide = np.rint(slide_mm * np.square((along - apex) * spacing[2] / 80) / spacing[axis])
        slide = np.clip(slide, -(size[axis] // 3), size[axis] // 3).astype(int)
        if slide.any():
            moved = _slid(moved, axis, slide)
            centers[:, axis] += np.interp(centers[:, 2], along, slide)
    full = np.zeros((*size, 5), np.float32)
    full[..., [*present, 4]] = moved
    return full, LevelTruth(truth.levels, centers)


def _slid(stacked: np.ndarray, axis: int, slide: np.ndarray) -> np.ndarray:
    """[x, y, z, map] with its slices along z moved by slide (z,) voxels along axis 0 or 1; 0 where nothing comes from."""
    turned = stacked if axis == 1 else stacked.transpose(1, 0, 2, 3)
    index = np.arange(turned.shape[1])[:, None] - slide[None]
    valid = (index >= 0) & (index < turned.shape[1])
    moved = turned[:, np.clip(index, 0, turned.shape[1] - 1), np.arange(len(slide))[None]] * valid[None, :, :, None]
    return moved if axis == 1 else moved.transpose(1, 0, 2, 3)


def _cut(shape: np.ndarray, centers: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """First voxels of a random field of view and those after its last: it may end in the spine, or at the sides."""
    start, stop = np.zeros(3, int), shape.copy()
    if (over := shape[2] - TALLEST) > 0:
        start[2] = int(rng.integers(0, over + 1))
        stop[2] = start[2] + TALLEST
    lines = centers[(centers[:, 2] > start[2]) & (centers[:, 2] < stop[2])]
    if len(lines) and rng.random() < CUT:
        at = float(rng.choice(lines[:5, 2] if rng.random() < 0.7 else lines[:, 2])) + rng.uniform(-9, 9)
        if rng.random() < 0.65:
            start[2] = int(np.clip(at, start[2], stop[2] - SHORTEST))
        else:
            stop[2] = int(np.clip(at, start[2] + SHORTEST, stop[2]))
    if len(lines) and rng.random() < NARROW:
        width = int(rng.integers(2, 9))
        start[0] = int(np.clip(lines[:, 0].mean() + rng.uniform(-1, 1) - width / 2, 0, max(shape[0] - width, 0)))
        stop[0] = min(shape[0], start[0] + width)
    return start, stop


def _disturb(probability: np.ndarray, truth: LevelTruth, rng: np.random.Generator) -> list[np.ndarray]:
    """Change a map [x, y, z] in place to what a worse localizer finds: discs missing, structures that are none.

    Returns:
        The centres of these structures.
    """
    for center in truth.centers[rng.random(len(truth.centers)) < FORGOTTEN]:
        probability *= 1 - _plate(probability.shape, center, (40.0, 26.0, 12.0), rng)
    invented: list[np.ndarray] = []
    while rng.random() < INVENTED and len(invented) < 3:
        place = truth.centers[int(rng.integers(len(truth.centers)))] + rng.normal(0, 1, 3) * INVENTED_MM / np.asarray(
            SPACING_MM
        )
        np.maximum(probability, rng.uniform(0.4, 1) * _plate(probability.shape, place, (18.0, 14.0, 5.0), rng), out=probability)
        invented.append(place)
    return invented


def _plate(shape: Sequence[int], center: np.ndarray, radii_mm: Sequence[float], rng: np.random.Generator) -> np.ndarray:
    """A soft ellipsoid of about these radii, 0..1, float32 [x, y, z]."""
    radii = np.asarray(radii_mm) * rng.uniform(0.7, 1.3, 3)
    offsets = [(np.arange(n, dtype=np.float32) - c) * s for n, c, s in zip(shape, center, SPACING_MM, strict=True)]
    x, y, z = np.ix_(*offsets)
    lean = float(rng.uniform(-0.5, 0.5))
    squared = np.square(x / radii[0]) + np.square(y / radii[1]) + np.square((z + lean * y) / radii[2])
    return np.asarray(1 / (1 + np.exp(np.clip(6 * (np.sqrt(squared) - 1), -30, 30))), np.float32)


def _slots(present: Sequence[int], rng: np.random.Generator) -> list[int]:
    """Which channels the present ones are called: a single one may be called by another's name now and then."""
    if len(present) == 1 and rng.random() < 0.25:
        return [int(rng.choice([CHANNELS.index("in_phase"), CHANNELS.index("opposed_phase"), CHANNELS.index("water")]))]
    return list(present)


def _jittered(centers: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    return list(centers + rng.normal(0, 1, centers.shape) * JITTER_MM / np.asarray(SPACING_MM))


def _in_view(middle: np.ndarray, seen: np.ndarray) -> bool:
    at = tuple(round(float(c)) for c in middle)
    return all(0 <= c < n for c, n in zip(at, seen.shape, strict=True)) and bool(seen[at])
