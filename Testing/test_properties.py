"""What holds for every input: renaming, label maps in files, measurements of turned and enlarged discs."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
from exact_discs import centred_grid
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume, read_volume, same_grid, write_volume
from IVDSegmentationLib.levels.labelling import LABELS, LEVELS, shifted
from IVDSegmentationLib.measure.metrics import dice
from IVDSegmentationLib.pipeline.segmentation import relabelled
from test_measurements import SEMI_MM, SIZE, measured, share_of, turn

spines = st.sets(st.integers(0, len(LEVELS) - 1), min_size=1).map(lambda found: tuple(LEVELS[n] for n in sorted(found)))
label_maps = arrays(
    np.uint8, array_shapes(min_dims=3, max_dims=3, min_side=2, max_side=6), elements=st.integers(0, len(LEVELS))
)
every_run_the_same = settings(deadline=None, derandomize=True)
few = settings(every_run_the_same, max_examples=12)
"""For what takes a tenth of a second each."""


@every_run_the_same
@given(levels=spines, lowest=st.sampled_from(LEVELS), voxels=label_maps)
def test_renaming_keeps_gaps_and_the_other_way_round_undoes_it(
    levels: tuple[str, ...], lowest: str, voxels: np.ndarray
) -> None:
    step = LEVELS.index(lowest) - LEVELS.index(levels[0])
    if LEVELS.index(levels[-1]) + step >= len(LEVELS):
        with pytest.raises(InputError, match="more than a spine has"):
            shifted(levels, lowest)
        return
    names = shifted(levels, lowest)
    renamed = [names[level] for level in levels]
    assert renamed[0] == lowest
    assert [LEVELS.index(new) - LEVELS.index(old) for new, old in zip(renamed, levels, strict=True)] == [step] * len(levels)
    back = shifted(renamed, levels[0])
    assert [back[level] for level in renamed] == list(levels)
    labels = np.where(np.isin(voxels, [LABELS[level] for level in levels]), voxels, 0)
    there = relabelled(labels, names)
    np.testing.assert_array_equal(there > 0, labels > 0)
    np.testing.assert_array_equal(relabelled(there, back), labels)


@settings(every_run_the_same, max_examples=30)
@given(
    voxels=label_maps,
    spacing_mm=st.tuples(*[st.floats(0.3, 5.0)] * 3),
    angles=st.tuples(*[st.floats(-40, 40)] * 3),
    suffix=st.sampled_from([".nii", ".nii.gz", ".nrrd", ".mha"]),
)
def test_a_label_map_is_read_from_a_file_as_it_was_written(
    voxels: np.ndarray, spacing_mm: tuple[float, float, float], angles: tuple[float, float, float], suffix: str
) -> None:
    assume(voxels.min() < voxels.max())  # an image of one value is refused
    direction = tuple(tuple(float(cosine) for cosine in row) for row in turn(*angles))
    grid = Grid(voxels.shape, spacing_mm, (-31.0, 17.5, 240.0), direction)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"labels{suffix}"
        write_volume(Volume(voxels, grid), path)
        back = read_volume(path)
    np.testing.assert_array_equal(back.voxels, voxels)
    assert same_grid(back.grid, grid)


@few
@given(tilt_deg=st.floats(-20, 20), lateral_deg=st.floats(-10, 10))
def test_a_turned_disc_has_the_dimensions_of_the_straight_one(tilt_deg: float, lateral_deg: float) -> None:
    grid = centred_grid(SIZE)
    found = measured(share_of("ellipsoid", turn(tilt_deg, lateral_deg), grid), grid)
    width, depth, height = 2 * SEMI_MM
    assert found.volume_mm3 == pytest.approx(np.pi / 6 * width * depth * height, rel=0.015)
    assert found.middle_height_mm == pytest.approx(height, abs=0.25)
    assert found.depth_mm == pytest.approx(depth, abs=1.0)
    assert found.width_mm == pytest.approx(width, abs=1.4)


@few
@given(scale=st.floats(0.8, 1.15))
def test_lengths_grow_with_the_disc_and_its_volume_with_their_cube(scale: float) -> None:
    grid = centred_grid(SIZE)
    found = measured(share_of("ellipsoid", turn(8, 3), grid, scale), grid)
    width, depth, height = 2 * SEMI_MM * scale
    assert found.volume_mm3 == pytest.approx(np.pi / 6 * width * depth * height, rel=0.015)
    assert found.middle_height_mm == pytest.approx(height, abs=0.25)
    assert found.depth_mm == pytest.approx(depth, abs=1.0)


@every_run_the_same
@given(one=arrays(np.bool_, (4, 5, 3)), other=arrays(np.bool_, (4, 5, 3)))
def test_dice_is_symmetric_between_0_and_1_and_1_for_equal_masks_only(one: np.ndarray, other: np.ndarray) -> None:
    if not (one.any() or other.any()):
        return
    found = dice(one, other)
    assert found == dice(other, one)
    assert 0 <= found <= 1
    assert (found == 1) == bool((one == other).all())
