"""The names of the levels and their labels, fixed for life, and how all of them move when a person names one."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import InputError

LEVELS: tuple[str, ...] = (
    "L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1", "T11-T12", "T10-T11", "T9-T10", "T8-T9",
    "T7-T8", "T6-T7", "T5-T6", "T4-T5", "T3-T4", "T2-T3", "T1-T2",
)  # fmt: skip
"""Levels above the sacrum from caudal to cranial; a level's label value is its position here plus one."""

SACRAL_LEVEL = "S1-S2"
"""The rudimentary disc of the sacrum, which shows in some people."""

SPINE: tuple[str, ...] = (SACRAL_LEVEL, *LEVELS)
"""All levels that a disc may have, caudal to cranial."""

LABELS: dict[str, int] = {level: position + 1 for position, level in enumerate((*LEVELS, SACRAL_LEVEL))}
"""Level -> its value in label maps; S1-S2, which came last, has the last one."""

LEVEL_OF: dict[int, str] = {label: level for level, label in LABELS.items()}
"""Label -> level."""


def shifted(levels: Sequence[str], lowest_level: str) -> dict[str, str]:
    """What every level is called when a person calls the lowest disc something else.

    Args:
        levels: Of the discs, caudal to cranial; at least one.
        lowest_level: The new name of the first of them.

    Returns:
        Level -> new level. All count on from the lowest: gaps between them stay where they are. Levels below the lowest of
        `levels` may have no new name.

    Raises:
        InputError: The lowest level is unknown, or the others would leave those of a spine.
    """
    check_known(lowest_level)
    step = SPINE.index(lowest_level) - SPINE.index(levels[0])
    if SPINE.index(levels[-1]) + step >= len(SPINE):
        count = SPINE.index(levels[-1]) - SPINE.index(levels[0]) + 1
        raise InputError(f"{count} levels from {lowest_level} upwards are more than a spine has: check the lowest level")
    return {level: SPINE[n + step] for n, level in enumerate(SPINE) if 0 <= n + step < len(SPINE)}


def check_known(lowest_level: str) -> None:
    """Refuse a lowest level that is none.

    Args:
        lowest_level: As a person gave it.

    Raises:
        InputError: It is none of SPINE.
    """
    if lowest_level not in LABELS:
        raise InputError(f"lowest level is {lowest_level!r}: it must be one of {', '.join(SPINE)}")
