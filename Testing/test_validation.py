"""The forms of an examination, and how a result is compared with what is known of the scan."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.levels.labelling import LABELS
from IVDSegmentationLib.measure.segmented import Disc
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from IVDSegmentationLib.training.scans import Scan, centers_of
from IVDSegmentationLib.validation.real import RealCheck, check_exam, check_real, crossvalidated, table
from IVDSegmentationLib.validation.variants import VARIANTS, Exam
from scipy import ndimage

SHAPE = (30, 70, 110)
LEVELS = ("L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2")


def made_scan(outlined: bool = True) -> Scan:
    """Five flat discs, 25 mm apart, in smooth noise."""
    rng = np.random.default_rng(0)
    discs = np.zeros(SHAPE, np.uint8)
    for number in range(5):
        z = 15 + 20 * number
        discs[5:25, 20:50, z - 3 : z + 4] = number + 1
    water = ndimage.gaussian_filter(rng.normal(size=SHAPE), 3)
    water = (water - water.min() + discs.astype(bool)).astype(np.float32)
    channels = np.zeros((*SHAPE, 4), np.float32)
    channels[..., 3] = water
    return Scan(
        subject="made-1", name="1", source="made", channels=channels, available=(False, False, False, True), discs=discs,
        known=np.ones(SHAPE, bool), vertebrae=None, centers_ijk=centers_of(discs), levels=LEVELS, outlined=outlined,
    )  # fmt: skip


class Truth:
    """Stands for the pipeline: it finds what the scan holds, `moved` levels higher, and warns where it is told to."""

    def __init__(self, scan: Scan, exam: Exam, moved: int = 0, warns: bool = False) -> None:
        self.scan, self.exam, self.moved, self.warns = scan, exam, moved, warns

    def segment(self, case: Any) -> Segmentation:
        turn, offset = self.exam.to_scan[:3, :3], self.exam.to_scan[:3, 3]
        size = case.input_grid.size
        numbers = ndimage.affine_transform(self.scan.discs, turn, offset, size, order=0)
        labels = np.where(numbers > 0, numbers + self.moved, 0).astype(np.uint8)
        names = {label: level for level, label in LABELS.items()}
        discs = tuple(Disc(names[int(n)], int(n), (0, 0, 0), (0, 0, 0), 0.9) for n in np.unique(labels) if n)
        warnings = (finding("disc_above_uncertain", "L5-S1", probability=0.4),) if self.warns else ()
        return Segmentation(case, discs, labels > 0, labels, Volume(labels, case.input_grid, "discs"), warnings)


@pytest.mark.parametrize("name", [n for n in VARIANTS if n not in ("noise", "coil bias", "ghost", "gamma", "scaled by 1e-6")])
def test_an_exam_shows_what_the_scan_holds_there(name: str) -> None:
    scan = made_scan()
    exam = VARIANTS[name](scan, np.random.default_rng(0))
    assert exam is not None
    voxels = exam.volumes["water"].voxels
    where = np.random.default_rng(1).integers(2, np.array(voxels.shape) - 2, (400, 3))
    there = where @ exam.to_scan[:3, :3].T + exam.to_scan[:3, 3]
    inside = ((there >= 1) & (there <= np.array(SHAPE) - 2)).all(axis=1)
    expected = ndimage.map_coordinates(scan.channels[..., 3], there[inside].T, order=1)
    assert inside.sum() > 50
    assert np.corrcoef(voxels[tuple(where[inside].T)], expected)[0, 1] > 0.97


@pytest.mark.parametrize("name", ["noise", "coil bias", "ghost", "gamma", "scaled by 1e-6"])
def test_other_intensities_keep_the_place_of_every_voxel(name: str) -> None:
    scan = made_scan()
    exam = VARIANTS[name](scan, np.random.default_rng(0))
    assert exam is not None
    changed = exam.volumes["water"].voxels
    assert changed.shape == SHAPE and np.array_equal(exam.to_scan, np.eye(4))
    assert not np.array_equal(changed, scan.channels[..., 3])
    assert np.corrcoef(changed.ravel(), scan.channels[..., 3].ravel())[0, 1] > 0.7


def test_a_narrow_scan_has_no_wider_slab_and_an_unlabelled_place_no_end() -> None:
    scan = made_scan()
    assert VARIANTS["20 mm wide"](scan, np.random.default_rng(0)).volumes["water"].voxels.shape[0] == 10  # type: ignore[union-attr]
    narrow = Scan(**{**scan.__dict__, "channels": scan.channels[:8], "discs": scan.discs[:8], "known": scan.known[:8]})
    assert VARIANTS["20 mm wide"](narrow, np.random.default_rng(0)) is None
    unnamed = Scan(**{**scan.__dict__, "levels": (None,) * 5})
    assert VARIANTS["ends in L4-L5"](unnamed, np.random.default_rng(0)) is None


@pytest.mark.parametrize("name", ["as stored", "sagittal stack", "header exchanged", "1 mm isotropic", "ends above L2-L3"])
def test_a_perfect_result_is_found_to_be_perfect(name: str) -> None:
    scan = made_scan()
    exam = VARIANTS[name](scan, np.random.default_rng(0))
    assert exam is not None
    check = check_exam(scan, name, exam, Truth(scan, exam))  # type: ignore[arg-type]
    assert check.found == check.discs > 0 and min(check.dice) > 0.99
    assert check.wrong == () and not check.warned and check.false_positives == 0 and not check.refused


def test_wrong_names_are_told_with_what_they_should_be() -> None:
    scan = made_scan()
    exam = VARIANTS["as stored"](scan, np.random.default_rng(0))
    assert exam is not None
    check = check_exam(scan, "as stored", exam, Truth(scan, exam, moved=1, warns=True))  # type: ignore[arg-type]
    assert check.found == 5 and check.warned
    assert check.wrong[:2] == ("L4-L5:L5-S1", "L3-L4:L4-L5")


def test_discs_of_a_partial_reference_are_judged_by_recall() -> None:
    scan = made_scan(outlined=False)
    exam = VARIANTS["as stored"](scan, np.random.default_rng(0))
    assert exam is not None
    check = check_exam(scan, "as stored", exam, Truth(scan, exam))  # type: ignore[arg-type]
    assert check.dice == () and check.recall == 1.0 and check.outside == 0.0


def test_a_refusal_is_counted_and_its_sentence_kept() -> None:
    class Refuses:
        def segment(self, case: Any) -> Segmentation:
            raise InputError("the header exchanges head and feet")

    scan = made_scan()
    (check,) = check_real([scan], ["upside down"], lambda _: Refuses())  # type: ignore[arg-type,return-value]
    assert check.refused == "the header exchanges head and feet" and check.discs == 0
    assert "| upside down | 1 | 1 |" in table([check])


def test_the_table_counts_right_and_wrong_names_with_and_without_a_warning() -> None:
    common = {"source": "made", "variant": "noise", "discs": 5, "found": 4, "dice": (0.9, 0.8)}
    checks = [
        RealCheck(name="1", **common),  # type: ignore[arg-type]
        RealCheck(name="2", warned=True, **common),  # type: ignore[arg-type]
        RealCheck(name="3", wrong=("L4-L5:L5-S1",), warned=True, **common),  # type: ignore[arg-type]
        RealCheck(name="4", wrong=("L4-L5:L5-S1",), **common),  # type: ignore[arg-type]
    ]
    text = table(checks)
    assert "| noise | 4 | 0 | 16 of 20 | 0.850 |  |  | 0 | 2 | 1 | 1 | 1 |" in text
    assert "- made 4, noise: L4-L5:L5-S1" in text


def test_runs_without_folds_are_refused(tmp_path: Any) -> None:
    with pytest.raises(InputError, match="holds no folds"):
        crossvalidated([made_scan()], tmp_path, lambda runs, fold: None)  # type: ignore[arg-type,return-value]


def test_cases_of_exams_pass_the_checks_of_a_case() -> None:
    scan = made_scan()
    for name, variant in VARIANTS.items():
        exam = variant(scan, np.random.default_rng(0))
        if exam is not None:
            case = case_from_volumes(exam.volumes, name)
            assert set(case.channels) == {"water"} and case.input_grid == exam.volumes["water"].grid, name
