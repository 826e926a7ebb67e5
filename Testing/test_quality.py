"""quality.py: each flag is raised by what it names and by nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from findings_said import said
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.measure.measurements import CaseMeasurements, measure
from IVDSegmentationLib.measure.quality import case_findings, disc_flags
from IVDSegmentationLib.phantom import Anatomy
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from made_results import result_of_phantom

LEVEL, LABEL = "L3-L4", 3


@pytest.fixture(scope="module")
def result() -> Segmentation:
    return result_of_phantom(3, anatomy=Anatomy(degeneration=0.0))


@pytest.fixture(scope="module")
def measured(result: Segmentation) -> CaseMeasurements:
    return measure(result)


def _changed(measured: CaseMeasurements, **figures: object) -> CaseMeasurements:
    """The measurements with other figures for LEVEL."""
    discs = tuple(replace(d, **figures) if d.level == LEVEL else d for d in measured.discs)  # type: ignore[arg-type]
    return replace(measured, discs=discs)


def test_a_sound_case_has_no_flag_and_no_warning(result: Segmentation, measured: CaseMeasurements) -> None:
    flags = disc_flags(result, measured)
    whole = [disc.level for disc in measured.discs if not disc.cut]
    assert len(whole) >= 4 and LEVEL in whole
    assert [flags[level] for level in whole] == [()] * len(whole)
    assert case_findings({level: flags[level] for level in whole}, measured) == ()


@pytest.mark.parametrize(
    ("figures", "sentence"),
    [
        ({"volume_mm3": 40000.0}, "The volume of 40000 mm3 is implausible for L3-L4 (3500 to 26000 mm3)"),
        ({"mean_height_mm": 2.0}, "The mean height of 2.0 mm is implausible for L3-L4"),
        ({"mean_height_mm": 22.0}, "The mean height of 22.0 mm is implausible"),
        ({"depth_mm": 60.0}, "The depth of 60.0 mm is implausible"),
        ({"width_mm": 20.0}, "The width of 20.0 mm is implausible"),
        ({"signal_fat_fraction": 0.45}, "The signal fat fraction of 0.45 is like that of marrow"),
        ({"volume_mm3": 4000.0}, "times that of the discs next to it"),
    ],
)
def test_an_implausible_figure_is_flagged_for_its_disc_alone(
    result: Segmentation, measured: CaseMeasurements, figures: dict[str, float], sentence: str
) -> None:
    flags = disc_flags(result, _changed(measured, **figures))
    assert any(sentence in text for text in said(flags[LEVEL])), flags[LEVEL]
    assert all(flag.levels == (LEVEL,) for flag in flags[LEVEL])
    before = disc_flags(result, measured)
    far = [level for level in flags if level not in (LEVEL, "L2-L3", "L4-L5")]
    assert far and all(flags[level] == before[level] for level in far)


def test_figures_that_could_not_be_measured_raise_no_flag(result: Segmentation, measured: CaseMeasurements) -> None:
    unknown = _changed(measured, mean_height_mm=None, depth_mm=None, width_mm=None, signal_fat_fraction=None)
    assert disc_flags(result, unknown)[LEVEL] == ()


def test_a_cut_disc_is_flagged_as_cut_and_not_for_the_size_of_its_rest(
    result: Segmentation, measured: CaseMeasurements
) -> None:
    flags = disc_flags(result, _changed(measured, cut=True, volume_mm3=900.0, mean_height_mm=None))[LEVEL]
    assert [flag.code for flag in flags] == ["cut"]


def test_a_disc_cut_at_its_sides_has_no_volume_and_says_so(result: Segmentation, measured: CaseMeasurements) -> None:
    flags = disc_flags(result, _changed(measured, cut=True, volume_mm3=None, width_mm=None, mean_height_mm=None))[LEVEL]
    (sentence,) = said(flags)
    assert sentence == "The disc is cut by the left or right edge of the field of view: its volume and width are not known."


def test_a_disc_cut_by_the_real_edge_is_flagged() -> None:
    result = result_of_phantom(4, anatomy=Anatomy(cut="caudal"))
    flags = disc_flags(result, measure(result))
    assert "cut" in {flag.code for flag in flags[result.discs[0].level]}


def test_low_confidence_is_flagged_with_its_figure(result: Segmentation, measured: CaseMeasurements) -> None:
    unsure = replace(result, found=tuple(replace(d, confidence=0.61) if d.level == LEVEL else d for d in result.found))
    assert said(disc_flags(unsure, measured)[LEVEL]) == ("The confidence is low (0.61): check the outline.",)


def test_a_side_that_is_missing_is_flagged_with_the_side_that_is_there(
    result: Segmentation, measured: CaseMeasurements
) -> None:
    x, y, z = np.nonzero(result.labels == LABEL)
    labels = result.labels.copy()
    lost = (x > np.median(x)) & (np.abs(y - np.median(y)) > 4)
    labels[x[lost], y[lost], z[lost]] = 0
    flags = disc_flags(replace(result, labels=labels), measured)[LEVEL]
    assert [(flag.code, flag.values["side"]) for flag in flags] == [("asymmetric", "right")]


def test_fat_in_most_discs_is_a_warning_about_exchanged_channels(measured: CaseMeasurements) -> None:
    fat = replace(measured, discs=tuple(replace(disc, signal_fat_fraction=0.8) for disc in measured.discs))
    assert said(case_findings({}, fat)) == (
        "The signal fat fraction of the discs is 0.80, like marrow: check whether water and fat are exchanged.",
    )


def test_the_case_says_which_discs_are_flagged(measured: CaseMeasurements) -> None:
    flags = {"L5-S1": (finding("cut", "L5-S1"),), "L4-L5": ()}
    assert said(case_findings(flags, measured)) == ("1 disc is flagged (L5-S1): see the flags.",)
