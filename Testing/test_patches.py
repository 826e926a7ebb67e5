"""Boxes around discs: where they are cut, how they are padded, how they come back."""

import numpy as np
import pytest
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, PATCH_SIZE, box_start, crop, overlap, pad, unpad

VOLUME = np.random.default_rng(0).random((40, 60, 50)).astype(np.float32)


def test_the_papers_sizes():
    assert BOX_SIZE == (35, 35, 25) and PATCH_SIZE == (36, 36, 28)


def test_the_centre_is_the_middle_voxel_of_the_box():
    start = box_start((20.4, 30.0, 25.6))
    assert crop(VOLUME, start)[17, 17, 12] == VOLUME[20, 30, 26]


@pytest.mark.parametrize("center", [(20, 30, 25), (0, 0, 0), (39, 59, 49), (-30, 30, 25), (90, 10, 10)])
def test_crop_is_numpy_slicing_of_a_zero_padded_volume(center):
    wide = np.pad(VOLUME, 90)
    start = box_start(center)
    expected = wide[tuple(slice(s + 90, s + 90 + n) for s, n in zip(start, BOX_SIZE, strict=True))]
    np.testing.assert_array_equal(crop(VOLUME, start), expected)


def test_crop_keeps_channels():
    stacked = np.stack([VOLUME, 2 * VOLUME], -1)
    np.testing.assert_array_equal(crop(stacked, (1, 2, 3))[..., 1], 2 * crop(VOLUME, (1, 2, 3)))


def test_pad_and_unpad_are_inverse_and_pad_with_zeros():
    box = crop(VOLUME, (2, 3, 4)) + 1
    patch = pad(box)
    assert patch.shape == PATCH_SIZE
    assert patch.sum() == pytest.approx(box.sum(), rel=1e-6)
    np.testing.assert_array_equal(unpad(patch), box)


@pytest.mark.parametrize("center", [(20, 30, 25), (3, 58, 1), (-30, 30, 25)])
def test_overlap_is_where_a_cut_box_came_from(center):
    start = box_start(center)
    inside, mine = overlap(start, BOX_SIZE, VOLUME.shape)
    np.testing.assert_array_equal(crop(VOLUME, start)[mine], VOLUME[inside])
    assert crop(VOLUME, start).sum() == pytest.approx(VOLUME[inside].sum(), rel=1e-5), "all the rest is zero"
