"""Samples and cross-validation: shapes, who is held out, what is written. Nothing is trained; a painted network answers."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.networks.inputs import stack_channels
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, PATCH_SIZE
from IVDSegmentationLib.training.channel_dropout import SUBSETS
from IVDSegmentationLib.training.folds import split
from IVDSegmentationLib.training.localizer_judging import localizer_row, localizer_summary, names_right
from IVDSegmentationLib.training.noise_scans import noise_scan
from IVDSegmentationLib.training.presets import LOCALIZER, SEGMENTER
from IVDSegmentationLib.training.scans import Scan, phantom_scan
from IVDSegmentationLib.training.scoring import mean_sd, recall_of_surely_disc, share_in_no_disc
from IVDSegmentationLib.training.segmenter_samples import SegmenterSamples
from scipy import ndimage


def made_box(subject, disc, seed):
    rng = np.random.default_rng(seed)
    discs = np.zeros(BOX_SIZE, np.uint8)
    discs[9:26, 6:30, 9:16] = 1
    water = (40 + 100 * discs + 10 * rng.random(BOX_SIZE)).astype(np.float32)
    fat = (60 - 50 * discs + 10 * rng.random(BOX_SIZE)).astype(np.float32)
    channels = {"water": water, "fat": fat, "in_phase": water + fat, "opposed_phase": np.abs(water - fat)}
    name = f"{subject}-disc{disc}"
    known = np.ones(BOX_SIZE, bool)
    stacked = stack_channels(channels)
    return Scan(
        f"ivdm3seg-{subject}", name, "ivdm3seg-patches", stacked, (True,) * 4, discs, known, None, ((17.0, 17.0, 12.0),)
    )


def made_water(number):
    rng = np.random.default_rng(number)
    shape = (38, 90, 120)
    discs, vertebrae = np.zeros((2, *shape), np.uint8)
    for index, z in enumerate((20, 46, 72, 98), start=1):
        discs[9:29, 30:58, z - 3 : z + 3] = index
    for index, z in enumerate((110, 85, 59, 33, 8), start=20):
        vertebrae[9:29, 30:58, max(z - 8, 0) : z + 8] = index
    known = np.zeros(shape, bool)
    known[:, :, 12:108] = True
    water = (40 + 100 * (discs > 0) + 10 * ndimage.gaussian_filter1d(rng.random(shape), 1.5, axis=0)).astype(np.float32)
    return Scan(
        subject=f"myosegmentum-{number}",
        name=str(number),
        source="myosegmentum-water",
        channels=stack_channels({"water": water}),
        available=(False, False, False, True),
        discs=discs,
        known=known,
        vertebrae=vertebrae,
        centers_ijk=tuple((18.5, 43.5, z - 0.5) for z in (20.0, 46.0, 72.0, 98.0)),
        levels=("L4-L5", "L3-L4", "L2-L3", "L1-L2"),
        outlined=False,
    )


@pytest.fixture(scope="module")
def scans():
    return [made_box(s, d, 7 * d + ord(s)) for s in "ABCDEF" for d in (1, 2)] + [made_water(n) for n in range(6)]


@pytest.mark.parametrize("water_share", [0.0, 0.5, 1.0])
def test_segmenter_samples_hold_input_disc_and_known_voxels(scans, water_share):
    shares = {"myosegmentum-water": water_share, "ivdm3seg-patches": 1 - water_share, "spider-space": 3.0}
    samples = SegmenterSamples(scans, replace(SEGMENTER["default"], shares=shares))
    drawn = {True: water_share < 1, False: water_share > 0}
    assert {bool(samples.sample(seed)[0][..., :3].any()) for seed in range(40)} >= {k for k, v in drawn.items() if v}
    for seed in range(12):
        x, target = samples.sample(seed)
        assert x.shape == (*PATCH_SIZE, 4) and target.shape == (*PATCH_SIZE, 2)
        assert np.isfinite(x).all() and set(np.unique(target)) <= {0.0, 1.0}
        assert 200 < (target[..., 0] * target[..., 1]).sum() < 12000, "a disc is in the box"
    first, again = samples.sample(5), samples.sample(5)
    np.testing.assert_array_equal(first[0], again[0])


def test_localizer_samples_hold_windows_of_every_kind(scans):
    from IVDSegmentationLib.training.localizer_samples import WINDOW, LocalizerSamples

    samples = LocalizerSamples(scans, replace(LOCALIZER["default"], phantoms=1))
    assert samples.sources == ["ivdm3seg-patches", "myosegmentum-water", "phantom"], "sources that are not there are left out"
    seen = []
    for seed in range(24):
        x, target = samples.sample(seed)
        assert x.shape == (*WINDOW, 4) and target.shape == (*WINDOW, 2) and np.isfinite(x).all()
        seen.append((target[..., 0].sum(), target[..., 1].mean(), x.any((1, 2, 3)).sum()))
    assert max(disc for disc, _, _ in seen) > 100, "there are discs to learn"
    assert min(known for _, known, _ in seen) < 0.99, "beyond the labelled vertebrae nothing is known"
    assert min(width for _, _, width in seen) <= 11, "some windows are slabs"


def test_a_coarse_voxel_is_known_by_the_half_of_it_that_is():
    """Partial labels are thin: a voxel of the localizer's grid that is half unknown keeps what the other half says."""
    from IVDSegmentationLib.training.localizer_samples import coarse_scan

    discs, known = np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 4), bool)
    discs[:2, :2, :1], known[:2, :2, :1] = 1, True
    known[2:, 2:, :] = True
    known[0, 2, 0] = True
    coarse = coarse_scan(np.ones((4, 4, 4, 4), np.float32), discs, known)
    assert coarse[0, 0, 0, 4:].tolist() == [1, 1] and coarse[1, 1, 0, 4:].tolist() == [0, 1]
    assert coarse[0, 1, 0, 5] == 0 and coarse[1, 0, 1, 5] == 0


def test_noise_is_training_data_without_a_disc(scans):
    assert noise_scan(3).channels.tobytes() == noise_scan(3).channels.tobytes() != noise_scan(4).channels.tobytes()
    samples = SegmenterSamples([noise_scan(1), noise_scan(2)], SEGMENTER["default"])
    for seed in range(6):
        x, target = samples.sample(seed)
        assert np.isfinite(x).all() and x.any() and not target[..., 0].any() and target[..., 1].mean() > 0.2


def test_phantoms_are_training_data_with_nothing_unknown():
    scan = phantom_scan(3)
    assert scan.known.all() and all(scan.available)
    assert len(scan.centers_ijk) == len(np.unique(scan.discs)) - 1


def test_segmenter_crossvalidation_judges_every_disc_by_a_network_that_has_not_seen_it(scans, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import crossvalidation

    trained = []

    def train(training, preset, folder, seed=0):
        trained.append((folder.name, {s.subject for s in training}))
        return PaintedNetwork()

    monkeypatch.setattr(crossvalidation, "train_segmenter", train)
    rows = crossvalidation.crossvalidate_segmenter(scans, SEGMENTER["default"], tmp_path, folds=6)
    everyone = {s.subject for s in scans}
    assert sorted(subject for _, seen in trained for subject in everyone - seen) == sorted(everyone)
    assert [name for name, _ in trained] == [f"fold-{n}" for n in range(6)]
    written = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert len(written) == len(rows)
    boxes = [r for r in rows if r["source"] == "ivdm3seg-patches"]
    assert {r["subset"] for r in boxes} == set(SUBSETS)
    assert {r["subset"] for r in boxes if r["centre"] == "moved"} == {"all", "water", "in"}
    assert len([r for r in boxes if (r["subset"], r["centre"]) == ("all", "given")]) == 12
    waters = [r for r in rows if r["source"] == "myosegmentum-water"]
    assert {r["subset"] for r in waters} == {"water"} and {r["disc"] for r in waters} == {2, 3, 4, 5}
    assert all(r["dice"] is None and r["recall"] > 0.95 and r["in_no_disc"] < 0.1 for r in waters if r["centre"] == "given")
    summary = json.loads((tmp_path / "summary.json").read_text())
    values = [r["dice"] for r in boxes if (r["subset"], r["centre"]) == ("all", "given")]
    mean = summary["ivdm3seg-patches"]["by channels"]["all, centres given"]["dice"]["mean"]
    assert mean == pytest.approx(np.mean(values), abs=1e-4)
    assert summary["myosegmentum-water"]["by channels"]["water, centres given"]["recall"]["n"] == 24
    assert summary["myosegmentum-water"]["lowest, over subjects, of the highest mean probability of a disc"] == 1.0, (
        "painted outright"
    )


def test_a_segmenter_is_fine_tuned_from_a_training_as_its_preset_says(scans, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import train as training

    trained = []

    def train(samples, preset, folder, seed=0, start=None):
        trained.append((samples.preset.learning_rate, preset.learning_rate, start))
        return "trained"

    monkeypatch.setattr(training, "train_network", train)
    preset = replace(SEGMENTER["default"], phantoms=0, noises=0)
    tuned = replace(preset, fine_tuning=replace(preset.fine_tuning, phantoms=0, noises=0))
    first = training.train_segmenter(scans, tuned, tmp_path / "first")
    training.train_segmenter(scans, tuned, tmp_path / "second", start=first)
    rates = preset.learning_rate, preset.fine_tuning.learning_rate
    assert trained == [(rates[0], rates[0], None), (rates[1], rates[1], "trained")] and rates[1] < rates[0]
    with pytest.raises(InputError, match="no fine-tuning"):
        training.train_segmenter(scans, replace(preset, fine_tuning=None), tmp_path / "third", start=first)


def test_one_fold_alone_is_trained_and_judged(scans, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import crossvalidation

    monkeypatch.setattr(crossvalidation, "train_segmenter", lambda *_: PaintedNetwork())
    monkeypatch.setattr(crossvalidation, "train_localizer", lambda *_: PaintedNetwork())
    rows = crossvalidation.crossvalidate_segmenter(scans, SEGMENTER["default"], tmp_path / "s", folds=2, only=[1])
    assert {r["subject"] for r in rows} == {s.subject for s in split(scans, 1, 2)[1]}
    rows = crossvalidation.crossvalidate_localizer(scans, LOCALIZER["default"], tmp_path / "l", folds=2, only=[0])
    assert {r["subject"] for r in rows} == {s.subject for s in split(scans, 0, 2)[1] if s.source != "ivdm3seg-patches"}


def finished_training(folder, architecture, parameters):
    """What a training leaves, with the initial weights."""
    from IVDSegmentationLib.networks.architectures import build_network
    from IVDSegmentationLib.networks.models import save_arrays

    folder.mkdir(parents=True)
    save_arrays(folder / "weights.npz", build_network(architecture, **parameters).get_weights())
    (folder / "finished.json").write_text(json.dumps({"architecture": architecture, "parameters": parameters}))


def test_a_finished_training_is_judged_on_the_engine_that_segments_as_keras_computes_it(tmp_path):
    from IVDSegmentationLib.training.loop import load_trained, trained_network

    finished_training(tmp_path / "run", "unet", {"features": [4, 8], "dropout": 0.1})
    batch = np.random.default_rng(0).normal(size=(1, 8, 8, 8, 4)).astype(np.float32)
    found = trained_network(tmp_path / "run").predict_on_batch(batch)
    assert np.abs(found - load_trained(tmp_path / "run").predict_on_batch(batch)).max() < 1e-4
    assert not hasattr(trained_network(tmp_path / "run"), "fit"), "no Keras model"
    with pytest.raises(InputError, match="holds no finished training"):
        trained_network(tmp_path / "none")
    (tmp_path / "run" / "weights.npz").unlink()  # killed before the weights, which are written last
    with pytest.raises(InputError, match="holds no finished training"):
        trained_network(tmp_path / "run")


def test_a_finished_fold_is_judged_without_its_samples_being_made_again(scans, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import crossvalidation

    finished_training(tmp_path / "fold-1", "unet", {"features": [4, 8], "dropout": 0.1})
    monkeypatch.setattr(crossvalidation, "train_segmenter", lambda *_: pytest.fail("trained again"))
    rows = crossvalidation.crossvalidate_segmenter(scans, SEGMENTER["default"], tmp_path, folds=6, only=[1])
    assert {r["subject"] for r in rows} == {s.subject for s in split(scans, 1, 6)[1]}
    finished_training(tmp_path / "l" / "fold-1", "unet", {"features": [4, 8]})
    monkeypatch.setattr(crossvalidation, "train_localizer", lambda *_: pytest.fail("trained again"))
    assert crossvalidation.crossvalidate_localizer(scans, LOCALIZER["default"], tmp_path / "l", folds=6, only=[1])


class PaintedNetwork:
    """Answers with what it is shown brightest: the made discs are the only bright things."""

    def predict_on_batch(self, x):
        water = x[..., 3]
        return (water > 0.75 * np.percentile(water, 99.5)).astype(np.float32)[..., None]


def test_a_volumes_row_counts_found_missed_and_false_discs():
    scan = made_water(1)
    row = localizer_row(PaintedNetwork(), PaintedNetwork(), scan)
    assert (row["discs"], row["found"], row["false"]) == (4, 4, 0)
    assert max(row["centre_error_mm"]) < 2.0
    assert (row["discs_held"], row["false_positives"]) == (4, 0)
    assert row["recall"] > 0.95 and row["in_no_disc"] < 0.02 and row["dice"] == []
    whole = localizer_row(PaintedNetwork(), PaintedNetwork(), replace(scan, outlined=True))
    assert min(whole["dice"]) > 0.95 and whole["recall"] is None
    water = scan.channels.copy()
    water[:, :, 69:75] = 45
    water[9:29, 30:58, 56:61, 3] = 140
    missed = localizer_row(PaintedNetwork(), None, replace(scan, channels=water))
    assert (missed["found"], missed["false"]) == (3, 1)
    summary = localizer_summary([row, missed])["myosegmentum-water"]
    assert (summary["found"], summary["discs"], summary["false"]) == (7, 8, 1)
    assert summary["recall"]["n"] == 1
    wrong = {**row, "names_right": False, "names_uncertain": False}
    right = {**row, "names_right": True, "names_uncertain": False}
    summary = localizer_summary([right, right, right, wrong])["myosegmentum-water"]
    assert (summary["all_names_right"], summary["names_wrong_without_warning"]) == (3, 1)


def test_a_volume_in_which_nothing_is_found_has_no_disc_and_no_right_name():
    class Blind:
        def predict_on_batch(self, x):
            return np.zeros((*x.shape[:-1], 1), np.float32)

    row = localizer_row(Blind(), Blind(), made_water(1))
    assert (row["found"], row["discs_held"], row["false_positives"], row["recall"], row["names_right"]) == (0, 0, 0, 0.0, False)


def test_names_are_right_when_every_reference_disc_holds_its_own_label():
    scan = made_water(1)
    labels = np.where(scan.discs > 0, 1 + scan.discs, 0).astype(np.uint8)  # the first is L4-L5, whose label is 2
    assert names_right(labels, scan)
    assert not names_right(np.where(labels > 0, labels + 1, 0), scan), "all shifted by a level"
    assert not names_right(np.where(labels == 3, 0, labels), scan), "one missed"


def test_partial_labels_are_scored_where_they_say_something():
    disc, known = np.zeros((2, 10), bool)
    disc[2:6], known[:8] = True, True
    mask = np.zeros(10, bool)
    mask[3:10] = True
    assert recall_of_surely_disc(mask, disc) == 0.75
    assert share_in_no_disc(mask, disc, known) == pytest.approx(2 / 7)
    assert recall_of_surely_disc(mask, disc & False) is None and share_in_no_disc(mask & False, disc, known) is None
    assert mean_sd([1.0, None, 3.0]) == {"n": 2, "mean": 2.0, "sd": 1.0} and mean_sd([None]) == {"n": 0}
