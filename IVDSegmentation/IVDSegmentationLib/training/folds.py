"""Splits by subject only: nobody is on both sides, whichever source or network."""

from __future__ import annotations

from collections.abc import Sequence

from .scans import Scan

PARTS = 6
"""Every source's subjects are dealt into this many parts; a fold leaves out one or more whole parts."""


def part_of_subject(scans: Sequence[Scan]) -> dict[str, int]:
    """Subject -> part 0..5: the subjects of each source in order, dealt out in turn. The same for both networks, so that
    localizer and segmenter of one part have both not seen its subjects."""
    parts = {}
    for source in sorted({s.source for s in scans}):
        subjects = sorted({s.subject for s in scans if s.source == source})
        parts.update({subject: index % PARTS for index, subject in enumerate(subjects)})
    return parts


def split(scans: Sequence[Scan], fold: int, folds: int) -> tuple[list[Scan], list[Scan]]:
    """Training and held-out scans of one of `folds` folds. Raises ValueError unless folds divides the number of parts."""
    if PARTS % folds:
        raise ValueError(f"folds is {folds}: it must divide {PARTS}")
    parts = part_of_subject(scans)
    held_out = [parts[s.subject] * folds // PARTS == fold for s in scans]
    return (
        [s for s, out in zip(scans, held_out, strict=True) if not out],
        [s for s, out in zip(scans, held_out, strict=True) if out],
    )
