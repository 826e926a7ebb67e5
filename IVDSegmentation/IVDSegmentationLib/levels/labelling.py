"""Which disc is which: the names of the levels and their labels, fixed for life, and how they are decided."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding, renamed_findings
from ..images import Grid
from .likelihood import LEVEL_COUNT, DiscShape, expected_step_mm, log_likelihood, log_prior, log_stray

LEVELS: tuple[str, ...] = (
    "L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1", "T11-T12", "T10-T11", "T9-T10", "T8-T9",
    "T7-T8", "T6-T7", "T5-T6", "T4-T5", "T3-T4", "T2-T3", "T1-T2",
)  # fmt: skip
"""Levels from caudal to cranial; a level's label value is its position here plus one."""

LABELS: dict[str, int] = {level: position + 1 for position, level in enumerate(LEVELS)}

CERTAIN, CERTAIN_WITHOUT_LOWEST = 0.97, 0.995
"""Probability from which the names carry no warning; the same where the lowest structure was taken for the rudimentary disc and
left out: a degenerated L5-S1, half outlined, resembles it."""

STRAYS_BELOW = 2
"""So many structures below the lowest disc may be no discs of the chain, such as remnants in the sacrum."""

_USUAL_GAPS = 1
"""So many levels without a disc, or structures that are none, are usual."""

_NO_DISC = 0.6
"""level_image.disc_below of less shows no disc (0.6 to 1.3 where there was one in 29 of 34 water volumes)."""

_TABLE = ("S1-S2", *LEVELS)
"""The levels as the tables of level_evidence index them."""
_STEP_TOLERANCE = 0.35
"""How far the logarithm of a step may lie from that of its expected length for a number of levels to be considered."""
_STRAIGHT = 0.6
"""Cosine of the angle between two steps, at least: 53 degrees; at most 33 in the 34 water volumes."""
_MOST_LEVELS_A_STEP = 3
_TOO_NEAR = 0.78
"""Of the median step: a shorter one suggests that one of the two is no disc."""


@dataclass(frozen=True)
class Naming:
    """levels: the name of each disc, caudal to cranial; None for a structure that is no disc of the chain.
    probability: that all of them are right, 0..1; 1 where the user named the lowest. findings: what to check of them."""

    levels: tuple[str | None, ...]
    probability: float
    findings: tuple[Finding, ...] = ()

    def renamed(self, lowest_level: str) -> Naming:
        """The naming with its lowest named disc called lowest_level and the others counted on from it.

        What has no name gets none: a user names the lowest of the discs that are shown, not what was left out below it.
        Raises InputError as `shifted`.
        """
        names = shifted([level for level in self.levels if level], lowest_level)
        levels = tuple(None if level is None else names[level] for level in self.levels)
        return Naming(levels, 1.0, renamed_findings(self.findings, names))


def name_levels(discs: Sequence[DiscShape], grid: Grid, discs_below: Sequence[float | None] = ()) -> Naming:
    """Names for discs sorted from caudal to cranial, found in the field of view of `grid` (the working grid).

    Every way to name them is weighed: which level the lowest is, where a disc was not found, whether a structure is no
    disc (level_evidence). The most probable is taken; with less than CERTAIN, or where structures near the lowest disc
    were left out or much does not fit the chain, a finding says what else it may be and how to set it. Names count from
    the sacrum: the disc above it is L5-S1, whatever the number of lumbar vertebrae.

    discs_below: how disc-like the image is below the first, the second and so on (image_below.disc_below), None where it
    does not tell. Raises InputError where there are more discs than a spine has.
    """
    ways = list(_ways(discs))
    if not ways:
        raise InputError(f"{len(discs)} structures one above the other are more than the discs of a spine: check the images")
    weights = np.array([_weight(discs, way, grid, discs_below) for way in ways])
    posterior = np.exp(weights - weights.max())
    posterior /= posterior.sum()
    # A structure in the sacrum has no name, whether it is the rudimentary disc or none: ways may differ in that alone.
    named = [tuple(_TABLE[index] if index else None for index in way) for way in ways]
    chances: dict[tuple[str | None, ...], float] = {}
    for names, chance in zip(named, posterior, strict=True):
        chances[names] = chances.get(names, 0.0) + float(chance)
    names = max(chances, key=lambda n: chances[n])
    best = ways[max((n for n in range(len(ways)) if named[n] == names), key=lambda n: weights[n])]
    probability = chances[names]
    certain = probability >= (CERTAIN_WITHOUT_LOWEST if 0 in best else CERTAIN)
    doubts = _doubts(discs, best, discs_below) if certain else [_uncertain(ways, posterior, probability)]
    return Naming(names, probability, (*doubts, *_gaps(best), *_left_out(best)))


def shifted(levels: Sequence[str], lowest_level: str) -> dict[str, str]:
    """The name of every level when the lowest of `levels` (caudal to cranial) is called lowest_level instead, and all others
    count on from it: gaps between them stay where they are.

    Levels below the lowest of `levels` may have no new name. Raises InputError for a lowest level that is unknown, or from
    which the levels would leave those of a spine.
    """
    check_known(lowest_level)
    step = LEVELS.index(lowest_level) - LEVELS.index(levels[0])
    if LEVELS.index(levels[-1]) + step >= len(LEVELS):
        count = LEVELS.index(levels[-1]) - LEVELS.index(levels[0]) + 1
        raise InputError(f"{count} levels from {lowest_level} upwards are more than a spine has: check the lowest level")
    return {level: LEVELS[n + step] for n, level in enumerate(LEVELS) if 0 <= n + step < len(LEVELS)}


def check_known(lowest_level: str) -> None:
    """Raise InputError for a lowest level that is none of LEVELS."""
    if lowest_level not in LABELS:
        raise InputError(f"lowest level is {lowest_level!r}: it must be one of {', '.join(LEVELS)}")


_Way = tuple[int | None, ...]
"""For each disc its index in _TABLE, or None where it is no disc of the chain."""


def _ways(discs: Sequence[DiscShape]) -> Iterator[_Way]:
    """Every way to name the discs that their distances allow; one structure alone is a disc."""
    count = len(discs)
    strays: list[tuple[int, ...]] = [(), *((suspect,) for suspect in _suspects(discs))]
    if count > STRAYS_BELOW + 2:
        strays.append(tuple(range(STRAYS_BELOW)))
    for stray, first in product(strays, range(0 if count > 1 else 1, LEVEL_COUNT)):
        kept = [disc for number, disc in enumerate(discs) if number not in stray]
        for chain in _chains(kept, first):
            way: list[int | None] = list(chain)
            for number in stray:
                way.insert(number, None)
            yield tuple(way)


def _suspects(discs: Sequence[DiscShape]) -> list[int]:
    """The structures that may be no disc of the chain: the first, the last, and those with a neighbour too near."""
    count = len(discs)
    if count < 3:
        return []
    steps_mm = np.linalg.norm(np.diff([disc.center_mm for disc in discs], axis=0), axis=1)
    near = np.flatnonzero(steps_mm < _TOO_NEAR * np.median(steps_mm))
    return sorted({0, count - 1, *(int(n) for n in near), *(int(n) + 1 for n in near)})


def _chains(discs: Sequence[DiscShape], first: int) -> Iterator[tuple[int, ...]]:
    """Table indices of all discs from the first one's, for every number of levels that each step may span."""
    steps_mm = np.linalg.norm(np.diff([disc.center_mm for disc in discs], axis=0), axis=1) if len(discs) > 1 else []
    open_chains: list[tuple[int, ...]] = [(first,)]
    for step_mm in steps_mm:
        longer = []
        for chain in open_chains:
            spans = [n for n in range(1, _MOST_LEVELS_A_STEP + 1) if chain[-1] + n < LEVEL_COUNT]
            misfits = {n: abs(np.log(step_mm / expected_step_mm(chain[-1], chain[-1] + n))) for n in spans}
            fitting = [n for n in spans if misfits[n] < _STEP_TOLERANCE] or sorted(spans, key=lambda n: misfits[n])[:1]
            longer += [(*chain, chain[-1] + n) for n in fitting]
        open_chains = longer
    yield from open_chains


def _weight(discs: Sequence[DiscShape], way: _Way, grid: Grid, discs_below: Sequence[float | None]) -> float:
    """Logarithm of the probability of a way to name the discs, up to a constant."""
    kept = [disc for disc, index in zip(discs, way, strict=True) if index is not None]
    levels = [index for index in way if index is not None]
    strays = sum(log_stray(disc) for disc, index in zip(discs, way, strict=True) if index is None)
    lowest = next(number for number, index in enumerate(way) if index is not None)
    disc_below = discs_below[lowest] if lowest < len(discs_below) else None
    return log_likelihood(kept, levels) + log_prior(kept, levels, grid, disc_below) + strays


def _uncertain(ways: Sequence[_Way], posterior: np.ndarray, probability: float) -> Finding:
    """The finding where the names are certain to this probability only: what the lowest disc may be."""
    chances: dict[str, float] = {}
    for way, chance in zip(ways, posterior, strict=True):
        named = [index for index in way if index]
        name = _TABLE[named[0]] if named else LEVELS[0]
        chances[name] = chances.get(name, 0.0) + float(chance)
    ranked = sorted(chances, key=lambda name: -chances[name])
    if chances[ranked[0]] - probability > 1 - chances[ranked[0]]:
        return finding("disc_above_uncertain", ranked[0], probability=float(probability))
    first, second = ranked[:2]
    return finding("lowest_level_uncertain", first, second, probability=chances[first], other_probability=chances[second])


def _doubts(discs: Sequence[DiscShape], way: _Way, discs_below: Sequence[float | None]) -> list[Finding]:
    """The finding about names that are as good as certain if the structures found are what they seem."""
    lowest = next(number for number, index in enumerate(way) if index is not None)
    shown = discs_below[lowest] if lowest < len(discs_below) else None
    # What lies below the rudimentary disc, or below a disc under which the image shows no other, is sacrum.
    first = way.index(0) if 0 in way else lowest if shown is not None and shown < _NO_DISC else 0
    stray = next((number for number in range(first, len(way)) if way[number] is None), len(way))
    above = next((_TABLE[index] for index in way[stray:] if index), None)
    if above and stray <= first + STRAYS_BELOW:
        below = next((_TABLE[index] for index in reversed(way[:stray]) if index), None)
        if below is None:
            return [finding("structure_below_may_be_disc", above)]
        return [finding("structure_between_may_be_disc", below, above)]
    sacrum = way.index(0) if 0 in way else 0
    gaps = sum(not index for index in way[sacrum:]) + len(_missed(way))
    if gaps > _USUAL_GAPS:
        return [finding("several_gaps", count=gaps)]
    return _misfit(discs, way)


def _misfit(discs: Sequence[DiscShape], way: _Way) -> list[Finding]:
    """The finding about neighbours whose distance is not that of any levels, or of one off the line of its neighbours: that one
    way is the most probable of all says nothing where none of them fits."""
    kept = [(np.asarray(disc.center_mm), index) for disc, index in zip(discs, way, strict=True) if index is not None]
    steps = [(upper - lower, low, high) for (lower, low), (upper, high) in pairwise(kept)]
    for step, low, high in steps:
        length_mm = float(np.linalg.norm(step))
        if abs(np.log(length_mm / expected_step_mm(low, high))) > _STEP_TOLERANCE:
            return [finding("distance_fits_no_level", _TABLE[low], _TABLE[high], distance_mm=length_mm)]
    for (below, _, middle), (above, _, _) in pairwise(steps):
        if below @ above < _STRAIGHT * np.linalg.norm(below) * np.linalg.norm(above):
            return [finding("disc_off_line", _TABLE[middle])]
    return []


def _missed(way: _Way) -> list[str]:
    """The levels between the found ones at which no disc was found."""
    found = [index for index in way if index]
    return [_TABLE[index] for index in range(found[0], found[-1]) if index not in found] if found else []


def _gaps(way: _Way) -> list[Finding]:
    """The finding about levels between the found ones at which no disc was found."""
    missed = _missed(way)
    return [finding("disc_not_found", *missed)] if missed else []


def _left_out(way: _Way) -> list[Finding]:
    """The findings about structures that were found and not named."""
    found = []
    if way[0] == 0:
        found.append(finding("rudimentary_disc_left_out"))
    for number, index in enumerate(way):
        if index is None:
            below = next((_TABLE[i] for i in reversed(way[:number]) if i), None)
            above = next((_TABLE[i] for i in way[number + 1 :] if i), None)
            if below and above:
                found.append(finding("structure_between_left_out", below, above))
            elif below:
                found.append(finding("structure_above_left_out", below))
            elif above:
                found.append(finding("structure_below_left_out", above))
    return found
