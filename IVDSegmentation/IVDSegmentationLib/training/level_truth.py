"""What is known of the levels of a volume, and what a candidate anywhere in it is by that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..levels.evidence import CLASSES
from ..pipeline.localize import SPACING_MM

SAME_MM = 14.0
"""A candidate no farther from a disc's centre is that disc: half of the smallest lumbar step, less what centres are off."""
APART_MM = 24.0
"""From here on it is something else; in between nobody can say: centres of degenerated discs are found this far off."""
ASIDE_MM = 30.0
"""Farther from the line of the discs, or its continuation, there is no disc."""
SACRAL_STEP_MM = 31.0
"""From the centre of L5-S1 to that of S1-S2, along the line of the lowest two discs: 28 to 34 in the phantom and in the ten of
chu-vertebrae whose S1-S2 a localizer found."""
SACRAL_REACH_MM = 60.0
SACRAL_TURN_DEG = 42.0
"""What lies in the sacrum is no farther below L5-S1, nor farther off the line of the lowest two discs."""
BEYOND_TOP = 1.6
"""So many steps above the highest known disc there surely is another, where the field of view goes on."""

UNKNOWN = -1
"""In place of an index of CLASSES."""


@dataclass(frozen=True)
class LevelTruth:
    """The discs whose level is known.

    Attributes:
        levels: int (n,), rising: 0 for S1-S2, 1 for L5-S1, 2 for L4-L5 and so on; negative further down the sacrum.
        centers: Continuous voxels of the localizer's grid, (n, 3).
    """

    levels: np.ndarray
    centers: np.ndarray


def class_index(level: int) -> int:
    """The class of a level.

    Args:
        level: Counted as in LevelTruth.

    Returns:
        Index in CLASSES.
    """
    return min(max(level, 0), len(CLASSES) - 2)


def class_of(center: np.ndarray, truth: LevelTruth) -> int:  # noqa: PLR0911
    """What a candidate is.

    Args:
        center: Continuous voxel of the localizer's grid, (3,).
        truth: Of its volume.

    Returns:
        Index of CLASSES, or UNKNOWN.
    """
    here = np.asarray(center) * SPACING_MM
    known = truth.centers * SPACING_MM
    distances = np.linalg.norm(known - here, axis=1)
    nearest = int(np.argmin(distances))
    if distances[nearest] <= SAME_MM:
        return class_index(int(truth.levels[nearest]))
    if distances[nearest] < APART_MM or len(known) < 2:
        return UNKNOWN
    none = len(CLASSES) - 1
    lumbar = known[truth.levels >= 1]
    low, high = int(truth.levels[truth.levels >= 1][0]), int(truth.levels.max())
    if low == 1 and _beyond(here, lumbar[0], lumbar[1]) > 0:
        away = float(np.linalg.norm(here - lumbar[0]))
        straight = _beyond(here, lumbar[0], lumbar[1]) >= np.cos(np.deg2rad(SACRAL_TURN_DEG)) * away
        return 0 if away <= SACRAL_REACH_MM and straight else none
    if low > 1 and _beyond(here, lumbar[0], lumbar[1]) > 0:
        return UNKNOWN
    if (over := _beyond(here, lumbar[-1], lumbar[-2])) > 0:
        step = lumbar[-1] - lumbar[-2]
        aside = np.linalg.norm(here - lumbar[-1] - over * step / np.linalg.norm(step))
        if aside > ASIDE_MM:
            return none
        return class_index(high + 1) if over <= BEYOND_TOP * np.linalg.norm(step) else UNKNOWN
    return none


def _beyond(here: np.ndarray, end: np.ndarray, before: np.ndarray) -> float:
    """How far `here` lies beyond the end of a line of discs, mm along it."""
    along = end - before
    return float((here - end) @ along / np.linalg.norm(along))


def with_sacrum(truth: LevelTruth, rng: np.random.Generator) -> LevelTruth:
    """Add a place for S1-S2 where L5-S1 is the lowest known disc.

    Args:
        truth: Of a volume.
        rng: Of how far the place is off.

    Returns:
        The truth with it; the truth itself where another level is the lowest or only one is known.
    """
    if truth.levels[0] != 1 or len(truth.levels) < 2:
        return truth
    lowest, above = truth.centers[0] * SPACING_MM, truth.centers[1] * SPACING_MM
    along = (lowest - above) / np.linalg.norm(lowest - above)
    place = lowest + SACRAL_STEP_MM * along + rng.normal(0, 4.0, 3) + np.array([0.0, rng.uniform(0, 8), 0.0])
    return LevelTruth(np.concatenate([[0], truth.levels]), np.concatenate([[place / SPACING_MM], truth.centers]))
