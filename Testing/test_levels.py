"""The names of the levels, their labels, and what is said of the names of a chain."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding, has_uncertain_levels
from IVDSegmentationLib.levels.chain import ChainParameters
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.evidence import CLASSES, Evidence
from IVDSegmentationLib.levels.labelling import LABELS, LEVEL_OF, LEVELS, SPINE, check_known, shifted
from IVDSegmentationLib.levels.naming import Naming, count_levels, name_levels

PARAMETERS = ChainParameters(1.0, -3.0, -1.0, (3.55, 0.0, -0.004), 0.18, (1.0, 0.0, 0.0, 0.0), 0.9)


def seen(levels: list[int], sure: float = 0.95) -> tuple[np.ndarray, Evidence]:
    """Candidates at these places in SPINE, 36 mm a level, of each of which the level network is `sure`."""
    z = 36.0 * np.array(levels, float)
    said = np.full((len(levels), len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    said[np.arange(len(levels)), np.minimum(levels, len(CLASSES) - 2)] = sure
    centers = np.stack([np.zeros(len(levels)), np.zeros(len(levels)), z], 1)
    return centers, Evidence(np.log(said), np.log(np.full((len(levels), 3), 1 / 3)))


def test_labels_are_fixed_for_life_and_s1_s2_has_the_last_one() -> None:
    assert [LABELS[level] for level in LEVELS] == list(range(1, 18))
    assert LABELS["S1-S2"] == 18 and LEVEL_OF[18] == "S1-S2" and LEVEL_OF[1] == "L5-S1"
    assert SPINE[0] == "S1-S2" and SPINE[1:] == LEVELS


def test_every_level_has_a_colour_of_its_own() -> None:
    assert set(LEVEL_COLORS) == set(LABELS) and len(set(LEVEL_COLORS.values())) == len(LABELS)


def test_sure_names_carry_no_finding() -> None:
    naming = name_levels(*seen([1, 2, 3, 4, 5]), PARAMETERS)
    assert naming.levels == LEVELS[:5] and naming.findings == () and naming.probability > 0.99


def test_s1_s2_is_named_and_not_left_out() -> None:
    assert name_levels(*seen([0, 1, 2, 3]), PARAMETERS).levels == SPINE[:4]


def test_a_level_without_a_disc_is_told_once() -> None:
    naming = name_levels(*seen([1, 2, 4, 5]), PARAMETERS)
    assert naming.levels == ("L5-S1", "L4-L5", "L2-L3", "L1-L2") and naming.findings == (finding("disc_not_found", "L3-L4"),)


def test_doubtful_names_carry_one_finding_even_where_a_disc_is_missing() -> None:
    naming = name_levels(*seen([1, 2, 4, 5], sure=0.3), replace(PARAMETERS, limit=0.999))
    assert has_uncertain_levels(naming.findings) and len(naming.findings) == 1


def test_names_of_a_chain_that_reads_better_upside_down_are_warned_of() -> None:
    centers, said = seen([1, 2, 3, 4, 5])
    none = np.log(np.full_like(said.levels, 0.1 / (len(CLASSES) - 1)))
    none[:, CLASSES.index("none")] = np.log(0.9)
    worse = Evidence(none, said.orientation)
    assert name_levels(centers, said, PARAMETERS, upside_down=worse) == name_levels(centers, said, PARAMETERS)
    # Of the same candidates, the uppermost as L5-S1: a spine that stands on its head.
    _, turned = seen([5, 4, 3, 2, 1], sure=0.99)
    naming = name_levels(centers, said, PARAMETERS, upside_down=turned)
    assert naming.levels == LEVELS[:5] and [one.code for one in naming.findings] == ["upside_down_uncertain"]
    assert has_uncertain_levels(naming.findings) and naming.probability < 0.5
    assert not has_uncertain_levels(naming.renamed("L5-S1").findings)


def test_what_else_the_lowest_disc_may_be_is_said() -> None:
    centers, said = seen([1, 2, 3])
    levels = np.log(np.full_like(said.levels, 0.02))
    levels[:, 1:5] = np.log(0.22)
    levels[0, 1], levels[0, 2] = np.log(0.5), np.log(0.4)
    naming = name_levels(centers, Evidence(levels, said.orientation), PARAMETERS)
    (doubt,) = naming.findings
    assert doubt.code == "lowest_level_uncertain" and doubt.levels == ("L5-S1", "L4-L5")
    assert 0 < float(doubt.values["other_probability"]) <= 1 - float(doubt.values["probability"])


def test_a_model_without_a_level_network_counts_and_says_so() -> None:
    naming = count_levels(3)
    assert naming.levels == LEVELS[:3] and naming.findings == (finding("names_counted", "L5-S1"),)
    assert count_levels(0) == Naming((), 0.0)
    with pytest.raises(InputError, match="more than the discs of a spine"):
        count_levels(18)


def test_naming_the_lowest_disc_settles_the_names_and_moves_gaps() -> None:
    doubt = finding("lowest_level_uncertain", "L5-S1", "L4-L5", probability=0.5, other_probability=0.4)
    naming = Naming((None, "L5-S1", "L3-L4"), 0.5, (doubt, finding("disc_not_found", "L4-L5")))
    again = naming.renamed("L4-L5")
    assert again == Naming((None, "L4-L5", "L2-L3"), 1.0, (finding("disc_not_found", "L3-L4"),))


def test_a_candidate_of_which_nothing_is_outlined_leaves_a_gap() -> None:
    naming = Naming(LEVELS[:3], 1.0)
    assert naming.without([False, True, False]) == Naming(("L5-S1", "L3-L4"), 1.0, (finding("disc_not_found", "L4-L5"),))
    assert naming.without([False, False, False]) is naming


def test_doubt_outlasts_a_candidate_of_which_nothing_is_outlined() -> None:
    doubt = finding("disc_above_uncertain", "L5-S1", probability=0.5)
    assert Naming(LEVELS[:3], 0.5, (doubt,)).without([False, True, False]).findings == (doubt,)


def test_the_lowest_disc_may_be_called_s1_s2() -> None:
    assert shifted(["L5-S1", "L4-L5"], "S1-S2") == {level: SPINE[n] for n, level in enumerate(SPINE[1:])}
    assert shifted(["S1-S2", "L5-S1"], "L5-S1")["L5-S1"] == "L4-L5"


def test_an_unknown_lowest_level_is_refused() -> None:
    with pytest.raises(InputError, match="must be one of S1-S2, L5-S1"):
        check_known("L6-S1")
