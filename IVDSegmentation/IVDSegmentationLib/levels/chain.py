"""The most probable levels of a chain of candidates, by what the level network says of each and by the steps between them.

A chain is read from caudal to cranial: levels rise, some may be missing, and any candidate may be none of the spine's discs.
The sum over all such readings (the forward algorithm of hidden Markov models; Rabiner, Proc IEEE 77:257, 1989) tells how
probable the best one is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from ..errors import ModelError
from .evidence import AS_STORED, CLASSES, Evidence
from .labelling import SPINE

SACRAL = 2
"""So many candidates may lie in the sacrum below S1-S2: S2-S3 and S3-S4. They have no name."""

STATES = np.arange(-SACRAL, len(SPINE))
"""Levels that a candidate may have, as places in SPINE; negative in the sacrum below S1-S2."""

MOST_ODDS = 12.0
"""Log odds beyond this say no more: 1 to 160,000."""

LEAST_SHARE = 0.3
"""Share of what is not the best reading from which another level of the lowest disc is worth naming."""

NONE = CLASSES.index("none")

_CLASS = np.clip(STATES, 0, NONE - 1)
"""The class of each state."""


@dataclass(frozen=True)
class ChainParameters:
    """What `ivdseg fit levels` found for a model, as its card holds it.

    Attributes:
        weight: Of the network's log probabilities.
        gap: Added for every level without a candidate between two that have one.
        stray: Added for every candidate that is no disc of the spine.
        step: Logarithm of the step from one disc to the next, mm: a, b, c of a + b k + c k^2, where k is the place in SPINE
            of the middle between the two.
        spread: Standard deviation of this logarithm.
        calibration: Slopes and intercept from the log odds of the best reading, from whether it begins above L5-S1, and from
            how sure the network is that the image lies as its header says, to the log odds of its being right.
        limit: Probability below which the names carry a warning.
    """

    weight: float
    gap: float
    stray: float
    step: tuple[float, float, float]
    spread: float
    calibration: tuple[float, float, float, float]
    limit: float

    @classmethod
    def of(cls, card: Mapping[str, Any]) -> ChainParameters:
        """Read the parameters of a model.

        Args:
            card: The entry of the level network in the model's card.

        Returns:
            Its parameters.

        Raises:
            ModelError: They are missing, or no numbers that a reading can be made with.
        """
        try:
            given = card["chain"]
            values: dict[str, Any] = {}
            for field in fields(cls):
                value = given[field.name]
                values[field.name] = tuple(float(v) for v in value) if isinstance(value, list) else float(value)
            read = cls(**values)
            numbers = np.array([*read.step, *read.calibration, read.weight, read.gap, read.stray, read.spread, read.limit])
            if numbers.shape != (12,) or not np.isfinite(numbers).all() or read.spread <= 0:
                raise ValueError("not the numbers that a reading needs")
            return read
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError("the model's card does not say how levels are read: install the extension again") from error

    def as_card(self) -> dict[str, Any]:
        """What `of` reads.

        Returns:
            Name -> number or list of numbers, as JSON holds them.
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}


@dataclass(frozen=True)
class Reading:
    """The best reading of a chain.

    Attributes:
        levels: Of each candidate, caudal to cranial, its place in SPINE; None where it has no name.
        log_odds: Logarithm of its probability over that of all others.
        as_stored: Mean over the candidates of the logarithm of the probability that the image lies as its header says. An
            image that the network cannot tell this of is unlike those that it knows, or shows too little.
    """

    levels: tuple[int | None, ...]
    log_odds: float
    as_stored: float

    def features(self) -> np.ndarray:
        """What the calibration is of.

        Returns:
            (4,): the log odds, at most MOST_ODDS; 1 where the lowest name is above L5-S1, else 0; the logarithm of the
            probability of lying as stored, at least -MOST_ODDS; and 1.
        """
        named = [level for level in self.levels if level is not None]
        odds = float(np.clip(self.log_odds, -MOST_ODDS, MOST_ODDS))
        begins_above = float(bool(named) and named[0] > SPINE.index("L5-S1"))
        return np.array([odds, begins_above, max(self.as_stored, -MOST_ODDS), 1.0])

    def probability(self, parameters: ChainParameters) -> float:
        """How sure the names are.

        Args:
            parameters: Of the model.

        Returns:
            P(all names are right), 0..1, calibrated.
        """
        return float(1 / (1 + np.exp(-np.clip(self.features() @ parameters.calibration, -30, 30))))


def read_chain(centers_mm: np.ndarray, evidence: Evidence, parameters: ChainParameters) -> Reading:
    """The best reading of a chain.

    Args:
        centers_mm: (candidates, 3), LPS, caudal to cranial; at least one.
        evidence: What the level network says of each.
        parameters: Of the model.

    Returns:
        The reading with the largest probability.
    """
    scores = _Scores(centers_mm, evidence.levels, parameters)
    best = scores.best(None)
    total, mine = scores.total(None), scores.total(allowed_like(best))
    rest = total + np.log(max(-np.expm1(min(mine - total, -1e-12)), 1e-300))
    return Reading(best, float(mine - rest), float(evidence.orientation[:, AS_STORED].mean()))


def next_likely(
    centers_mm: np.ndarray, evidence: Evidence, parameters: ChainParameters, levels: Sequence[int | None]
) -> tuple[int | None, float]:
    """What else the lowest of the named candidates may be.

    Args:
        centers_mm: (candidates, 3), LPS, caudal to cranial.
        evidence: What the level network says of each.
        parameters: Of the model.
        levels: The best reading.

    Returns:
        Its most probable other level, a place in SPINE, and how probable that is where the reading is wrong, 0..1; None and 0
        where that is less than LEAST_SHARE.
    """
    place = next((n for n, level in enumerate(levels) if level is not None), None)
    if place is None:
        return None, 0.0
    scores = _Scores(centers_mm, evidence.levels, parameters)
    total, mine = scores.total(None), scores.total(allowed_like(levels))
    of_levels = scores.by_state(place)[SACRAL:]
    chances = {level: float(of_levels[level]) for level in range(len(SPINE)) if level != levels[place]}
    other = max(chances, key=lambda level: chances[level])
    rest = total + np.log(max(-np.expm1(min(mine - total, -1e-12)), 1e-300))
    share = float(np.exp(min(chances[other] - rest, 0.0)))
    return (other, share) if share >= LEAST_SHARE else (None, 0.0)


def allowed_like(levels: Sequence[int | None]) -> np.ndarray:
    """The states of the candidates that come to the same names.

    Args:
        levels: Of each candidate its place in SPINE, or None for no name.

    Returns:
        bool (candidates, states + 1): of STATES, and at last that of no disc.
    """
    allowed = np.zeros((len(levels), len(STATES) + 1), bool)
    for row, level in enumerate(levels):
        if level is None:
            allowed[row, :SACRAL] = allowed[row, -1] = True
        else:
            allowed[row, SACRAL + level] = True
    return allowed


def log_likelihood(centers_mm: np.ndarray, evidence: Evidence, parameters: ChainParameters) -> float:
    """Logarithm of the sum over all readings of a chain: how well it can be read at all.

    Args:
        centers_mm: (candidates, 3), LPS, caudal to cranial.
        evidence: What the level network says of each.
        parameters: Of the model.

    Returns:
        The logarithm, to be compared with that of other evidence of as many candidates at the same distances.
    """
    return _Scores(centers_mm, evidence.levels, parameters).total(None)


def log_probability(centers_mm: np.ndarray, levels: np.ndarray, parameters: ChainParameters, allowed: np.ndarray) -> float:
    """Logarithm of the probability of all readings that are allowed.

    Args:
        centers_mm: (candidates, 3), LPS, caudal to cranial.
        levels: `Evidence.levels`.
        parameters: Of the model.
        allowed: As of `allowed_like`.

    Returns:
        At most 0.
    """
    scores = _Scores(centers_mm, levels, parameters)
    return min(scores.total(allowed) - scores.total(None), 0.0)


class _Scores:
    """Scores of candidates and of steps, and the sums and maxima over readings."""

    def __init__(self, centers_mm: np.ndarray, levels: np.ndarray, parameters: ChainParameters) -> None:
        emission = parameters.weight * levels
        self.emission = np.concatenate([emission[:, _CLASS], emission[:, [NONE]] + parameters.stray], axis=1)
        span = STATES[None] - STATES[:, None]
        a, b, c = parameters.step
        # The length of several levels: the sum over them.
        at = STATES + 0.5
        lengths = np.concatenate([[0.0], np.cumsum(np.exp(a + b * at + c * at**2))])
        expected = np.log(np.maximum(lengths[None, :-1] - lengths[:-1, None], 1e-9))
        gaps = np.where(span > 0, parameters.gap * (span - 1) - np.log(parameters.spread), -np.inf)
        away = np.linalg.norm(centers_mm[:, None] - centers_mm[None], axis=-1)
        misfit = np.log(np.maximum(away, 1.0))[:, :, None, None] - expected
        self.steps = gaps - np.square(misfit / parameters.spread) / 2
        """(lower candidate, upper candidate, state of the lower, state of the upper)."""

    def _forward(self, allowed: np.ndarray | None, plus: Callable[[np.ndarray], np.ndarray]) -> tuple[np.ndarray, float]:
        """Scores (candidates, states) of all beginnings that end with a candidate in a state; and that of the whole.

        plus: from (terms, ...) to what all of them amount to, their sum or the largest, as logarithms.
        """
        emission = self.emission if allowed is None else np.where(allowed, self.emission, -np.inf)
        count, states = len(emission), len(STATES)
        none = _none(emission)
        ahead = np.full((count, states), -np.inf)
        for i in range(count):
            from_lower = ahead[:i, :, None] + self.steps[:i, i] + none[1 : i + 1, i, None, None]
            first = np.full((1, states), none[0, i])
            ahead[i] = emission[i, :-1] + plus(np.concatenate([first, from_lower.reshape(-1, states)]))
        whole = np.concatenate([(ahead + none[1:, count, None]).ravel(), none[0, count:]])
        return ahead, float(plus(whole))

    def total(self, allowed: np.ndarray | None) -> float:
        """Logarithm of the sum over the readings that are allowed."""
        return self._forward(allowed, _log_sum)[1]

    def by_state(self, place: int) -> np.ndarray:
        """Logarithm of the sum over the readings in which a candidate is in a state, of each state (states,)."""
        emission, none = self.emission, _none(self.emission)
        count, states = len(emission), len(STATES)
        after = np.zeros((count, states))  # over all that follows a candidate in a state
        for i in range(count - 1, place - 1, -1):
            following = (emission[i + 1 :, :-1] + after[i + 1 :])[:, None] + self.steps[i, i + 1 :]
            following += none[i + 1, i + 1 : count, None, None]
            last = np.full((1, states), none[i + 1, count])
            after[i] = _log_sum(np.concatenate([last, following.transpose(0, 2, 1).reshape(-1, states)]))
        return np.asarray(self._forward(None, _log_sum)[0][place] + after[place])

    def best(self, allowed: np.ndarray | None) -> tuple[int | None, ...]:
        """The levels of the best reading."""
        ahead, whole = self._forward(allowed, _largest)
        emission = self.emission if allowed is None else np.where(allowed, self.emission, -np.inf)
        count = len(emission)
        levels: list[int | None] = [None] * count
        at = [(ahead[i].max() + _between(emission, i + 1, count), i) for i in range(count)]
        if not at or max(at)[0] < whole - 1e-9:
            return tuple(levels)
        i = max(at)[1]
        state = int(np.argmax(ahead[i]))
        while True:
            levels[i] = int(STATES[state]) if STATES[state] >= 0 else None
            value = ahead[i, state] - emission[i, state]
            found = [
                (ahead[j, low] + self.steps[j, i, low, state] + _between(emission, j + 1, i), j, low)
                for j in range(i)
                for low in [int(np.argmax(ahead[j] + self.steps[j, i, :, state]))]
            ]
            if not found or max(found)[0] < value - 1e-9:
                return tuple(levels)
            _, i, state = max(found)


def _none(emission: np.ndarray) -> np.ndarray:
    """Scores [i, j] of the candidates i to j - 1 being no discs."""
    count = len(emission)
    none = np.zeros((count + 1, count + 1))
    for i in range(count):
        none[i, i + 1 :] = np.cumsum(emission[i:, -1])
    return none


def _log_sum(terms: np.ndarray) -> np.ndarray:
    """Logarithm of the sum of exponentials along the first axis."""
    largest = np.maximum(terms.max(axis=0), -1e300)
    with np.errstate(divide="ignore"):
        return np.asarray(largest + np.log(np.exp(terms - largest).sum(axis=0)))


def _largest(terms: np.ndarray) -> np.ndarray:
    return np.asarray(terms.max(axis=0))


def _between(emission: np.ndarray, first: int, stop: int) -> float:
    """Score of the candidates first to stop - 1 as no discs."""
    return float(emission[first:stop, -1].sum())
