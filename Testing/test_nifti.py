"""NIfTI files are read once: the same voxels as ITK's, and refused where ITK says nothing although something is wrong."""

import gzip

import numpy as np
import pytest
import SimpleITK as sitk
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.images.nifti import read_nifti

CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768, "i8": 1024, "u8": 1280}


def nifti(order, version, voxels, code, scaling=(0.0, 0.0)):
    """A header written from the standard's field positions, independently of ITK, and the voxels."""
    header = np.zeros(352 if version == 1 else 544, np.uint8)

    def put(position, kind, values):
        raw = np.asarray(values, order + kind).tobytes()
        header[position : position + len(raw)] = np.frombuffer(raw, np.uint8)

    dim = [3, *voxels.shape, 1, 1, 1, 1]
    bits = voxels.dtype.itemsize * 8
    put(252 if version == 1 else 344, "i2" if version == 1 else "i4", 1)  # a qform of no rotation
    if version == 1:
        put(0, "i4", 348), put(40, "i2", dim), put(70, "i2", [code, bits]), put(108, "f4", 352)
        put(76, "f4", [1, 2, 1.25, 1.25, 1, 1, 1, 1]), put(112, "f4", scaling), put(344, "u1", list(b"n+1\0"))
    else:
        put(0, "i4", 540), put(16, "i8", dim), put(12, "i2", [code, bits]), put(168, "i8", 544)
        put(104, "f8", [1, 2, 1.25, 1.25, 1, 1, 1, 1]), put(176, "f8", scaling), put(4, "u1", list(b"n+2\0"))
    return header.tobytes() + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes(order="F")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("kind", "code"), [("f4", 16), ("f8", 64), ("i2", 4)])
def test_both_versions_and_byte_orders_are_understood(tmp_path, order, version, kind, code):
    path = tmp_path / "water.nii"
    voxels = np.arange(60).reshape(3, 4, 5).astype(kind)
    path.write_bytes(nifti(order, version, voxels, code))
    np.testing.assert_array_equal(read_nifti(path).voxels, voxels)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=rf"water.nii cannot be read: it is cut short \({voxels.nbytes - 1} of"):
        read_nifti(path)
    if kind != "i2":
        voxels[1, 1, 1], voxels[2, 0, 0] = np.nan, -np.inf
        path.write_bytes(nifti(order, version, voxels, code))
        with pytest.raises(InputError, match=r"water.nii has NaN or infinite values in 2 voxels"):
            read_volume(path)


def test_another_format_under_the_name_is_refused(tmp_path):
    path = tmp_path / "water.nii"
    path.write_bytes(b"NRRD0004\n" * 100)
    with pytest.raises(InputError, match=r"water.nii cannot be read: it is not NIfTI"):
        read_nifti(path)


@pytest.mark.parametrize("kind", CODES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_voxels_are_those_that_itk_reads(tmp_path, kind, order):
    stored = np.random.default_rng(7).normal(scale=90, size=(5, 6, 7)).astype(kind)
    for number, scaling in enumerate([(0, 0), (1, 0), (1, 3), (0.37, -12), (0, 5), (np.nan, 1)]):
        path = tmp_path / f"{number}.nii.gz"
        path.write_bytes(gzip.compress(nifti(order, 1, stored, CODES[kind], scaling)))
        by_itk = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).T.astype(np.float32)
        np.testing.assert_array_equal(read_nifti(path).voxels, by_itk, err_msg=str(scaling))


SEVERAL = [("c8", 32, "complex pixels"), ("c16", 1792, "complex pixels"), ("u4", 2304, "colours")]


@pytest.mark.parametrize(("kind", "code", "match"), SEVERAL)
def test_what_has_no_single_number_in_a_voxel_is_refused(tmp_path, kind, code, match):
    path = tmp_path / "water.nii"
    path.write_bytes(nifti("<", 1, np.ones((3, 4, 5), kind), code))
    with pytest.raises(InputError, match=match):
        read_nifti(path)


def test_a_damaged_gzip_is_refused(tmp_path):
    path = tmp_path / "water.nii.gz"
    whole = gzip.compress(nifti("<", 1, np.arange(60, dtype="i2").reshape(3, 4, 5), 4))
    for damaged in (whole[:-9], whole[:-8] + b"\0\0\0\0" + whole[-4:], b"not gzip"):
        path.write_bytes(damaged)
        with pytest.raises(InputError, match=r"water.nii.gz cannot be read: it is damaged or cut short"):
            read_nifti(path)
