"""renaming.py and levels.shifted: other names for the same discs, the same that a run with that lowest level gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding, renamed_findings
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.levels.labelling import LABELS, LEVELS, shifted
from IVDSegmentationLib.levels.naming import Naming
from IVDSegmentationLib.measure.measured_case import MeasuredCase
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from IVDSegmentationLib.report.files import build_report
from made_results import result_of_phantom


@pytest.fixture(scope="module")
def result() -> Segmentation:
    return result_of_phantom(3)


@pytest.fixture(scope="module")
def answer(result: Segmentation) -> Segmentation:
    compared = replace(result, reference=result.label_volume)
    assert compared.measured.metrics is not None  # measured before it is renamed
    return compared


def _compared(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name != "timings_s"}


@pytest.mark.parametrize("lowest", ["L5-S1", "L4-L5", "L1-L2", "T11-T12"])
def test_a_renamed_report_is_that_of_a_result_with_these_names(result: Segmentation, answer: Segmentation, lowest: str) -> None:
    names = shifted([disc.level for disc in result.discs], lowest)
    table = np.arange(256, dtype=np.uint8)
    for old, new in names.items():
        table[LABELS[old]] = LABELS[new]
    discs = tuple(replace(disc, level=names[disc.level], label=LABELS[names[disc.level]]) for disc in result.found)
    label_volume = replace(result.label_volume, voxels=table[result.label_volume.voxels])
    directly = replace(answer, found=discs, labels=table[result.labels], label_volume=label_volume)
    again = answer.renamed(lowest)
    report, again_report = build_report(directly), build_report(again)
    assert (again_report["lumbar_lordosis_deg"] is not None) == (lowest == "L5-S1")
    assert _compared(again_report) == _compared(report)
    later = replace(answer).renamed(lowest)  # before anything was measured
    assert _compared(build_report(later)) == _compared(report)
    assert np.array_equal(again.labels, directly.labels)
    assert np.array_equal(again.label_volume.voxels, label_volume.voxels)
    assert [(disc.level, disc.label) for disc in again.discs] == [(disc.level, disc.label) for disc in discs]
    assert [disc.flags for disc in again.discs] == [disc.flags for disc in directly.discs]


def test_flags_that_depend_on_the_level_are_judged_anew(result: Segmentation) -> None:
    values = {**result.measured.discs["L3-L4"], "volume_mm3": 2600.0}
    # Without its neighbours, whose volumes are those of the phantom.
    measured = MeasuredCase(
        discs={"L3-L4": values},
        flags={
            "L3-L4": (
                finding("asymmetric", "L3-L4", side="right", share=0.3),
                finding("volume_implausible", "L3-L4", value=2600.0, low=3500.0, high=26000.0),
            )
        },
        findings=(finding("discs_flagged", "L3-L4", count=1),),
    )
    thoracic = measured.renamed({"L3-L4": "L1-L2"})
    assert thoracic.flags == {"L1-L2": (finding("asymmetric", "L1-L2", side="right", share=0.3),)}
    assert thoracic.findings == (finding("discs_flagged", "L1-L2", count=1),)
    lumbar = thoracic.renamed({"L1-L2": "L4-L5"})
    assert lumbar.flags["L4-L5"] == (
        finding("asymmetric", "L4-L5", side="right", share=0.3),
        finding("volume_implausible", "L4-L5", value=2600.0, low=3500.0, high=26000.0),
    )


def test_names_and_gaps_are_those_of_a_run_with_that_lowest_level(result: Segmentation) -> None:
    automatic = [disc.level for disc in result.discs if disc.level != result.discs[2].level]
    run = Naming(tuple(automatic), 0.9, (finding("disc_not_found", result.discs[2].level),))
    for lowest in ("L5-S1", "L4-L5", "L3-L4"):
        naming = run.renamed(lowest)
        names = shifted(automatic, lowest)
        assert tuple(names[level] for level in automatic) == naming.levels
        missed = LEVELS[LEVELS.index(lowest) + 2]
        assert renamed_findings(run.findings, names) == (finding("disc_not_found", missed),) == naming.findings


def test_levels_are_renamed_and_names_of_files_are_not() -> None:
    names = shifted(["L5-S1", "L3-L4"], "L4-L5")
    resampled = finding("no_reference", name="L4-L5.nii.gz")
    findings = [
        finding("lowest_level_uncertain", "L5-S1", "L4-L5", probability=0.6, other_probability=0.4),
        resampled,
        finding("disc_not_found", "L5-S1", "L3-L4"),
    ]
    assert renamed_findings(findings, names) == (resampled, finding("disc_not_found", "L4-L5", "L2-L3"))


@pytest.mark.parametrize(("lowest", "words"), [("L6-S1", "must be one of S1-S2, L5-S1"), ("T2-T3", "more than a spine has")])
def test_a_level_that_cannot_be_is_refused(answer: Segmentation, lowest: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        answer.renamed(lowest)


def test_the_highest_level_is_reached_and_not_passed() -> None:
    assert shifted(["L5-S1", "L4-L5"], "T2-T3")["L4-L5"] == "T1-T2"
    with pytest.raises(InputError, match="3 levels from T2-T3 upwards"):
        shifted(["L5-S1", "L3-L4"], "T2-T3")


def test_the_contrast_of_a_reference_is_that_of_its_own_mask(result: Segmentation) -> None:
    voxels = np.where(result.label_volume.voxels == 3, 3, 0).astype(np.uint8)
    report = build_report(replace(result, reference=Volume(voxels, result.label_volume.grid, "expert")))
    fat, mask = result.case.channels["fat"].astype(float), result.labels == 3
    expected = abs(fat[mask].mean() - fat[~mask].mean()) / fat[~mask].mean()
    found = report["metrics"]["weber_contrast"]["fat"]["contrast"]
    assert found == pytest.approx(expected, rel=1e-5)
    assert found != report["weber_contrast"]["fat"]["contrast"]
