"""What the panel says, in the user's language: what is lacking, what was found, what to check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from slicer.i18n import tr as _

from ..dixon.channels import PLAIN_NAMES
from ..findings import Finding
from ..measure.segmented import Disc
from .scene_result import is_of_a_result


def channel_name(channel: str) -> str:
    """What people call a channel.

    Args:
        channel: The channel.

    Returns:
        Its name in the user's language.
    """
    return _(PLAIN_NAMES[channel])


def choice(value: str) -> str:
    """What people call a choice of the options.

    Args:
        value: The choice, as it is stored.

    Returns:
        Its name in the user's language; a level as it is.
    """
    names = {"automatic": _("automatic"), "auto": _("automatic"), "cpu": _("processor"), "gpu": _("graphics card")}
    return names.get(value, value)


def lacking(chosen: Mapping[str, Any], reference: Any) -> str:
    """What keeps the user from segmenting.

    Args:
        chosen: Channel -> volume node, or None.
        reference: Node of the reference, or None.

    Returns:
        A sentence; empty if nothing does.
    """
    if not any(node for channel, node in chosen.items() if channel != "fat"):
        return _("Choose a water, in-phase or opposed-phase volume first: discs do not show in fat alone.")
    nodes = [node for node in chosen.values() if node is not None]
    twice = next((node for node in nodes if nodes.count(node) > 1), None)
    if twice is not None:
        return _("{name} is chosen for two channels: choose another.").format(name=twice.GetName())
    return own_reference(reference)


def own_reference(reference: Any) -> str:
    """What is wrong with a reference that this extension has made itself.

    Args:
        reference: Node of the reference, or None.

    Returns:
        A sentence; empty for any other and none.
    """
    if reference is None or not is_of_a_result(reference):
        return ""
    return _("{name} is a result of this module: choose an expert's segmentation as the reference.").format(
        name=reference.GetName()
    )


def discs_found(discs: Sequence[Disc], metrics: Mapping[str, Any] | None) -> str:
    """How many discs there are, which, and how many to check; with a reference the Dice over all voxels.

    Args:
        discs: Caudal to cranial.
        metrics: Agreement of the report, or None.

    Returns:
        Sentences.
    """
    if not discs:
        return _("No disc.")
    if len(discs) == 1:
        text = _("1 disc: {lowest}.").format(lowest=discs[0].level)
    else:
        text = _("{count} discs, {lowest} to {highest}.").format(
            count=len(discs), lowest=discs[0].level, highest=discs[-1].level
        )
    flagged = sum(1 for disc in discs if disc.flags)
    if flagged == 1:
        text += " " + _("1 of them is to be checked.")
    elif flagged:
        text += " " + _("{count} of them are to be checked.").format(count=flagged)
    if metrics is not None:
        text += " " + _("Dice against the reference: {dice}.").format(dice=f"{metrics['overall_dice']:.3f}")
    return text


_SIGNS = {"note": "ℹ", "warning": "⚠"}
"""Severity of a finding -> the sign before its sentence."""


def to_check(findings: Sequence[Finding]) -> str:
    """The findings about the case; those about a disc stand in its row, and how many these are is told above.

    Args:
        findings: The findings.

    Returns:
        One line each, after the sign of its severity.
    """
    return "\n".join(f"{_SIGNS[one.severity]} {one.text(_)}" for one in findings if one.code != "discs_flagged")


def sentences(findings: Sequence[Finding]) -> str:
    """Findings in the user's language.

    Args:
        findings: The findings.

    Returns:
        One line each.
    """
    return "\n".join(one.text(_) for one in findings)
