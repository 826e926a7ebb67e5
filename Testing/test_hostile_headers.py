"""Headers that lie: every one ends in a sentence that names the file, before any voxel is read and with little memory."""

import gzip
import os
import socket
import tracemalloc
import zlib

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Volume, bounds, read_volume, read_volumes, write_volume
from IVDSegmentationLib.images.bounds import check_header
from IVDSegmentationLib.printable import printable
from scipy.spatial.transform import Rotation

SIZE = (12, 20, 16)
VOXELS = np.random.default_rng(3).integers(1, 900, SIZE).astype(np.int16)
SMALLEST_PEAK = 100e6
"""Bytes: far below the gigabyte that a refused file may need."""


def write(path):
    image = sitk.GetImageFromArray(np.ascontiguousarray(VOXELS.T))
    image.SetSpacing((2.0, 1.25, 1.25))
    image.SetOrigin((10.0, 20.0, 30.0))
    sitk.WriteImage(image, str(path), useCompression=False)
    return path


def refused(path, match):
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=match) as caught:
            read_volume(path)
        assert tracemalloc.get_traced_memory()[1] < SMALLEST_PEAK
    finally:
        tracemalloc.stop()
    assert "\n" not in str(caught.value)


def nifti_with(path, changes, compress=False):
    """A NIfTI file with bytes of its header replaced: {offset: (numpy type, value)}."""
    content = bytearray(write(path.with_name("sound.nii")).read_bytes())
    for offset, (kind, value) in changes.items():
        raw = np.asarray(value, "<" + kind).tobytes()
        content[offset : offset + len(raw)] = raw
    path.write_bytes(gzip.compress(bytes(content)) if compress else bytes(content))
    return path


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({80: ("f4", 0.0)}, "voxel size of 0 mm"),
        ({84: ("f4", NAN)}, "voxel size of nan mm"),
        ({88: ("f4", INF)}, "voxel size of inf mm"),
        ({84: ("f4", -1.25)}, "voxel size of -1.25 mm"),
        ({88: ("f4", 1e6)}, "voxels of 1e\\+06 mm"),
        ({80: ("f4", 20.0)}, "voxels of 20 mm, and no disc shows"),
        ({72: ("i2", 8)}, "voxels of type 4 in 8 bits"),
        ({70: ("i2", 1)}, "voxels of type 1 in 16 bits"),
        ({70: ("i2", [16, 32])}, "cut short"),
        ({108: ("f4", NAN)}, "not where it says"),
        ({108: ("f4", 0.0)}, "not where it says"),
        ({123: ("u1", 1)}, "lengths in metres"),
        ({123: ("u1", 3)}, "lengths in micrometres"),
        ({42: ("i2", [30000, 30000, 30000])}, "30000x30000x30000 voxels, more than the 67 million"),
        ({42: ("i2", [-12, 20, 16])}, "its header says -12x20x16"),
        ({40: ("i2", 0)}, "holds no voxels"),
        ({40: ("i2", 99)}, "holds no voxels"),
        ({292: ("f4", NAN)}, "position that is no number"),
        ({280: ("f4", [-2.0, 0.8, 0.0])}, "axes are not perpendicular"),
        ({280: ("f4", [-4.0, 0.0, 0.0])}, "sform has voxels of 4x1.25x1.25 mm, its pixdim of 2x1.25x1.25"),
        ({280: ("f4", [0.0, 0.0, 0.0])}, "voxel size of 0 mm"),
        ({254: ("i2", 2), 292: ("f4", 500.0)}, "qform and sform place the image differently"),
        ({344: ("u1", list(b"ni1\0"))}, "not in the file"),
        ({292: ("f4", 500.0)}, "qform and sform place the image differently"),
        ({252: ("i2", 2), 268: ("f4", -80.0)}, "qform and sform place the image differently"),
        ({256: ("f4", [1.0, 0.0, 0.0])}, "qform and sform place the image differently"),
        ({76: ("f4", -1.0)}, "qform and sform place the image differently"),
        ({254: ("i2", 0), 256: ("f4", [0.9, 0.9, 0.9])}, "its qform is no rotation"),
        ({254: ("i2", 0), 256: ("f4", NAN)}, "its qform is no rotation"),
        ({254: ("i2", 0), 76: ("f4", 7.0)}, "its qform is no rotation"),
        ({252: ("i2", [0, 0])}, "does not say where it lies"),
        ({252: ("i2", [77, 0])}, "a code that NIfTI does not know"),
        ({252: ("i2", [0, -3])}, "a code that NIfTI does not know"),
        ({280: ("f4", [-2.04, 0.0, 0.0])}, "sform has voxels of 2.04x1.25x1.25 mm, its pixdim of 2x1.25x1.25"),
    ],
)
def test_a_nifti_header_that_lies_is_refused(tmp_path, changes, match):
    refused(nifti_with(tmp_path / "water.nii", changes), match)
    refused(nifti_with(tmp_path / "water.nii.gz", changes, compress=True), match)


@pytest.mark.parametrize("length", [0, 1, 3, 4, 200, 347, 350])
def test_a_stump_of_a_nifti_file_is_refused(tmp_path, length):
    path = tmp_path / "water.nii"
    path.write_bytes(write(tmp_path / "sound.nii").read_bytes()[:length])
    refused(path, "water.nii cannot be read")


def test_a_gzip_that_unpacks_to_more_than_it_says_is_refused(tmp_path):
    path = tmp_path / "water.nii.gz"
    content = write(tmp_path / "sound.nii").read_bytes()
    path.write_bytes(gzip.compress(content) + gzip.compress(bytes(200_000_000), 1))
    refused(path, "unpacks to more than its header says")


def changed_text(path, replace):
    """A NRRD or MetaImage file with lines of its header replaced, added (None: ...) or left out (...: None)."""
    content = write(path).read_bytes()
    for old, new in replace.items():
        lines = [line for line in content.split(b"\n") if line.startswith(old.encode())]
        assert len(lines) == 1, old
        content = content.replace(lines[0] + b"\n", new.encode() + b"\n" if new else b"", 1)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("replace", "match"),
    [
        ({"space directions": "space directions: (2,0,0) (0.8,1.25,0) (0,0,1.25)"}, "axes are not perpendicular"),
        ({"space directions": "space directions: (2,0,0) none (0,0,1.25)"}, "no direction for one of its axes"),
        ({"space directions": "space directions: (2,0,0) (0,nan,0) (0,0,1.25)"}, "voxel size of nan"),
        ({"space directions": "space directions: (2,0,0) (0,0,0) (0,0,1.25)"}, "voxel size of 0"),
        ({"space directions": "space directions: (2,0,0) (0,1e6,0) (0,0,1.25)"}, "voxels of 1e\\+06 mm"),
        ({"space directions": "space directions: (2,0,0) (0,1.25,0)"}, "2 space directions for 3 axes"),
        ({"space directions": "space directions: (a,0,0) (0,1,0) (0,0,1)"}, "no valid space directions"),
        ({"space origin": "space origin: (nan,0,0)"}, "position that is no number"),
        ({"space:": "space: scanner-xyz"}, "a space called 'scanner-xyz'"),
        ({"kinds": 'space units: "m" "m" "m"'}, "lengths in 'm': save it in millimetres"),
        ({"sizes": "sizes: 9999999 9999999 9999999"}, "more than the 67 million"),
        ({"sizes": "sizes: 12 -20 16"}, "no valid sizes"),
        ({"sizes": "sizes: 12 20 17"}, "cut short"),
        ({"dimension": "dimension: 100"}, "it says it has 100 dimensions"),
        ({"type": "type: block"}, "unknown type 'block'"),
        ({"encoding": "encoding: raw\ndata file: /etc/passwd"}, "a file outside its folder"),
        ({"encoding": "encoding: raw\ndata file: ../other.raw"}, "a file outside its folder"),
        ({"encoding": "encoding: raw\ndata file: LIST"}, "several files"),
        ({"encoding": "encoding: raw\ndata file: absent.raw"}, "absent.raw does not exist"),
        ({"kinds": "dimension: 3"}, "says 'dimension' twice"),
        ({"encoding": "encoding: text"}, "in the encoding 'text': save it as raw or gzip"),
        ({"encoding": "encoding: bzip2"}, "in the encoding 'bzip2'"),
        ({"encoding": "encoding: gzip"}, "its voxels are damaged"),
        ({"encoding": "encoding: raw\nline skip: 3"}, "behind something else"),
        ({"encoding": "encoding: raw\nbyte skip: -2"}, "behind something else"),
        ({"endian": None}, "which byte of a number comes first"),
        ({"space origin": "space origin: (1,2)"}, "no valid space origin"),
        ({"space origin": "axis mins: 0 0 0"}, "no valid space origin"),
    ],
)
def test_an_nrrd_header_that_lies_is_refused(tmp_path, replace, match):
    refused(changed_text(tmp_path / "water.nrrd", replace), match)


@pytest.mark.parametrize(
    ("replace", "match"),
    [
        ({"TransformMatrix": "TransformMatrix = 1 0 0 0.5 1 0 0 0 1"}, "scales its axes"),
        ({"TransformMatrix": "TransformMatrix = 1 0 0 0.6 0.8 0 0 0 1"}, "axes are not perpendicular"),
        ({"TransformMatrix": "TransformMatrix = 2 0 0 0 2 0 0 0 2"}, "scales its axes"),
        ({"TransformMatrix": "TransformMatrix = 0 0 0 0 0 0 0 0 0"}, "scales its axes"),
        ({"ElementSpacing": "ElementSpacing = 2 0 1.25"}, "voxel size of 0"),
        ({"ElementSpacing": "ElementSpacing = 2 nan 1.25"}, "no valid ElementSpacing"),
        ({"ElementSpacing": "ElementSpacing = 2000 1250 1250"}, "check its unit of length"),
        ({"Offset": "Offset = nan 0 0"}, "no valid Offset"),
        ({"DimSize": "DimSize = 900000 900000 900000"}, "more than the 67 million"),
        ({"DimSize": "DimSize = 12 20 17"}, "cut short"),
        ({"NDims": "NDims = 100"}, "it says it has 100 dimensions"),
        ({"NDims": "NDims = three"}, "no valid NDims"),
        ({"ElementType": "ElementType = MET_OTHER"}, "unknown type 'MET_OTHER'"),
        ({"ElementDataFile": "ElementDataFile = /dev/zero"}, "a file outside its folder"),
        ({"ElementDataFile": "ElementDataFile = LIST"}, "several files"),
        ({"ElementDataFile": "ElementDataFile = slice%03d.raw 1 20 1"}, "several files"),
        ({"ElementDataFile": None}, "it is not MetaImage"),
        ({"CompressedData": "CompressedData = True"}, "its voxels are damaged"),
        ({"BinaryData ": "BinaryData = False"}, "written as text"),
        ({"Offset": "Offset = 1 2 3\nHeaderSize = -2"}, "behind something else"),
        ({"Offset": "Offset = 1 2 3\nElementNumberOfChannels = 3"}, "3 values in each voxel"),
    ],
)
def test_a_metaimage_header_that_lies_is_refused(tmp_path, replace, match):
    refused(changed_text(tmp_path / "water.mha", replace), match)


COMPRESSED = {"water.nrrd": "encoding: gzip", "water.mha": "CompressedData = True"}


@pytest.mark.parametrize("name", COMPRESSED)
def test_packed_voxels_that_are_a_bomb_or_end_early_cost_little(tmp_path, name):
    image = sitk.GetImageFromArray(np.zeros((16, 20, 12), np.int16))
    path = tmp_path / name
    sitk.WriteImage(image, str(path), useCompression=True)
    content = path.read_bytes()
    assert COMPRESSED[name].encode() in content
    path.write_bytes(content[:-8])
    refused(path, "cut short|same value")  # the last bytes are the checksum
    path.write_bytes(content[:-20])
    refused(path, "cut short")
    start = content.index(b"\n\n") + 2 if name.endswith("nrrd") else content.index(b"LOCAL\n") + 6
    pack = gzip.compress if name.endswith("nrrd") else zlib.compress
    path.write_bytes(content[:start] + pack(bytes(1_000_000_000), 1))
    refused(path, "the same value")


def test_a_field_of_view_at_the_bound_of_the_largest_type_is_read_with_little_memory(tmp_path):
    """64 bits a voxel, of which float32 is kept: the stored ones are never in memory at once."""
    path = nifti_with(tmp_path / "water.nii", {42: ("i2", [256, 256, 256]), 70: ("i2", [64, 64])})
    with path.open("ab") as file:
        file.truncate(352 + 8 * 256**3)
    tracemalloc.start()
    with pytest.raises(InputError, match="the same value"):
        read_volume(path)
    assert tracemalloc.get_traced_memory()[1] < 256**3 * 4 + SMALLEST_PEAK
    tracemalloc.stop()


@pytest.mark.parametrize("name", ["water.nii", "water.nii.gz", "water.nrrd", "water.mha", "water.mhd", "water.nhdr"])
def test_a_sound_file_of_every_format_is_read_with_its_geometry(tmp_path, name):
    volume = read_volume(write(tmp_path / name))
    np.testing.assert_array_equal(volume.voxels, VOXELS)
    assert volume.grid.spacing_mm == (2.0, 1.25, 1.25)
    assert volume.grid.origin_mm == (10.0, 20.0, 30.0)


TYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"]


@pytest.mark.parametrize("name", ["water.nii", "water.nii.gz", "water.nrrd", "water.mha", "water.mhd", "water.nhdr"])
@pytest.mark.parametrize("compressed", [False, True])
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_what_is_read_is_what_itk_reads(tmp_path, name, compressed, data):
    """Voxels of every type, on grids turned in any way."""
    kind = data.draw(st.sampled_from(TYPES))
    turn = Rotation.from_euler("xyz", data.draw(st.lists(st.floats(-180, 180), min_size=3, max_size=3)), degrees=True)
    voxels = np.random.default_rng(5).normal(scale=90, size=(4, 5, 6)).astype(kind)
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(data.draw(st.tuples(*[st.floats(0.1, 9)] * 3)))
    image.SetOrigin(data.draw(st.tuples(*[st.floats(-900, 900)] * 3)))
    image.SetDirection((turn.as_matrix() * (1, 1, data.draw(st.sampled_from([1, -1])))).ravel())
    path = tmp_path / name
    sitk.WriteImage(image, str(path), useCompression=compressed)
    by_itk, volume = sitk.ReadImage(str(path)), read_volume(path)
    np.testing.assert_array_equal(volume.voxels, sitk.GetArrayFromImage(by_itk).T.astype(np.float32))
    corners = volume.grid.corners_ijk()
    theirs = [by_itk.TransformContinuousIndexToPhysicalPoint(corner.tolist()) for corner in corners]
    np.testing.assert_allclose(volume.grid.to_mm(corners), theirs, atol=2e-3)
    np.testing.assert_allclose(volume.grid.spacing_mm, by_itk.GetSpacing(), rtol=1e-6)
    if name.startswith("water.nii"):
        ras = nibabel.affines.apply_affine(nibabel.load(path).affine, corners)
        np.testing.assert_allclose(volume.grid.to_mm(corners), ras * (-1, -1, 1), atol=2e-3)


@pytest.mark.parametrize("off_deg", [0.0, 1e-4, 0.01, 0.05])
@pytest.mark.parametrize("flip", [1, -1])
def test_a_half_turn_is_no_contradiction_for_the_rounding_of_its_quaternion(tmp_path, off_deg, flip):
    """In RAS a rotation about y alone is about a half turn, whose angle float32 holds to 0.05 degrees."""
    image = sitk.GetImageFromArray(np.arange(120, dtype=np.int16).reshape(4, 5, 6))
    image.SetSpacing((5.0, 9.0, 0.25))
    turn = Rotation.from_euler("yz", (73.17969386796597, off_deg), degrees=True)
    image.SetDirection((turn.as_matrix() * (1, 1, flip)).ravel())
    path = tmp_path / "water.nii"
    sitk.WriteImage(image, str(path))
    volume = read_volume(path)
    np.testing.assert_allclose(np.ravel(volume.grid.direction), image.GetDirection(), atol=1e-6)


def test_a_half_turn_and_one_of_half_a_degree_less_contradict_each_other(tmp_path):
    path = tmp_path / "water.nii"
    affine = np.diag([-2.0, 2.0, -2.0, 1.0])  # a half turn about y
    turned = affine.copy()
    turned[:3, :3] = Rotation.from_euler("y", 0.5, degrees=True).as_matrix() @ affine[:3, :3]
    image = nibabel.Nifti1Image(np.arange(64**3, dtype=np.int16).reshape(64, 64, 64), affine)
    image.set_sform(affine, 1)
    image.set_qform(turned, 1)
    nibabel.save(image, path)
    with pytest.raises(InputError, match="its qform and sform place the image differently"):
        read_volume(path)


@pytest.mark.parametrize("space", ["right-anterior-superior", "RAS", "left-anterior-superior", "LPS"])
def test_the_spaces_of_nrrd_are_those_of_itk(tmp_path, space):
    path = changed_text(tmp_path / "water.nrrd", {"space:": f"space: {space}"})
    by_itk, volume = sitk.ReadImage(str(path)), read_volume(path)
    assert volume.grid.origin_mm == by_itk.GetOrigin()
    np.testing.assert_array_equal(np.ravel(volume.grid.direction), by_itk.GetDirection())


@pytest.mark.parametrize("name", ["water.nii.gz", "water.nrrd", "water.mha"])
def test_what_is_written_overlays_what_was_read_in_itk_and_in_nibabel(tmp_path, name):
    """Oblique, with a qform and a sform of its own rounding, as scanners' converters write them."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(VOXELS.T))
    image.SetSpacing((2.0, 1.25, 1.25))
    image.SetDirection(Rotation.from_euler("xyz", (10, -7, 3), degrees=True).as_matrix().ravel())
    image.SetOrigin((-31.4, 15.9, 26.5))
    sitk.WriteImage(image, str(tmp_path / name))
    volume = read_volume(tmp_path / name)
    write_volume(Volume((volume.voxels > 400).astype(np.uint8), volume.grid), tmp_path / "discs.nii.gz")
    discs, source = sitk.ReadImage(str(tmp_path / "discs.nii.gz")), sitk.ReadImage(str(tmp_path / name))
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        np.testing.assert_allclose(getattr(discs, get)(), getattr(source, get)(), atol=1e-5)
    if name.endswith(".nii.gz"):
        one, other = nibabel.load(tmp_path / "discs.nii.gz"), nibabel.load(tmp_path / name)
        np.testing.assert_allclose(one.affine, other.affine, atol=1e-5)


@pytest.mark.parametrize("name", ["water.nii.gz", "water.nrrd", "water.mha"])
def test_what_is_no_regular_file_is_never_opened(tmp_path, name):
    path = tmp_path / name
    os.mkfifo(path)
    refused(path, "no file but a device, pipe or socket")
    path.unlink()
    with socket.socket(socket.AF_UNIX) as listening:
        os.chdir(tmp_path)  # a socket's path is limited to 108 characters
        listening.bind(name)
        refused(path, "no file but a device, pipe or socket")
    path.unlink()
    path.symlink_to("/dev/zero")
    refused(path, "no file but a device, pipe or socket")
    path.unlink()
    path.symlink_to(path)
    refused(path, "cannot be (read|found)")
    path.unlink()
    path.mkdir()
    refused(path, "is a folder")


def test_a_data_file_that_is_a_pipe_is_never_opened(tmp_path):
    os.mkfifo(tmp_path / "water.raw")
    refused(changed_text(tmp_path / "water.mha", {"ElementDataFile": "ElementDataFile = water.raw"}), "pipe")


def test_a_name_that_is_not_utf_8_is_refused_in_visible_characters(tmp_path):
    path = tmp_path / os.fsdecode(b"w\xe4ter\n.nii")
    path.write_bytes(write(tmp_path / "sound.nii").read_bytes())
    refused(path, r"w\\udce4ter\\n.nii has a name")


@given(st.text())
def test_what_is_shown_of_a_name_is_one_visible_line(name):
    shown = printable(name)
    assert shown.isprintable()
    shown.encode("utf-8")


@given(
    st.lists(st.floats(), min_size=3, max_size=3),
    st.lists(st.floats(), min_size=9, max_size=9),
    st.lists(st.integers(-5, 10**12), min_size=3, max_size=3),
)
def test_any_geometry_is_taken_or_refused(spacing_mm, directions, size):
    try:
        check_header("water.nii", size, spacing_mm, [0.0, 0.0, 0.0], np.reshape(directions, (3, 3)))
    except InputError:
        return
    assert np.prod(size, dtype=object) <= 2**26
    assert 0 < min(spacing_mm) <= max(spacing_mm) <= 10


def test_the_whole_body_of_the_large_cohorts_is_no_attack():
    check_header("water.nii", (224, 174, 370), (2.23, 2.23, 3.0), (0.0, 0.0, 0.0), np.eye(3))
    with pytest.raises(InputError, match="crop it to the spine"):
        check_header("water.nii", (224, 174, 370), (4.46, 4.46, 3.0), (0.0, 0.0, 0.0), np.eye(3))


@pytest.mark.parametrize("name", ["water.nii", "water.nrrd", "water.mha", "water.mhd", "water.nhdr"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_header_changed_at_random_is_read_or_refused_in_one_sentence(tmp_path, name, data):
    path = write(tmp_path / name)
    content = bytearray(path.read_bytes())
    header = 352 if name.endswith(".nii") else min(len(content), 420)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, header - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content))
    try:
        volume = read_volume(path)
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert np.isfinite(volume.voxels).all()
        assert max(volume.grid.spacing_mm) <= 10


@pytest.mark.parametrize("offset", [348, 351])
def test_voxels_that_begin_in_what_follows_the_header_are_refused(tmp_path, offset):
    refused(nifti_with(tmp_path / "water.nii", {108: ("f4", offset)}), "not where it says")


@pytest.mark.parametrize("at", [8, 9, 10, 11])
def test_a_nifti_2_file_whose_line_ends_a_program_changed_is_refused(tmp_path, at):
    image = nibabel.Nifti2Image(VOXELS, np.diag([2.0, 1.25, 1.25, 1.0]))
    image.set_sform(image.affine, 1)
    content = bytearray(image.to_bytes())
    (tmp_path / "water.nii").write_bytes(content)
    assert np.array_equal(read_volume(tmp_path / "water.nii").voxels, VOXELS)
    content[at] ^= 7
    (tmp_path / "water.nii").write_bytes(content)
    refused(tmp_path / "water.nii", "as if it were a text")


@pytest.mark.parametrize("slope", [1.0, 2.5])
@pytest.mark.parametrize("intercept", [NAN, INF])
def test_an_intercept_that_is_no_number_is_refused(tmp_path, slope, intercept):
    refused(nifti_with(tmp_path / "water.nii", {112: ("f4", [slope, intercept])}), r"scl_inter")


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("water.mha", "DimSize = 12.5 20 16"),
        ("water.mha", "DimSize = 1_2 20 16"),
        ("water.mha", "NDims = 3.9"),
        ("water.mha", "ElementSpacing = 0_2 1.25 1.25"),
        ("water.mha", "ElementSpacing = \u0662 1.25 1.25"),
        ("water.nrrd", "sizes: \u0661\u0662 20 16"),
        ("water.nrrd", "space directions: (0_2,0,0) (0,1.25,0) (0,0,1.25)"),
    ],
)
def test_numbers_that_only_python_reads_are_refused(tmp_path, name, line):
    path = write(tmp_path / name)
    content = path.read_bytes()
    key = line.split(" =")[0].split(":")[0].encode()
    old = next(one for one in content.split(b"\n") if one.startswith(key))
    path.write_bytes(content.replace(old, line.encode(), 1))
    refused(path, f"no valid {key.decode()}")


def test_files_of_more_voxels_together_than_memory_has_are_refused(tmp_path, monkeypatch):
    paths = {name: write(tmp_path / f"{name}.nii") for name in ("water", "fat", "in_phase")}
    assert list(read_volumes(paths)) == list(paths)
    monkeypatch.setattr(bounds, "MOST_VOXELS_OF_ALL", 2 * VOXELS.size)
    with pytest.raises(InputError, match=r"water\.nii and fat\.nii and in_phase\.nii have .* million voxels together"):
        read_volumes(paths)
