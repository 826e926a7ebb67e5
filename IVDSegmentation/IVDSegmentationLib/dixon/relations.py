"""The Dixon relations: completing the channels of an examination, and checking them against one another.

In every voxel, with water and fat as magnitudes (Dixon, Radiology 153:189, 1984):
in-phase = water + fat and opposed-phase = |water - fat|.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding
from ..images import WORKING_SPACING_MM
from .channels import CHANNELS, PLAIN_NAMES
from .exchange import look_exchanged

_COPY_MARGIN = 0.05
"""How much worse (share of the mean signal) the usual explanation of a copy must fit before the other one is taken."""
_OUT_OF_RELATION = 0.30
"""Mean deviation from a relation, as a share of the mean signal, that is called a contradiction; 0.14 at most in the
49 boxes of IVDM3Seg (T2* decay and noise), about 0.5 and more when two files are exchanged."""


def complete_channels(
    given: Mapping[str, np.ndarray],
    spacing_mm: tuple[float, float, float] = WORKING_SPACING_MM,
) -> tuple[dict[str, np.ndarray], frozenset[str], tuple[Finding, ...]]:
    """Check the channels of an examination, and compute the missing ones that the Dixon relations determine.

    Any two of water, fat and in-phase give all four. Opposed-phase with in-phase says how much of two tissues there is
    but not which is fat, and opposed-phase with water (or fat) leaves a sign open: there, what is missing stays so.

    Of two channels that hold the same voxels one is a copy under a wrong name. The one kept is that which fits the
    other channels. Where they cannot tell, water is the copy of in-phase (as in the water boxes published with the
    paper), and otherwise opposed-phase, then fat, is the copy. The copy is dropped, and recomputed where possible.

    Args:
        given: Channel -> voxels [x, y, z], towards left, posterior, superior; one shape and intensity unit for all, >= 0.
        spacing_mm: Voxel size along x, y, z.

    Returns:
        The channels given and computed, float32, in the order of CHANNELS; the names of the computed ones; what
        the user should know.

    Raises:
        InputError: A channel is unknown, or the shapes differ.
    """
    shapes = {name: np.shape(voxels) for name, voxels in given.items()}
    if unknown := sorted(set(given) - set(CHANNELS)):
        raise InputError(f"{unknown[0]} is not a Dixon channel: use {', '.join(CHANNELS)}")
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{PLAIN_NAMES[name]} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
        raise InputError(f"the channels differ in their number of voxels ({listed}): put them on one grid first")
    channels, findings = _without_copies({name: np.asarray(given[name], np.float32) for name in CHANNELS if name in given})
    findings += _contradictions(_thinned(channels))
    derived = _derive(channels)
    if "water" in channels and "fat" in channels and look_exchanged(channels["water"], channels["fat"], spacing_mm):
        findings.append(finding("water_and_fat_swapped"))
    ordered = {name: channels[name] for name in CHANNELS if name in channels}
    return ordered, frozenset(derived), tuple(findings)


def _derive(channels: dict[str, np.ndarray]) -> set[str]:
    """Add to `channels` what those present determine; the names added."""
    before = set(channels)
    if "in_phase" not in channels and {"water", "fat"} <= before:
        channels["in_phase"] = channels["water"] + channels["fat"]
    for wanted, other in (("water", "fat"), ("fat", "water")):
        if wanted not in channels and {"in_phase", other} <= before:
            channels[wanted] = np.maximum(channels["in_phase"] - channels[other], 0)
    if "opposed_phase" not in channels and {"water", "fat"} <= set(channels):
        channels["opposed_phase"] = np.abs(channels["water"] - channels["fat"])
    return set(channels) - before


def _thinned(channels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every other voxel along each axis: an eighth of the work, and means do not change."""
    return {name: voxels[::2, ::2, ::2] for name, voxels in channels.items()}


def _without_copies(given: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[Finding]]:
    """Drop one channel of every identical pair; what is left, and a finding on each."""
    channels, findings = dict(given), []
    # The first of a pair is the copy unless the other channels say otherwise.
    for copy, original in (
        ("water", "in_phase"),
        ("opposed_phase", "in_phase"),
        ("opposed_phase", "water"),
        ("opposed_phase", "fat"),
        ("fat", "in_phase"),
        ("fat", "water"),
    ):
        if not (copy in channels and original in channels and _same(channels[copy], channels[original])):
            continue
        thin = _thinned(channels)
        usual, other = (max(_deviations(_without(thin, name)).values(), default=0.0) for name in (copy, original))
        dropped = original if usual > other + _COPY_MARGIN else copy
        kept = copy if dropped == original else original
        channels = _without(channels, dropped)
        code = "channel_copy_computed" if dropped in _determined(channels) else "channel_copy_left_out"
        roles = {"copy": copy, "original": original, "kept": kept, "dropped": dropped}
        findings.append(finding(code, **{role: PLAIN_NAMES[name] for role, name in roles.items()}))
    return channels, findings


def _determined(channels: Mapping[str, np.ndarray]) -> set[str]:
    """Names of the channels that the Dixon relations determine from those present."""
    return set(CHANNELS) if len({"water", "fat", "in_phase"}.intersection(channels)) >= 2 else set(channels)


def _without(channels: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The channels but one."""
    return {key: voxels for key, voxels in channels.items() if key != name}


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal voxel by voxel; a sparse look first, which settles nearly every pair."""
    return np.array_equal(one[::7, ::7, ::7], other[::7, ::7, ::7]) and np.array_equal(one, other)


def _deviations(channels: Mapping[str, np.ndarray]) -> dict[tuple[str, str], float]:
    """Code of the finding and channel -> mean deviation from the relation, as a share of the mean signal (0 = fulfilled).

    Equalities are judged up to one factor between the two sides (scanners scale channels separately).
    """
    water, fat = channels.get("water"), channels.get("fat")
    in_phase, opposed = channels.get("in_phase"), channels.get("opposed_phase")
    deviations: dict[tuple[str, str], float] = {}
    if in_phase is not None and water is not None and fat is not None:
        deviations["in_phase_is_no_sum", "in_phase"] = _misfit(in_phase, water + fat)
    if in_phase is not None:
        for name in ("water", "fat"):
            if name in channels and not ("water" in channels and "fat" in channels):
                deviations["channel_exceeds_in_phase", name] = _excess(channels[name], in_phase)
    if opposed is not None:
        difference = None
        if water is not None and fat is not None:
            difference = water - fat
        elif in_phase is not None and (water is not None or fat is not None):
            part = water if water is not None else fat
            assert part is not None
            difference = 2 * part - in_phase
        if difference is not None:
            deviations["opposed_phase_is_no_difference", "opposed_phase"] = _misfit(opposed, np.abs(difference))
        if in_phase is not None:
            deviations["opposed_phase_exceeds_in_phase", "opposed_phase"] = _excess(opposed, in_phase)
    return deviations


def _misfit(measured: np.ndarray, expected: np.ndarray) -> float:
    """Mean |measured - s expected| / mean measured, s the least-squares factor."""
    power = float(np.vdot(expected, expected))
    factor = float(np.vdot(measured, expected)) / power if power > 0 else 0.0
    return float(np.mean(np.abs(measured - factor * expected)) / max(float(np.mean(np.abs(measured))), 1e-12))


def _excess(smaller: np.ndarray, larger: np.ndarray) -> float:
    """How far `smaller` stands above `larger`, as a share of the mean of `larger`."""
    return float(np.mean(np.maximum(smaller - larger, 0)) / max(float(np.mean(np.abs(larger))), 1e-12))


def _contradictions(channels: Mapping[str, np.ndarray]) -> list[Finding]:
    """A finding on every relation that the channels do not fulfil."""
    return [
        finding(code, channel=PLAIN_NAMES[channel], deviation=deviation)
        for (code, channel), deviation in _deviations(channels).items()
        if deviation > _OUT_OF_RELATION
    ]
