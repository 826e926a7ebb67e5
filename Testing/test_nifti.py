"""The NIfTI files that ITK reads without a word although something is wrong with them."""

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images.nifti import check_nifti


def nifti(order, version, voxels, code):
    """A header written from the standard's field positions, independently of ITK, and the voxels."""
    header = np.zeros(352 if version == 1 else 544, np.uint8)

    def put(position, kind, values):
        raw = np.asarray(values, order + kind).tobytes()
        header[position : position + len(raw)] = np.frombuffer(raw, np.uint8)

    dim = [3, *voxels.shape, 1, 1, 1, 1]
    bits = voxels.dtype.itemsize * 8
    if version == 1:
        put(0, "i4", 348), put(40, "i2", dim), put(70, "i2", [code, bits]), put(108, "f4", 352)
    else:
        put(0, "i4", 540), put(16, "i8", dim), put(12, "i2", [code, bits]), put(168, "i8", 544)
    return header.tobytes() + voxels.astype(voxels.dtype.newbyteorder(order)).tobytes(order="F")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(("kind", "code"), [("f4", 16), ("f8", 64), ("i2", 4)])
def test_both_versions_and_byte_orders_are_understood(tmp_path, order, version, kind, code):
    path = tmp_path / "water.nii"
    voxels = np.arange(60).reshape(3, 4, 5).astype(kind)
    path.write_bytes(nifti(order, version, voxels, code))
    check_nifti(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    with pytest.raises(InputError, match=rf"water.nii cannot be read: it is cut short \({voxels.nbytes - 1} of"):
        check_nifti(path)
    if kind != "i2":
        voxels[1, 1, 1], voxels[2, 0, 0] = np.nan, -np.inf
        path.write_bytes(nifti(order, version, voxels, code))
        with pytest.raises(InputError, match=r"water.nii has NaN or infinite values in 2 voxels"):
            check_nifti(path)


def test_another_format_under_the_name_is_refused(tmp_path):
    path = tmp_path / "water.nii"
    path.write_bytes(b"NRRD0004\n" * 100)
    with pytest.raises(InputError, match=r"water.nii cannot be read: it is not NIfTI"):
        check_nifti(path)
