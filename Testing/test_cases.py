"""Building a case from files: recognition, alignment, the reference grid, and what is refused."""

import shutil
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from findings_said import said
from IVDSegmentationLib.dixon.case import case_from_volumes, load_case
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume, read_volume, same_grid, to_working_grid, write_volume
from real_data import BOXES, WATERS, needs_boxes, needs_waters
from scipy.spatial.transform import Rotation

GRID = Grid((20, 40, 36), (2.0, 1.25, 1.25), (-20.0, -25.0, 100.0))


def channel_voxels(size=GRID.size):
    rng = np.random.default_rng(3)
    water = rng.uniform(50, 200, size).astype(np.float32)
    fat = rng.uniform(5, 60, size).astype(np.float32)
    return {"fat": fat, "in_phase": water + fat, "opposed_phase": np.abs(water - fat), "water": water}


VOXELS = channel_voxels()


def put(folder, names, grid=GRID, voxels=None):
    """Write channels under names; names: channel -> file name."""
    folder.mkdir(exist_ok=True)
    for channel, name in names.items():
        write_volume(Volume((voxels or VOXELS)[channel], grid), folder / name)
    return folder


@pytest.mark.parametrize(
    "names",
    [
        {"fat": "07_fat.nii", "in_phase": "07_inn.nii", "opposed_phase": "07_opp.nii", "water": "07_wat.nii"},
        {"fat": "fat.nii.gz", "in_phase": "inn.nii.gz", "opposed_phase": "opp.nii.gz", "water": "wat.nii.gz"},
        {"fat": "dix_F.nrrd", "in_phase": "dix_in.mha", "opposed_phase": "dix_opp.nii", "water": "dix_W.nii.gz"},
    ],
)
def test_a_folder_of_usually_named_files_is_a_case(tmp_path, names):
    folder = put(tmp_path / "case7", names)
    write_volume(Volume((VOXELS["water"] > 100).astype(np.uint8), GRID), folder / "discs.nii.gz")
    (folder / "notes.txt").write_text("no channel")
    case = load_case(folder)
    assert case.name == "case7"
    assert case.derived == frozenset()
    assert case.findings == ()
    assert same_grid(case.input_grid, GRID)
    assert same_grid(case.working_grid, GRID)
    for channel, voxels in VOXELS.items():
        np.testing.assert_array_equal(case.channels[channel], voxels)


def test_named_files_override_recognition_and_the_rest_is_recognised(tmp_path):
    folder = put(tmp_path / "case", {"water": "in.nii", "fat": "fat_a.nii"})
    put(folder, {"fat": "fat_b.nii"})
    case = load_case(folder, water=Path("in.nii"), fat=folder / "fat_b.nii", name="other")
    assert case.name == "other"
    assert case.derived == {"in_phase", "opposed_phase"}
    np.testing.assert_array_equal(case.channels["water"], VOXELS["water"])


@pytest.mark.parametrize("subset", [("water",), ("opposed_phase",), ("in_phase",), ("opposed_phase", "water")])
def test_any_subset_with_water_opposed_phase_or_in_phase_is_a_case(tmp_path, subset):
    case = load_case(put(tmp_path / "case", {channel: f"{channel}.nii" for channel in subset}))
    assert set(case.channels) == set(subset)


def test_the_reference_grid_is_the_first_of_water_opposed_in_phase_fat():
    for present in (
        ["fat", "in_phase", "opposed_phase", "water"],
        ["fat", "in_phase", "opposed_phase"],
        ["fat", "in_phase"],
    ):
        volumes = {
            channel: Volume(VOXELS[channel], Grid(GRID.size, GRID.spacing_mm, (-20.0 + number, -25.0, 100.0)), channel)
            for number, channel in enumerate(present)
        }
        case = case_from_volumes(volumes, "case")
        assert case.input_grid == volumes[present[-1]].grid


def smooth(points_mm):
    x, y, z = np.moveaxis(points_mm, -1, 0)
    return (100 + 40 * np.sin(x / 9) * np.cos(y / 8) + 40 * np.sin(z / 8)).astype(np.float32)


def on(grid):
    return smooth(grid.to_mm(np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1)))


def test_a_channel_on_another_grid_is_resampled_onto_the_reference_with_a_warning(tmp_path):
    other = Grid((50, 60, 50), (1.0, 1.0, 1.0), (-23.0, -27.5, 98.0))
    folder = put(tmp_path / "case", {"water": "water.nii"}, voxels={"water": on(GRID)})
    put(folder, {"in_phase": "in.nii"}, other, {"in_phase": 2 * on(other)})
    case = load_case(folder)
    resampled = "The in-phase channel (50x60x50 voxels) was resampled onto the grid of the water channel (20x40x36)."
    assert said(case.findings) == (resampled,)
    np.testing.assert_allclose(case.channels["in_phase"], 2 * on(GRID), rtol=0.03)
    np.testing.assert_allclose(case.channels["fat"], on(GRID), rtol=0.06)
    assert case.derived == {"fat", "opposed_phase"}


def test_a_channel_that_covers_a_part_says_so_and_one_that_covers_nothing_is_refused(tmp_path):
    folder = put(tmp_path / "case", {"water": "water.nii"})
    half = Grid(GRID.size, GRID.spacing_mm, (-20.0, -25.0, 100.0 + 18 * 1.25))
    put(folder, {"opposed_phase": "opp.nii"}, half)
    assert any("covers 5" in sentence and "0 elsewhere" in sentence for sentence in said(load_case(folder).findings))
    put(folder, {"opposed_phase": "opp.nii"}, Grid(GRID.size, GRID.spacing_mm, (-20.0, -25.0, 400.0)))
    with pytest.raises(
        InputError,
        match=r"opp.nii \(20x40x36 voxels\) and water.nii \(20x40x36\) do not overlap: load volumes of one examination",
    ):
        load_case(folder)


def test_what_is_no_case_is_refused_by_name_and_reason(tmp_path):
    with pytest.raises(InputError, match=r"^absent does not exist"):
        load_case(tmp_path / "absent")
    (tmp_path / "file.nii").write_bytes(b"")
    with pytest.raises(InputError, match=r"^file.nii is a file: give its folder"):
        load_case(tmp_path / "file.nii")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match=r"^empty holds no Dixon channel \(nothing\)"):
        load_case(empty)
    unnamed = put(tmp_path / "unnamed", {"water": "scan1.nii"})
    with pytest.raises(InputError, match=r"^unnamed holds no Dixon channel \(scan1.nii\): name the files fat\|F"):
        load_case(unnamed)
    with pytest.raises(InputError, match=r"other.nii does not exist"):
        load_case(unnamed, water=Path("other.nii"))
    fat = put(tmp_path / "fatty", {"fat": "fat.nii"})
    with pytest.raises(InputError, match=r"^fat.nii is the only channel, and discs do not show in fat"):
        load_case(fat)
    twice = put(put(tmp_path / "twice", {"water": "a_W.nii"}), {"water": "water.nii.gz"})
    with pytest.raises(InputError, match=r"^a_W.nii and water.nii.gz both look like the water channel.*--water"):
        load_case(twice)
    broken = put(tmp_path / "broken", {"water": "water.nii"})
    (broken / "fat.nii").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"^fat.nii cannot be read"):
        load_case(broken)


@pytest.mark.parametrize("size", [(4, 40, 36), (20, 20, 36), (20, 40, 8)])
def test_a_field_of_view_too_small_for_a_disc_is_refused(size):
    grid = Grid(size, GRID.spacing_mm, GRID.origin_mm)
    volume = Volume(np.random.default_rng(4).random(size).astype(np.float32), grid, "water.nii")
    with pytest.raises(InputError, match=r"^water.nii covers \d+x\d+x\d+ mm .* too little for one disc: 10x30x15 mm"):
        case_from_volumes({"water": volume}, "case")


def test_volumes_of_a_scene_are_checked_as_files_are():
    bad = VOXELS["water"].copy()
    bad[3, 3, 3] = np.nan
    with pytest.raises(InputError, match=r"^Node 1 has NaN or infinite values in 1 voxel"):
        case_from_volumes({"water": Volume(bad, GRID, "Node 1")}, "case")
    with pytest.raises(InputError, match=r"^Node 2 has the same value"):
        case_from_volumes({"water": Volume(np.zeros(GRID.size), GRID, "Node 2")}, "case")
    with pytest.raises(InputError, match=r"^Node 3 is not three-dimensional"):
        case_from_volumes({"water": Volume(np.zeros((3, 3)), GRID, "Node 3")}, "case")
    with pytest.raises(InputError, match="t1 is not a Dixon channel"):
        case_from_volumes({"t1": Volume(VOXELS["water"], GRID)}, "case")
    with pytest.raises(InputError, match="case holds no Dixon channel"):
        case_from_volumes({}, "case")


def test_each_file_is_read_once_and_channels_of_one_grid_are_never_resampled(tmp_path, monkeypatch):
    """What keeps building a case quick; how quick, the benchmarks measure."""
    folder = put(tmp_path / "case", {channel: f"{channel}.nii" for channel in VOXELS}, GRID)
    reading = Mock(wraps=read_volume)
    monkeypatch.setattr("IVDSegmentationLib.images.files.read_volume", reading)
    for function in ("SimpleITK.Resample", "scipy.ndimage.gaussian_filter1d"):
        monkeypatch.setattr(function, Mock(side_effect=AssertionError("a channel was resampled")))
    load_case(folder)
    assert sorted(call.args[0].name for call in reading.call_args_list) == sorted(f"{channel}.nii" for channel in VOXELS)


@needs_boxes
@pytest.mark.parametrize("folder", BOXES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_every_real_box_is_a_case_without_a_warning(folder):
    case = load_case(folder)
    assert case.findings == ()
    assert case.derived == {"water"}
    assert case.working_grid.size == (35, 35, 25)
    # The boxes' NIfTI identity is right, anterior, superior: towards left and posterior both are flipped.
    np.testing.assert_array_equal(case.channels["fat"], read_volume(folder / "fat.nii.gz").voxels[::-1, ::-1])


@needs_waters
def test_real_water_volumes_are_cases_without_a_warning():
    for folder in WATERS[:4]:
        case = load_case(folder)
        assert set(case.channels) == {"water"}
        assert case.findings == ()
        assert case.working_grid.size == (38, 176, 176)


@needs_boxes
def test_the_papers_copied_water_is_found_in_files_and_replaced(tmp_path):
    box = BOXES[0]
    for channel in ("fat", "in_phase", "opposed_phase"):
        shutil.copy(box / f"{channel}.nii.gz", tmp_path)
    shutil.copy(box / "in_phase.nii.gz", tmp_path / "water.nii.gz")
    case = load_case(tmp_path)
    assert case.derived == {"water"}
    (copy,) = case.findings
    assert (copy.code, copy.values["dropped"]) == ("channel_copy_computed", "water")
    np.testing.assert_array_equal(case.channels["water"], load_case(box).channels["water"])


@needs_waters
@pytest.mark.parametrize("tilt_deg", [0.0, 12.0])
def test_a_real_image_stored_in_another_orientation_gives_the_same_content(tilt_deg):
    """Stored sagittal with flipped axes: voxel for voxel the same. Tilted: the same content where both look."""
    plain = read_volume(WATERS[0] / "water.nii.gz")
    reference = case_from_volumes({"water": plain}, "case")
    if tilt_deg == 0:
        turned = np.flip(plain.voxels.transpose(1, 2, 0), (0, 2))
        corner = plain.grid.to_mm(np.array([plain.grid.size[0] - 1, plain.grid.size[1] - 1, 0]))
        grid = Grid(turned.shape, (1.25, 1.25, 2.0), tuple(corner), ((0, 0, -1), (-1, 0, 0), (0, 1, 0)))
        case = case_from_volumes({"water": Volume(turned, grid)}, "case")
        assert same_grid(case.working_grid, reference.working_grid)
        np.testing.assert_array_equal(case.channels["water"], reference.channels["water"])
        assert case.input_grid == grid
        return
    matrix = Rotation.from_euler("x", tilt_deg, degrees=True).as_matrix()
    size = (100, 240, 240)
    middle = plain.grid.to_mm((np.array(plain.grid.size) - 1) / 2)
    origin = middle - matrix @ ((np.array(size) - 1) / 2 * (0.8, 0.9, 0.9))
    fine = Grid(size, (0.8, 0.9, 0.9), tuple(origin), tuple(map(tuple, matrix.tolist())))
    tilted = Volume(to_working_grid(plain, fine), fine)
    case = case_from_volumes({"water": tilted}, "case")
    assert case.working_grid.direction == fine.direction
    seen = to_working_grid(Volume(case.channels["water"], case.working_grid), reference.working_grid)
    core = (slice(4, -4), slice(40, -40), slice(40, -40))
    expected = reference.channels["water"][core]
    assert np.corrcoef(seen[core].ravel(), expected.ravel())[0, 1] > 0.97
    assert abs(seen[core].mean() / expected.mean() - 1) < 0.02
