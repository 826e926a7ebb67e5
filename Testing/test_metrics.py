"""Weber contrast, Dice and volume difference against SimpleITK and plain counting."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.measure.metrics import dice, volume_difference, weber_contrasts

SHAPE = (9, 11, 7)


@pytest.fixture
def masks() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.random(SHAPE) < 0.3, rng.random(SHAPE) < 0.2


def test_weber_contrast_agrees_with_simpleitk_label_statistics(masks: tuple[np.ndarray, np.ndarray]) -> None:
    rng = np.random.default_rng(5)
    channels = {"water": rng.gamma(2, 90, SHAPE).astype(np.float32), "fat": (900 + 20 * rng.random(SHAPE)).astype(np.float32)}
    labels = masks[0] * rng.integers(1, 5, SHAPE)
    water, fat = weber_contrasts(channels, labels, derived={"fat"})
    assert (water.channel, water.derived, fat.channel, fat.derived) == ("water", False, "fat", True)
    for found, voxels in ((water, channels["water"]), (fat, channels["fat"])):
        statistics = sitk.LabelStatisticsImageFilter()
        statistics.Execute(sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(masks[0].astype(np.uint8)))
        inside, outside = statistics.GetMean(1), statistics.GetMean(0)
        assert found.disc_mean == pytest.approx(inside, rel=1e-6)
        assert found.background_mean == pytest.approx(outside, rel=1e-6)
        assert found.contrast == pytest.approx(abs(inside - outside) / outside, rel=1e-4)
        # ITK's variance is that of the sample, ours of the population.
        for sd, label in ((found.disc_sd, 1), (found.background_sd, 0)):
            n = statistics.GetCount(label)
            assert sd == pytest.approx(statistics.GetSigma(label) * np.sqrt((n - 1) / n), rel=1e-4)


def test_weber_contrast_is_absolute_and_scale_free() -> None:
    discs = np.zeros((2, 2, 2), np.uint8)
    discs[0] = 3
    dark = {"fat": np.where(discs > 0, 50.0, 200.0)}
    assert weber_contrasts(dark, discs)[0].contrast == pytest.approx(0.75)
    assert weber_contrasts({"fat": dark["fat"] * 7}, discs)[0].contrast == pytest.approx(0.75)


def test_weber_contrast_of_masks_without_background_or_signal_is_none_and_without_disc_refused() -> None:
    voxels = {"water": np.arange(8.0).reshape(2, 2, 2)}
    full = weber_contrasts(voxels, np.ones((2, 2, 2)))[0]
    assert full.disc_mean == 3.5 and full.background_mean is full.background_sd is full.contrast is None
    discs = np.zeros((2, 2, 2))
    discs[1] = 1
    assert weber_contrasts({"water": discs}, discs)[0].contrast is None
    with pytest.raises(InputError, match="no voxel"):
        weber_contrasts(voxels, np.zeros((2, 2, 2)))
    with pytest.raises(InputError, match="water has 2x2x2 voxels, the discs 2x2x3"):
        weber_contrasts(voxels, np.ones((2, 2, 3)))


def test_dice_and_volume_difference_agree_with_simpleitk(masks: tuple[np.ndarray, np.ndarray]) -> None:
    ours, theirs = masks
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(*(sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (theirs, ours)))
    assert dice(ours, theirs) == pytest.approx(overlap.GetDiceCoefficient(), rel=1e-12)
    mm3, percent = volume_difference(ours, theirs, 3.125)
    assert mm3 == pytest.approx(3.125 * sum(int(a) - int(b) for a, b in zip(ours.flat, theirs.flat, strict=True)))
    assert percent is not None and percent == pytest.approx(100 * (ours.sum() / theirs.sum() - 1)) and percent > 0


def test_degenerate_masks_have_stated_values() -> None:
    empty, one = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    one[0, 0, 0] = True
    assert dice(empty, empty) is None
    assert dice(empty, one) == dice(one, empty) == 0
    assert dice(one, one) == 1
    assert volume_difference(one, empty, 2.0) == (2.0, None)
    assert volume_difference(empty, one, 2.0) == (-2.0, -100.0)
    for function in (dice, lambda a, b: volume_difference(a, b, 1.0)):
        with pytest.raises(InputError, match="use one grid"):
            function(one, one[1:])
