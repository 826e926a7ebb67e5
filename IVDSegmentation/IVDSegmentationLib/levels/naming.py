"""The names of a chain of candidates, how probable they are, and what a person should know of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding, renamed_findings
from .chain import ChainParameters, log_likelihood, next_likely, read_chain
from .evidence import Evidence
from .labelling import LEVELS, SPINE, shifted


@dataclass(frozen=True)
class Naming:
    """What a chain of candidates is called.

    Attributes:
        levels: Of each candidate, caudal to cranial; None where it is no disc of the spine above S1, nor S1-S2.
        probability: That all of them are right, 0..1; 1 where a person named the lowest.
        findings: What to know of them: one sentence at most.
    """

    levels: tuple[str | None, ...]
    probability: float
    findings: tuple[Finding, ...] = ()

    def renamed(self, lowest_level: str) -> Naming:
        """The naming once a person has named its lowest disc.

        Args:
            lowest_level: One of SPINE.

        Returns:
            The naming with the others counted on; what has no name gets none.

        Raises:
            InputError: As `shifted`.
        """
        names = shifted([level for level in self.levels if level], lowest_level)
        levels = tuple(None if level is None else names[level] for level in self.levels)
        return Naming(levels, 1.0, renamed_findings(self.findings, names))

    def without(self, gone: Sequence[bool]) -> Naming:
        """The naming without some of the candidates, of which nothing was outlined.

        Args:
            gone: Of each candidate.

        Returns:
            The naming of the others, with what is to be said of them.
        """
        if not any(gone):
            return self
        levels = tuple(level for level, out in zip(self.levels, gone, strict=True) if not out)
        kept = [one for one in self.findings if one.code != "disc_not_found"]
        return Naming(levels, self.probability, tuple(kept) or _missing(levels))


def name_levels(
    centers_mm: np.ndarray, evidence: Evidence, parameters: ChainParameters, upside_down: Evidence | None = None
) -> Naming:
    """Name a chain of candidates by what the level network says of them (chain.read_chain).

    Names count from the sacrum: the disc above it is L5-S1, whatever the number of lumbar vertebrae.

    Args:
        centers_mm: (n, 3), LPS, caudal to cranial.
        evidence: Of the n candidates.
        parameters: Of the model.
        upside_down: Of the same candidates, in the same order, in the image with head and feet exchanged; None where nobody
            looked.

    Returns:
        The most probable names. Where they are less probable than the model's limit, one finding says what else they may be;
        where the chain can be read better upside down, it says that.
    """
    reading = read_chain(centers_mm, evidence, parameters)
    levels = tuple(None if level is None else SPINE[level] for level in reading.levels)
    probability = reading.probability(parameters)
    lowest = next((level for level in levels if level), None)
    if lowest is not None and upside_down is not None:
        turned = Evidence(upside_down.levels[::-1], upside_down.orientation[::-1])
        log_odds = log_likelihood(centers_mm, evidence, parameters) - log_likelihood(centers_mm[::-1], turned, parameters)
        if log_odds <= 0:
            # That the image is upright has the probability of these odds, both ways up being as likely beforehand.
            upright = float(np.exp(log_odds) / (1 + np.exp(log_odds)))
            return Naming(levels, probability * upright, (finding("upside_down_uncertain"),))
    if lowest is None or probability >= parameters.limit:
        return Naming(levels, probability, _missing(levels))
    other, share = next_likely(centers_mm, evidence, parameters, reading.levels)
    if other is None:
        doubt = finding("disc_above_uncertain", lowest, probability=round(probability, 2))
    else:
        chance = (1 - probability) * share
        values = {"probability": round(probability, 2), "other_probability": round(chance, 2)}
        doubt = finding("lowest_level_uncertain", lowest, SPINE[other], **values)
    return Naming(levels, probability, (doubt,))


def count_levels(number: int) -> Naming:
    """Names for a model that does not read levels: counted up from L5-S1.

    Args:
        number: Of candidates.

    Returns:
        The names, with a finding that says so.

    Raises:
        InputError: There are more than a spine has.
    """
    if number > len(LEVELS):
        raise InputError(f"{number} structures one above the other are more than the discs of a spine: check the images")
    return Naming(LEVELS[:number], 0.0, (finding("names_counted", LEVELS[0]),) if number else ())


def _missing(levels: Sequence[str | None]) -> tuple[Finding, ...]:
    """The finding about levels between the found ones at which no disc was found."""
    places = [SPINE.index(level) for level in levels if level]
    missed = [SPINE[n] for n in range(places[0], places[-1]) if n not in places] if places else []
    return (finding("disc_not_found", *missed),) if missed else ()
