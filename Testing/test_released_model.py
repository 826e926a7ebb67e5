"""The released weights, really run, on phantoms they have not been trained on and with every subset of channels."""

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.levels.labelling import LEVELS, SACRAL_LEVEL
from IVDSegmentationLib.measure.measurements import measure
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.phantom.check import UNUSUAL, check_phantoms, describe
from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.pipeline.segment import Pipeline
from IVDSegmentationLib.training.channel_dropout import SUBSETS

SEED = 1003
"""Training uses seeds 1 to 48."""


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(SEED)


def dice(first, second):
    return 2 * (first & second).sum() / (first.sum() + second.sum())


def segment(pipeline, channels, grid):
    volumes = {name: Volume(voxels, grid, name) for name, voxels in channels.items()}
    return pipeline.segment(case_from_volumes(volumes, "phantom"))


def test_unseen_phantoms_are_found_and_outlined():
    """`ivdseg check` runs 50; these four are within what the 50 show, with room for the luck of four."""
    checks = check_phantoms(range(1000, 1004))
    assert sum(c.found for c in checks) >= 0.97 * sum(c.discs for c in checks), describe(checks)
    assert np.mean([d for c in checks for d in c.dice]) >= 0.91, describe(checks)
    assert sum(c.extra for c in checks) == 0, describe(checks)


def test_unusual_spines_get_no_wrong_name_without_a_warning():
    """`ivdseg check --unusual`: one of each kind."""
    checks = check_phantoms(range(2000, 2000 + len(UNUSUAL)), unusual=True)
    assert [c.kind for c in checks] == list(UNUSUAL)
    assert all(c.names_right or c.warned for c in checks), describe(checks)
    assert sum(c.found for c in checks) >= 0.9 * sum(c.discs for c in checks), describe(checks)


@pytest.mark.parametrize("subset", list(SUBSETS))
def test_every_subset_of_channels_is_segmented(pipeline, phantom, subset):
    result = segment(pipeline, {n: phantom.channels[n] for n in SUBSETS[subset]}, phantom.grid)
    # In-phase alone hardly shows a phantom's thoracic discs: one or two at the upper edge are missed.
    assert dice(result.label_volume.voxels > 0, phantom.labels > 0) > (0.7 if subset == "in" else 0.8)


@pytest.mark.parametrize("seed", [2018, SEED])
def test_naming_the_lowest_disc_as_it_is_changes_no_name(pipeline, seed):
    """In phantom 2018 the rudimentary disc below L5-S1 is found."""
    made = make_phantom(seed)
    volumes = {name: Volume(voxels, made.grid, name) for name, voxels in made.channels.items()}
    case = case_from_volumes(volumes, "phantom")
    automatic = pipeline.segment(case)
    named, moved = (pipeline.segment(case, Request(lowest_level=level)) for level in (automatic.discs[0].level, "L4-L5"))
    assert [disc.level for disc in named.discs] == [disc.level for disc in automatic.discs]
    np.testing.assert_array_equal(named.label_volume.voxels, automatic.label_volume.voxels)
    order = (SACRAL_LEVEL, *LEVELS)
    places = [order.index(disc.level) for disc in automatic.discs]
    shift = order.index("L4-L5") - places[0]
    assert [order.index(disc.level) for disc in moved.discs] == [place + shift for place in places]


def test_an_oblique_and_reordered_acquisition_gives_the_same_discs(pipeline, phantom):
    """Slices left to right stored last, rows head to foot, the whole patient turned by 12 degrees."""
    plain = segment(pipeline, phantom.channels, phantom.grid)
    angle = np.deg2rad(12)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    axes, flips = (1, 2, 0), (1, -1, 1)

    def stored(voxels):
        return np.ascontiguousarray(np.transpose(voxels, axes)[:, ::-1])

    grid = phantom.grid
    size = tuple(grid.size[a] for a in axes)
    columns = np.array([flips[i] * turn[:, axes[i]] for i in range(3)]).T
    first = turn @ np.asarray(grid.origin_mm) + turn[:, 2] * (grid.size[2] - 1) * grid.spacing_mm[2]
    stored_grid = Grid(size, tuple(grid.spacing_mm[a] for a in axes), tuple(first), tuple(map(tuple, columns)))
    turned = segment(pipeline, {n: stored(v) for n, v in phantom.channels.items()}, stored_grid)
    assert turned.label_volume.grid == stored_grid
    np.testing.assert_array_equal(turned.label_volume.voxels, stored(plain.label_volume.voxels))
    for disc, same in zip(plain.discs, turned.discs, strict=True):
        assert disc.level == same.level
        np.testing.assert_allclose(turn @ np.asarray(disc.center_mm), same.center_mm, atol=1e-3)


def test_a_finer_grid_gets_smooth_outlines_and_the_same_discs(pipeline, phantom):
    """0.8 mm in-plane: the result is put back by interpolation, not as blocks of the working grid."""
    import SimpleITK as sitk

    def finer(voxels, interpolator):
        image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.T))
        image.SetSpacing(phantom.grid.spacing_mm)
        image.SetOrigin(phantom.grid.origin_mm)
        size = [36, 400, 400]
        out = sitk.Resample(
            image, size, sitk.Transform(), interpolator, image.GetOrigin(), [2.0, 0.8, 0.8], image.GetDirection()
        )
        return sitk.GetArrayFromImage(out).T, Grid(tuple(size), (2.0, 0.8, 0.8), phantom.grid.origin_mm)

    channels = {n: finer(v.astype(np.float32), sitk.sitkLinear) for n, v in phantom.channels.items()}
    grid = channels["water"][1]
    result = segment(pipeline, {n: v for n, (v, _) in channels.items()}, grid)
    true = finer(phantom.labels, sitk.sitkNearestNeighbor)[0]
    assert result.label_volume.voxels.shape == (36, 400, 400)
    assert dice(result.label_volume.voxels > 0, true > 0) > 0.88


@pytest.mark.parametrize("channels", [("water",), ("fat", "in_phase", "opposed_phase", "water")])
def test_noise_is_no_spine(pipeline, channels):
    rng = np.random.default_rng(0)
    grid = Grid((36, 128, 128), (2.0, 1.25, 1.25), (0.0, 0.0, 0.0))
    noise = {name: np.abs(rng.normal(100, 20, grid.size)).astype(np.float32) for name in channels}
    with pytest.raises(InputError, match="no intervertebral disc was found"):
        segment(pipeline, noise, grid)


def test_a_sagittal_slab_is_segmented_and_its_discs_are_cut_at_the_sides(pipeline, phantom):
    """14 mm about the middle of the phantom's spine, in-phase alone, as T2 examinations come."""
    middle = round(float(np.argwhere(phantom.labels)[:, 0].mean()))
    slab = slice(middle - 3, middle + 4)
    grid = Grid((7, *phantom.grid.size[1:]), phantom.grid.spacing_mm, phantom.grid.to_mm(np.array([middle - 3, 0, 0])))
    result = segment(pipeline, {"in_phase": phantom.channels["in_phase"][slab]}, grid)
    labels = phantom.labels[slab]
    assert len(result.discs) >= len(np.unique(labels)) - 2
    assert dice(result.label_volume.voxels > 0, labels > 0) > 0.8
    measured = measure(result).discs
    whole = [disc for disc in measured if not disc.cut]
    assert not whole and all(disc.width_mm is None for disc in measured)
    assert any(disc.middle_height_mm for disc in measured), "what a slab shows of a disc is measured"


def test_the_same_case_gives_the_same_result_twice(pipeline, phantom):
    first = segment(pipeline, phantom.channels, phantom.grid)
    second = segment(pipeline, phantom.channels, phantom.grid)
    np.testing.assert_array_equal(first.label_volume.voxels, second.label_volume.voxels)
    assert first.discs == second.discs


def test_intensities_in_other_units_change_nothing(pipeline, phantom):
    plain = segment(pipeline, phantom.channels, phantom.grid)
    scaled = segment(pipeline, {n: v.astype(np.float32) * 13.7 for n, v in phantom.channels.items()}, phantom.grid)
    assert dice(plain.label_volume.voxels > 0, scaled.label_volume.voxels > 0) > 0.999
