"""What the panel says, as plain sentences: what is lacking, what was found, what to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..dixon.channels import PLAIN_NAMES
from ..pipeline.result import Disc


def channel_name(channel: str) -> str:
    """What people call a channel."""
    return _(PLAIN_NAMES[channel])


def lacking(chosen: Mapping[str, str | None]) -> str:
    """What keeps the user from segmenting; empty if nothing does. chosen: channel -> name of the volume, or None."""
    if not any(name for channel, name in chosen.items() if channel != "fat"):
        return _("Choose a water, in-phase or opposed-phase volume first: discs do not show in fat alone.")
    names = [name for name in chosen.values() if name]
    twice = next((name for name in names if names.count(name) > 1), None)
    return _("{name} is chosen for two channels: choose another.").format(name=twice) if twice else ""


def discs_found(discs: Sequence[Disc], metrics: Mapping[str, Any] | None) -> str:
    """The levels from the lowest upwards, with the confidence of each, and the overall Dice of a report's metrics."""
    listed = ", ".join(f"{disc.level} ({disc.confidence:.0%})" for disc in discs)
    found = _("1 disc with its confidence: {discs}.") if len(discs) == 1 else _("{count} discs with their confidence: {discs}.")
    text = found.format(count=len(discs), discs=listed)
    if metrics is not None:
        text += " " + _("Dice against the reference: {dice}.").format(dice=f"{metrics['overall_dice']:.3f}")
    return text


def to_check(warnings: Sequence[str], discs: Sequence[Disc]) -> str:
    """One line for each warning of the pipeline and each flag of a disc."""
    sentences = [*warnings, *(f"{disc.level}: {flag}" for disc in discs for flag in disc.flags)]
    return "\n".join(f"⚠ {sentence}" for sentence in sentences)
