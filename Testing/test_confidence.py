"""Confidence: the Dice a disc may expect, and its calibration, against brute force and made rows."""

from xml.etree import ElementTree

import numpy as np
import pytest
from IVDSegmentationLib.pipeline.confidence import calibrated, expected_dice, mean_disc_probability
from IVDSegmentationLib.training.calibration import (
    confidence_metrics,
    expected_calibration_error,
    fit_confidence,
    fit_least_probability,
    held_out_confidence,
    judged_rows,
    reliability,
    write_diagram,
)


def test_the_expected_dice_is_that_of_references_drawn_from_the_probabilities():
    rng = np.random.default_rng(0)
    probability = np.clip(rng.normal(0.3, 0.35, (12, 12, 12)), 0, 1)
    called = probability >= 0.5
    drawn = [rng.random(probability.shape) < probability for _ in range(400)]
    mean = np.mean([2 * (called & truth).sum() / (called.sum() + truth.sum()) for truth in drawn])
    assert expected_dice(probability) == pytest.approx(mean, abs=0.003)


def test_certain_and_empty_discs_have_confidence_one_and_none():
    mask = np.zeros((4, 4, 4))
    assert expected_dice(mask) == 0.0 and expected_dice(mask + 0.4) == 0.0
    mask[1:3, 1:3, 1:3] = 1
    assert expected_dice(mask) == 1.0
    assert (calibrated(1.0, (1.0, 0.2)), calibrated(0.5, (1.0, -0.6)), calibrated(0.5, (0.8, 0.1))) == (1.0, 0.0, 0.5)


def test_the_mean_probability_is_taken_over_what_is_called_disc():
    assert mean_disc_probability(np.array([[[0.9, 0.7, 0.2, 0.0]]])) == pytest.approx(0.8)
    assert mean_disc_probability(np.full((2, 2, 2), 0.4)) == 0.0


def made_rows(slope, intercept, noise=0.0):
    """Ten whole discs of each of six subjects, and for each a row of moved centres and one of partial labels."""
    rng = np.random.default_rng(1)
    rows = []
    for number in range(60):
        expected = float(rng.uniform(0.7, 1.0))
        dice = slope * expected + intercept + noise * float(rng.normal())
        row = {"subject": f"{number % 6}", "subset": "all", "expected_dice": expected, "centre": "given", "dice": dice}
        rows += [row, {**row, "centre": "moved", "dice": 0.0}, {**row, "dice": None}]
    return rows


def test_the_fit_finds_the_line_that_the_rows_were_made_of():
    assert fit_confidence(judged_rows(made_rows(0.8, 0.1))) == (0.8, 0.1)


def test_the_least_probability_lies_as_far_below_the_least_clear_person_as_that_one_lies_below_the_median():
    surest = {"0": 0.97, "1": 0.93, "2": 0.96, "3": 0.98, "4": 0.95}
    rows = [{"subject": who, "subset": "in", "centre": "given", "mean_disc_probability": p} for who, p in surest.items()]
    rows += [{**row, "mean_disc_probability": str(row["mean_disc_probability"] - 0.3)} for row in rows]  # surer discs count
    rows += [{**rows[0], "centre": "moved", "mean_disc_probability": 0.1}]
    assert fit_least_probability(rows) == pytest.approx(0.93 - (0.96 - 0.93))


def test_calibrated_confidence_has_a_small_error_and_uncalibrated_one_its_bias():
    rows = judged_rows(made_rows(0.8, 0.1, noise=0.01))
    confidence, truth = held_out_confidence(rows)
    assert len(confidence) == 60
    assert expected_calibration_error(confidence, truth) < 0.01
    assert expected_calibration_error(truth + 0.07, truth) == pytest.approx(0.07)


def test_the_figures_tell_a_confidence_that_knows_discs_from_one_that_knows_their_mean():
    confidence, truth = held_out_confidence(judged_rows(made_rows(0.8, 0.1, noise=0.01)))
    knows = confidence_metrics(confidence, truth)
    assert knows["r squared"] > 0.9 and knows["mean absolute error"] < 0.5 * knows["mean absolute error of a constant"]
    mean = confidence_metrics(np.full_like(truth, truth.mean()), truth)
    assert mean["r squared"] == 0 and mean["mean absolute error"] == mean["mean absolute error of a constant"]


def test_one_subject_alone_is_not_judged():
    alone = [row for row in judged_rows(made_rows(0.8, 0.1)) if row["subject"] == "0"]
    nothing, _ = held_out_confidence(alone)
    assert np.isnan(expected_calibration_error(nothing, nothing))


def test_the_error_is_the_textbooks_sum_over_bins():
    confidence, truth = np.array([0.91, 0.93, 0.97, 1.0]), np.array([0.90, 0.90, 0.99, 0.95])
    assert expected_calibration_error(confidence, truth) == pytest.approx(0.5 * 0.02 + 0.5 * 0.015)


def test_the_diagram_holds_every_disc(tmp_path):
    confidence, truth = held_out_confidence(judged_rows(made_rows(0.8, 0.1, noise=0.03)))
    write_diagram(confidence, truth, tmp_path / "reliability.svg")
    root = ElementTree.parse(tmp_path / "reliability.svg").getroot()
    marks = {group.get("id"): group.findall(".//{http://www.w3.org/2000/svg}use") for group in root.iter() if group.get("id")}
    assert len(marks["discs"]) == 60
    bins = [count for count, _, _ in reliability(confidence, truth) if count >= 3]
    assert len(marks["bins"]) == len(bins) > 1
    assert "60 cross-validated outlines" in "".join(root.itertext())


def test_the_same_diagram_is_the_same_file_and_one_without_a_disc_is_one(tmp_path):
    confidence, truth = held_out_confidence(judged_rows(made_rows(0.8, 0.1, noise=0.03)))
    for name in ("one.svg", "again.svg"):
        write_diagram(confidence, truth, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "again.svg").read_bytes()
    write_diagram(confidence[:0], truth[:0], tmp_path / "none.svg")
    assert "0 cross-validated outlines" in (tmp_path / "none.svg").read_text()
