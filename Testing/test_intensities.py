"""What the values of channels and the networks' answers must be, and that the sentence says which of them is not."""

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.errors import InputError, ModelError
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.levels.evidence import evidence_of
from IVDSegmentationLib.networks.outputs import finite
from IVDSegmentationLib.pipeline.localize import run_padded
from IVDSegmentationLib.pipeline.segment import segment_boxes
from real_data import BOXES, needs_boxes

SIZE = (20, 40, 40)
GRID = Grid(SIZE, (2.0, 1.25, 1.25), (0.0, 0.0, 0.0))
WATER = np.random.default_rng(1).integers(20, 200, SIZE).astype(np.float32)


def case_of(**channels):
    return case_from_volumes({name: Volume(voxels, GRID, f"{name}.nii") for name, voxels in channels.items()}, "case")


@pytest.mark.parametrize("voxels", [-WATER, WATER - 200, WATER - WATER.mean(), (WATER - WATER.mean()) / WATER.std()])
def test_a_channel_that_is_mostly_negative_is_named(voxels):
    with pytest.raises(
        InputError, match=r"^water\.nii has \d+% of its signal below 0, and Dixon channels are magnitude images"
    ):
        case_of(water=voxels)


def test_a_little_below_zero_is_what_interpolation_makes():
    assert case_of(water=WATER - 25).name == "case"


def test_channels_of_another_scale_are_named():
    with pytest.raises(InputError, match=r"^fat\.nii is 1000 times as bright as water\.nii, and the channels"):
        case_of(water=WATER, fat=1000 * WATER[::-1])
    with pytest.raises(InputError, match=r"^in_phase\.nii is 500 times as bright as water\.nii"):
        case_of(water=WATER / 500, in_phase=WATER)
    assert case_of(water=WATER, fat=9 * WATER[::-1]).name == "case"


@needs_boxes
def test_no_real_channels_come_near_the_bounds():
    from IVDSegmentationLib.images import read_volume

    for box in BOXES:
        volumes = [read_volume(box / f"{name}.nii.gz") for name in ("fat", "in_phase", "opposed_phase")]
        bright = [np.percentile(volume.voxels, 99) for volume in volumes]
        assert max(bright) < 3 * min(bright)
        assert min(volume.voxels.min() for volume in volumes) >= 0


class Network:
    def __init__(self, value):
        self.value = value

    def predict_on_batch(self, batch):
        return np.full((*batch.shape[:-1], 1), self.value, np.float32)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_an_answer_that_holds_no_numbers_is_the_networks_and_not_the_images_fault(value):
    with pytest.raises(ModelError, match=r"the localizer answered with values that are no numbers"):
        run_padded(Network(value), np.zeros((8, 8, 8, 4), np.float32))
    with pytest.raises(ModelError, match=r"the segmenter answered with values that are no numbers"):
        segment_boxes(Network(value), [np.ones((35, 35, 25, 4), np.float32)])
    with pytest.raises(ModelError, match=r"the level network answered with values that are no numbers"):
        evidence_of(Network(value), np.zeros((2, 16, 64, 64, 5), np.float32))
    assert finite(np.zeros(3), "localizer").sum() == 0
