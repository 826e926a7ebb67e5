"""Means, standard deviations, and paired differences with an interval that respects who the discs belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .scores import VOLUME, Score

RESAMPLES = 10_000
INTERVAL = 95


@dataclass(frozen=True)
class Summary:
    """Of some values.

    Attributes:
        count: How many there are.
        mean: Their mean; None where there is none.
        sd: Their standard deviation with count - 1; None below two.
    """

    count: int
    mean: float | None
    sd: float | None


def summary(values: Sequence[float | None]) -> Summary:
    """Mean and standard deviation.

    Args:
        values: The values; None is left out.

    Returns:
        Of those that are there.
    """
    there = [value for value in values if value is not None]
    return Summary(
        len(there),
        float(np.mean(there)) if there else None,
        float(np.std(there, ddof=1)) if len(there) > 1 else None,
    )


@dataclass(frozen=True)
class Difference:
    """Of two systems' mean Dice over the same discs or volumes.

    Attributes:
        mean: The first less the second.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    mean: float
    low: float
    high: float


def paired_difference(first: Sequence[Score], second: Sequence[Score], by_disc: bool, seed: int = 0) -> Difference:
    """The difference of two systems' mean Dice with a bootstrap interval.

    Subjects are drawn with replacement, each with all of its discs: discs of one person are not independent (cluster
    bootstrap, percentile interval; Efron and Tibshirani, An Introduction to the Bootstrap, 1993).

    Args:
        first: Scores of a system.
        second: Scores of another, of the same subjects and discs.
        by_disc: Whether discs are averaged; otherwise volumes.
        seed: Of the resampling.

    Returns:
        The difference and its interval of INTERVAL per cent.
    """
    others = {(score.subject, score.disc): score.dice for score in second}
    by_subject: dict[str, list[float]] = {}
    for score in first:
        if (score.disc != VOLUME) == by_disc:
            by_subject.setdefault(score.subject, []).append(score.dice - others[score.subject, score.disc])
    sums = np.array([sum(values) for values in by_subject.values()])
    counts = np.array([len(values) for values in by_subject.values()])
    drawn = np.random.default_rng(seed).integers(len(sums), size=(RESAMPLES, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.percentile(means, [(100 - INTERVAL) / 2, (100 + INTERVAL) / 2])
    return Difference(float(sums.sum() / counts.sum()), float(low), float(high))
