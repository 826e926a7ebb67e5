"""Samples and cross-validation: shapes, who is held out, what is written. Nothing is trained; a painted network answers."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.networks.inputs import stack_channels
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, PATCH_SIZE
from IVDSegmentationLib.training.channel_dropout import SUBSETS
from IVDSegmentationLib.training.presets import LOCALIZER, SEGMENTER, WATER_SEGMENTER
from IVDSegmentationLib.training.scans import Scan, phantom_scan
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
    for index, z in enumerate((98, 72, 46, 20), start=1):
        discs[9:29, 30:58, z - 3 : z + 3] = index
    for index, z in enumerate((110, 85, 59, 33, 8), start=1):
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
        centers_ijk=tuple((18.5, 43.5, z - 0.5) for z in (98.0, 72.0, 46.0, 20.0)),
    )


@pytest.fixture(scope="module")
def scans():
    return [made_box(s, d, 7 * d + ord(s)) for s in "ABCDEF" for d in (1, 2)] + [made_water(n) for n in range(6)]


@pytest.mark.parametrize("water_share", [0.0, 0.5, 1.0])
def test_segmenter_samples_hold_input_disc_and_known_voxels(scans, water_share):
    samples = SegmenterSamples(scans, replace(SEGMENTER["default"], water_share=water_share, phantom_share=0.0))
    drawn = {True: water_share < 1, False: water_share > 0}
    assert {bool(samples.sample(seed)[0][..., :3].any()) for seed in range(40)} >= {k for k, v in drawn.items() if v}
    for seed in range(12):
        x, target = samples.sample(seed)
        assert x.shape == (*PATCH_SIZE, 4) and target.shape == (*PATCH_SIZE, 4)
        assert np.isfinite(x).all() and set(np.unique(target)) <= {0.0, 1.0}
        volume = not x[..., :3].any() and target[..., 3].any()
        assert volume or not target[..., 2:].any(), "vertebrae are known in the volumes alone"
        assert not (target[..., 0] * target[..., 2]).any()
        assert 300 < (target[..., 0] * target[..., 1]).sum() < 12000, "a disc is in the box"
    first, again = samples.sample(5), samples.sample(5)
    np.testing.assert_array_equal(first[0], again[0])


def test_the_water_segmenter_is_shown_water_alone(scans):
    samples = SegmenterSamples(scans, replace(WATER_SEGMENTER["default"], water_share=0.3))
    for seed in range(12):
        x, _ = samples.sample(seed)
        assert x[..., 3].any() and not x[..., :3].any()


def test_localizer_samples_hold_windows_of_every_kind(scans):
    from IVDSegmentationLib.training.localizer_samples import WINDOW, LocalizerSamples

    samples = LocalizerSamples(scans, LOCALIZER["default"], phantoms=1)
    seen = []
    for seed in range(12):
        x, target = samples.sample(seed)
        assert x.shape == (*WINDOW, 4) and target.shape == (*WINDOW, 2) and np.isfinite(x).all()
        seen.append((target[..., 0].sum(), target[..., 1].mean()))
    assert max(disc for disc, _ in seen) > 100, "there are discs to learn"
    assert min(known for _, known in seen) < 0.99, "beyond the labelled vertebrae nothing is known"


def test_phantoms_are_training_data_with_nothing_unknown():
    scan = phantom_scan(3)
    assert scan.known.all() and all(scan.available)
    assert len(scan.centers_ijk) == len(np.unique(scan.discs)) - 1


def test_segmenter_crossvalidation_judges_every_disc_by_a_network_that_has_not_seen_it(scans, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import crossvalidation

    trained = {"segmenter": [], "water_segmenter": []}

    def train(training, preset, folder, seed=0):
        trained[folder.name].append({s.subject for s in training})
        return PaintedNetwork(channels=4 if folder.name == "segmenter" else 1)

    monkeypatch.setattr(crossvalidation, "train_segmenter", train)
    presets = {"segmenter": SEGMENTER["default"], "water_segmenter": WATER_SEGMENTER["default"]}
    rows = crossvalidation.crossvalidate_segmenter(scans, presets, tmp_path)
    everyone = {s.subject for s in scans}
    for parts in trained.values():
        assert sorted(subject for seen in parts for subject in everyone - seen) == sorted(everyone)
    for row in (r for r in rows if "water" in SUBSETS[r["subset"]]):
        assert row["expected_dice"] == 1.0, "a painted voxel is called disc outright"
    roles = {(r["source"], r["role"]) for r in rows if r["subset"] == "water"}
    assert roles == {("ivdm3seg-patches", "segmenter"), ("myosegmentum-water", "water_segmenter")}
    written = list(csv.DictReader((tmp_path / "rows.csv").open()))
    assert len(written) == len(rows)
    boxes = [r for r in rows if r["source"] == "ivdm3seg-patches"]
    assert {(r["subset"], r["centre"]) for r in boxes if r["centre"] == "moved"} == {("all", "moved"), ("water", "moved")}
    assert len([r for r in boxes if (r["subset"], r["centre"]) == ("all", "given")]) == 12
    summary = json.loads((tmp_path / "summary.json").read_text())
    values = [r["dice"] for r in boxes if (r["subset"], r["centre"]) == ("all", "given")]
    assert summary["ivdm3seg-patches"]["by channels"]["all, centres given"]["mean"] == pytest.approx(np.mean(values), abs=1e-4)
    assert {r["disc"] for r in rows if r["source"] == "myosegmentum-water"} == {2, 3, 4, 5}, "L1-L2 is 5, L4-L5 is 2"


class PaintedNetwork:
    """Answers with what it is shown brightest: the made discs are the only bright things. channels: that it may be shown."""

    def __init__(self, channels=4):
        self.channels = channels

    def predict_on_batch(self, x):
        assert np.any(x, axis=(0, 1, 2, 3)).sum() <= self.channels
        water = x[..., 3]
        return (water > 0.75 * np.percentile(water, 99.5)).astype(np.float32)[..., None]


def test_a_volumes_row_counts_found_missed_and_false_discs():
    from IVDSegmentationLib.training.crossvalidation import localizer_row, localizer_summary

    scan = made_water(1)
    row = localizer_row(PaintedNetwork(), {"segmenter": PaintedNetwork(), "water_segmenter": PaintedNetwork()}, scan)
    assert (row["discs"], row["found"], row["false"]) == (4, 4, 0)
    assert max(row["centre_error_mm"]) < 2.0
    assert min(row["dice"]) > 0.95 and row["in_vertebrae"] < 0.02
    water = scan.channels.copy()
    water[:, :, 69:75] = 45
    water[9:29, 30:58, 56:61, 3] = 140
    missed = localizer_row(PaintedNetwork(), None, replace(scan, channels=water))
    assert (missed["found"], missed["false"]) == (3, 1)
    summary = localizer_summary([row, missed])
    assert summary["found"] == 7 / 8 and summary["false_discs_per_volume"] == 0.5
    assert summary["end_to_end_dice"]["n"] == 4
    wrong = {**row, "names_right": False, "names_uncertain": False}
    right = {**row, "names_right": True, "names_uncertain": False}
    assert localizer_summary([right, right, right, wrong])["all_names_right"] == 3 / 4
    assert localizer_summary([right])["all_names_right"] == 1


def test_names_are_right_when_every_reference_disc_holds_its_own_label():
    from IVDSegmentationLib.training.crossvalidation import names_right

    scan = made_water(1)
    labels = np.where(scan.discs > 0, 6 - scan.discs, 0).astype(np.uint8)  # L1-L2 is 5, L4-L5 is 2
    assert names_right(labels, scan)
    assert not names_right(np.where(labels > 0, labels + 1, 0), scan), "all shifted by a level"
    assert not names_right(np.where(labels == 3, 0, labels), scan), "one missed"
