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
from IVDSegmentationLib.pipeline.figures import compute_figures
from IVDSegmentationLib.pipeline.renaming import renamed
from IVDSegmentationLib.pipeline.result import SegmentationResult
from IVDSegmentationLib.report.files import build_report
from IVDSegmentationLib.worker.protocol import WorkerResult
from made_results import result_of_phantom, worker_result_of


@pytest.fixture(scope="module")
def result() -> SegmentationResult:
    return result_of_phantom(3)


@pytest.fixture(scope="module")
def answer(result: SegmentationResult) -> WorkerResult:
    return worker_result_of(result, build_report(result, compute_figures(result, result.label_volume)))


def _compared(report: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in report.items() if name not in ("timings_s", "lumbar_lordosis_deg")}


@pytest.mark.parametrize("lowest", ["L5-S1", "L4-L5", "L1-L2", "T11-T12"])
def test_a_renamed_report_is_that_of_a_result_with_these_names(
    result: SegmentationResult, answer: WorkerResult, lowest: str
) -> None:
    names = shifted([disc.level for disc in result.discs], lowest)
    table = np.arange(256, dtype=np.uint8)
    for old, new in names.items():
        table[LABELS[old]] = LABELS[new]
    discs = tuple(replace(disc, level=names[disc.level], label=LABELS[names[disc.level]]) for disc in result.discs)
    label_volume = replace(result.label_volume, voxels=table[result.label_volume.voxels])
    directly = replace(result, discs=discs, labels=table[result.labels], label_volume=label_volume)
    report = build_report(directly, compute_figures(directly, result.label_volume))
    again = renamed(answer, lowest)
    assert (again.report["lumbar_lordosis_deg"] is not None) == (lowest == "L5-S1")
    if lowest == "L5-S1":  # the difference of two figures that were rounded before
        assert again.report["lumbar_lordosis_deg"] == pytest.approx(report["lumbar_lordosis_deg"], abs=1e-3)
    assert _compared(again.report) == _compared(report)
    assert np.array_equal(again.labels, directly.labels)
    assert np.array_equal(again.label_volume.voxels, label_volume.voxels)
    assert [(disc.level, disc.label) for disc in again.discs] == [(disc.level, disc.label) for disc in discs]
    assert [[flag.to_json() for flag in disc.flags] for disc in again.discs] == [row["flags"] for row in report["discs"]]


def test_flags_that_depend_on_the_level_are_judged_anew(result: SegmentationResult) -> None:
    small = compute_figures(result)
    discs = {
        level: {**row, "volume_mm3": 2600.0 if level == "L3-L4" else row["volume_mm3"]} for level, row in small.discs.items()
    }
    report = build_report(result, replace(small, discs=discs))
    row = next(disc for disc in report["discs"] if disc["level"] == "L3-L4")
    implausible = finding("volume_implausible", "L3-L4", value=2600.0, low=3500.0, high=26000.0)
    asymmetric = finding("asymmetric", "L3-L4", side="right", share=0.3)
    row["flags"] = [asymmetric.to_json(), implausible.to_json()]
    report["findings"] = [finding("discs_flagged", "L3-L4", count=1).to_json()]
    # Without its neighbours, whose volumes are those of the phantom.
    report["discs"] = [row]
    disc = next(disc for disc in result.discs if disc.level == "L3-L4")
    answer = replace(worker_result_of(result, report), discs=(disc,))
    thoracic = renamed(answer, "L1-L2")
    assert thoracic.discs[0].flags == (finding("asymmetric", "L1-L2", side="right", share=0.3),)
    assert thoracic.report["findings"] == [finding("discs_flagged", "L1-L2", count=1).to_json()]
    lumbar = renamed(thoracic, "L4-L5")
    assert lumbar.discs[0].flags == (
        finding("asymmetric", "L4-L5", side="right", share=0.3),
        finding("volume_implausible", "L4-L5", value=2600.0, low=3500.0, high=26000.0),
    )


def test_names_and_gaps_are_those_of_a_run_with_that_lowest_level(result: SegmentationResult) -> None:
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
    resampled = finding("prediction_resampled", name="L4-L5.nii.gz", reference="the water volume")
    findings = [
        finding("lowest_level_uncertain", "L5-S1", "L4-L5", probability=0.6, other_probability=0.4),
        resampled,
        finding("disc_not_found", "L5-S1", "L3-L4"),
    ]
    assert renamed_findings(findings, names) == (resampled, finding("disc_not_found", "L4-L5", "L2-L3"))


@pytest.mark.parametrize(("lowest", "words"), [("L6-S1", "must be one of S1-S2, L5-S1"), ("T2-T3", "more than a spine has")])
def test_a_level_that_cannot_be_is_refused(answer: WorkerResult, lowest: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        renamed(answer, lowest)


def test_the_highest_level_is_reached_and_not_passed() -> None:
    assert shifted(["L5-S1", "L4-L5"], "T2-T3")["L4-L5"] == "T1-T2"
    with pytest.raises(InputError, match="3 levels from T2-T3 upwards"):
        shifted(["L5-S1", "L3-L4"], "T2-T3")


def test_the_contrast_of_a_reference_is_that_of_its_own_mask(result: SegmentationResult) -> None:
    voxels = np.where(result.label_volume.voxels == 3, 3, 0).astype(np.uint8)
    report = build_report(result, compute_figures(result, Volume(voxels, result.label_volume.grid, "expert")))
    fat, mask = result.case.channels["fat"].astype(float), result.labels == 3
    expected = abs(fat[mask].mean() - fat[~mask].mean()) / fat[~mask].mean()
    found = report["metrics"]["weber_contrast"]["fat"]["contrast"]
    assert found == pytest.approx(expected, rel=1e-5)
    assert found != report["weber_contrast"]["fat"]["contrast"]
