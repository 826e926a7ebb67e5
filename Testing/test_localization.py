"""From a probability map to disc centres: on synthetic maps with known answers."""

import numpy as np
import pytest
from IVDSegmentationLib.networks.inputs import COARSE_STEP, normalise
from IVDSegmentationLib.pipeline.localize import coarsen, find_discs, probability_map

SHAPE = (18, 80, 100)
"""Of the localizer's grid: 4.0 x 2.5 x 2.5 mm."""


def ellipsoid(center, radii, shape=SHAPE):
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    return ((((grid - center) / radii) ** 2).sum(-1) <= 1).astype(np.float32)


def spine_map(centers, radii=(5.5, 7, 2.2)):
    return np.max([0.9 * ellipsoid(c, radii) for c in centers], axis=0)


CENTERS = [(8, 40, 12), (9, 36, 26), (9, 35, 40), (8, 37, 54), (8, 41, 68), (8, 45, 81)]


def test_every_disc_is_found_at_its_centre_from_caudal_to_cranial():
    found = find_discs(spine_map(CENTERS))
    # A coarse voxel covers two working voxels: its middle lies half a voxel above the first of them.
    expected = (np.array(CENTERS) + 0.5) * COARSE_STEP - 0.5
    np.testing.assert_allclose([c.center_ijk for c in found], expected, atol=0.3)
    assert all(c.probability == pytest.approx(0.9, abs=1e-3) for c in found)


def test_volume_is_the_components_in_cubic_millimetres():
    disc = spine_map(CENTERS[:1])
    assert find_discs(disc)[0].volume_mm3 == pytest.approx((disc > 0).sum() * 4.0 * 2.5 * 2.5)


def test_specks_are_removed():
    noisy = spine_map(CENTERS)
    noisy[15:16, 5:8, 90:92] = 0.99
    assert len(find_discs(noisy)) == len(CENTERS)


def test_nothing_is_found_in_nothing():
    assert find_discs(np.zeros(SHAPE, np.float32)) == []
    assert find_discs(np.full(SHAPE, 0.49, np.float32)) == []


@pytest.mark.parametrize("bridge", [(8, 36, 19), (8, 42, 33)])
def test_two_discs_joined_by_a_bridge_are_split(bridge):
    joined = np.maximum(spine_map(CENTERS), 0.6 * ellipsoid(bridge, (1.3, 2, 7)))
    found = find_discs(joined)
    assert len(found) == len(CENTERS)
    expected = (np.array(CENTERS) + 0.5) * COARSE_STEP - 0.5
    assert np.abs(np.array([c.center_ijk for c in found]) - expected).max() < 3


def test_a_tilted_disc_is_not_split():
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), -1) - (9, 40, 50)
    angle = np.deg2rad(50)
    y = grid[..., 1] * np.cos(angle) + grid[..., 2] * np.sin(angle)
    z = -grid[..., 1] * np.sin(angle) + grid[..., 2] * np.cos(angle)
    tilted = ((grid[..., 0] / 6) ** 2 + (y / 8) ** 2 + (z / 2.2) ** 2 <= 1).astype(np.float32)
    assert len(find_discs(tilted)) == 1


def test_coarsen_averages_blocks_of_eight_voxels():
    x = np.random.default_rng(0).random((4, 6, 8, 3)).astype(np.float32)
    blocks = [x[i::2, j::2, k::2] for i in (0, 1) for j in (0, 1) for k in (0, 1)]
    np.testing.assert_allclose(coarsen(x), np.mean(blocks, axis=0), rtol=1e-5)
    assert coarsen(x[:3, :5, :7]).shape == (2, 3, 4, 3)


def test_the_map_covers_any_field_of_view():
    """The network sees sizes it can halve; the map has those of the input."""
    seen = []

    class Network:
        def predict_on_batch(self, x):
            seen.append(x.shape)
            return np.broadcast_to(np.float32(0.25), (*x.shape[:-1], 1))

    probability = probability_map(Network(), np.random.default_rng(0).random((37, 175, 91, 4)).astype(np.float32))
    assert probability.shape == (19, 88, 46)
    assert all(n % 8 == 0 for n in seen[0][1:4])


def test_a_localizer_of_the_working_grid_is_read_there():
    """A step of 1 leaves the channels as they are, and centres are working voxels without a shift."""
    x = np.random.default_rng(0).random((5, 6, 7, 2)).astype(np.float32)
    np.testing.assert_array_equal(coarsen(x, (1, 1, 1)), x)
    probability = np.zeros((30, 40, 60), np.float32)
    probability[5:24, 8:30, 20:27] = 1
    (disc,) = find_discs(probability, (1, 1, 1))
    assert disc.center_ijk == (14.0, 18.5, 23.0)
    assert disc.volume_mm3 == pytest.approx(probability.sum() * 2.0 * 1.25 * 1.25)


def test_one_factor_brings_the_largest_99th_percentile_of_all_channels_to_1():
    rng = np.random.default_rng(7)
    for number in range(60):
        size = tuple(int(n) for n in rng.integers(1, 9, 3))
        stacked = (rng.gamma(2, 1, (*size, 3)) * rng.choice([0, 1, 5], 3)).astype(np.float32)
        stacked = np.round(stacked) if number % 2 else stacked  # the same value many times
        largest = max(np.percentile(stacked[..., channel], 99) for channel in range(3))
        np.testing.assert_array_equal(normalise(stacked), stacked / largest if largest > 0 else stacked)
