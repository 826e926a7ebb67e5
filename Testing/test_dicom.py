"""DICOM series in the ways of three vendors, written here with pydicom."""

import io
import sys
import tracemalloc
import zlib
from types import SimpleNamespace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.dixon import dicom_packed, dicom_slices
from IVDSegmentationLib.dixon.case import load_case
from IVDSegmentationLib.dixon.channels import CHANNELS
from IVDSegmentationLib.dixon.dicom import read_dicom_folder
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import bounds
from PIL import Image
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SHAPE = (18, 44, 40)  # slices, rows, columns: sagittal, rows caudal, columns posterior
STEP_MM, PIXEL_MM = 2.0, 1.25
WATER = np.random.default_rng(11).integers(50, 200, SHAPE)
FAT = np.random.default_rng(12).integers(5, 60, SHAPE)
STORED = {"fat": FAT, "in_phase": WATER + FAT, "opposed_phase": np.abs(WATER - FAT), "water": WATER}

SIEMENS = {
    "fat": (["DERIVED", "PRIMARY", "M", "DIXON", "FAT"], "t1_vibe_dixon_sag"),
    "in_phase": (["ORIGINAL", "PRIMARY", "M", "DIXON", "IN_PHASE"], "t1_vibe_dixon_sag"),
    "opposed_phase": (["ORIGINAL", "PRIMARY", "M", "OPP_PHASE", "DIS2D"], "t1_vibe_dixon_sag"),
    "water": (["DERIVED", "PRIMARY", "M", "DIXON", "WATER"], "t1_vibe_dixon_sag"),
}
SIEMENS_NAMES = {
    channel: (["ORIGINAL", "PRIMARY", "M", "ND"], f"t1_vibe_dixon_sag_{end}")
    for channel, end in zip(CHANNELS, ("F", "in", "opp", "W"), strict=True)
}
GE = {
    channel: (["DERIVED", "SECONDARY", "OTHER"], f"{word}: Sag LAVA Flex")
    for channel, word in zip(CHANNELS, ("FAT", "InPhase", "OutPhase", "WATER"), strict=True)
}
PHILIPS = {
    "fat": (["DERIVED", "PRIMARY", "F", "F", "DERIVED"], "mDIXON_sag"),
    "in_phase": (["DERIVED", "PRIMARY", "IP", "IP", "DERIVED"], "mDIXON_sag"),
    "opposed_phase": (["DERIVED", "PRIMARY", "OP", "OP", "DERIVED"], "mDIXON_sag"),
    "water": (["DERIVED", "PRIMARY", "W", "W", "DERIVED"], "mDIXON_sag"),
}


def write_slice(path, stored, index, *, series, number, kind, description, **tags):
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = MRImageStorage, meta.MediaStorageSOPInstanceUID, "MR"
    data.PatientName, data.PatientID = "Secret^Person", "4711"
    data.SeriesInstanceUID, data.SeriesNumber, data.InstanceNumber = series, number, int(index) + 1
    data.ImageType, data.SeriesDescription = list(kind), description
    data.Rows, data.Columns = stored.shape
    data.PixelSpacing = [PIXEL_MM, PIXEL_MM]
    data.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
    data.ImagePositionPatient = [20.0 - STEP_MM * index, -25.0, 60.0]
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = stored.astype(np.uint16).tobytes()
    for tag, value in tags.items():
        setattr(data, tag, value)
    data.save_as(path)


def write_series(folder, style, one_series=False, order=None, **tags):
    """All channels of a vendor's style; files numbered in a scrambled order of slices."""
    folder.mkdir(exist_ok=True)
    common = generate_uid()
    for number, (channel, (kind, description)) in enumerate(style.items(), start=4):
        series = common if one_series else generate_uid()
        for at, index in enumerate(np.random.default_rng(13).permutation(SHAPE[0]) if order is None else order):
            name = f"{'IM' if one_series else channel}{number:02d}{at:03d}.dcm"
            labels = {"series": series, "number": number, "kind": kind, "description": description}
            write_slice(folder / name, STORED[channel][index], index, **labels, **tags)
    return folder


def expected(stored):
    """[x, y, z] towards L, P, S: slices go right, rows caudal."""
    return stored[::-1, ::-1, :].transpose(0, 2, 1).astype(np.float32)


@pytest.mark.parametrize("style", [SIEMENS, SIEMENS_NAMES, GE, PHILIPS], ids=["siemens", "siemens names", "ge", "philips"])
def test_the_vendors_series_are_told_apart_and_stacked_by_position(tmp_path, style):
    folder = write_series(tmp_path / "exam", style, one_series=style is PHILIPS)
    case = load_case(folder)
    assert case.derived == frozenset()
    assert case.findings == ()
    for channel in CHANNELS:
        np.testing.assert_array_equal(case.channels[channel], expected(STORED[channel]))
    # Voxel (0, 0, 0) of the working grid: the leftmost... i.e. lowest L, P, S corner of the slices' centres.
    np.testing.assert_allclose(
        case.working_grid.origin_mm, (20 - STEP_MM * (SHAPE[0] - 1), -25, 60 - PIXEL_MM * (SHAPE[1] - 1)), atol=1e-6
    )
    assert case.working_grid.spacing_mm == (STEP_MM, PIXEL_MM, PIXEL_MM)
    assert "Secret" not in repr(case)


def test_the_grid_agrees_with_itks_own_reader(tmp_path):
    import SimpleITK as sitk

    folder = write_series(tmp_path / "exam", {"water": SIEMENS["water"]})
    volume = read_dicom_folder(folder)["water"]
    names = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder))
    image = sitk.ReadImage(names)
    index = np.array([3, 5, 7])
    found = image.TransformPhysicalPointToIndex(volume.grid.to_mm(index).tolist())
    assert image[found] == volume.voxels[3, 5, 7]
    assert image.GetSize() == volume.grid.size


def test_rescale_slope_and_intercept_of_every_slice_are_applied(tmp_path):
    tmp_path.joinpath("exam").mkdir()
    series = generate_uid()
    kind, description = SIEMENS["water"]
    for index in range(SHAPE[0]):
        slope, intercept = 0.5 + 0.25 * (index % 3), -3.5 + index
        labels = {"series": series, "number": 4, "kind": kind, "description": description}
        scale = {"RescaleSlope": slope, "RescaleIntercept": intercept}
        write_slice(tmp_path / "exam" / f"{index}.dcm", WATER[index], index, **labels, **scale)
    volume = read_dicom_folder(tmp_path / "exam")["water"]
    for index in range(SHAPE[0]):
        of_slice = int(np.rint(volume.grid.to_ijk(np.array([20.0 - STEP_MM * index, -25.0, 60.0]))[2]))
        wanted = WATER[index].T * (0.5 + 0.25 * (index % 3)) - 3.5 + index
        np.testing.assert_allclose(volume.voxels[:, :, of_slice], wanted, rtol=1e-6)


def test_series_lie_in_folders_of_their_own_and_other_files_are_passed_over(tmp_path):
    write_series(tmp_path / "s4", {"water": SIEMENS["water"]})
    write_series(tmp_path / "s5", {"in_phase": SIEMENS["in_phase"]})
    write_series(tmp_path / "s6", {"fat": (["DERIVED", "PRIMARY", "M", "T2"], "t2_tse_sag")})
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    (tmp_path / "notes.txt").write_text("no image")
    assert set(read_dicom_folder(tmp_path)) == {"water", "in_phase"}


def test_a_file_without_its_suffix_is_still_dicom(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": SIEMENS["water"]})
    for path in list(folder.iterdir()):
        path.rename(path.with_suffix(""))
    assert set(read_dicom_folder(folder)) == {"water"}


def change(folder, position, **tags):
    path = sorted(folder.iterdir())[position]
    data = pydicom.dcmread(path)
    for tag, value in tags.items():
        setattr(data, tag, value)
    data.save_as(path)
    return path.name


def one_series(tmp_path):
    return write_series(tmp_path / "exam", {"water": SIEMENS["water"]}, order=range(SHAPE[0]))


def refused(folder, message):
    with pytest.raises(InputError, match=message) as caught:
        load_case(folder)
    assert "Secret" not in str(caught.value)
    assert "4711" not in str(caught.value)
    assert str(folder) not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_slice_is_refused(tmp_path):
    folder = one_series(tmp_path)
    sorted(folder.iterdir())[7].unlink()
    refused(folder, r"^series 4 \(water\): 1 slice is missing between water04006.dcm and water04008.dcm")


def test_uneven_spacing_is_refused(tmp_path):
    folder = one_series(tmp_path)
    change(folder, 7, ImagePositionPatient=[20 - 7.2 * STEP_MM, -25, 60])
    refused(folder, r"^series 4 \(water\): slices are 1.60 to 2.40 mm apart: they must be evenly spaced")


def test_two_slices_in_one_place_are_refused(tmp_path):
    folder = one_series(tmp_path)
    change(folder, 7, ImagePositionPatient=[20 - 6 * STEP_MM, -25, 60])
    refused(folder, r"^series 4 \(water\): water0400[67].dcm and water0400[67].dcm lie in the same place")


def test_a_tilted_stack_is_refused(tmp_path):
    folder = one_series(tmp_path)
    for index in range(SHAPE[0]):
        change(folder, index, ImagePositionPatient=[20 - STEP_MM * index, -25, 60 + 0.3 * index])
    refused(folder, r"slices are shifted against one another by 5.1 mm")


def test_a_slice_of_another_size_or_orientation_is_refused(tmp_path):
    folder = one_series(tmp_path)
    change(folder, 5, ImageOrientationPatient=[1, 0, 0, 0, 0, -1])
    refused(folder, r"water0400\d.dcm differs from water0400\d.dcm in size or orientation")


def test_one_slice_is_refused(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": SIEMENS["water"]}, order=[0])
    refused(folder, r"^series 4 \(water\) has one slice: it is not three-dimensional")


def test_a_slice_without_a_position_is_refused(tmp_path):
    folder = one_series(tmp_path)
    name = change(folder, 3, ImagePositionPatient=None)
    refused(folder, rf"^{name} has no ImagePositionPatient")


def test_two_series_of_one_channel_are_refused(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": SIEMENS["water"], "fat": SIEMENS["water"]})
    refused(folder, r"^exam holds 2 series of the water channel \(series 4 and series 5\)")


def test_series_of_no_channel_are_listed(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": (["ORIGINAL", "PRIMARY", "M"], "t2_tse_sag")})
    refused(folder, r"^exam holds no DICOM series that is marked as a Dixon channel \(series 4\)")


def test_fat_alone_is_refused_in_dicom_too(tmp_path):
    folder = write_series(tmp_path / "exam", {"fat": PHILIPS["fat"]})
    refused(folder, r"^series 4 \(fat\) is the only channel")


@pytest.mark.parametrize("keep", [60, 700, 1500])
def test_a_file_cut_short_is_refused(tmp_path, keep):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[2]
    path.write_bytes(path.read_bytes()[:keep])
    refused(folder, r"water04002.dcm|series 4 \(water\): the pixels of a slice cannot be read|series 4 \(water\): 1 slice")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"PixelData": b"\0" * 100}, "it has 100 bytes of pixels where its size says 3520"),
        ({"Rows": 60000}, "it has 3520 bytes of pixels where its size says 4800000"),
        ({"Rows": 22}, "it has 3520 bytes of pixels where its size says 1760"),
        ({"BitsAllocated": 32}, "where its size says 7040"),
        ({"PixelSpacing": [1.25]}, "has no valid PixelSpacing"),
        ({"PixelSpacing": [1.25, 1.25, 2.0]}, "has no valid PixelSpacing"),
        ({"PixelSpacing": [0.0, 0.0]}, "voxel size of 0 mm"),
        ({"PixelSpacing": [1e6, 1e6]}, r"voxels of 1e\+06 mm"),
        ({"ImageOrientationPatient": [0, 1, 0]}, "has no valid ImageOrientationPatient"),
        ({"ImagePositionPatient": [20.0, -25.0]}, "has no valid ImagePositionPatient"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, r"not stored with bright as high \(MONOCHROME2\)"),
        ({"SamplesPerPixel": 3}, "is a colour image"),
    ],
)
def test_tags_that_lie_are_refused(tmp_path, tags, message):
    folder = one_series(tmp_path)
    for position in range(SHAPE[0]):
        change(folder, position, **tags)
    refused(folder, message)


@pytest.mark.parametrize("tag", ["PixelSpacing", "ImagePositionPatient", "NumberOfFrames", "SeriesNumber"])
def test_text_where_a_number_belongs_is_refused_or_left_out(tmp_path, tag):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    data = pydicom.dcmread(path)
    group, element = pydicom.tag.Tag(tag).group, pydicom.tag.Tag(tag).element
    count = {"PixelSpacing": 2, "ImagePositionPatient": 3}.get(tag, 1)
    if tag not in data:
        setattr(data, tag, "1")
        data.save_as(path)
    raw = path.read_bytes()
    at = raw.index(group.to_bytes(2, "little") + element.to_bytes(2, "little"))
    length = int.from_bytes(raw[at + 6 : at + 8], "little")
    text = "\\".join(["Secret^Person"] * count).encode()[:length].ljust(length)
    path.write_bytes(raw[: at + 8] + text + raw[at + 8 + length :])
    if tag == "SeriesNumber":
        assert set(read_dicom_folder(folder)) == {"water"}
    else:
        refused(folder, path.name)


def test_a_deflated_file_cut_short_is_refused(tmp_path):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    data.save_as(path)
    path.write_bytes(path.read_bytes()[:900])
    refused(folder, "water04004.dcm cannot be read as DICOM")


def test_a_single_value_of_image_type_is_a_word_and_not_its_letters(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": (["SWI"], "swi_sag")})
    refused(folder, "holds no DICOM series that is marked as a Dixon channel")
    other = write_series(tmp_path / "other", {"water": (["WATER"], "sag")})
    assert set(read_dicom_folder(other)) == {"water"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_header_changed_at_random_is_read_or_refused_in_one_sentence(tmp_path, data):
    folder = tmp_path / "exam"
    if not folder.exists():
        one_series(tmp_path)
    path = sorted(folder.iterdir())[2]
    sound = path.read_bytes()
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - SHAPE[1] * SHAPE[2] * 2))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content))
    try:
        volume = read_dicom_folder(folder)["water"]
    except InputError as error:
        assert str(error).isprintable()
    else:
        assert np.isfinite(volume.voxels).all()
    finally:
        path.write_bytes(sound)


def test_compressed_slices_are_read(tmp_path):
    folder = one_series(tmp_path)
    for path in folder.iterdir():
        data = pydicom.dcmread(path)
        data.compress(pydicom.uid.RLELossless)
        data.save_as(path)
    np.testing.assert_array_equal(read_dicom_folder(folder)["water"].voxels.sum(), WATER.sum())


def encoded(folder, kind, used, signed, syntax):
    """A series of one channel of this type, with something in the bits that are not in use."""
    write_series(folder, {"water": PHILIPS["water"]}, order=range(3))
    for number, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        rng = np.random.default_rng(number)
        low = -(1 << (used - 1)) if signed else 0
        values = rng.integers(low, low + (1 << used), SHAPE[1:])
        stored = values.astype(kind)
        if used < stored.dtype.itemsize * 8 and not signed:
            stored |= np.array(1 << used, kind)  # an overlay, as old scanners put it there
        data.BitsAllocated, data.BitsStored, data.HighBit = stored.dtype.itemsize * 8, used, used - 1
        data.PixelRepresentation, data.RescaleSlope, data.RescaleIntercept = int(signed), "0.25", "-3.5"
        data.PixelData = stored.tobytes()
        data.file_meta.TransferSyntaxUID = syntax
        data["PixelData"].VR = "OW"
        data.save_as(path, enforce_file_format=True)
    return folder


@pytest.mark.parametrize(("kind", "used", "signed"), [("u2", 16, False), ("u2", 12, False), ("i2", 16, True), ("u1", 8, False)])
@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, pydicom.uid.ImplicitVRLittleEndian])
def test_pixels_are_those_that_itk_reads(tmp_path, kind, used, signed, syntax):
    folder = encoded(tmp_path / "exam", kind, used, signed, syntax)
    volume = read_dicom_folder(folder)["water"]
    for path in folder.iterdir():
        by_itk = sitk.GetArrayFromImage(sitk.ReadImage(str(path), sitk.sitkFloat32))[0].T
        k = round(float(volume.grid.to_ijk(np.array(pydicom.dcmread(path).ImagePositionPatient, float))[2]))
        np.testing.assert_array_equal(volume.voxels[:, :, k], by_itk)


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"BitsAllocated": 64}, "has pixels of 64 bits"),
        ({"BitsAllocated": 1}, "has pixels of 1 bits"),
        ({"Rows": 60000, "Columns": 60000}, "more than the 67 million"),
        ({"RescaleSlope": "1e38"}, "infinite values"),
    ],
)
def test_pixels_that_no_slice_has_are_refused(tmp_path, tags, message):
    folder = one_series(tmp_path)
    for position in range(SHAPE[0]):
        change(folder, position, **tags)
    refused(folder, message)


def test_a_packed_data_set_that_is_a_bomb_is_refused_unopened(tmp_path):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    data.save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")  # after the group's length
    packer = zlib.compressobj(1, zlib.DEFLATED, -15)
    path.write_bytes(content[:start] + packer.compress(bytes(600_000_000)) + packer.flush())
    tracemalloc.start()
    refused(folder, "unpacks to more than 256 MB")
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


def test_a_type_that_dicom_has_not_is_refused(tmp_path):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    content = path.read_bytes()
    path.write_bytes(content.replace(b"\xe0\x7f\x10\x00OW", b"\xe0\x7f\x10\x00O\xff"))
    assert path.read_bytes() != content
    refused(folder, "water04004.dcm cannot be read")


def jpeg_2000(stored):
    packed = io.BytesIO()
    Image.fromarray(stored.astype(np.uint16)).save(packed, "JPEG2000", irreversible=False, no_jp2=True)
    return packed.getvalue()


def jpeg(stored):
    packed = io.BytesIO()
    Image.fromarray(stored.astype(np.uint8)).save(packed, "JPEG", quality=95)
    return packed.getvalue()


def pack(folder, change=lambda stream: stream, syntax=pydicom.uid.JPEG2000Lossless, encode=jpeg_2000, only=None):
    """Pack the slices of a series, one of them with changed bytes."""
    for number, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        stream = encode(data.pixel_array)
        data.PixelData = encapsulate([change(stream) if number == 5 else stream])
        data.file_meta.TransferSyntaxUID = syntax
        data["PixelData"].VR, data["PixelData"].is_undefined_length = "OB", True
        if encode is jpeg:
            data.BitsAllocated = data.BitsStored = 8
            data.HighBit = 7
        data.save_as(path)
    return folder


def test_slices_packed_as_jpeg_2000_are_read_bit_for_bit(tmp_path):
    folder = pack(one_series(tmp_path))
    np.testing.assert_array_equal(load_case(folder).channels["water"], expected(STORED["water"]))


def test_slices_packed_as_jpeg_are_read(tmp_path):
    folder = pack(one_series(tmp_path), syntax=pydicom.uid.JPEGBaseline8Bit, encode=jpeg)
    read = load_case(folder).channels["water"]
    assert np.abs(read - expected(STORED["water"])).mean() < 3


def says_it_is_larger(stream):
    """A stream with another size in it, as much memory as a decoder would take."""
    at = stream.index(b"\xff\x51") + 6 if stream[:2] == b"\xff\x4f" else stream.index(b"\xff\xc0") + 5
    count = 4 if stream[:2] == b"\xff\x4f" else 2
    return stream[:at] + (60000).to_bytes(count, "big") * 2 + stream[at + 2 * count :]


@pytest.mark.parametrize("encode", [jpeg, jpeg_2000])
@pytest.mark.parametrize(
    "change",
    [
        lambda stream: stream[: len(stream) // 2],
        says_it_is_larger,
        lambda stream: b"\0" * len(stream),
        lambda stream: stream[:24],
        lambda stream: b"Secret Person " * 40,
    ],
    ids=["cut short", "larger", "zeros", "a beginning", "text"],
)
def test_a_packed_slice_that_is_damaged_is_refused_before_a_decoder_sees_it(tmp_path, monkeypatch, encode, change):
    monkeypatch.setattr(dicom_slices, "unpacked", lambda *given, **options: pytest.fail("it was decoded"))
    syntax = pydicom.uid.JPEGBaseline8Bit if encode is jpeg else pydicom.uid.JPEG2000Lossless
    refused(pack(one_series(tmp_path), change, syntax, encode), "cannot be read: the file is damaged or cut short")


def test_a_decoder_that_fails_or_prints_is_in_a_process_of_its_own(tmp_path, capfd):
    noisy = lambda stream: stream[:200] + bytes(255 - one for one in stream[200:-2]) + stream[-2:]  # noqa: E731
    folder = pack(one_series(tmp_path), noisy)
    try:
        read_dicom_folder(folder)
    except InputError as error:
        assert "Secret" not in str(error) and "\n" not in str(error)
    assert capfd.readouterr() == ("", "")


def test_a_decoder_that_ends_its_process_is_a_sentence(tmp_path, monkeypatch):
    folder = pack(one_series(tmp_path))
    killed = "import os; os.abort()"
    monkeypatch.setattr(dicom_packed, "sys", SimpleNamespace(executable="/bin/sh", platform=sys.platform))
    refused(folder, "the pixels of a slice cannot be read")
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{killed}'\n")
    script.chmod(0o755)
    monkeypatch.setattr(dicom_packed, "sys", SimpleNamespace(executable=str(script), platform=sys.platform))
    refused(folder, "the pixels of a slice cannot be read")


@pytest.mark.parametrize("syntax", ["1.2.3.4", "x"])
def test_an_unknown_compression_is_said(tmp_path, syntax):
    refused(pack(one_series(tmp_path), syntax=syntax), "cannot be read")


def test_a_file_that_goes_on_with_zeros_is_read_no_further_than_its_pixels(tmp_path):
    folder = one_series(tmp_path)
    for path in folder.iterdir():
        with path.open("ab") as file:
            file.truncate(path.stat().st_size + 50_000_000)
    np.testing.assert_array_equal(load_case(folder).channels["water"], expected(STORED["water"]))


def test_zeros_where_the_data_set_begins_and_files_of_gigabytes_are_refused_at_once(tmp_path):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    pydicom.dcmread(path).save_as(path, enforce_file_format=True)
    content = path.read_bytes()
    start = 144 + int.from_bytes(content[140:144], "little")  # after the group's length
    path.write_bytes(content[:start] + bytes(50_000_000))
    refused(folder, "it is damaged")
    path.write_bytes(content)
    with path.open("ab") as file:
        file.truncate(3 << 30)
    refused(folder, "is longer than 512 MB")


def test_a_data_set_of_too_many_elements_is_refused(tmp_path):
    folder = one_series(tmp_path)
    path = sorted(folder.iterdir())[4]
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x16\x00UI")
    path.write_bytes(content[:at] + b"\x08\x00\x01\x00UI\0\0" * 200_000 + content[at:])
    refused(folder, "it is damaged")


def test_channels_of_more_voxels_together_than_memory_has_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(bounds, "MOST_VOXELS_OF_ALL", 3 * WATER.size)
    refused(write_series(tmp_path / "exam", SIEMENS), "million voxels together")
