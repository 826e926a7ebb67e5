"""How levels are read from what the level network says of the candidates and from the steps between them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from IVDSegmentationLib.errors import ModelError
from IVDSegmentationLib.levels.chain import (
    SACRAL,
    STATES,
    ChainParameters,
    allowed_like,
    log_probability,
    next_likely,
    read_chain,
)
from IVDSegmentationLib.levels.evidence import CLASSES, Evidence
from IVDSegmentationLib.levels.labelling import SPINE

PARAMETERS = ChainParameters(1.0, -3.0, -1.0, (3.55, 0.0, -0.004), 0.18, (1.0, 0.0, 0.0, 0.0), 0.9)


def chain_of(levels: list[int], sure: float = 0.9) -> tuple[np.ndarray, Evidence]:
    """Candidates at these places in SPINE (-9: no disc), 36 mm a level, of each of which the network is `sure`."""
    z = np.cumsum([0.0, *(36.0 * max(high - low, 1) if low > -9 and high > -9 else 20.0
                          for low, high in pairwise(levels))])  # fmt: skip
    centers = np.stack([np.zeros(len(levels)), np.zeros(len(levels)), z], 1)
    said = np.full((len(levels), len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    for row, level in enumerate(levels):
        said[row, len(CLASSES) - 1 if level == -9 else min(max(level, 0), len(CLASSES) - 2)] = sure
    return centers, Evidence(np.log(said), np.log(np.full((len(levels), 3), 1 / 3)))


@pytest.mark.parametrize("levels", [[1, 2, 3, 4, 5, 6], [0, 1, 2, 3], [2, 3, 4, 5, 6], [1], [1, 2, 4, 5], [1, 2, 5, 6]])
def test_what_the_network_is_sure_of_is_read(levels: list[int]) -> None:
    reading = read_chain(*chain_of(levels), PARAMETERS)
    assert reading.levels == tuple(levels) and reading.log_odds > 0


def test_one_candidate_that_the_network_mistakes_is_named_by_its_neighbours() -> None:
    centers, said = chain_of([1, 2, 3, 4, 5])
    levels = said.levels.copy()
    levels[1] = said.levels[0]
    assert read_chain(centers, Evidence(levels, said.orientation), PARAMETERS).levels == (1, 2, 3, 4, 5)


def test_a_structure_between_two_discs_gets_no_name() -> None:
    centers, said = chain_of([1, 2, 3, 4])
    centers = np.insert(centers, 2, (centers[1] + centers[2]) / 2, axis=0)
    row = np.log(np.full(len(CLASSES), 0.05))
    row[-1] = np.log(0.7)
    levels = np.insert(said.levels, 2, row, axis=0)
    reading = read_chain(centers, Evidence(levels, np.zeros((5, 3))), PARAMETERS)
    assert reading.levels == (1, 2, None, 3, 4)


def test_what_lies_below_s1_s2_gets_no_name() -> None:
    centers, said = chain_of([0, 1, 2, 3])
    below = np.insert(centers, 0, centers[0] - [0, 0, 30], axis=0)
    levels = np.insert(said.levels, 0, said.levels[0], axis=0)
    assert read_chain(below, Evidence(levels, np.zeros((5, 3))), PARAMETERS).levels == (None, 0, 1, 2, 3)


def test_a_network_that_knows_nothing_leaves_the_names_open() -> None:
    centers, _ = chain_of([1, 2, 3, 4])
    nothing = Evidence(np.log(np.full((4, len(CLASSES)), 1 / len(CLASSES))), np.zeros((4, 3)))
    reading = read_chain(centers, nothing, PARAMETERS)
    assert reading.log_odds < 0 and reading.probability(PARAMETERS) < 0.5


def test_the_next_likely_level_of_the_lowest_disc_is_told() -> None:
    centers, said = chain_of([1, 2, 3, 4], sure=0.9)
    levels = said.levels.copy()
    levels[0, :2] = np.log([0.45, 0.5])  # below the sacrum's edge, or L5-S1
    levels[1:, 1:5] = np.log(0.24)
    reading = read_chain(centers, Evidence(levels, said.orientation), PARAMETERS)
    other, share = next_likely(centers, Evidence(levels, said.orientation), PARAMETERS, reading.levels)
    assert reading.levels[0] == 1 and other == 0 and 0.3 <= share <= 1


@pytest.mark.parametrize("seed", range(12))
def test_the_next_likely_level_is_that_of_the_readings_that_hold_it(seed: int) -> None:
    """Against the sum over all readings in which the lowest named candidate is another level, one level after the other."""
    rng = np.random.default_rng(seed)
    centers, said = chain_of([1, 2, 3, 4, 5][: 2 + seed % 4])
    said = replace(said, levels=np.log(rng.dirichlet(np.full(len(CLASSES), 0.5), len(centers)) + 1e-6))
    levels = read_chain(centers, said, PARAMETERS).levels
    place = next((n for n, level in enumerate(levels) if level is not None), None)
    if place is None:
        assert next_likely(centers, said, PARAMETERS, levels) == (None, 0.0)
        return
    chances = {}
    for level in (n for n in range(len(SPINE)) if n != levels[place]):
        allowed = np.ones((len(levels), len(STATES) + 1), bool)
        allowed[place] = False
        allowed[place, SACRAL + level] = True
        chances[level] = np.exp(log_probability(centers, said.levels, PARAMETERS, allowed))
    likely = max(chances, key=lambda level: chances[level])
    wrong = 1 - np.exp(log_probability(centers, said.levels, PARAMETERS, allowed_like(levels)))
    other, share = next_likely(centers, said, PARAMETERS, levels)
    assert share == pytest.approx(min(chances[likely] / wrong, 1.0), rel=1e-6) if other is not None else share == 0.0
    assert other in (likely, None)


def test_nothing_else_is_likely_where_nothing_has_a_name() -> None:
    centers, said = chain_of([-9, -9])
    assert next_likely(centers, said, PARAMETERS, (None, None)) == (None, 0.0)


def test_probabilities_of_readings_that_exclude_each_other_add_up() -> None:
    centers, said = chain_of([1, 2, 3], sure=0.4)
    total = 0.0
    for state in range(len(STATES) + 1):
        allowed = np.ones((3, len(STATES) + 1), bool)
        allowed[0] = False
        allowed[0, state] = True
        total += np.exp(log_probability(centers, said.levels, PARAMETERS, allowed))
    assert total == pytest.approx(1.0, abs=1e-9)


def test_log_odds_are_those_of_the_sum_over_all_readings() -> None:
    centers, said = chain_of([1, 2, 3], sure=0.5)
    reading = read_chain(centers, said, PARAMETERS)
    mine = np.exp(log_probability(centers, said.levels, PARAMETERS, allowed_like(reading.levels)))
    assert reading.log_odds == pytest.approx(np.log(mine / (1 - mine)))


def test_names_that_begin_above_the_sacrum_can_be_called_less_sure() -> None:
    centers, said = chain_of([3, 4, 5])
    wary = replace(PARAMETERS, calibration=(1.0, -4.0, 0.0, 0.0))
    reading = read_chain(centers, said, PARAMETERS)
    assert reading.levels[0] == 3 and reading.probability(wary) < reading.probability(PARAMETERS)


def test_names_of_an_image_whose_orientation_is_not_seen_can_be_called_less_sure() -> None:
    centers, said = chain_of([1, 2, 3])
    wary = replace(PARAMETERS, calibration=(1.0, 0.0, 2.0, 0.0))
    clear = replace(said, orientation=np.log(np.tile([0.98, 0.01, 0.01], (3, 1))))
    unclear = replace(said, orientation=np.full((3, 3), np.log(1 / 3)))
    seen, unseen = read_chain(centers, clear, wary), read_chain(centers, unclear, wary)
    assert seen.levels == unseen.levels and unseen.as_stored == pytest.approx(np.log(1 / 3))
    assert unseen.probability(wary) < seen.probability(wary)
    assert unseen.probability(PARAMETERS) == seen.probability(PARAMETERS)


def test_more_candidates_than_a_spine_has_discs_do_not_all_get_a_name() -> None:
    reading = read_chain(*chain_of([min(n, 17) for n in range(22)]), PARAMETERS)
    named = [level for level in reading.levels if level is not None]
    assert named == sorted(set(named)) and len(named) <= len(SPINE)


def test_parameters_come_back_from_a_card() -> None:
    assert ChainParameters.of({"chain": PARAMETERS.as_card()}) == PARAMETERS


@pytest.mark.parametrize(
    "card",
    [
        {},
        {"chain": {}},
        {"chain": {**PARAMETERS.as_card(), "weight": "much"}},
        {"chain": {**PARAMETERS.as_card(), "gap": float("nan")}},
        {"chain": {**PARAMETERS.as_card(), "spread": 0.0}},
        {"chain": {**PARAMETERS.as_card(), "step": [3.5]}},
    ],
)
def test_a_card_without_parameters_is_refused(card: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="install the extension again"):
        ChainParameters.of(card)


def test_a_reading_without_names_allows_the_sacrum_and_no_disc() -> None:
    allowed = allowed_like((None, 1))
    assert allowed[0].sum() == SACRAL + 1 and allowed[1].sum() == 1
