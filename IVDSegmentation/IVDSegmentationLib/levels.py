"""Which disc is which: the names of the levels and their labels, fixed for life."""

from __future__ import annotations

import numpy as np

from .errors import InputError

LEVELS: tuple[str, ...] = (
    "L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1", "T11-T12", "T10-T11", "T9-T10", "T8-T9",
    "T7-T8", "T6-T7", "T5-T6", "T4-T5", "T3-T4", "T2-T3", "T1-T2",
)  # fmt: skip
"""Levels from caudal to cranial; a level's label value is its position here plus one."""

LABELS: dict[str, int] = {level: position + 1 for position, level in enumerate(LEVELS)}

GAP_RATIO = 1.6
"""A step this much longer than its neighbours' median passes over a disc that was not found."""


def name_levels(centers_mm: np.ndarray, lowest_level: str | None = None) -> tuple[list[str], list[str]]:
    """Names for discs at centers_mm (n, 3), LPS, sorted from caudal to cranial; and warnings.

    lowest_level: the name of the first; None takes it to be L5-S1 and says so. A step much longer than the others leaves
    out a name, so that a missed disc shifts none. Raises InputError for an unknown lowest_level or more discs than names.
    """
    if lowest_level is not None and lowest_level not in LABELS:
        raise InputError(f"lowest level is {lowest_level!r}: it must be one of {', '.join(LEVELS)}")
    steps_mm = np.linalg.norm(np.diff(centers_mm, axis=0), axis=1)
    typical_mm = float(np.median(steps_mm)) if len(steps_mm) > 1 else 34.0
    passed = [2 if step > GAP_RATIO * typical_mm else 1 for step in steps_mm]
    first = LEVELS.index(lowest_level or "L5-S1")
    positions = [first, *(first + int(n) for n in np.cumsum(passed))][: len(centers_mm)]
    if positions[-1] >= len(LEVELS):
        raise InputError(f"{len(positions)} discs from {LEVELS[first]} upwards are more than a spine has: check the lowest level")
    warnings = []
    if lowest_level is None:
        warnings.append("Levels are counted up from the lowest disc found, taken to be L5-S1: check, and set the lowest level if it is not.")
    if any(n > 1 for n in passed):
        missed = [LEVELS[p - 1] for p, n in zip(positions[1:], passed, strict=True) if n > 1]
        warnings.append(f"No disc was found at {', '.join(missed)}, where the distance of its neighbours leaves room for one: check the levels.")
    return [LEVELS[p] for p in positions], warnings
