"""Splits by subject only: nobody is on both sides, whichever source or network."""

from __future__ import annotations

from collections.abc import Sequence

from .scans import Scan

PARTS = 6
"""Every source's subjects are dealt into this many parts; a fold leaves out one or more whole parts."""

DEALT = (0, 3, 1, 4, 2, 5)
"""The order in which parts get a subject, so that two subjects of a source are in different halves."""


def part_of_subject(scans: Sequence[Scan]) -> dict[str, int]:
    """Which part of the data each subject belongs to.

    The subjects of each source, in order, are dealt out in turn. Parts are the same for both networks, so that localizer
    and segmenter of one part have both not seen its subjects.

    Args:
        scans: Everything there is.

    Returns:
        Subject -> part, 0 to PARTS - 1.
    """
    parts = {}
    for source in sorted({s.source for s in scans}):
        subjects = sorted({s.subject for s in scans if s.source == source})
        parts.update({subject: DEALT[index % PARTS] for index, subject in enumerate(subjects)})
    return parts


def split(scans: Sequence[Scan], fold: int, folds: int) -> tuple[list[Scan], list[Scan]]:
    """The scans to train on and those to test on.

    Args:
        scans: Everything there is.
        fold: Which fold, 0 to folds - 1.
        folds: How many folds; a divisor of PARTS.

    Returns:
        The training scans and the held-out scans.

    Raises:
        ValueError: folds does not divide PARTS.
    """
    if PARTS % folds:
        raise ValueError(f"folds is {folds}: it must divide {PARTS}")
    parts = part_of_subject(scans)
    held_out = [parts[s.subject] * folds // PARTS == fold for s in scans]
    return (
        [s for s, out in zip(scans, held_out, strict=True) if not out],
        [s for s, out in zip(scans, held_out, strict=True) if out],
    )
