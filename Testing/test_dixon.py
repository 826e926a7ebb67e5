"""Names, relations, completion and plausibility of the Dixon channels."""

import numpy as np
import pytest
from IVDSegmentationLib.dixon import CHANNELS, complete_channels, recognise_channel
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.phantom import make_phantom
from real_data import BOXES, needs_boxes


def box_channels(folder):
    import SimpleITK as sitk

    return {
        name: sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{name}.nii.gz"))).T.astype(np.float32)
        for name in ("fat", "in_phase", "opposed_phase")
    }


def body(shape=(36, 160, 160)):
    """Water and fat of a plain body: air behind (high y), 1 cm of fat under the skin, muscle, a column of vertebrae of
    mixed marrow with a disc every 35 mm. Exact relations."""
    x, y, z = np.meshgrid(*[np.arange(size, dtype=np.float32) for size in shape], indexing="ij")
    depth_mm = (135 - y) * 1.25
    water = np.where(depth_mm > 12, 200.0, np.where(depth_mm > 0, 5.0, 0.0))
    fat = np.where(depth_mm > 12, 20.0, np.where(depth_mm > 0, 300.0, 0.0))
    column = (np.abs(x - 17.5) * 2 < 25) & (np.abs(y - 60) * 1.25 < 18)
    disc = column & ((z * 1.25) % 35 < 9)
    water = np.where(column, np.where(disc, 220, 110), water)
    fat = np.where(column, np.where(disc, 10, 140), fat)
    return water.astype(np.float32), fat.astype(np.float32)


def codes(given):
    """The codes of what is found in these channels."""
    return {one.code for one in complete_channels(given)[2]}


@pytest.fixture(scope="module")
def exact():
    water, fat = body()
    return {"fat": fat, "in_phase": water + fat, "opposed_phase": np.abs(water - fat), "water": water}


@pytest.mark.parametrize(
    ("name", "channel"),
    [
        *[(f"07_{word}.nii", channel) for word, channel in zip(("fat", "inn", "opp", "wat"), CHANNELS, strict=True)],
        *[(f"{word}.nii.gz", channel) for word, channel in zip(("fat", "inn", "opp", "wat"), CHANNELS, strict=True)],
        *[(f"{channel}.nii.gz", channel) for channel in CHANNELS],
        ("t1_vibe_dixon_sag_W.nii.gz", "water"),
        ("t1_vibe_dixon_sag_F.nrrd", "fat"),
        ("t1_vibe_dixon_sag_in.mha", "in_phase"),
        ("t1_vibe_dixon_sag_opp_002.mhd", "opposed_phase"),
        ("W.nii", "water"),
        ("F.nii", "fat"),
        ("ip.nii", "in_phase"),
        ("op.nii", "opposed_phase"),
        ("out.NII.GZ", "opposed_phase"),
        ("InPhase.nrrd", "in_phase"),
        ("in-phase.nrrd", "in_phase"),
        ("outPhase.nrrd", "opposed_phase"),
        ("out_of_phase.nrrd", "opposed_phase"),
        ("WATER: LAVA Flex", "water"),
        ("FAT: Ax LAVA-Flex", "fat"),
        ("InPhase: Ax LAVA-Flex", "in_phase"),
        ("OutPhase:Sag IDEAL", "opposed_phase"),
        ("t1_vibe_dixon_sag_W_ND", "water"),
        ("t1_vibe_dixon_tra_opp_NORM_DIS2D", "opposed_phase"),
        ("sWIP mDIXON W", "water"),
        ("subject3Fat.nii", "fat"),
        ("01fat.nii", "fat"),
    ],
)
def test_usual_names_are_recognised(name, channel):
    assert recognise_channel(name) == channel


@pytest.mark.parametrize(
    "name",
    [
        *("discs.nii.gz", "disc.nii.gz", "vertebrae.nii.gz", "water_mask.nii", "reference.nii", "labels_W.nii"),
        *("FatFrac: Ax IDEAL IQ", "R2*: Ax IDEAL IQ", "mDIXON_All_BH", "T2W_mDIXON"),
        *("fat_fraction.nii", "fat_seg.nii", "fat_sat.nii", "fatsat.nii", "water_fat.nii", "scan.nii", "123.nii"),
        *("mri_in_patient_02.nii", "in_vivo.nii", "infant.nii", "outcome.nii", "weighted.nii"),
        *("T1w.nii", "sag_T2W.nii", "PD_w.nii"),
    ],
)
def test_masks_weightings_and_words_in_passing_are_no_channels(name):
    assert recognise_channel(name) is None


@pytest.mark.parametrize("pair", [("water", "fat"), ("water", "in_phase"), ("fat", "in_phase")])
def test_any_two_of_water_fat_and_in_phase_give_all_four(exact, pair):
    channels, derived, findings = complete_channels({name: exact[name] for name in pair})
    assert derived == set(CHANNELS) - set(pair)
    assert tuple(channels) == CHANNELS
    assert findings == ()
    for name in CHANNELS:
        np.testing.assert_allclose(channels[name], exact[name], atol=1e-3)


@pytest.mark.parametrize(
    "given", [("water",), ("in_phase",), ("opposed_phase",), ("opposed_phase", "water"), ("opposed_phase", "in_phase")]
)
def test_what_the_physics_leaves_open_stays_absent(exact, given):
    channels, derived, findings = complete_channels({name: exact[name] for name in given})
    assert set(channels) == set(given)
    assert derived == frozenset()
    assert findings == ()


def test_given_channels_are_handed_on_untouched(exact):
    channels, derived, findings = complete_channels(exact)
    assert all(channels[name] is exact[name] for name in CHANNELS)
    assert not derived
    assert findings == ()


@pytest.mark.parametrize("with_opposed", [True, False])
@pytest.mark.parametrize("truth", ["in_phase", "water"])
def test_of_water_identical_to_in_phase_the_one_that_fits_is_kept(exact, truth, with_opposed):
    given = dict(exact, water=exact[truth], in_phase=exact[truth].copy())
    if not with_opposed:
        del given["opposed_phase"]
    channels, derived, findings = complete_channels(given)
    wrong = "water" if truth == "in_phase" else "in_phase"
    assert wrong in derived
    assert truth not in derived
    np.testing.assert_allclose(channels[wrong], exact[wrong], atol=1e-3)
    assert [one.code for one in findings] == ["channel_copy_computed"]


def test_a_copy_that_cannot_be_recomputed_is_left_out(exact):
    channels, derived, findings = complete_channels({"water": exact["in_phase"], "in_phase": exact["in_phase"]})
    assert set(channels) == {"in_phase"}
    assert not derived
    assert [(one.code, one.values["dropped"]) for one in findings] == [("channel_copy_left_out", "water")]
    # With opposed-phase, brighter than water in fat, the image shows what it is.
    both = {"water": exact["water"], "in_phase": exact["water"], "opposed_phase": exact["opposed_phase"]}
    assert set(complete_channels(both)[0]) == {"water", "opposed_phase"}
    assert set(complete_channels({"water": exact["water"], "fat": exact["water"]})[0]) == {"water"}


@pytest.mark.parametrize("wrong", ["in_phase", "water", "fat"])
def test_opposed_phase_that_is_a_copy_is_recomputed(exact, wrong):
    channels, derived, findings = complete_channels(dict(exact, opposed_phase=exact[wrong].copy()))
    assert derived == {"opposed_phase"}
    np.testing.assert_allclose(channels["opposed_phase"], exact["opposed_phase"], atol=1e-3)
    assert len(findings) == 1


def test_exchanged_water_and_fat_are_noticed_by_rim_and_discs(exact):
    swapped = dict(exact, water=exact["fat"], fat=exact["water"])
    assert "water_and_fat_swapped" in codes(swapped)
    # The same without the posterior rim, as in a box cut around the spine.
    cut = {name: voxels[:, 35:85] for name, voxels in exact.items()}
    assert complete_channels(cut)[2] == ()
    cut_swapped = {"water": cut["fat"], "in_phase": cut["in_phase"]}
    assert "water_and_fat_swapped" in codes(cut_swapped)
    # More fat than water alone is no sign: obesity, fatty marrow and muscle do that.
    assert complete_channels({"water": exact["water"], "fat": exact["fat"] * 8})[2] == ()


def test_channels_that_contradict_the_relations_are_named(exact):
    shuffled = dict(exact, in_phase=exact["in_phase"][:, :, ::-1].copy()[:, ::-1])
    assert "in_phase_is_no_sum" in codes(shuffled)
    exchanged = dict(exact, in_phase=exact["opposed_phase"], opposed_phase=exact["in_phase"])
    assert "opposed_phase_exceeds_in_phase" in codes(exchanged)


def test_another_intensity_scale_is_no_contradiction(exact):
    assert complete_channels(dict(exact, in_phase=exact["in_phase"] * 1.7))[2] == ()


def test_differing_shapes_and_unknown_channels_are_refused(exact):
    with pytest.raises(InputError, match=r"water 36x160x160.*put them on one grid first|fat 36x160x150, water"):
        complete_channels({"water": exact["water"], "fat": exact["fat"][:, :, :150]})
    with pytest.raises(InputError, match="sagittal is not a Dixon channel"):
        complete_channels({"sagittal": exact["water"]})


def test_phantoms_raise_no_false_alarm_and_their_copies_are_resolved():
    """Whole fields of view with obesity, degeneration, noise and bias field; integer voxels as scanners store them."""
    for seed in range(500, 505):
        phantom = make_phantom(seed)
        given, spacing_mm = phantom.channels, phantom.grid.spacing_mm
        channels, derived, findings = complete_channels(given, spacing_mm)
        assert findings == (), seed
        assert not derived
        assert all(voxels.dtype == np.float32 for voxels in channels.values())
        assert complete_channels(dict(given, water=given["in_phase"]), spacing_mm)[1] == {"water"}


@needs_boxes
def test_real_channels_raise_no_false_alarm_and_exchanged_ones_an_alarm():
    """All 49 boxes: no warning as they are; the swap is seen in most; the paper's copies are resolved in all."""
    assert len(BOXES) == 49
    swaps = copies = other_copies = exchanges = 0
    for folder in BOXES:
        given = box_channels(folder)
        channels, derived, findings = complete_channels(given)
        assert derived == {"water"}, folder
        assert findings == (), folder
        swapped = dict(given, fat=channels["water"])
        swaps += "water_and_fat_swapped" in codes(swapped)
        copies += complete_channels(dict(given, water=given["in_phase"]))[1] == {"water"}
        water_twice = dict(given, water=channels["water"], in_phase=channels["water"])
        other_copies += complete_channels(water_twice)[1] == {"in_phase"}
        exchanged = dict(given, in_phase=given["opposed_phase"], opposed_phase=given["in_phase"])
        exchanges += bool(codes(exchanged) & {"channel_exceeds_in_phase", "opposed_phase_exceeds_in_phase"})
    assert (copies, other_copies, exchanges) == (49, 49, 49)
    assert swaps >= 40
