"""The unlabelled disc below the last vertebra: a pseudo-label where a localizer is certain of it, and nowhere else."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.networks.inputs import stack_channels
from IVDSegmentationLib.training.presets import LOCALIZER, with_changes
from IVDSegmentationLib.training.pseudo_labels import with_pseudo_label
from IVDSegmentationLib.training.scans import Scan
from IVDSegmentationLib.training.sources import read_scans

SHAPE = (36, 80, 120)


class Painted:
    """Answers with the fourth channel of what it is shown, in 0..1."""

    def predict_on_batch(self, x):
        return x[..., 3:] / x.max()


def made_scan(*below, strength=1.0):
    """Vertebrae at z 48, 72 and 96, discs between them, and boxes (z, half depth) of disc below, all in the one channel."""
    discs, vertebrae = np.zeros((2, *SHAPE), np.uint8)
    water = np.zeros(SHAPE, np.float32)
    for number, z in enumerate((96, 72, 48), start=1):
        vertebrae[8:28, 24:56, z - 8 : z + 8] = number
    for number, z in enumerate((84, 60), start=1):
        discs[8:28, 24:56, z - 4 : z + 4] = number
    water[discs > 0] = 1
    for z, half_depth in below:
        water[8:28, 40 - half_depth : 40 + half_depth, z - 4 : z + 4] = strength
    known = np.zeros(SHAPE, bool)
    known[:, :, 48:96] = True
    centers = ((17.5, 39.5, 83.5), (17.5, 39.5, 59.5))
    water_only = (False, False, False, True)
    return Scan("a", "a", "myosegmentum-water", stack_channels({"water": water}), water_only, discs, known, vertebrae, centers)


def test_the_disc_below_is_one_more_disc_and_the_only_one_there():
    scan = made_scan((34, 16))
    learnt = with_pseudo_label(scan, Painted())
    added = (learnt.discs > 0) & (scan.discs == 0)
    expected = np.zeros(SHAPE, bool)
    expected[8:28, 24:56, 30:38] = True
    np.testing.assert_array_equal(added, expected)
    assert set(np.unique(learnt.discs[added])) == {3} and learnt.known[added].all()
    assert learnt.known[:, :, :27].all(), "what lies below is no disc"
    assert not learnt.known[17, 40, 28:30].any() and not learnt.known[17, 56:58, 34].any(), "its outline is not known"
    above = slice(49, None)
    np.testing.assert_array_equal(learnt.known[:, :, above], scan.known[:, :, above])
    assert (scan.discs.max(), scan.known[:, :, :48].any()) == (2, False), "the scan itself is unchanged"


@pytest.mark.parametrize(
    "scan",
    [
        made_scan(),
        made_scan((34, 3)),
        made_scan((34, 16), strength=0.8),
        made_scan((14, 16)),
        replace(made_scan((34, 16)), vertebrae=None),
    ],
    ids=["nothing found", "too small", "unsure", "too far below", "no vertebrae"],
)
def test_without_a_certain_disc_the_scan_stays_as_it_is(scan):
    assert with_pseudo_label(scan, Painted()) is scan


def test_two_discs_where_one_fits_are_no_pseudo_label():
    scan = made_scan((34, 16))
    scan.channels[16:20] = 0  # a sagittal gap: a left and a right half, both large
    assert with_pseudo_label(scan, Painted()) is scan


def test_fine_tuning_starts_from_a_training_and_learns_from_its_pseudo_labels(tmp_path, monkeypatch):
    from IVDSegmentationLib.training import train as training

    trained = []

    def train(samples, preset, folder, seed=0, start=None):
        discs = [int(scan.discs.max()) for scan in samples.wholes["myosegmentum-water"]]
        trained.append((discs, preset.learning_rate, start is not None))
        return Painted()

    monkeypatch.setattr(training, "train_network", train)
    preset = with_changes(LOCALIZER["default"], 30, "float32")
    first = training.train_localizer([made_scan((34, 16))], preset, tmp_path / "first")
    training.train_localizer([made_scan((34, 16))], preset, tmp_path / "second", start=first)
    tuning = preset.fine_tuning
    assert trained == [([2], preset.learning_rate, False), ([3], tuning.learning_rate, True)]
    assert (preset.steps, tuning.steps) == (30, 30)
    with pytest.raises(InputError, match="no fine-tuning"):
        training.train_localizer([made_scan()], replace(preset, fine_tuning=None), tmp_path / "third", start=first)


def test_the_released_localizer_finds_the_lowest_disc_of_real_volumes(data_folder):
    from IVDSegmentationLib.networks import DEFAULT_MODEL
    from IVDSegmentationLib.networks.models import load_model

    localizer = load_model(DEFAULT_MODEL).networks["localizer"]
    for scan in read_scans(data_folder, ["myosegmentum-water"])[:3]:
        learnt = with_pseudo_label(scan, localizer)
        added = (learnt.discs > 0) & (scan.discs == 0)
        assert 6_000 < added.sum() * 2.0 * 1.25 * 1.25 < 20_000, "mm3 of an L5-S1, outlined coarsely"
        assert np.argwhere(added)[:, 2].max() < np.argwhere(scan.discs > 0)[:, 2].min() + 12, "below L4-L5"
