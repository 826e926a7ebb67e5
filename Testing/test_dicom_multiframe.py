"""Enhanced multi-frame MR of three vendors, and folders of several studies; checked against highdicom, DCMTK and GDCM."""

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pydicom
import pytest
from dicom_objects import GE_NAMES, PHILIPS, SIEMENS, Frame, frames_of, sagittal, write_enhanced
from IVDSegmentationLib.dixon.case import load_case
from IVDSegmentationLib.dixon.channels import CHANNELS
from IVDSegmentationLib.dixon.dicom import read_dicom_folder
from IVDSegmentationLib.errors import InputError
from test_dicom import SHAPE, STEP_MM, STORED, WATER, expected, write_series
from test_dicom import SIEMENS as CLASSIC

GE_KIND = ["DERIVED", "PRIMARY", "M", "NONE"]


def philips(folder, **tags):
    folder.mkdir(exist_ok=True)
    return write_enhanced(folder / "IM0001", frames_of(STORED, PHILIPS), manufacturer="Philips", **tags)


def siemens(folder, one_slice_each=False):
    """An object for each channel, or, as some XA versions export, for each slice."""
    folder.mkdir(exist_ok=True)
    for number, channel in enumerate(STORED, start=7):
        frames = frames_of({channel: STORED[channel]}, SIEMENS)
        series = f"1.2.3.{number}"
        parts = [[frame] for frame in frames] if one_slice_each else [frames]
        for index, part in enumerate(parts):
            write_enhanced(folder / f"{channel}{index}.dcm", part, series=series, study="1.2.3", number=number)


def ge(folder):
    folder.mkdir(exist_ok=True)
    for number, channel in enumerate(STORED, start=3):
        frames = frames_of({channel: STORED[channel]}, {channel: GE_KIND})
        description = f"{GE_NAMES[channel]}: Sag LAVA Flex"
        write_enhanced(folder / f"{number}.dcm", frames, study="1.2.3", number=number, description=description)


@pytest.mark.parametrize(
    "write", [philips, siemens, lambda folder: siemens(folder, True), ge], ids=["philips", "siemens", "siemens slices", "ge"]
)
def test_the_channels_of_enhanced_objects_are_told_apart_and_placed(tmp_path, write):
    write(tmp_path / "exam")
    case = load_case(tmp_path / "exam")
    assert case.derived == frozenset() and case.findings == ()
    for channel in CHANNELS:
        np.testing.assert_array_equal(case.channels[channel], expected(STORED[channel]))
    assert case.working_grid.spacing_mm == (STEP_MM, 1.25, 1.25)
    assert "Secret" not in repr(case)
    assert set(case.dicom_files) <= set((tmp_path / "exam").iterdir()) and case.dicom_files


def test_the_classic_series_and_the_enhanced_object_of_the_same_slices_are_the_same_volume(tmp_path):
    philips(tmp_path / "enhanced")
    write_series(tmp_path / "classic", CLASSIC)
    one, other = (read_dicom_folder(tmp_path / name) for name in ("enhanced", "classic"))
    for channel in CHANNELS:
        np.testing.assert_array_equal(one[channel].voxels, other[channel].voxels)
        assert one[channel].grid == other[channel].grid


@pytest.mark.parametrize("kind", ["enhanced", "classic"])
def test_highdicom_places_the_slices_in_the_same_way(tmp_path, kind):
    highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed here: pip install -e '.[dicom]'")
    folder = tmp_path / "exam"
    folder.mkdir()
    if kind == "enhanced":
        frames = frames_of({"water": WATER}, PHILIPS)
        theirs = highdicom.imread(write_enhanced(folder / "a.dcm", frames)).get_volume()
    else:
        write_series(folder, {"water": CLASSIC["water"]}, FrameOfReferenceUID="1.2.3", StudyInstanceUID="1.2.4")
        theirs = highdicom.get_volume_from_series([pydicom.dcmread(path) for path in folder.iterdir()])
    ours = read_dicom_folder(folder)["water"]
    at = np.array([[3, 5, 7], [0, 0, 0], [39, 43, 17]])
    ijk = np.rint(theirs.map_reference_to_indices(ours.grid.to_mm(at))).astype(int)
    for (i, j, k), place in zip(at, ijk, strict=True):
        assert theirs.array[tuple(place)] == ours.voxels[i, j, k]


def test_slope_and_intercept_of_every_frame_are_applied(tmp_path):
    frames = [
        replace(frame, slope=0.5 + 0.25 * (index % 3), intercept=-3.5 + index)
        for index, frame in enumerate(frames_of({"water": WATER}, PHILIPS))
    ]
    write_enhanced(tmp_path / "a.dcm", frames)
    volume = read_dicom_folder(tmp_path)["water"]
    for frame in frames:
        k = int(np.rint(volume.grid.to_ijk(np.array(frame.position_mm))[2]))
        np.testing.assert_allclose(volume.voxels[:, :, k], frame.stored.T * frame.slope + frame.intercept, rtol=1e-6)


def test_phase_images_are_left_out(tmp_path):
    frames = frames_of({"water": WATER}, PHILIPS)
    frames += [replace(frame, component="PHASE", stored=frame.stored[::-1]) for frame in frames]
    write_enhanced(tmp_path / "a.dcm", frames)
    np.testing.assert_array_equal(load_case(tmp_path).channels["water"], expected(WATER))


def test_compressed_frames_are_read(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", frames_of({"water": WATER}, PHILIPS))
    data = pydicom.dcmread(path)
    data.compress(pydicom.uid.RLELossless)
    data.save_as(path)
    np.testing.assert_array_equal(load_case(tmp_path).channels["water"], expected(WATER))


def refused(folder, message, study=None):
    with pytest.raises(InputError, match=message) as caught:
        load_case(folder, study=study)
    text = str(caught.value)
    assert "Secret" not in text and "4711" not in text and str(folder) not in text and "\n" not in text


def water_frames(**changes):
    return [replace(frame, **changes) for frame in frames_of({"water": WATER}, PHILIPS)]


def moved(index, mm):
    frames = water_frames()
    frames[index] = replace(frames[index], position_mm=sagittal(mm / STEP_MM))
    return frames


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([*water_frames()[:7], *water_frames()[8:]], r"1 slice is missing between frame \d+ of a.dcm and frame \d+ of a.dcm"),
        (moved(7, 6 * STEP_MM), r"frame \d of a.dcm and frame \d of a.dcm lie in the same place"),
        (moved(7, 7.2 * STEP_MM), "slices are 1.60 to 2.40 mm apart: they must be evenly spaced"),
        (
            [*water_frames(time_point=1), *water_frames(time_point=2), *water_frames(time_point=3)],
            "it holds 3 time points: export one of them alone",
        ),
        ([*water_frames(echo_ms=1.2), *water_frames(echo_ms=2.4)], "it holds 2 echoes: export one of them alone"),
        ([*water_frames()[:9], *water_frames(spacing_mm=[1.5, 1.5])[9:]], "differs from .* in size or orientation"),
        (water_frames()[:1], "has one slice: it is not three-dimensional"),
        (water_frames(kind=GE_KIND), "holds no DICOM series that is marked as a Dixon channel"),
    ],
    ids=["missing", "doubled", "uneven", "time points", "echoes", "spacing", "one slice", "no channel"],
)
def test_frames_that_make_no_volume_are_refused_in_one_sentence(tmp_path, frames, message):
    write_enhanced(tmp_path / "a.dcm", frames, description="sag")
    refused(tmp_path, message)


def test_time_points_of_a_classic_series_are_said(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": CLASSIC["water"]}, order=[*range(SHAPE[0])] * 2)
    for index, path in enumerate(sorted(folder.iterdir())):
        data = pydicom.dcmread(path)
        data.TemporalPositionIdentifier = 1 + index // SHAPE[0]
        data.save_as(path)
    refused(folder, r"^series 4 \(water\): it holds 2 time points")


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ({"NumberOfFrames": 3}, "it has .* bytes of pixels where its size says"),
        ({"NumberOfFrames": 10**8}, "says that it has 100000000 frames"),
        ({"PerFrameFunctionalGroupsSequence": []}, "describes 0 of its 18 frames"),
        ({"SharedFunctionalGroupsSequence": []}, "has no PixelSpacing"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "not stored with bright as high"),
        ({"PixelData": b"\0" * 100}, "it has 100 bytes of pixels"),
    ],
    ids=["fewer", "too many", "no frames", "no shared groups", "inverted", "no pixels"],
)
def test_objects_that_lie_are_refused(tmp_path, tags, message):
    write_enhanced(tmp_path / "a.dcm", water_frames(), **tags)
    refused(tmp_path, message)


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_a_damaged_functional_group_is_refused(tmp_path):
    path = write_enhanced(tmp_path / "a.dcm", water_frames())
    content = path.read_bytes()
    at = content.index((0x52009230).to_bytes(4, "little")[2:] + (0x9230).to_bytes(2, "little"))
    path.write_bytes(content[: at + 400] + b"\xff" * 60 + content[at + 460 :])
    refused(tmp_path, "a.dcm")


def test_a_classic_multiframe_file_is_refused_with_what_to_do(tmp_path):
    folder = write_series(tmp_path / "exam", {"water": CLASSIC["water"]}, NumberOfFrames=18)
    refused(folder, r"is a multi-frame DICOM file without functional groups: export it as classic or enhanced MR")


# --- several studies ----------------------------------------------------------------------------------------------------


def two_studies(folder):
    folder.mkdir()
    philips(folder / "first", study="1.2.3.1")
    second = folder / "second"
    second.mkdir()
    write_enhanced(second / "a.dcm", frames_of({"water": WATER + 7}, PHILIPS), study="1.2.3.2")
    return folder


def test_several_studies_are_listed_and_none_is_guessed(tmp_path):
    refused(
        two_studies(tmp_path / "archive"),
        r"one is to be chosen of the 2 Dixon studies of archive: give one of them alone, or its number with "
        r"ivdseg's --study "
        r"\(1: fat, in-phase, opposed-phase, water; 72 images in first\. 2: water; 18 images in second\)",
    )


@pytest.mark.parametrize("study", ["2", "1.2.3.2"])
def test_a_study_is_chosen_by_number_or_uid(tmp_path, study):
    case = load_case(two_studies(tmp_path / "archive"), study=study)
    np.testing.assert_array_equal(case.channels["water"], expected(WATER + 7))


def test_a_study_that_is_not_there_is_said(tmp_path):
    refused(two_studies(tmp_path / "archive"), "the study 3 is not among the 2 Dixon studies of archive", study="3")


def test_the_only_study_with_a_dixon_channel_is_taken_without_asking(tmp_path):
    folder = two_studies(tmp_path / "archive")
    other = folder / "second" / "a.dcm"
    write_enhanced(other, frames_of({"water": WATER}, {"water": GE_KIND}), study="1.2.3.2", description="t2 sag")
    assert set(read_dicom_folder(folder)) == set(CHANNELS)


# --- the objects themselves ---------------------------------------------------------------------------------------------


def tool(name, package):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here: apt-get install {package}")
    return found


def test_the_objects_of_these_tests_are_valid(tmp_path):
    path = philips(tmp_path)
    done = subprocess.run([tool("dciodvfy", "dicom3tools"), str(path)], capture_output=True, text=True, check=False)
    printed = (done.stdout + done.stderr).splitlines()
    assert [line for line in printed if line.startswith("Error")] == []


def test_dcmtk_and_gdcm_read_the_objects_of_these_tests(tmp_path):
    path = philips(tmp_path)
    dump = subprocess.run([tool("dcmdump", "dcmtk"), str(path)], capture_output=True, text=True, check=False)
    assert dump.returncode == 0 and "EnhancedMRImageStorage" in dump.stdout
    info = subprocess.run([tool("gdcminfo", "libgdcm-tools"), str(path)], capture_output=True, text=True, check=False)
    assert info.returncode == 0 and "Dimensions: (40,44,72)" in info.stdout


def test_a_frame_needs_no_more_than_its_geometry(tmp_path):
    """Frame content, echo and rescaling are missing in objects of some makers."""
    frames = [Frame(WATER[index], sagittal(index), SIEMENS["water"]) for index in range(SHAPE[0])]
    path = write_enhanced(tmp_path / "a.dcm", frames)
    data = pydicom.dcmread(path)
    for own in data.PerFrameFunctionalGroupsSequence:
        del own.MREchoSequence, own.PixelValueTransformationSequence, own.FrameContentSequence
    data.save_as(path)
    np.testing.assert_array_equal(load_case(tmp_path).channels["water"], expected(WATER))
