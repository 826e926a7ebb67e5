"""What the panel says, as plain sentences: what is lacking, what was found, what to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..pipeline.result import Disc


def lacking(chosen: Mapping[str, str | None]) -> str:
    """What keeps the user from segmenting; empty if nothing does. chosen: channel -> name of the volume, or None."""
    if not any(name for channel, name in chosen.items() if channel != "fat"):
        return "Choose a water, in-phase or opposed-phase volume first: discs do not show in fat alone."
    names = [name for name in chosen.values() if name]
    twice = next((name for name in names if names.count(name) > 1), None)
    return f"{twice} is chosen for two channels: choose another." if twice else ""


def discs_found(discs: Sequence[Disc], metrics: Mapping[str, Any] | None) -> str:
    """The levels from the lowest upwards, with the confidence of each, and the overall Dice of a report's metrics."""
    listed = ", ".join(f"{disc.level} ({disc.confidence:.0%})" for disc in discs)
    dice = "" if metrics is None else f" Dice against the reference: {metrics['overall_dice']:.3f}."
    return f"{len(discs)} {'disc' if len(discs) == 1 else 'discs'} with their confidence: {listed}.{dice}"


def to_check(warnings: Sequence[str], discs: Sequence[Disc]) -> str:
    """One line for each warning of the pipeline and each flag of a disc."""
    sentences = [*warnings, *(f"{disc.level}: {flag}" for disc in discs for flag in disc.flags)]
    return "\n".join(f"⚠ {sentence}" for sentence in sentences)
