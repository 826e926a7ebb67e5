"""Samples of the level network, the truth they are taught by, and the fit of how levels are read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.levels.chain import ChainParameters
from IVDSegmentationLib.levels.evidence import CLASSES, CROP_SIZE, INPUTS, OUTPUTS, UPSIDE_DOWN, Evidence
from IVDSegmentationLib.pipeline.localize import SPACING_MM
from IVDSegmentationLib.training.level_fit import (
    ChainCase,
    calibration_metrics,
    choose_limit,
    describe_fit,
    fit_levels,
    read_fit,
    write_fit,
)
from IVDSegmentationLib.training.level_samples import PER_VOLUME, LevelSamples, LevelVolume
from IVDSegmentationLib.training.level_truth import UNKNOWN, LevelTruth, class_of, with_sacrum
from IVDSegmentationLib.training.presets import PRESETS

NONE = len(CLASSES) - 1
HEIGHTS = np.array([24.0, 38.0, 52.0, 66.0, 80.0])
TRUTH = LevelTruth(np.arange(1, 6), np.stack([np.full(5, 8.0), np.full(5, 30.0), HEIGHTS], 1))
"""L5-S1 to L1-L2, 35 mm apart, on the localizer's grid."""


def volume() -> LevelVolume:
    """An image whose discs are bright, and the canal behind them brighter."""
    channels = np.full((16, 60, 100, 4), 0.1, np.float16)
    probability = np.zeros((16, 60, 100), np.float16)
    for z in HEIGHTS:
        probability[3:13, 23:37, int(z) - 2 : int(z) + 3] = 1
    channels[..., 3] += 0.4 * probability
    channels[6:10, 42:46, :, 3] = 1
    return LevelVolume("made", channels, np.stack([probability] * 3), TRUTH)


@pytest.mark.parametrize("place", range(5))
def test_a_candidate_near_a_disc_is_that_disc(place: int) -> None:
    offset = np.array([4.0, 5.0, -5.0]) / SPACING_MM
    assert class_of(TRUTH.centers[place] + offset, TRUTH) == min(place + 1, NONE - 1)


@pytest.mark.parametrize(
    ("offset_mm", "expected"),
    [((0, 0, 17.5), UNKNOWN), ((0, 0, -30), 0), ((0, 8, -45), 0), ((0, -60, -30), NONE), ((0, 0, -90), NONE)],
)
def test_what_lies_about_l5_s1_is_sacrum_no_disc_or_unknown(offset_mm: tuple[float, ...], expected: int) -> None:
    assert class_of(TRUTH.centers[0] + np.array(offset_mm) / SPACING_MM, TRUTH) == expected


def test_what_lies_beside_the_line_of_discs_is_no_disc_and_what_goes_on_above_is_one() -> None:
    assert class_of(TRUTH.centers[2] + np.array([0, 40.0, 15.0]) / SPACING_MM, TRUTH) == NONE
    assert class_of(TRUTH.centers[4] + np.array([0, 0, 33.0]) / SPACING_MM, TRUTH) == NONE - 1
    assert class_of(TRUTH.centers[4] + np.array([0, 0, 90.0]) / SPACING_MM, TRUTH) == UNKNOWN


def test_below_a_field_of_view_that_ends_above_the_sacrum_nothing_is_known() -> None:
    upper = LevelTruth(TRUTH.levels[1:], TRUTH.centers[1:])
    assert class_of(TRUTH.centers[0], upper) == UNKNOWN


def test_the_sacral_disc_is_expected_below_l5_s1_only() -> None:
    rng = np.random.default_rng(0)
    full = with_sacrum(TRUTH, rng)
    assert full.levels.tolist() == [0, 1, 2, 3, 4, 5] and full.centers[0, 2] < full.centers[1, 2] - 8
    upper = LevelTruth(TRUTH.levels[1:], TRUTH.centers[1:])
    assert with_sacrum(upper, rng) is upper


def test_samples_depend_on_their_seed_alone_and_have_one_orientation() -> None:
    samples = LevelSamples([volume()], [], PRESETS["levels"]["default"])
    again = LevelSamples([volume()], [], PRESETS["levels"]["default"])
    seen = set()
    for seed in range(0, 12 * PER_VOLUME, PER_VOLUME - 1):
        image, target = samples.sample(seed)
        assert image.shape == (*CROP_SIZE, INPUTS) and target.shape == (OUTPUTS,) and np.isfinite(image).all()
        assert target[len(CLASSES) :].sum() == 1 and target[: len(CLASSES)].sum() in (0, 1)
        seen.add(int(target[len(CLASSES) :].argmax()))
        assert np.array_equal(image, again.sample(seed)[0])
    assert seen == {0, 1, UPSIDE_DOWN}


def test_the_canal_lies_behind_as_stored_and_in_front_where_the_image_is_exchanged() -> None:
    samples = LevelSamples([volume()], [], PRESETS["levels"]["default"])
    right = total = 0
    for seed in range(0, 30 * PER_VOLUME, PER_VOLUME):
        image, target = samples.sample(seed)
        lies = int(target[len(CLASSES) :].argmax())
        known = target[1:NONE].any()
        if lies == 0 and known:
            signal = image[..., :4].sum(-1)
            brightest = np.argwhere(signal >= 0.8 * np.percentile(signal, 99.5))
            right += int(np.median(brightest[:, 1]) > CROP_SIZE[1] // 2)
            total += 1
    assert total >= 8 and right >= 0.85 * total


def made_case(fold: int, rng: np.random.Generator, sure: float, lowest: int = 1) -> ChainCase:
    """A volume whose level network is right as often as it says."""
    levels = np.arange(lowest, lowest + 5)
    said = np.full((5, len(CLASSES)), (1 - sure) / (len(CLASSES) - 1))
    for row, level in enumerate(levels):
        told = min(level, NONE - 1) if rng.random() < sure else int(rng.integers(1, NONE))
        said[row, told] = sure
    said /= said.sum(1, keepdims=True)
    centers = np.stack([np.zeros(5), np.zeros(5), 36.0 * levels * rng.uniform(0.9, 1.1)], 1) + rng.normal(0, 1.0, (5, 3))
    classes = tuple(int(min(level, NONE - 1)) for level in levels)
    return ChainCase(
        fold, f"{fold}", "as stored", centers, Evidence(np.log(said), np.zeros((5, 3))), classes, tuple(levels.tolist())
    )


def test_a_fit_reads_what_was_left_out_and_comes_back_from_its_file(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rng = np.random.default_rng(3)
    cases = [made_case(n % 2, rng, sure=0.75) for n in range(24)]
    fit = fit_levels(cases)
    right = np.array([one.right for one in fit.judged])
    assert right.mean() > 0.8 and fit.probability[right].mean() > 0.7
    assert np.exp(fit.parameters.step[0]) == pytest.approx(36, rel=0.5) and 0 < fit.parameters.spread < 0.5
    write_fit(fit, tmp_path)
    assert read_fit(tmp_path) == fit.parameters and read_fit(tmp_path, 1) == fit.of_fold[1]
    assert (tmp_path / "reliability.svg").is_file() and "as stored" in describe_fit(fit)
    with pytest.raises(InputError, match="run it to its end"):
        read_fit(tmp_path / "elsewhere")


def test_the_parameters_of_a_fold_do_not_depend_on_its_cases() -> None:
    rng = np.random.default_rng(4)
    cases = [made_case(n % 2, rng, sure=0.75) for n in range(16)]
    other = [case if case.fold else made_case(0, rng, sure=0.5, lowest=2) for case in cases]
    assert fit_levels(cases).of_fold[0] == fit_levels(other).of_fold[0]


def test_no_wrong_case_is_as_sure_as_the_limit() -> None:
    probability = np.array([0.2, 0.6, 0.7, 0.9, 0.95])
    right = np.array([False, True, False, True, True])
    assert choose_limit(probability, right) == pytest.approx(0.8)
    assert choose_limit(probability, np.ones(5, bool)) == pytest.approx(0.55)


def test_true_probabilities_have_no_calibration_error() -> None:
    probability = np.array([1.0] * 4 + [0.0] * 4)
    metrics = calibration_metrics(probability, probability > 0.5)
    assert metrics["expected calibration error"] == 0 and metrics["Brier score"] == 0
    assert calibration_metrics(probability, probability < 0.5)["expected calibration error"] == 1


def test_a_case_is_right_only_with_its_own_levels() -> None:
    case = made_case(0, np.random.default_rng(0), sure=0.9)
    assert case.right((1, 2, 3, 4, 5)) and not case.right((2, 3, 4, 5, 6)) and not case.right((None, 2, 3, 4, 5))
    assert isinstance(fit_levels([case, made_case(1, np.random.default_rng(1), 0.9)]).parameters, ChainParameters)
