"""The paper's data: the four sets of channels, the augmentation made beforehand, columns, volumes, and what networks see."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.dixon.channels import CHANNELS
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.networks.inputs import normalise
from IVDSegmentationLib.paper import augmentation, samples
from IVDSegmentationLib.paper.inputs import INPUT_SETS, Inputs
from IVDSegmentationLib.paper.spines import column_of, nearest_disc, parts, read_spines, whole_spine
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, box_start, crop
from IVDSegmentationLib.training.scans import Scan
from paper_data import DISCS


def made_box(number, subject="a"):
    rng = np.random.default_rng(number)
    discs = np.zeros(BOX_SIZE, np.uint8)
    discs[8:27, 7:28, 9:16] = 1
    channels = rng.uniform(10, 100, (*BOX_SIZE, 4)).astype(np.float32) + 200 * discs[..., None]
    return Scan(subject, f"{subject}-disc{number}", "ivdm3seg-patches", channels, (True,) * 4, discs,
                np.ones(BOX_SIZE, bool), None, ((17.0, 17.0, 12.0),))  # fmt: skip


@pytest.fixture(scope="module")
def column():
    return column_of([made_box(number) for number in (1, 2, 3)])


def made_whole(column):
    """A whole volume whose discs carry other numbers than their height."""
    numbers = np.array([0, 9, 4, 7], np.uint8)
    return Scan("w", "w", "ivdm3seg", column.channels, (True,) * 4, numbers[column.discs],
                np.ones(column.discs.shape, bool), None, ())  # fmt: skip


# --- sets of channels -----------------------------------------------------------------------------------------------------


def test_the_four_sets_are_those_of_table_3():
    assert {number: set(names) for number, names in INPUT_SETS.items()} == {
        1: {"opposed_phase", "water", "fat", "in_phase"},
        2: {"opposed_phase", "water", "fat"},
        3: {"opposed_phase", "water", "in_phase"},
        4: {"opposed_phase", "water"},
    }


@pytest.mark.parametrize("number", INPUT_SETS)
def test_a_set_gives_its_channels_and_the_copied_water_is_in_phase(column, number):
    channels = dict(zip(CHANNELS, np.moveaxis(column.channels, -1, 0), strict=True))
    own, copied = Inputs(number), Inputs(number, copied_water=True)
    for inputs, water in ((own, "water"), (copied, "in_phase")):
        stacked = inputs.stacked(column.channels)
        assert stacked.shape[-1] == len(INPUT_SETS[number])
        for index, name in enumerate(inputs.channels):
            np.testing.assert_array_equal(stacked[..., index], channels[water if name == "water" else name])


# --- examinations ---------------------------------------------------------------------------------------------------------


def test_a_column_holds_the_published_boxes_unchanged(column):
    for number, (box, center) in enumerate(zip(column.scans, column.centers_ijk, strict=True), start=1):
        start = box_start(center)
        np.testing.assert_array_equal(crop(column.channels, start), box.channels)
        np.testing.assert_array_equal(crop(column.discs, start), number * box.discs)
        assert set(np.unique(crop(column.regions, start))) == {number}


def test_a_whole_volumes_discs_are_counted_from_below(column):
    spine = whole_spine(made_whole(column))
    np.testing.assert_array_equal(spine.discs, column.discs)
    assert not spine.stacked and spine.centers_ijk[0][2] < spine.centers_ijk[1][2]
    assert set(np.unique(spine.regions)) == {1, 2, 3}


def test_voxels_are_judged_with_the_nearest_disc_in_mm():
    discs = np.zeros((11, 11, 3), np.uint8)
    discs[0, 5, 1], discs[5, 9, 1] = 1, 2  # from (5, 5): 5 voxels of 2 mm, 4 of 1.25 mm
    assert nearest_disc(discs)[5, 5, 1] == 2
    discs[5, 9, 1], discs[3, 5, 1] = 0, 1
    assert nearest_disc(discs)[5, 5, 1] == 1


def test_every_subject_is_held_out_once_and_never_trained_on_then(column):
    spines = [replace(column, subject=name) for name in "ABCDE"]
    split = parts(spines)
    assert [[s.subject for s in held] for _, held in split] == [["A", "B"], ["C", "D"], ["E"]]
    for learning, held in split:
        assert not {s.subject for s in learning} & {s.subject for s in held} and len(learning) + len(held) == 5


def test_the_published_boxes_are_read_as_columns_with_water_computed(phantom_boxes):
    spines = read_spines(phantom_boxes)
    assert [spine.subject[-1] for spine in spines] == ["A", "B", "C"]
    for spine in spines:
        assert spine.stacked and len(spine.centers_ijk) == DISCS and spine.discs.shape == (35, 35, 25 * DISCS)
        fat, in_phase, _, water = np.moveaxis(spine.channels, -1, 0)
        np.testing.assert_array_equal(water, np.maximum(in_phase - fat, 0))


def test_missing_data_and_too_few_subjects_are_said(phantom_boxes, tmp_path):
    with pytest.raises(InputError, match=r"neither ivdm3seg nor ivdm3seg-patches: set --data"):
        read_spines(tmp_path)
    with pytest.raises(InputError, match=r"holds 2 subjects: leaving 2 out takes 3"):
        for name in ("A", "B"):
            shutil.copytree(phantom_boxes / "ivdm3seg-patches" / name, tmp_path / "ivdm3seg-patches" / name)
        read_spines(tmp_path)


# --- augmentation ---------------------------------------------------------------------------------------------------------


def changes_of(seed, shape=(20, 24, 16)):
    return augmentation.random_changes(shape, np.random.default_rng(seed), np.random.default_rng(seed))


def test_all_five_changes_occur_in_random_combination_and_order():
    drawn = [tuple(changes_of(seed)) for seed in range(200)]
    assert {name for names in drawn for name in names} == {
        "translation", "rotation", "flip", "scaling", "elastic deformation"
    }  # fmt: skip
    assert min(len(names) for names in drawn) == 1, "a copy that nothing was changed in is none"
    pairs = {names for names in drawn if set(names) == {"flip", "rotation"}}
    assert pairs == {("flip", "rotation"), ("rotation", "flip")}


@pytest.mark.parametrize("name", ["translation", "rotation", "flip", "scaling", "elastic deformation"])
def test_each_change_does_what_it_is_called(name):
    points = np.random.default_rng(0).uniform(-10, 10, (3, 400))
    moved = next(changes[name] for seed in range(40) if name in (changes := changes_of(seed)))(points)
    lengths, distances = np.linalg.norm(points, axis=0), np.linalg.norm(moved - points, axis=0)
    if name == "translation":
        assert np.ptp(moved - points, axis=1).max() < 1e-9 and (distances > 0).all()
        assert (np.abs(moved - points).max(axis=1) <= np.array([2, 1.25, 1.25]) * augmentation.SHIFT_VOXELS).all()
    elif name == "rotation":
        np.testing.assert_allclose(np.linalg.norm(moved, axis=0), lengths)
        assert 0 < (distances / lengths).max() < 2 * np.sin(np.deg2rad(3 * augmentation.ROTATION_DEG) / 2)
    elif name == "flip":
        np.testing.assert_array_equal(np.abs(moved), np.abs(points))
        assert (moved != points).any()
    elif name == "scaling":
        factors = np.linalg.norm(moved, axis=0) / lengths
        assert np.ptp(factors) < 1e-9 and 0 < abs(factors[0] - 1) <= augmentation.SCALE
    else:
        assert 0.2 < (moved - points).std() < 4, "mm"


def test_the_elastic_deformation_is_smooth_over_delta():
    """White noise after a Gaussian is correlated as exp(-distance ** 2 / (4 delta ** 2))."""
    shape = (64, 64, 64)
    points = np.indices(shape).reshape(3, -1)[:, ::97] - 31.5
    found = []
    for seed in range(4):
        change = augmentation.elastic_change(shape, (1.0, 1.0, 1.0), np.random.default_rng(seed))
        here, there = (change(p) - p for p in (points, points + np.array([[8.0], [0], [0]])))
        found.append(np.mean(here * there) / np.mean(here * here))
    assert np.mean(found) == pytest.approx(np.exp(-(8.0**2) / (4 * augmentation.DELTA_VOXELS**2)), abs=0.12)


def test_a_flip_alone_returns_the_voxels_themselves():
    volume = np.random.default_rng(1).random((9, 8, 7)).astype(np.float32)
    places = augmentation.looked_up(volume.shape, [lambda p: p * np.array([[-1.0], [1], [-1]])])
    np.testing.assert_allclose(augmentation.deform(volume, places, 3), volume[::-1, :, ::-1], atol=1e-5)
    np.testing.assert_array_equal(augmentation.deform(volume, augmentation.looked_up(volume.shape, []), 0), volume)


def test_a_copy_is_always_the_same_differs_from_the_others_and_keeps_image_and_reference_together(column):
    first, again, second = (augmentation.augmented(column, copy) for copy in (1, 1, 2))
    np.testing.assert_array_equal(first.channels, again.channels)
    assert not np.array_equal(first.channels, second.channels)
    for copy in (first, second):
        assert copy.channels.min() >= 0 and copy.channels.shape == column.channels.shape
        for number in (1, 2, 3):
            region = copy.regions == number
            assert 0.4 < (copy.discs == number).sum() / (column.discs == number).sum() < 2
            assert set(np.unique(copy.discs[region])) == {0, number}, "a disc stays in its box"
        bright = copy.channels.mean(axis=-1) > 155
        both = (bright & (copy.discs > 0)).sum()
        assert 2 * both / (bright.sum() + (copy.discs > 0).sum()) > 0.93


def test_a_whole_volume_is_changed_as_one_and_its_centers_follow(column):
    spine = whole_spine(made_whole(column))
    copy = augmentation.augmented(spine, 1)
    for number, center in enumerate(copy.centers_ijk, start=1):
        np.testing.assert_allclose(center, np.argwhere(copy.discs == number).mean(0), atol=0.01)


# --- samples --------------------------------------------------------------------------------------------------------------


def test_every_item_comes_once_in_a_pass_and_in_another_order_in_the_next(column):
    passes = samples.BoxPasses([column] * 4, Inputs())
    assert len(passes) == 12
    ids = {id(item[0]): number for number, item in enumerate(passes.items)}
    first, second = ([ids[id(passes.sample(seed)[0])] for seed in range(k, k + 12)] for k in (0, 12))
    assert sorted(first) == sorted(second) == list(range(12)) and first != second


def test_boxes_are_normalised_and_padded_as_the_pipeline_does(column):
    image, target = samples.BoxPasses([column], Inputs(4)).item(1, np.random.default_rng(0))
    box = crop(Inputs(4).stacked(column.channels), (0, 0, 25))
    np.testing.assert_array_equal(image[:35, :35, 1:26], normalise(box))
    assert image.shape == (36, 36, 28, 2) and not image[35].any() and not image[..., 26:, :].any()
    assert target.shape == (36, 36, 28, 2) and target[..., 1].all() and target[..., 0].sum() == column.scans[1].discs.sum()


@pytest.mark.parametrize(("window", "length"), [(None, 80), (40, 40), (500, 80)])
def test_volumes_are_whole_or_windows_along_z(column, window, length):
    passes = samples.VolumePasses([column], Inputs(), window)
    whole = normalise(Inputs().stacked(column.channels))
    image, target = passes.item(0, np.random.default_rng(3))
    assert image.shape == (40, 40, length, 3) and target.shape == (40, 40, length, 2)
    found = (
        [
            z
            for z in range(76)
            if np.array_equal(whole[:, :, z : z + 30], image[2:37, 2:37, (length - (window or 75)) // 2 :][:, :, :30])
        ]
        if window == 40
        else [0]
    )
    assert len(found) == 1
    assert target[..., 0].sum() == (column.discs[:, :, found[0] : found[0] + (window or 75)] > 0).sum()


@pytest.mark.parametrize(("axis", "count", "size"), [(0, 35, (48, 80)), (1, 35, (48, 80)), (2, 75, (48, 48))])
def test_slices_of_every_direction_are_padded_with_zeros(column, axis, count, size):
    shapes = [column.discs.shape]
    assert samples.slice_size(shapes, (axis,)) == size
    passes = samples.SlicePasses([column, column], axis, size)
    assert len(passes) == 2 * count
    totals = [passes.item(index, np.random.default_rng(0))[1][..., 0].sum() for index in range(count)]
    np.testing.assert_array_equal(totals, (column.discs > 0).sum(axis=tuple(a for a in range(3) if a != axis)))
    image, _ = passes.item(0, np.random.default_rng(0))
    assert image.shape == (*size, 1)
    inside = np.moveaxis(samples.slice_image(column), axis, 0)
    np.testing.assert_array_equal(samples.unpad_slices(image[None, ..., 0], inside.shape[1:])[0], inside[0])


def test_slices_of_the_challenges_volumes_have_the_papers_size():
    assert samples.slice_size([(36, 256, 256)], (0, 1, 2)) == (256, 256)


def test_real_boxes_make_49_discs_of_six_people(data_folder):
    spines = read_spines(data_folder)
    assert [len(spine.centers_ijk) for spine in spines] == [8, 7, 9, 8, 9, 8]
    assert [len(learning) for learning, _ in parts(spines)] == [4, 4, 4]
