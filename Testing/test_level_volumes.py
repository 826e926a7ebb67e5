"""What the level network is trained on: scans and phantoms as a localizer shows them, and the levels that are known there."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from IVDSegmentationLib.cli.level_commands import check_real_command, train_levels_command
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.levels.evidence import AS_STORED, OUTPUTS
from IVDSegmentationLib.levels.labelling import SPINE
from IVDSegmentationLib.networks import models
from IVDSegmentationLib.networks.inputs import stack_channels
from IVDSegmentationLib.pipeline.localize import DiscCandidate, find_discs
from IVDSegmentationLib.training import level_cases, level_train
from IVDSegmentationLib.training.level_cases import folds_of, held_out_cases
from IVDSegmentationLib.training.level_truth import UNKNOWN, class_index
from IVDSegmentationLib.training.level_volumes import level_truth, level_volume, phantom_volume
from IVDSegmentationLib.training.presets import PRESETS
from IVDSegmentationLib.training.scans import Scan

STEP = 26
"""Voxels from disc to disc."""
L5_S1_Z = 25.0


class PaintedNetwork:
    """Answers with what it is shown brightest."""

    def predict_on_batch(self, x: np.ndarray) -> np.ndarray:
        brightest = x.max(axis=-1)
        return (brightest > 0.75 * np.percentile(brightest, 99.5)).astype(np.float32)[..., None]


class UndecidedLevels:
    """A level network to which every level and orientation is as likely."""

    def predict_on_batch(self, x: np.ndarray) -> np.ndarray:
        return np.zeros((len(x), OUTPUTS), np.float32)


def scan(shift: int | None = 0) -> Scan:
    """A water volume whose vertebrae L1 to L5 are labelled, and no disc but L4-L5 to L1-L2.

    shift: How many voxels off its place the disc L5-S1 lies; None where there is none to be seen.
    """
    shape = (38, 90, 160)
    discs, vertebrae = np.zeros((2, *shape), np.uint8)
    heights = [51 + STEP * n for n in range(4)]
    for number, z in enumerate(heights, start=1):
        discs[9:29, 30:58, z - 3 : z + 3] = number
    for code, z in zip((24, 23, 22, 21, 20), range(38, 160, STEP), strict=True):
        vertebrae[9:29, 30:58, z - 8 : z + 8] = code
    water = np.where(discs > 0, 140, 40).astype(np.float32)
    if shift is not None:
        z = int(L5_S1_Z) + shift
        water[9:29, 30:58, z - 3 : z + 3] = 140
    return Scan(
        subject="made-1",
        name="1",
        source="myosegmentum-water",
        channels=stack_channels({"water": water}),
        available=(False, False, False, True),
        discs=discs,
        known=np.ones(shape, bool),
        vertebrae=vertebrae,
        centers_ijk=tuple((18.5, 43.5, z - 0.5) for z in heights),
        levels=("L4-L5", "L3-L4", "L2-L3", "L1-L2"),
        outlined=False,
    )


def heights_of(truth: Any) -> dict[str, float]:
    """Level -> height in voxels of the working grid."""
    return {SPINE[level]: 2 * (center[2] + 0.5) - 0.5 for level, center in zip(truth.levels, truth.centers, strict=True)}


@pytest.mark.parametrize(("shift", "expected"), [(0, L5_S1_Z - 0.5), (4, L5_S1_Z + 3.5), (None, L5_S1_Z - 0.5)])
def test_l5_s1_lies_where_the_localizer_sees_it_below_l5_and_else_half_a_step_below(shift: int | None, expected: float) -> None:
    volume = level_volume(scan(shift), PaintedNetwork())
    found = heights_of(volume.truth)
    assert list(found) == ["L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2"]
    assert found["L5-S1"] == pytest.approx(expected, abs=1.0)
    assert [found[level] for level in list(found)[1:]] == pytest.approx([50.5 + STEP * n for n in range(4)], abs=0.01)


def test_a_disc_that_nobody_labelled_lies_half_way_between_its_vertebrae() -> None:
    made = scan()
    fewer = replace(made, levels=(None, *made.levels[1:]))
    found = heights_of(level_truth(fewer, np.zeros((19, 45, 80), np.float32)))
    assert found["L4-L5"] == pytest.approx(50.5, abs=0.6)


def test_without_vertebrae_the_labelled_discs_alone_are_known() -> None:
    found = heights_of(level_truth(replace(scan(), vertebrae=None), np.zeros((19, 45, 80), np.float32)))
    assert list(found) == ["L4-L5", "L3-L4", "L2-L3", "L1-L2"]


def test_the_maps_of_every_orientation_lie_on_the_image() -> None:
    volume = level_volume(scan(), PaintedNetwork())
    assert volume.maps.shape == (3, *volume.channels.shape[:3])
    assert volume.maps[AS_STORED].any()
    for turned in volume.maps:
        np.testing.assert_array_equal(turned, volume.maps[AS_STORED])


def test_a_phantom_of_a_seed_is_always_the_same_and_knows_its_levels() -> None:
    one, again = (phantom_volume(105, PaintedNetwork()) for _ in range(2))
    np.testing.assert_array_equal(one.channels, again.channels)
    np.testing.assert_array_equal(one.truth.centers, again.truth.centers)
    assert len(one.truth.levels) >= 2 and (np.diff(one.truth.centers[:, 2]) > 0).all()
    assert (one.truth.centers > -0.5).all() and (one.truth.centers < np.array(one.channels.shape[:3]) - 0.5).all()


def options(**given: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"localizer": None, "start": None, "seed": 7, **given})


def test_train_levels_trains_on_whole_volumes_and_phantoms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained = []

    def train(samples: Any, preset: Any, folder: Path, seed: int, start: Any) -> None:
        trained.append(([len(volumes) for volumes in samples.people], len(samples.phantoms), preset, folder, seed, start))

    model = models.Model("made", {}, {"localizer": PaintedNetwork()})
    monkeypatch.setattr(models, "load_model", lambda: model)
    monkeypatch.setattr(level_train, "train_network", train)
    monkeypatch.setattr(level_train, "PHANTOMS", 1)
    preset = PRESETS["levels"]["default"]
    box = replace(scan(), subject="box", source="ivdm3seg-patches")
    train_levels_command(options(output=tmp_path), [scan(), box], preset)
    assert trained == [([1], 1, preset, tmp_path, 7, None)]


def test_train_levels_refuses_a_localizer_that_is_not_trained(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no finished training"):
        train_levels_command(options(output=tmp_path, localizer=tmp_path / "none"), [], PRESETS["levels"]["default"])


def test_check_real_refuses_unknown_forms_and_missing_data() -> None:
    with pytest.raises(InputError, match="wrong is no form of an examination: use as stored"):
        check_real_command(argparse.Namespace(variants=["wrong"]))
    with pytest.raises(InputError, match="no data are given"):
        check_real_command(argparse.Namespace(variants=None, real=None))


def test_every_scan_is_seen_by_the_networks_of_the_fold_that_leaves_its_subject_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = []

    def load(folder: Path) -> Any:
        loaded.append(folder.relative_to(tmp_path).as_posix())
        return PaintedNetwork() if folder.parent.name == "localizer" else UndecidedLevels()

    monkeypatch.setattr(level_cases, "trained_network", load)
    monkeypatch.setattr(level_cases, "DRAWS", 1)
    monkeypatch.setattr(level_cases, "PHANTOMS", 0)
    scans = [replace(scan(), subject=f"made-{number}", name=str(number)) for number in (1, 2)]
    cases = held_out_cases(scans, tmp_path, 2)
    assert loaded == ["localizer/fold-0", "levels/fold-0", "localizer/fold-1", "levels/fold-1"]
    as_stored = [case for case in cases if case.variant == "as stored"]
    assert sorted(case.name for case in as_stored) == ["myosegmentum-water 1", "myosegmentum-water 2"]
    assert {case.fold for case in as_stored} == {0, 1}
    for case in as_stored:
        assert case.levels == (1, 2, 3, 4, 5), "L5-S1 to L1-L2, caudal to cranial"
        assert (np.diff(case.centers_mm[:, 2]) > 0).all()


def test_of_two_candidates_on_one_disc_the_nearer_has_its_level_and_the_other_decides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found_twice(probability: np.ndarray) -> list[DiscCandidate]:
        first, second, *others = find_discs(probability)
        x, y, z = second.center_ijk
        return [first, second, replace(second, center_ijk=(x, y, z + 6)), *others]

    monkeypatch.setattr(level_cases, "find_discs", found_twice)
    monkeypatch.setattr(level_cases, "spine_chain", lambda centers, certainties: range(len(centers)))
    (case,) = level_cases.cases_of(level_volume(scan(), PaintedNetwork()), "made", UndecidedLevels(), 0, 0)
    assert case.levels == (1, 2, None, 3, 4, 5), "L5-S1 to L1-L2, caudal to cranial"
    assert case.classes[2] == UNKNOWN and case.classes[1] == class_index(2)
    assert case.right((1, 2, None, 3, 4, 5)) and not case.right((1, None, 2, 3, 4, 5))


def test_a_form_in_which_nothing_resembles_a_disc_is_left_out() -> None:
    class Blind:
        def predict_on_batch(self, x: np.ndarray) -> np.ndarray:
            return np.zeros((*x.shape[:-1], 1), np.float32)

    assert level_cases.cases_of(level_volume(scan(), Blind()), "made", UndecidedLevels(), 0, 1) == []


def test_fewer_than_two_folds_are_refused(tmp_path: Path) -> None:
    (tmp_path / "levels" / "fold-0").mkdir(parents=True)
    with pytest.raises(InputError, match="holds no folds"):
        folds_of(tmp_path)
    (tmp_path / "levels" / "fold-1").mkdir()
    assert folds_of(tmp_path) == 2
