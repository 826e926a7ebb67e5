"""Properties that hold for any input: grids, resampling, Dixon relations, names of channels (hypothesis)."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("hypothesis", reason="property-based tests need hypothesis (the `test` extra)")

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.dixon import CHANNELS, complete_channels, recognise_channel
from IVDSegmentationLib.images import Grid, Volume, put_back, same_grid, to_working_grid, working_grid_of
from IVDSegmentationLib.images.grid import axis_order, reordered
from scipy.spatial.transform import Rotation

quick = settings(max_examples=60, deadline=None)

angles = st.tuples(*[st.floats(-180, 180, allow_nan=False)] * 3)
sizes = st.tuples(*[st.integers(3, 24)] * 3)
spacings = st.tuples(*[st.floats(0.4, 6.0)] * 3)
origins = st.tuples(*[st.floats(-500, 500)] * 3)
seeds = st.integers(0, 2**32 - 1)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Any grid: rotated, and left- or right-handed."""
    direction = Rotation.from_euler("xyz", draw(angles), degrees=True).as_matrix()
    direction = direction[:, list(draw(st.permutations(range(3))))] * draw(st.sampled_from((1.0, -1.0)))
    rows = tuple((float(a), float(b), float(c)) for a, b, c in direction)
    return Grid(draw(sizes), draw(spacings), draw(origins), rows)


def corners_mm(grid: Grid) -> np.ndarray:
    """The corners of the field of view, sorted, so that the order of axes does not matter."""
    corners = grid.to_mm(grid.corners_ijk(margin=0.5)).round(6)
    return corners[np.lexsort(corners.T)]


@quick
@given(grids(), seeds)
def test_a_position_goes_to_the_patient_and_back(grid: Grid, seed: int) -> None:
    points = np.random.default_rng(seed).uniform(-50, 50, (5, 3))
    np.testing.assert_allclose(grid.to_ijk(grid.to_mm(points)), points, atol=1e-6)
    np.testing.assert_allclose(grid.to_mm(grid.to_ijk(points)), points, atol=1e-6)


@quick
@given(grids(), seeds)
def test_a_voxel_keeps_its_place_in_the_patient_when_axes_are_reordered(grid: Grid, seed: int) -> None:
    order, new = axis_order(grid), reordered(grid)
    voxels = np.arange(np.prod(grid.size)).reshape(grid.size)
    moved = order.apply(voxels)
    assert moved.shape == new.size
    np.testing.assert_array_equal(order.undo(moved), voxels)
    old_ijk = np.random.default_rng(seed).integers(0, grid.size)
    new_ijk = np.argwhere(moved == voxels[tuple(old_ijk)])[0]
    np.testing.assert_allclose(new.to_mm(new_ijk), grid.to_mm(old_ijk), atol=1e-6)


@quick
@given(grids())
def test_reordered_axes_run_nearest_left_posterior_superior(grid: Grid) -> None:
    new = reordered(grid)
    assert axis_order(new) == axis_order(Grid(new.size, new.spacing_mm, new.origin_mm))
    assert np.all(np.diag(np.asarray(new.direction)) >= 0)
    assert same_grid(reordered(new), new)


@quick
@given(grids())
def test_the_working_grid_covers_the_field_of_view_and_little_more(grid: Grid) -> None:
    working = working_grid_of(grid)
    own = reordered(grid)
    extent_mm, working_mm = np.multiply(own.size, own.spacing_mm), np.multiply(working.size, working.spacing_mm)
    assert np.all(working_mm >= extent_mm - 2e-3 * np.asarray(working.spacing_mm))
    assert np.all(working_mm < extent_mm + working.spacing_mm)
    np.testing.assert_allclose(corners_mm(working).mean(0), corners_mm(grid).mean(0), atol=1e-4)
    assert same_grid(working_grid_of(working), working)


@quick
@given(grids(), seeds)
def test_resampling_stays_within_the_range_of_the_image(grid: Grid, seed: int) -> None:
    voxels = np.random.default_rng(seed).uniform(10, 20, grid.size).astype(np.float32)
    working = working_grid_of(grid)
    seen = to_working_grid(Volume(voxels, grid), working)
    assert seen.shape == working.size and seen.dtype == np.float32 and seen.flags.c_contiguous
    assert seen.min() >= 10 - 1e-3 and seen.max() <= 20 + 1e-3


@quick
@given(grids(), st.floats(1, 1000))
def test_a_uniform_image_stays_uniform(grid: Grid, value: float) -> None:
    seen = to_working_grid(Volume(np.full(grid.size, value, np.float32), grid), working_grid_of(grid))
    np.testing.assert_allclose(seen, value, rtol=1e-4)  # no voxel lies outside the field of view


@quick
@given(grids(), seeds)
def test_labels_come_back_exactly_where_only_the_order_of_axes_differs(grid: Grid, seed: int) -> None:
    working = reordered(grid)
    labels = np.random.default_rng(seed).integers(0, 4, working.size).astype(np.uint8)
    back = put_back((labels > 0).astype(np.float32), labels, working, grid)
    np.testing.assert_array_equal(axis_order(grid).apply(back), labels)


@quick
@given(grids(), seeds)
def test_labels_put_back_are_labels_that_were_there(grid: Grid, seed: int) -> None:
    working = working_grid_of(grid)
    rng = np.random.default_rng(seed)
    labels = (rng.random(working.size) < 0.3).astype(np.uint8) * rng.integers(1, 19)
    back = put_back(rng.random(working.size).astype(np.float32), labels.astype(np.uint8), working, grid)
    assert back.shape == grid.size and back.dtype == np.uint8
    assert set(np.unique(back)) <= {0, *np.unique(labels)}


def exact_channels(seed: int) -> dict[str, np.ndarray]:
    water, fat = np.random.default_rng(seed).uniform(0, 200, (2, 8, 9, 10)).astype(np.float32)
    return {"fat": fat, "in_phase": water + fat, "opposed_phase": np.abs(water - fat), "water": water}


@quick
@given(seeds, st.sets(st.sampled_from(CHANNELS), min_size=1))
def test_what_is_given_stays_and_what_is_computed_is_exact(seed: int, names: set[str]) -> None:
    exact = exact_channels(seed)
    channels, derived, _ = complete_channels({name: exact[name] for name in names})
    assert set(channels) == names | derived and not names & derived
    assert list(channels) == [name for name in CHANNELS if name in channels]
    assert (set(channels) == set(CHANNELS)) == (len(names & {"water", "fat", "in_phase"}) >= 2)
    for name, voxels in channels.items():
        np.testing.assert_allclose(voxels, exact[name], atol=1e-3)


@quick
@given(seeds, st.floats(0.01, 100))
def test_completion_does_not_depend_on_the_unit_of_intensity(seed: int, factor: float) -> None:
    exact = exact_channels(seed)
    pair = {name: exact[name] for name in ("in_phase", "fat")}
    once, _, warnings = complete_channels(pair)
    scaled, _, same = complete_channels({name: voxels * np.float32(factor) for name, voxels in pair.items()})
    assert same == warnings
    for name in CHANNELS:
        np.testing.assert_allclose(scaled[name], once[name] * factor, rtol=1e-3, atol=1e-3 * factor)


USUAL = {"fat": "fat", "in_phase": "inphase", "opposed_phase": "opp", "water": "wat"}


@quick
@given(
    st.sampled_from(CHANNELS),
    st.sampled_from(("", "07_", "subject12-", "t1_vibe_dixon_", "2024.01.31 ")),
    st.sampled_from((".nii", ".nii.gz", ".nrrd", ".mha", ".NII.GZ")),
    st.sampled_from((str.lower, str.upper, str.capitalize)),
)
def test_a_usual_name_is_recognised_with_whatever_stands_before_it(channel: str, before: str, suffix: str, case) -> None:
    assert recognise_channel(before + case(USUAL[channel]) + suffix) == channel


@quick
@given(st.text(max_size=60))
def test_any_name_is_one_channel_or_none(name: str) -> None:
    assert recognise_channel(name) in {*CHANNELS, None}


@quick
@given(st.sampled_from(CHANNELS), st.sampled_from(CHANNELS), st.sampled_from(("_", "-", " ")))
def test_a_name_of_two_channels_is_none(one: str, other: str, between: str) -> None:
    assume(one != other)
    assert recognise_channel(f"{USUAL[one]}{between}{USUAL[other]}.nii") is None
