"""Training data: losses, augmentation, sources, channel dropout."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.dixon import CHANNELS
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.levels.labelling import LEVELS
from IVDSegmentationLib.networks.inputs import normalise, stack_channels
from IVDSegmentationLib.training.augmentation import (
    BOX_AUGMENTATION,
    WINDOW_AUGMENTATION,
    Augmentation,
)
from IVDSegmentationLib.training.channel_dropout import ANY_SUBSET, SUBSETS, drop_channels, keep_subset
from IVDSegmentationLib.training.folds import PARTS, part_of_subject, split
from IVDSegmentationLib.training.geometry import SLAB_MM, cut_field_of_view, narrow_field_of_view, random_transform, resample
from IVDSegmentationLib.training.intensities import (
    LARGEST_LOSS,
    change_intensities,
    degenerate_discs,
    larger_voxels,
    standard_field,
)
from IVDSegmentationLib.training.known_regions import below_sacrum, far_from_spine
from IVDSegmentationLib.training.scans import Scan, centers_of
from IVDSegmentationLib.training.sources import read_scans
from IVDSegmentationLib.training.synthesis import synthesise_channels
from IVDSegmentationLib.training.true_levels import level_at, level_between

SPACING_MM = (2.0, 1.25, 1.25)


def made_scan(subject, source="ivdm3seg-patches", shape=(35, 35, 25), seed=0):
    rng = np.random.default_rng(seed)
    water, fat = rng.uniform(50, 200, (2, *shape)).astype(np.float32)
    discs = np.zeros(shape, np.uint8)
    discs[8:26, 6:30, 9:16] = 1
    stacked = stack_channels(
        {"water": water, "fat": fat, "in_phase": water + fat, "opposed_phase": np.abs(water - fat)}
    )  # fmt: skip
    return Scan(
        subject, f"{subject}-disc1", source, stacked, (True,) * 4, discs, np.ones(shape, bool), None, ((17.0, 17.0, 12.0),)
    )


# --- losses -------------------------------------------------------------------------------------------------------------


def reference_dice_loss(truth, probability, known):
    t, p = truth[known], probability[known]
    return 1 - (2 * (t * p).sum() + 1) / (t.sum() + p.sum() + 1)


@pytest.fixture
def pair():
    rng = np.random.default_rng(4)
    truth = (rng.random((2, 6, 5, 4)) < 0.3).astype(np.float32)
    known = rng.random(truth.shape) < 0.7
    return truth, rng.random(truth.shape).astype(np.float32), known


def test_dice_loss_is_the_papers_over_the_known_voxels(pair):
    pytest.importorskip("tensorflow", reason="the losses need TensorFlow")
    from IVDSegmentationLib.training.losses import dice_loss

    truth, probability, known = pair
    target = np.stack([truth, known.astype(np.float32)], -1)
    assert float(dice_loss(target, probability[..., None])) == pytest.approx(
        reference_dice_loss(truth, probability, known), abs=1e-6
    )


def test_unknown_voxels_change_no_loss(pair):
    pytest.importorskip("tensorflow", reason="the losses need TensorFlow")
    from IVDSegmentationLib.training.losses import dice_and_cross_entropy, dice_loss

    truth, probability, known = pair
    target = np.stack([truth, known.astype(np.float32)], -1)
    other = np.where(known, probability, 1 - probability)
    other_target = np.stack([np.where(known, truth, 1 - truth), known.astype(np.float32)], -1)
    for loss in (dice_loss, dice_and_cross_entropy):
        assert float(loss(target, probability[..., None])) == pytest.approx(
            float(loss(other_target, other[..., None])), abs=1e-6
        )


def test_a_perfect_prediction_has_no_loss_and_cross_entropy_agrees_with_keras(pair):
    keras = pytest.importorskip("keras", reason="the losses need TensorFlow")
    from IVDSegmentationLib.training.losses import dice_and_cross_entropy, dice_loss

    truth, probability, _ = pair
    target = np.stack([truth, np.ones_like(truth)], -1)
    assert float(dice_loss(target, truth[..., None])) == pytest.approx(0, abs=1e-6)
    entropy = float(keras.losses.BinaryCrossentropy()(truth.ravel(), probability.ravel()))
    both = float(dice_and_cross_entropy(target, probability[..., None]))
    assert both - float(dice_loss(target, probability[..., None])) == pytest.approx(
        entropy * truth.size / (truth.size + 1), abs=1e-3
    )


# --- augmentation -------------------------------------------------------------------------------------------------------


def only(**changes):
    still = {"probability": 1.0, "shift_voxels": 0.0, "rotation_degrees": (0, 0, 0), "scale": 0.0, "elastic_mm": 0.0}
    return Augmentation(**{**still, "flip_probability": (0, 0, 0), **changes})


def test_no_change_is_the_identity():
    volume = np.random.default_rng(0).random((12, 14, 10)).astype(np.float32)
    transform = random_transform(only(), volume.shape, SPACING_MM, np.random.default_rng(1))
    np.testing.assert_allclose(resample(volume, transform, volume.shape, SPACING_MM), volume, atol=1e-5)


def test_a_flip_is_numpys_flip():
    volume = np.random.default_rng(0).random((12, 14, 10, 3)).astype(np.float32)
    transform = random_transform(only(flip_probability=(1, 0, 0)), volume.shape[:3], SPACING_MM, np.random.default_rng(1))
    np.testing.assert_allclose(resample(volume, transform, volume.shape[:3], SPACING_MM), volume[::-1], atol=1e-5)


def test_the_offset_is_where_the_window_lies_in_the_volume():
    volume = np.random.default_rng(0).random((20, 24, 22)).astype(np.float32)
    transform = random_transform(only(), (8, 9, 7), SPACING_MM, np.random.default_rng(1))
    window = resample(volume, transform, (8, 9, 7), SPACING_MM, offset_mm=np.array([3, 4, 5]) * SPACING_MM)
    np.testing.assert_allclose(window, volume[3:11, 4:13, 5:12], atol=1e-5)


def test_a_cut_field_of_view_keeps_one_side_to_the_middle_and_knows_nothing_beyond():
    seen = np.ones((9, 9, 25, 6), np.float32)
    kept = {
        tuple(np.flatnonzero(cut_field_of_view(seen, np.random.default_rng(n)).any((0, 1, 3)))[[0, -1]]) for n in range(300)
    }
    assert {below for below, _ in kept} == {0, *range(4, 15)} and {above for _, above in kept} == {24, *range(10, 21)}
    assert all(below == 0 or above == 24 for below, above in kept) and seen.all()


@pytest.mark.parametrize("change", [BOX_AUGMENTATION, WINDOW_AUGMENTATION])
def test_geometry_moves_a_disc_and_keeps_most_of_it(change):
    disc = made_scan("A").discs.astype(np.float32)
    volumes = []
    for seed in range(20):
        transform = random_transform(change, disc.shape, SPACING_MM, np.random.default_rng(seed))
        volumes.append(resample(disc, transform, disc.shape, SPACING_MM).sum() / disc.sum())
    assert min(volumes) > 0.5 and max(volumes) < 2.0 and np.std(volumes) > 0.02


def test_intensity_changes_leave_absent_channels_and_air_alone():
    stacked = made_scan("A").channels.copy()
    stacked[..., 2] = 0
    stacked[:4] = 0
    for seed in range(20):
        changed = change_intensities(stacked, BOX_AUGMENTATION, np.random.default_rng(seed))
        assert not changed[..., 2].any() and not changed[:4].any()
        assert np.isfinite(changed).all() and changed.min() >= 0


def test_a_narrow_field_of_view_is_a_slab_near_the_middle_and_knows_nothing_beside_it():
    seen = np.zeros((36, 5, 6, 3), np.float32)
    seen[3:33] = 1
    widths = set()
    for seed in range(200):
        slab = narrow_field_of_view(seen, 2.0, np.random.default_rng(seed))
        kept = np.flatnonzero(slab.any((1, 2, 3)))
        np.testing.assert_array_equal(slab[kept], seen[kept])
        assert len(kept) == np.ptp(kept) + 1 and abs(kept.mean() - 17.5) < 6
        widths.add(len(kept))
    assert min(widths) == SLAB_MM[0] / 2 and max(widths) == SLAB_MM[1] / 2
    nothing = np.zeros_like(seen)
    np.testing.assert_array_equal(narrow_field_of_view(nothing, 2.0, np.random.default_rng(0)), nothing)


def test_larger_voxels_keep_constants_and_ramps_and_lose_detail():
    rng = np.random.default_rng(0)
    ramp = np.broadcast_to(np.arange(30, dtype=np.float32)[:, None, None, None], (30, 20, 20, 1))
    noise = rng.random((30, 20, 20, 1)).astype(np.float32)
    lost = []
    for seed in range(10):
        np.testing.assert_allclose(larger_voxels(np.ones_like(noise), np.random.default_rng(seed)), 1, atol=1e-5)
        np.testing.assert_allclose(
            larger_voxels(ramp, np.random.default_rng(seed))[4:-4], ramp[4:-4], atol=0.15, err_msg="no shift"
        )
        changed = larger_voxels(noise, np.random.default_rng(seed))
        assert changed.min() >= 0 and changed.max() <= 1
        lost.append(changed.std() / noise.std())
    assert min(lost) < 0.5 and max(lost) <= 1


def test_degenerated_discs_lose_signal_alone_and_each_its_own_share():
    discs = np.zeros((20, 20, 30), np.float32)
    discs[4:16, 4:16, 4:8], discs[4:16, 4:16, 20:24] = 1, 1
    discs[4:16, 4:16, 8] = 0.4  # filled in part
    channels = np.stack([np.full(discs.shape, 100.0), np.full(discs.shape, 50.0)], -1).astype(np.float32)
    lost = []
    for seed in range(200):
        changed = degenerate_discs(channels, discs, 0.5, np.random.default_rng(seed))
        assert (changed[discs == 0] == channels[discs == 0]).all()
        low, partial, high = (1 - changed[10, 10, z] / channels[10, 10, z] for z in (6, 8, 22))
        np.testing.assert_allclose(partial, 0.4 * low, atol=1e-6)
        assert low[0] == pytest.approx(low[1], abs=1e-6), "all channels alike"
        lost += [(low[0], high[0])]
    shares = np.array(lost)
    assert 0.35 < (shares > 1e-6).mean() < 0.65 and shares.max() <= LARGEST_LOSS + 1e-6
    assert abs(np.corrcoef(shares.T)[0, 1]) < 0.25, "one disc's loss says nothing of the other's"
    np.testing.assert_array_equal(degenerate_discs(channels, 0 * discs, 1.0, np.random.default_rng(0)), channels)


# --- channels -----------------------------------------------------------------------------------------------------------


def test_normalise_keeps_ratios_between_channels():
    stacked = made_scan("A").channels
    scaled = normalise(37.0 * stacked)
    np.testing.assert_allclose(scaled, normalise(stacked), rtol=1e-5)
    assert np.percentile(scaled[..., CHANNELS.index("in_phase")], 99) == pytest.approx(1.0, rel=1e-5)
    np.testing.assert_array_equal(normalise(np.zeros((2, 2, 2, 4))), 0)


def test_subsets_are_completed_by_the_dixon_relations_only():
    stacked = made_scan("A").channels
    for names in (SUBSETS["opposed+water+fat"], SUBSETS["opposed+water+in"]):
        np.testing.assert_allclose(keep_subset(stacked, names), stacked, rtol=1e-4, atol=1e-2)
    for names in (("water",), ("opposed_phase",), ("opposed_phase", "water"), ("in_phase", "opposed_phase")):
        kept = keep_subset(stacked, names)
        assert [n for i, n in enumerate(CHANNELS) if kept[..., i].any()] == [n for n in CHANNELS if n in names]


def test_channel_dropout_draws_every_usable_subset():
    stacked = made_scan("A").channels
    drawn = {
        tuple(drop_channels(stacked, ANY_SUBSET, np.random.default_rng(seed)).any((0, 1, 2)).tolist()) for seed in range(200)
    }
    f, i, o, w = (CHANNELS.index(n) for n in ("fat", "in_phase", "opposed_phase", "water"))
    expected = set()
    for given in ((f, i, o, w), (o, w), (o, i), (w,), (o,), (i,)):
        expected.add(tuple(index in given for index in range(4)))
    assert drawn == expected


def test_synthesised_channels_obey_the_dixon_relations():
    shape = (12, 60, 60)
    water = np.full(shape, 40.0, np.float32)
    water[:, :6] = 0
    disc, marrow = np.zeros((2, *shape), np.float32)
    disc[:, 20:40, 20:30], marrow[:, 20:40, 31:50] = 1, 1
    water[disc > 0] = 160
    for seed in range(5):
        fat, in_phase, opposed, w = np.moveaxis(synthesise_channels(water, marrow, disc, np.random.default_rng(seed)), -1, 0)
        np.testing.assert_allclose(w, water, rtol=1e-5)
        assert np.abs(in_phase - (w + fat)).mean() < 0.06 * in_phase.max()
        assert np.abs(opposed - np.abs(w - fat)).mean() < 0.15 * in_phase.max()
        assert fat[disc > 0].mean() < 0.3 * w[disc > 0].mean(), "a disc holds little fat"
        assert fat[marrow > 0].mean() > 0.2 * w[marrow > 0].mean(), "marrow holds fat"


# --- sources and splits -------------------------------------------------------------------------------------------------


def test_splits_are_by_subject_and_leave_out_everyone_once():
    scans = [made_scan(f"ivdm3seg-{s}") for s in "ABCDEF" for _ in range(3)]
    scans += [made_scan(f"myo-{n}", "myosegmentum-water") for n in range(14)]
    for folds in (PARTS, 3, 2):
        seen = []
        for fold in range(folds):
            training, held_out = split(scans, fold, folds)
            assert not {s.subject for s in training} & {s.subject for s in held_out}
            assert {s.source for s in held_out} == {"ivdm3seg-patches", "myosegmentum-water"}
            seen += [s.subject for s in held_out]
        assert sorted(seen) == sorted(s.subject for s in scans)
    parts = part_of_subject(scans)
    for fold in range(3):
        held_out = {s.subject for s in split(scans, fold, 3)[1]}
        assert held_out == {s for s, p in parts.items() if p // 2 == fold}, "folds of both networks leave out the same people"
    with pytest.raises(ValueError, match="folds is 4"):
        split(scans, 0, 4)


def test_far_from_the_spine_is_background_beyond_the_labelled_vertebrae():
    """A straight spine of bodies 20 x 25 mm: in front of where it goes on, and beside it, there is no disc; on it there may
    be, and within the labelled span nothing is added."""
    vertebrae = np.zeros((60, 100, 140), np.uint8)
    for number, z in enumerate((95, 75, 55), start=1):
        vertebrae[25:35, 40:60, z - 7 : z + 7] = number
    far = far_from_spine(vertebrae)
    assert far[30, 22, 30] and far[30, 15, 115], "in front (y falls to the front), below and above"
    assert far[5, 50, 30] and far[55, 50, 115], "beside it"
    assert not far[25:35, 50:, :].any(), "on the line, and behind it, discs may lie"
    assert not far[:, :, 56:94].any(), "between the outer vertebrae the labels say what is disc"
    below, above = ((~far[30, :50, z]).sum() for z in (10, 135))
    assert below < above, "lordosis turns the spine to the back below, so its front recedes"


def test_below_the_sacrums_first_vertebra_there_is_no_disc():
    assert not below_sacrum(named_spine(24).vertebrae).any(), "without S1 nobody knows"
    below = below_sacrum(named_spine(26).vertebrae)
    assert below[:, :, :29].all() and not below[:, :, 31:].any()


def test_no_labelled_disc_lies_far_from_the_spine(data_folder):
    """Of the discs L1-L2 and L4-L5 with only the vertebrae between them as labelled."""
    for scan in read_scans(data_folder, ["myosegmentum-water"])[::6]:
        inner = np.where((scan.vertebrae >= 21) & (scan.vertebrae <= 23), scan.vertebrae, 0)
        assert (far_from_spine(inner) & (scan.discs > 0)).sum() <= 0.01 * (scan.discs > 0).sum()


def test_centers_are_centroids_by_rising_label():
    discs = np.zeros((10, 10, 10), np.uint8)
    discs[1:4, 2:5, 3:6], discs[6:9, 5, 5] = 2, 1
    assert centers_of(discs) == ((7.0, 5.0, 5.0), (2.0, 3.0, 4.0))


def test_missing_training_data_is_an_error_that_names_the_folder(tmp_path):
    with pytest.raises(InputError, match="ivdm3seg-patches holds no training data"):
        read_scans(tmp_path, ["ivdm3seg-patches"])


def test_ivdm3segs_own_layout_is_read(tmp_path):
    """Files as the challenge hands them out: NN_fat.nii ... and NN_Labels.nii, whole volumes."""
    import SimpleITK as sitk

    rng = np.random.default_rng(0)
    folder = tmp_path / "ivdm3seg" / "03"
    folder.mkdir(parents=True)
    water, fat = rng.uniform(50, 200, (2, 36, 80, 80)).astype(np.float32)
    labels = np.zeros((36, 80, 80), np.uint8)
    labels[10:26, 30:50, 20:26], labels[10:26, 30:50, 50:57] = 1, 1
    named = {"fat": fat, "wat": water, "inn": water + fat, "opp": np.abs(water - fat), "Labels": labels}
    for name, voxels in named.items():
        image = sitk.GetImageFromArray(voxels.T)
        image.SetSpacing(SPACING_MM)
        sitk.WriteImage(image, str(folder / f"03_{name}.nii"))
    (scan,) = read_scans(tmp_path, ["ivdm3seg"])
    assert scan.subject == "ivdm3seg-03" and scan.available == (True,) * 4
    assert len(scan.centers_ijk) == 2 and (scan.discs > 0).sum() == labels.sum()
    np.testing.assert_allclose(scan.channels[..., CHANNELS.index("fat")], fat, rtol=1e-5)


def test_real_sources_hold_what_their_readme_says(data_folder):
    scans = read_scans(data_folder, ["ivdm3seg-patches", "myosegmentum-water"])
    boxes = [s for s in scans if s.source == "ivdm3seg-patches"]
    waters = [s for s in scans if s.source == "myosegmentum-water"]
    assert len(boxes) == 49 and len({s.subject for s in boxes}) == 6
    assert len(waters) == 34 and sum(len(s.centers_ijk) for s in waters) == 34 * 4 - 1, "one disc is unusable"
    for scan in waters:
        assert scan.known[scan.discs > 0].all() and not scan.known.all() and not scan.outlined
        assert set(np.unique(scan.vertebrae)) == {0, 20, 21, 22, 23, 24}


@pytest.mark.parametrize(
    ("source", "people", "discs", "channels"),
    [
        ("chu-vertebrae", 12, 12 * 6, {"in_phase"}),
        ("zukic-vertebrae", 2, 5 * 8 + 7, {"in_phase", "water"}),
        ("spider-space", 30, 229, {"in_phase"}),  # one is cut down to a rim that no voxel of the working grid holds
    ],
)
def test_real_whole_volumes_have_known_names(data_folder, source, people, discs, channels):
    scans = read_scans(data_folder, [source])
    assert len({s.subject for s in scans}) == people and sum(len(s.centers_ijk) for s in scans) == discs
    assert {name for s in scans for name, there in zip(CHANNELS, s.available, strict=True) if there} == channels
    for scan in scans:
        assert scan.channels.min() >= 0 and scan.channels.any()
        unknown = np.argwhere((scan.discs > 0) & ~scan.known)
        assert (unknown[:, 2] > scan.discs.shape[2] - 20).all(), "only slivers that the field of view cuts at its upper edge"
        heights = [center[2] for center in scan.centers_ijk]
        assert heights == sorted(heights), "from the lowest up"
        first = LEVELS.index(scan.levels[0])
        assert scan.levels == LEVELS[first : first + len(heights)]
        assert scan.levels[0] == ("L4-L5" if source == "chu-vertebrae" else "L5-S1")
        assert [level_at(scan, center) for center in scan.centers_ijk] == list(scan.levels)


def named_spine(lowest=24):
    """Bodies of 25 mm, centres at z 30, 50, 70 and 90 voxels (25 mm each), the lowest of the given VERSE code."""
    vertebrae = np.zeros((30, 60, 140), np.uint8)
    for number, z in enumerate((30, 50, 70, 90)):
        vertebrae[8:22, 20:40, z - 7 : z + 7] = lowest - (2 if lowest == 26 and number else 0) - max(number - (lowest == 26), 0)
    return replace(made_scan("A"), vertebrae=vertebrae, discs=vertebrae * 0)


@pytest.mark.parametrize(
    ("lowest", "z", "level"),
    [
        (24, 40, "L4-L5"), (24, 60, "L3-L4"), (24, 80, "L2-L3"), (24, 100, "L1-L2"), (24, 118, None),
        (24, 15, "L5-S1"), (24, 2, "S1-S2"), (22, 40, "L2-L3"), (26, 40, "L5-S1"), (26, 15, "S1-S2"),
    ],
)  # fmt: skip
def test_a_structure_has_the_name_of_the_gap_it_lies_in(lowest, z, level):
    assert level_at(named_spine(lowest), (15.0, 29.5, z - 0.5)) == level
    assert level_at(named_spine(lowest), (15.0, 29.5 + 40, z - 0.5)) is None, "50 mm behind the spine"


def test_vertebrae_without_a_disc_between_them_are_an_error():
    assert level_between(24, 23) == "L4-L5" and level_between(26, 24) == "L5-S1" and level_between(20, 19) == "T12-L1"
    with pytest.raises(ValueError, match="24 and 22"):
        level_between(22, 24)


def test_training_data_that_cannot_be_read_is_an_error_that_names_the_file(tmp_path):
    folder = tmp_path / "chu-vertebrae" / "chu-99"
    folder.mkdir(parents=True)
    (folder / "vertebrae.nii.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"vertebrae.nii.gz in chu-99 cannot be read"):
        read_scans(tmp_path, ["chu-vertebrae"])


def test_a_random_field_is_standard_and_as_smooth_as_asked():
    field = standard_field(np.random.default_rng(3), (40, 50, 60), 4.0)
    assert field.dtype == np.float32
    assert (float(field.mean()), float(field.std())) == pytest.approx((0.0, 1.0), abs=1e-3)
    # White noise after a Gaussian of standard deviation s is correlated by exp(-1/4) at a distance of s.
    neighbours = np.mean(field[4:] * field[:-4])
    assert neighbours == pytest.approx(np.exp(-0.25), abs=0.12)
