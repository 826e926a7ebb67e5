"""Agreement with a reference against closed forms, SimpleITK and brute force; matching, counting and the command's table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from exact_discs import centred_grid
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume, write_volume
from IVDSegmentationLib.measure.agreement import CaseAgreement, compare, split_discs
from IVDSegmentationLib.measure.evaluation import evaluate
from real_data import BOXES, needs_boxes
from scipy.spatial import cKDTree

ISOTROPIC = Grid((36, 36, 36), (1.0, 1.0, 1.0), (-17.5, -17.5, -17.5))
SPINE = Grid((20, 20, 60), (2.0, 1.25, 1.25), (5.0, -60.0, 900.0))


def ball(radius_mm: float, grid: Grid = ISOTROPIC, center_mm: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    ijk = np.stack(np.meshgrid(*[np.arange(n) for n in grid.size], indexing="ij"), axis=-1)
    return np.linalg.norm(grid.to_mm(ijk) - center_mm, axis=-1) <= radius_mm


def volume(voxels: np.ndarray, grid: Grid = ISOTROPIC, source: str = "mask") -> Volume:
    return Volume(voxels.astype(np.float32), grid, source)


def spine_labels(values: tuple[int, ...], thickness: int = 6) -> np.ndarray:
    """Slabs of 10 x 10 voxels from the bottom up, every 12 voxels, of these values; 0 leaves one out."""
    labels = np.zeros(SPINE.size, np.uint8)
    for n, value in enumerate(values):
        labels[5:15, 5:15, 12 * n + 2 : 12 * n + 2 + thickness] = value
    return labels


def test_concentric_balls_have_the_distances_of_their_radii() -> None:
    (found,) = compare(volume(ball(12)), volume(ball(9))).discs
    assert found.hausdorff_mm == pytest.approx(3, abs=0.8)
    assert found.hausdorff95_mm == pytest.approx(3, abs=0.5)
    # The steps of 1 mm voxels stand out on both balls, which brings the surfaces nearer to each other.
    assert 2.7 < found.assd_mm < 3.0
    assert found.hausdorff_mm >= found.hausdorff95_mm >= found.assd_mm
    assert found.center_distance_mm == pytest.approx(0, abs=1e-9)
    assert found.volume_difference_percent == pytest.approx(100 * ((12 / 9) ** 3 - 1), rel=0.05)
    assert found.dice == pytest.approx(2 / (1 + (12 / 9) ** 3), rel=0.02)


def test_a_moved_box_has_distances_that_brute_force_confirms() -> None:
    theirs, ours = np.zeros((2, *SPINE.size), bool)
    theirs[4:12, 4:14, 10:20] = True
    ours[5:13, 4:14, 12:22] = True
    (found,) = compare(volume(ours, SPINE), volume(theirs, SPINE)).discs
    assert found.center_distance_mm == pytest.approx(np.hypot(2.0, 2 * 1.25))
    assert found.volume_difference_mm3 == found.volume_difference_percent == 0
    assert found.dice == pytest.approx(7 * 10 * 8 / (8 * 10 * 10))
    itk = sitk.HausdorffDistanceImageFilter()
    images = [sitk.GetImageFromArray(mask.T.astype(np.uint8)) for mask in (theirs, ours)]
    for image in images:
        image.SetSpacing(SPINE.spacing_mm)
    itk.Execute(*images)
    assert found.hausdorff_mm == pytest.approx(itk.GetHausdorffDistance(), abs=0.7)
    clouds = [face_points(mask) for mask in (theirs, ours)]
    one, other = (cKDTree(a).query(b)[0] for a, b in (clouds, clouds[::-1]))
    assert found.assd_mm == pytest.approx(np.concatenate([one, other]).mean(), abs=0.1)
    # Corners are cut by half a voxel on a marching-cubes surface, hence the wider margin.
    assert found.hausdorff95_mm == pytest.approx(max(np.percentile(one, 95), np.percentile(other, 95)), abs=0.4)


def face_points(mask: np.ndarray, per_face: int = 3) -> np.ndarray:
    """Points (n, 3) in mm spread evenly over the outer faces of a mask's voxels, as many per square millimetre on each."""
    points = []
    for axis in range(3):
        for side in (0, 1):
            beyond = np.roll(mask, 1 - 2 * side, axis)
            corners = np.argwhere(mask & ~beyond).astype(float) - 0.5
            corners[:, axis] += side
            others = [a for a in range(3) if a != axis]
            counts = [round(per_face * SPINE.spacing_mm[a]) for a in others]
            for u in (np.arange(counts[0]) + 0.5) / counts[0]:
                for v in (np.arange(counts[1]) + 0.5) / counts[1]:
                    moved = corners.copy()
                    moved[:, others[0]] += u
                    moved[:, others[1]] += v
                    points.append(moved * SPINE.spacing_mm)
    return np.concatenate(points)


def test_a_mask_agrees_with_itself_on_an_oblique_grid() -> None:
    turn = np.radians(20)
    oblique = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    grid = centred_grid((20, 20, 60), oblique)
    agreement = compare(volume(spine_labels((1, 2, 3)), grid), volume(spine_labels((1, 2, 3)), grid))
    assert [disc.level for disc in agreement.discs] == ["L5-S1", "L4-L5", "L3-L4"]
    for disc in agreement.discs:
        assert (disc.dice, disc.center_distance_mm, disc.volume_difference_mm3) == (1, 0, 0)
        assert max(disc.hausdorff_mm, disc.assd_mm) < 1e-5
    assert agreement.overall_dice == agreement.mean_dice == 1 and agreement.located(2.0) == 1


def test_missing_and_extra_discs_count_in_every_mean_and_rate() -> None:
    ours, theirs = spine_labels((0, 2, 3, 4)), spine_labels((1, 2, 3, 0))
    agreement = compare(volume(ours, SPINE), volume(theirs, SPINE))
    assert [disc.level for disc in agreement.discs] == ["L4-L5", "L3-L4"]
    assert (agreement.missing, agreement.extra) == (("L5-S1",), ("L2-L3",))
    assert agreement.overall_dice == agreement.mean_dice == agreement.located(2.0) == pytest.approx(2 / 3)
    summary = agreement.summary()
    assert summary["located_within_4_mm"] == pytest.approx(2 / 3) and summary["missing"] == ["L5-S1"]
    assert [row["dice"] for row in summary["discs"]] == [1.0, 1.0]


def test_located_counts_centres_within_the_distance() -> None:
    theirs = spine_labels((1, 2, 3))
    ours = np.zeros_like(theirs)
    for value, steps in ((1, 0), (2, 2), (3, 4)):  # 0, 2.5 and 5 mm upwards
        ours[np.roll(theirs == value, steps, axis=2)] = value
    agreement = compare(volume(ours, SPINE), volume(theirs, SPINE))
    assert [disc.center_distance_mm for disc in agreement.discs] == pytest.approx([0, 2.5, 5])
    assert [agreement.located(mm) for mm in (2.0, 4.0, 6.0)] == pytest.approx([1 / 3, 2 / 3, 1])


def test_discs_are_matched_by_place_not_by_label() -> None:
    agreement = compare(volume(spine_labels((2, 3, 4)), SPINE), volume(spine_labels((7, 9, 8)), SPINE))
    assert [(disc.level, disc.dice) for disc in agreement.discs] == [("L4-L5", 1), ("L3-L4", 1), ("L2-L3", 1)]


def test_a_binary_reference_is_split_by_disc_without_its_fragments() -> None:
    binary = (spine_labels((1, 1, 1)) > 0).astype(np.uint8)
    binary[0, 0, 40:45] = 1
    numbers, names = split_discs(volume(binary, SPINE))
    assert names == ["", "", ""] and numbers[0, 0, 42] == 0
    assert [int(n) for n in numbers[10, 10, [4, 16, 28]]] == [1, 2, 3]
    agreement = compare(volume(spine_labels((1, 2, 0)), SPINE), volume(binary, SPINE))
    assert [disc.level for disc in agreement.discs] == ["L5-S1", "L4-L5"]
    assert agreement.missing == ("",) and agreement.overall_dice == pytest.approx(0.8)
    assert split_discs(volume(spine_labels((4,)), SPINE))[1] == ["L2-L3"]


def test_a_disc_in_two_pieces_stays_one_where_labels_tell() -> None:
    labels = spine_labels((1, 2))
    labels[10] = 0
    assert split_discs(volume(labels, SPINE))[1] == ["L5-S1", "L4-L5"]


def test_axes_in_another_order_change_nothing_and_another_grid_is_warned_of() -> None:
    theirs, ours = spine_labels((1, 2, 3)), spine_labels((1, 2, 3), thickness=5)
    flipped = Grid(
        (60, 20, 20), (1.25, 2.0, 1.25),
        (5.0, -60.0, 900.0 + 59 * 1.25),
        ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (-1.0, 0.0, 0.0)),
    )  # fmt: skip
    turned = np.ascontiguousarray(ours.transpose(2, 0, 1)[::-1])
    straight = compare(volume(ours, SPINE), volume(theirs, SPINE))
    assert compare(volume(turned, flipped), volume(theirs, SPINE)) == straight
    assert straight.discs[0].volume_difference_percent == pytest.approx(-100 / 6)
    coarse = Grid((10, 10, 30), (4.0, 2.5, 2.5), (6.0, -59.375, 900.625))
    warned = compare(volume(ours[::2, ::2, ::2], coarse), volume(theirs, SPINE))
    assert [one.code for one in warned.findings] == ["prediction_resampled"] and len(warned.discs) == 3
    far = compare(volume(ours, Grid(SPINE.size, SPINE.spacing_mm, (5.0, 500.0, 900.0))), volume(theirs, SPINE))
    assert far.findings and len(far.missing) == 3 and far.overall_dice == 0


def test_degenerate_masks_are_compared_or_refused() -> None:
    one, other, empty = np.zeros((3, *SPINE.size), np.uint8)
    one[0, 0, 0] = other[0, 0, 1] = 1
    (same,) = compare(volume(one, SPINE), volume(one, SPINE)).discs
    assert (same.dice, same.hausdorff_mm) == (1, pytest.approx(0, abs=1e-6))
    apart = compare(volume(other, SPINE), volume(one, SPINE))
    assert (apart.discs, apart.missing, apart.extra) == ((), ("L5-S1",), ("L5-S1",))
    assert apart.overall_dice == apart.mean_dice == apart.located(6.0) == 0
    nothing = compare(volume(empty, SPINE), volume(one, SPINE))
    assert (nothing.missing, nothing.extra, nothing.overall_dice) == (("L5-S1",), (), 0)
    with pytest.raises(InputError, match=r"expert\.nii holds no disc"):
        compare(volume(one, SPINE), volume(empty, SPINE, "expert.nii"))
    for wrong in (one * 0.4, one * -1.0, one * 300.0):
        with pytest.raises(InputError, match=r"map\.nii has values that are no labels"):
            compare(volume(np.asarray(wrong), SPINE, "map.nii"), volume(one, SPINE))


def write(path: Path, labels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_volume(Volume(labels, SPINE), path)


def test_two_folders_are_paired_by_case_and_what_has_no_partner_is_told(tmp_path: Path) -> None:
    write(tmp_path / "ours/one/discs.nii.gz", spine_labels((1, 2, 3), thickness=5))
    write(tmp_path / "ours/alone/discs.nii.gz", spine_labels((1,)))
    for case in ("one", "two"):
        write(tmp_path / f"theirs/{case}/reference.nii.gz", spine_labels((1, 2, 3)))
        write(tmp_path / f"theirs/{case}/water.nii.gz", spine_labels((9,)))
    found = evaluate(tmp_path / "ours", tmp_path / "theirs")
    assert list(found.cases) == ["one", "two"]
    assert found.cases["two"].missing == ("L5-S1", "L4-L5", "L3-L4")
    assert [(one.code, one.values["name"]) for one in found.findings] == [("no_reference", "alone"), ("no_prediction", "two")]
    assert {row["case"] for row in found.rows()} == {"one"}
    table = found.table()
    assert "| L4-L5 | 1 | 0.909 |" in table
    assert "| all | 3 | 0.909 ± 0.000 |" in table
    assert "6 discs in the reference: 3 missing, 0 extra" in table and "50.0% within 2 mm" in table


def test_files_by_case_and_a_single_pair_give_the_same_figures(tmp_path: Path) -> None:
    write(tmp_path / "ours/P1.nii.gz", spine_labels((1, 2), thickness=5))
    write(tmp_path / "theirs/P1.nrrd", spine_labels((1, 2)))
    folders = evaluate(tmp_path / "ours", tmp_path / "theirs")
    pair = evaluate(tmp_path / "ours/P1.nii.gz", tmp_path / "theirs/P1.nrrd")
    assert folders.cases == pair.cases and list(pair.cases) == ["P1"]
    assert pair.cases["P1"].discs[0].volume_difference_mm3 == -10 * 10 * 3.125


def test_an_empty_prediction_counts_every_disc_as_missing_and_an_empty_reference_is_refused(tmp_path: Path) -> None:
    one, nothing = np.zeros((2, *SPINE.size), np.uint8)
    one[4:9, 4:9, 4:9] = 2
    write_volume(volume(one, SPINE), tmp_path / "expert.nii.gz")
    write_volume(volume(nothing, SPINE), tmp_path / "empty.nii.gz")
    evaluation = evaluate(tmp_path / "empty.nii.gz", tmp_path / "expert.nii.gz")
    assert [case.missing for case in evaluation.cases.values()] == [("L4-L5",)]
    assert "1 missing, 0 extra" in evaluation.table()
    with pytest.raises(InputError, match=r"^empty\.nii\.gz holds no disc"):
        evaluate(tmp_path / "expert.nii.gz", tmp_path / "empty.nii.gz")


def test_wrong_paths_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "ours/P1.nii.gz", spine_labels((1,)))
    write(tmp_path / "theirs/P2.nii.gz", spine_labels((1,)))
    write(tmp_path / "twice/discs.nii.gz", spine_labels((1,)))
    write(tmp_path / "twice/reference.nii.gz", spine_labels((1,)))
    for prediction, reference, message in (
        ("none", "theirs", "none does not exist"),
        ("ours", "theirs/P2.nii.gz", "ours is a folder and P2.nii.gz a file"),
        ("ours", "theirs", "no case in common"),
        ("twice", "theirs", "both masks"),
    ):
        with pytest.raises(InputError, match=message):
            evaluate(tmp_path / prediction, tmp_path / reference)


@needs_boxes
def test_real_expert_masks_agree_with_themselves_and_less_with_eroded_ones(tmp_path: Path) -> None:
    boxes = [folder / "disc.nii.gz" for folder in BOXES if folder.parent.name == "A"][:3]
    for box in boxes:
        mask = sitk.ReadImage(str(box), sitk.sitkUInt8) > 0
        (tmp_path / "eroded" / box.parent.name).mkdir(parents=True)
        sitk.WriteImage(sitk.BinaryErode(mask, (0, 0, 1)), str(tmp_path / "eroded" / box.parent.name / "disc.nii.gz"))
    subject = boxes[0].parents[1]
    same = evaluate(subject, subject)
    assert len(same.cases) == 8 and all(case.overall_dice == 1 for case in same.cases.values())
    eroded = evaluate(tmp_path / "eroded", subject)
    assert len(eroded.cases) == 8 and len(eroded.findings) == 5
    for name in (box.parent.name for box in boxes):
        assert_eroded(eroded.cases[name])


def assert_eroded(case: CaseAgreement) -> None:
    (disc,) = case.discs
    assert 0.6 < disc.dice < 0.9 and disc.volume_difference_percent < -15
    assert 0.4 < disc.assd_mm < 1.5 and disc.hausdorff_mm >= 1.2


# --- masks that are none ------------------------------------------------------------------------------------------------------


def mask_of(voxels: np.ndarray) -> Volume:
    return Volume(
        voxels.astype(np.float32), Grid((voxels.shape[0], voxels.shape[1], voxels.shape[2]), (1.0, 1.0, 1.0), (0, 0, 0))
    )


def test_more_pieces_or_values_than_a_spine_has_discs_are_refused() -> None:
    sound = np.zeros((40, 40, 80))
    sound[4:10, 4:10, 4:10] = 1
    values = sound.copy()
    values[0, 0, :70] = np.arange(2, 72)
    pieces = (np.indices(sound.shape) % 4 == 0).all(axis=0)
    noise = np.random.default_rng(1).random(sound.shape) > 0.9
    for mask in (values, pieces, noise):
        for one, other in ((mask, sound), (sound, mask)):
            with pytest.raises(InputError, match="more than the 64 discs that are compared"):
                compare(mask_of(one), mask_of(other))


def test_noise_in_one_piece_is_refused_before_its_surface_is_drawn() -> None:
    noise = np.random.default_rng(1).random((120, 160, 160)) > 0.5
    with pytest.raises(InputError, match=r"surface of .* voxel faces, which no disc has"):
        compare(mask_of(noise), mask_of(noise))
