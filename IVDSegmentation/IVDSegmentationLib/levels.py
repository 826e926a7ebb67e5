"""Which disc is which: the names of the levels and their labels, fixed for life."""

from __future__ import annotations

LEVELS: tuple[str, ...] = (
    "L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1", "T11-T12", "T10-T11", "T9-T10", "T8-T9",
    "T7-T8", "T6-T7", "T5-T6", "T4-T5", "T3-T4", "T2-T3", "T1-T2",
)  # fmt: skip
"""Levels from caudal to cranial; a level's label value is its position here plus one."""

LABELS: dict[str, int] = {level: position + 1 for position, level in enumerate(LEVELS)}
