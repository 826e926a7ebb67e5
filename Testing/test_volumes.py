"""Reading, writing, the working grid and the way back."""

import subprocess
import sys
from itertools import permutations
from types import SimpleNamespace

import numpy as np
import pytest
import SimpleITK as sitk
from IVDSegmentationLib.errors import InputError, OutputError
from IVDSegmentationLib.images import (
    WORKING_SPACING_MM,
    Grid,
    Volume,
    put_back,
    read_volume,
    resampling,
    same_grid,
    to_working_grid,
    working_grid_of,
    write_volume,
)
from scipy.spatial.transform import Rotation


def rows(matrix):
    return tuple(tuple(float(value) for value in row) for row in matrix)


def blob_mm(points_mm):
    """A smooth field of the patient, known everywhere: structures of about 12 mm, values 0..200."""
    x, y, z = np.moveaxis(points_mm, -1, 0)
    return 100 + 50 * np.sin(x / 6) * np.cos(y / 7) + 50 * np.sin(z / 5 + 1) * np.cos(x / 9)


def points_of(grid):
    return grid.to_mm(np.stack(np.meshgrid(*[np.arange(size) for size in grid.size], indexing="ij"), axis=-1))


def sampled(grid):
    return Volume(blob_mm(points_of(grid)).astype(np.float32), grid, "blob.nii")


def write_sitk(path, array, **geometry):
    image = sitk.GetImageFromArray(array, isVector=geometry.get("vector", False))
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz", ".nrrd", ".mha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32, np.float64])
def test_a_volume_comes_back_as_written(tmp_path, suffix, dtype):
    rng = np.random.default_rng(7)
    grid = Grid(
        (5, 6, 7), (2.0, 1.25, 0.5), (-3.0, 10.0, 7.5), rows(Rotation.from_euler("xyz", [10, 20, 30], True).as_matrix())
    )
    voxels = rng.integers(0, 200, grid.size).astype(dtype)
    path = tmp_path / f"water{suffix}"
    write_volume(Volume(voxels, grid), path)
    back = read_volume(path)
    np.testing.assert_array_equal(back.voxels, voxels.astype(np.float32))
    assert back.voxels.dtype == np.float32
    assert same_grid(back.grid, grid)
    assert back.source == path.name
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    # An independent reader agrees on where a voxel lies.
    image = sitk.ReadImage(str(path))
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((4, 1, 2)), grid.to_mm(np.array([4, 1, 2])), atol=1e-4)
    assert image[4, 1, 2] == voxels[4, 1, 2]


def test_one_frame_of_four_dimensions_is_read_as_a_volume(tmp_path):
    rng = np.random.default_rng(7)
    array = rng.random((1, 4, 5, 6)).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(array, isVector=False), str(tmp_path / "water.nii"))
    np.testing.assert_array_equal(read_volume(tmp_path / "water.nii").voxels, array[0].T)


def bad_files(folder):
    rng = np.random.default_rng(7)
    noise = rng.random((4, 5, 6)).astype(np.float32)
    nan, infinite = noise.copy(), noise.copy()
    nan[1, 2, 3], infinite[0, 0, 0] = np.nan, np.inf
    write_sitk(folder / "flat.nii", np.full((4, 5, 6), 3, np.int16))
    write_sitk(folder / "nan.nii", nan)
    write_sitk(folder / "inf.nii", infinite)
    write_sitk(folder / "plane.nii", noise[:1])
    write_sitk(folder / "plane2d.mha", noise[0])
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([noise, noise]), isVector=False), str(folder / "frames.nii"))
    sitk.WriteImage(sitk.GetImageFromArray(np.stack([noise] * 3, axis=-1), isVector=True), str(folder / "vector.nii"))
    sitk.WriteImage(sitk.GetImageFromArray(noise.astype(np.complex64)), str(folder / "complex.nii"))
    (folder / "garbage.nii").write_bytes(b"not an image" * 50)
    (folder / "empty.nii").write_bytes(b"")
    (folder / "text.txt").write_text("notes")
    write_sitk(folder / "whole.nii", rng.random((20, 30, 40)).astype(np.float32))
    (folder / "short.nii").write_bytes((folder / "whole.nii").read_bytes()[:20000])
    write_sitk(folder / "whole.nii.gz", rng.random((20, 30, 40)).astype(np.float32))
    (folder / "short.nii.gz").write_bytes((folder / "whole.nii.gz").read_bytes()[:20000])
    write_sitk(folder / "whole.nrrd", rng.random((20, 30, 40)).astype(np.float32))
    for name in ("nan", "inf", "flat"):
        sitk.WriteImage(sitk.GetImageFromArray({"nan": nan, "inf": infinite, "flat": noise * 0}[name]), f"{folder}/{name}.mha")
    write_sitk(folder / "whole.mha", rng.random((20, 30, 40)).astype(np.float32))
    (folder / "short.mha").write_bytes((folder / "whole.mha").read_bytes()[:20000])
    whole = bytearray((folder / "whole.nii.gz").read_bytes())
    whole[len(whole) // 2] ^= 0xFF
    (folder / "damaged.nii.gz").write_bytes(whole)
    (folder / "short.nrrd").write_bytes((folder / "whole.nrrd").read_bytes()[:20000])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.nii", "does not exist"),
        ("text.txt", "is not a volume file"),
        ("garbage.nii", "cannot be read"),
        ("empty.nii", "cannot be read"),
        ("short.nii", "cannot be read"),
        ("short.nii.gz", "cannot be read"),
        ("short.nrrd", "cannot be read"),
        ("short.mha", "cannot be read"),
        ("damaged.nii.gz", "cannot be read"),
        ("nan.mha", "has NaN or infinite values in 1 voxel"),
        ("inf.mha", "has NaN or infinite values in 1 voxel"),
        ("flat.mha", r"has the same value \(0\) in every voxel"),
        ("flat.nii", r"has the same value \(3\) in every voxel"),
        ("nan.nii", "has NaN or infinite values in 1 voxel"),
        ("inf.nii", "has NaN or infinite values in 1 voxel"),
        ("plane.nii", "is not three-dimensional"),
        ("plane2d.mha", "is not three-dimensional"),
        ("frames.nii", r"is not three-dimensional \(6x5x4x2 voxels\)"),
        ("vector.nii", "has 3 values in each voxel"),
        ("complex.nii", "has complex pixels"),
    ],
)
def test_a_file_that_is_no_volume_is_refused_by_name_and_reason(tmp_path, capfd, name, reason):
    bad_files(tmp_path)
    with pytest.raises(InputError, match=f"^{name} {reason}") as caught:
        read_volume(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    if name != "short.mha":  # MetaIO speaks its mind before ITK raises
        assert capfd.readouterr().err == ""


def test_a_folder_that_is_not_there_leaves_nothing(tmp_path):
    rng = np.random.default_rng(7)
    volume = Volume(rng.random((4, 5, 6)).astype(np.float32), Grid((4, 5, 6), (1, 1, 1), (0, 0, 0)))
    with pytest.raises(OutputError, match=r"discs.nii.gz could not be written: absent is not a folder"):
        write_volume(volume, tmp_path / "absent" / "discs.nii.gz")
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"discs.nii could not be written: file is not a folder"):
        write_volume(volume, tmp_path / "file" / "discs.nii")
    with pytest.raises(OutputError, match="use a name that ends in"):
        write_volume(volume, tmp_path / "discs.png")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_disk_without_room_is_noticed_before_writing(tmp_path, monkeypatch):
    rng = np.random.default_rng(7)
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=100))
    volume = Volume(rng.random((4, 5, 6)).astype(np.float32), Grid((4, 5, 6), (1, 1, 1), (0, 0, 0)))
    with pytest.raises(OutputError, match=r"discs.nii.gz could not be written: the disk is full"):
        write_volume(volume, tmp_path / "discs.nii.gz")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no file size limit to stand in for a full disk")
@pytest.mark.parametrize("name", ["discs.nii.gz", "discs.nii", "discs.nrrd", "discs.mha"])
def test_a_full_disk_is_noticed_and_leaves_the_old_file(tmp_path, name):
    """A limit on file sizes makes writes fail half-way just as a full disk does."""
    (tmp_path / name).write_bytes(b"old")
    code = (
        "import resource, signal, sys, numpy as np\n"
        "from pathlib import Path\n"
        "from IVDSegmentationLib.errors import OutputError\n"
        "from IVDSegmentationLib.images import Grid, Volume, write_volume\n"
        "import SimpleITK\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "voxels = np.random.default_rng(0).integers(0, 255, (40, 50, 60), np.uint8)\n"
        "try:\n"
        "    write_volume(Volume(voxels, Grid((40, 50, 60), (1, 1, 1), (0, 0, 0))), Path(sys.argv[1]))\n"
        "except OutputError as error:\n"
        "    print(error)\n"
    )
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], capture_output=True, text=True, check=True)
    assert f"{name} could not be written" in run.stdout
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_bytes() == b"old"


def oriented(axes, flips, tilt_deg=0.0, spacing=WORKING_SPACING_MM, size=(20, 30, 24)):
    """A grid of given axis order, axis signs and tilt against the patient; spacing and size by patient axis L, P, S."""
    patient = Rotation.from_euler("zyx", [tilt_deg, -tilt_deg / 2, tilt_deg / 3], degrees=True).as_matrix()
    direction = np.stack([patient[:, axis] * (-1 if axis in flips else 1) for axis in axes], axis=1)
    size_ijk, spacing_ijk = [size[axis] for axis in axes], [spacing[axis] for axis in axes]
    half_mm = direction @ ((np.array(size_ijk) - 1) / 2 * spacing_ijk)
    return Grid(tuple(size_ijk), tuple(spacing_ijk), tuple(np.array([4.0, -7.0, 11.0]) - half_mm), rows(direction))


ORIENTATIONS = [(axes, flips) for axes in permutations(range(3)) for flips in [(), (0,), (1, 2), (0, 1, 2)]]


@pytest.mark.parametrize(("axes", "flips"), ORIENTATIONS)
@pytest.mark.parametrize("tilt_deg", [0.0, 14.0])
def test_axis_order_and_signs_do_not_change_the_working_grid_nor_a_voxel(axes, flips, tilt_deg):
    rng = np.random.default_rng(7)
    plain, turned = oriented((0, 1, 2), (), tilt_deg), oriented(axes, flips, tilt_deg)
    working = working_grid_of(turned)
    assert same_grid(working, plain)
    volume = sampled(turned)
    content = to_working_grid(volume, working)
    assert content.flags.c_contiguous
    np.testing.assert_allclose(content, sampled(plain).voxels, atol=1e-3)  # the positions differ by rounding
    assert set(np.unique(content)) == set(np.unique(volume.voxels))  # moved, not interpolated
    labels = rng.integers(0, 9, working.size).astype(np.uint8)
    back = put_back(rng.random(working.size).astype(np.float32), labels, working, turned)
    assert back.shape == turned.size
    ijk = turned.to_ijk(working.to_mm(np.argwhere(labels == 5)))
    np.testing.assert_array_equal(back[tuple(np.rint(ijk).astype(int).T)], 5)
    assert np.count_nonzero(back == 5) == np.count_nonzero(labels == 5)


def test_voxels_one_percent_off_are_not_interpolated():
    grid = oriented((2, 0, 1), (1,), spacing=(2.01, 1.245, 1.25))
    assert working_grid_of(grid).spacing_mm == (2.01, 1.245, 1.25)
    other = oriented((2, 0, 1), (1,), spacing=(2.1, 1.25, 1.25))
    assert working_grid_of(other).spacing_mm == WORKING_SPACING_MM


@pytest.mark.parametrize("spacing", [(0.7, 0.6, 0.9), (3.3, 0.8, 2.0), (1.0, 1.0, 1.0), (4.0, 2.5, 1.25)])
def test_any_spacing_covers_the_same_field_of_view_with_the_same_content(spacing):
    size = tuple(np.rint(np.divide((50, 40, 45), spacing)).astype(int).tolist())
    grid = oriented((1, 2, 0), (0, 2), 20.0, spacing, size)
    working = working_grid_of(grid)
    assert working.spacing_mm == WORKING_SPACING_MM
    extent, target = np.multiply(size, spacing), np.multiply(working.size, WORKING_SPACING_MM)
    assert (target >= extent - 0.01).all()
    assert (target < extent + WORKING_SPACING_MM).all()
    middle = grid.to_mm((np.array(grid.size) - 1) / 2)
    np.testing.assert_allclose(working.to_mm((np.array(working.size) - 1) / 2), middle, atol=1e-6)
    content = to_working_grid(sampled(grid), working)
    assert content.min() > 0  # no voxel of the working grid falls outside the field of view
    error = np.abs(content - blob_mm(points_of(working)))[1:-1, 1:-1, 1:-1]
    assert error.mean() < 4.5  # of 200; linear interpolation of 12 mm structures in voxels of up to 4 mm


def test_sampling_down_averages_instead_of_picking():
    """White noise loses variance as a Gaussian of the target's width takes it, and keeps its mean."""
    rng = np.random.default_rng(7)
    grid = Grid((90, 90, 90), (0.5, 0.5, 0.5), (0, 0, 0))
    noise = Volume(rng.normal(100, 20, grid.size).astype(np.float32), grid)
    content = to_working_grid(noise, working_grid_of(grid))[2:-2, 2:-2, 2:-2]
    assert abs(content.mean() - 100) < 0.5
    assert content.std() < 5


def test_outside_the_field_of_view_is_zero():
    grid = oriented((0, 1, 2), (), spacing=(1.0, 1.0, 1.0))
    working = working_grid_of(grid)
    wide = Grid(
        tuple(size + 20 for size in working.size),
        working.spacing_mm,
        tuple(working.to_mm(np.array([-10, -10, -10]))),
        working.direction,
    )
    content = to_working_grid(sampled(grid), wide)
    assert not content[:9].any()
    assert not content[:, :, -9:].any()
    assert content[10:-10, 10:-10, 10:-10].min() > 0


def ellipsoids(points_mm, centers_mm, radii_mm):
    """Signed radius (1 on the surface) from the nearest of ellipsoids, and its number from 1."""
    radius = np.stack([np.linalg.norm((points_mm - center) / radii_mm, axis=-1) for center in centers_mm])
    return radius.min(0), radius.argmin(0).astype(np.uint8) + 1


@pytest.mark.parametrize("spacing", [(1.0, 0.6, 0.6), (4.0, 0.9, 0.9), (2.0, 2.0, 2.0)])
def test_put_back_is_smooth_and_true_to_the_shapes(spacing):
    """Two flat ellipsoids 1 mm apart, known exactly: Dice of each on the input grid, better than by nearest voxel."""
    size = tuple(np.rint(np.divide((56, 52, 50), spacing)).astype(int).tolist())
    grid = oriented((2, 0, 1), (1,), 17.0, spacing, size)
    working = working_grid_of(grid)
    middle = grid.to_mm((np.array(grid.size) - 1) / 2)
    axis = np.array(working.direction)[:, 2]
    centers = [middle - 6.5 * axis, middle + 6.5 * axis]
    frame = np.array(working.direction)

    def truth(of):
        radius, number = ellipsoids((points_of(of) - middle) @ frame, [(c - middle) @ frame for c in centers], (20, 15, 6))
        return radius, np.where(radius <= 1, number, 0).astype(np.uint8)

    radius, labels = truth(working)
    probability = (1 / (1 + np.exp((radius - 1) * 6 / 1.0))).astype(np.float32)
    back = put_back(probability, labels, working, grid)
    expected = truth(grid)[1]
    index = np.rint(working.to_ijk(points_of(grid))).astype(int)
    blocky = labels[tuple(np.clip(index, 0, np.array(working.size) - 1).reshape(-1, 3).T)].reshape(grid.size)
    for label in (1, 2):
        dice, dice_blocky = (
            2
            * np.count_nonzero((a == label) & (expected == label))
            / (np.count_nonzero(a == label) + np.count_nonzero(expected == label))
            for a in (back, blocky)
        )
        assert dice > 0.97
        assert dice > dice_blocky
    assert back.dtype == np.uint8
    assert set(np.unique(back)) == {0, 1, 2}


def test_put_back_leaves_out_what_the_labels_leave_out():
    grid = oriented((0, 1, 2), (), 5.0, (1.0, 0.8, 0.8), (50, 60, 60))
    working = working_grid_of(grid)
    probability = np.zeros(working.size, np.float32)
    labels = np.zeros(working.size, np.uint8)
    probability[8:16, 10:25, 10:16] = 1
    labels[8:16, 10:25, 10:16] = 3
    probability[8:16, 10:25, 18:20] = 1  # a speck that was removed, 2.5 mm from the disc
    labels[10, 15, 12] = 3
    probability[10, 15, 12] = 0  # a hole that was filled
    probability[20:, :, :] = 1  # far from any label
    back = put_back(probability, labels, working, grid)
    ijk = working.to_ijk(points_of(grid))
    inside = ((ijk >= (8, 10, 10)) & (ijk <= (15, 24, 15))).all(-1)
    near = ((ijk > (7, 9, 9)) & (ijk < (16, 25, 16))).all(-1)
    assert (back[inside] == 3).all()
    assert not back[~near].any()
    assert not put_back(probability, np.zeros_like(labels), working, grid).any()


def test_a_disc_at_the_edge_of_the_field_of_view_reaches_the_edge():
    grid = oriented((0, 1, 2), (), 0.0, (1.0, 0.625, 0.625), (48, 64, 64))
    working = working_grid_of(grid)
    labels = np.zeros(working.size, np.uint8)
    labels[5:19, 5:27, :5] = 1
    back = put_back(labels.astype(np.float32), labels, working, grid)
    assert back[20, 30, 0] == 1


@pytest.mark.parametrize("spacing_mm", [(2.5, 1.4, 1.6), (0.9, 0.5, 0.7)], ids=["finer than the working grid", "sampled down"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_an_image_is_interpolated_along_its_axes_as_itk_does_it(monkeypatch, spacing_mm, order):
    direction = ((0.0, 0.0, -1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
    grid = Grid((31, 24, 18), spacing_mm, (-20.0, 10.0, 5.0), direction)
    voxels = np.asarray(np.random.default_rng(3).gamma(2, 50, grid.size), np.float32, order=order)
    volume, working = Volume(voxels, grid), working_grid_of(grid)
    reaching_out = Grid((working.size[0] + 4, *working.size[1:]), working.spacing_mm, working.origin_mm, working.direction)
    for target in (working, reaching_out):
        ours = to_working_grid(volume, target)
        with monkeypatch.context() as patch:
            patch.setattr(resampling, "_same_axes", lambda one, other: False)
            itks = to_working_grid(volume, target)
        assert ours.dtype == np.float32 and ours.flags.c_contiguous and ours.shape == target.size
        np.testing.assert_allclose(ours, itks, atol=1e-3)
        assert itks.max() > 50
    assert not ours[-2:].any(), "0 outside the field of view"
