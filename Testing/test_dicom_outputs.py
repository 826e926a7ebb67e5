"""DICOM SEG and measurement report: what is written, as highdicom, pydicom, dcmqi, DCMTK, GDCM and dciodvfy read it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_objects import (
    PATIENT,
    SIEMENS,
    Frame,
    classic_phantom,
    enhanced_phantom,
    phantom_position,
    phantom_slices,
    write_enhanced,
)
from IVDSegmentationLib.dicom.codes import DISC_MEASUREMENTS, disc_code
from IVDSegmentationLib.dicom.source import read_sources
from IVDSegmentationLib.dixon.case import case_from_volumes, load_case
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Volume, read_volume
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.labelling import LEVELS
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.report.files import build_report
from made_results import files_below, result_of_case

highdicom = pytest.importorskip("highdicom", reason="highdicom is not installed here: pip install -e '.[dicom]'")
from IVDSegmentationLib.dicom import write_dicom  # noqa: E402

PHANTOM = make_phantom(3, (36, 96, 176))


def classic(folder):
    classic_phantom(folder, PHANTOM, ("water", "fat"))


def enhanced(folder):
    folder.mkdir()
    enhanced_phantom(folder / "IM0001", PHANTOM)


def one_object_a_slice(folder):
    folder.mkdir()
    for index, stored in enumerate(phantom_slices(PHANTOM.channels["water"])):
        frame = Frame(stored, phantom_position(PHANTOM.grid, index), SIEMENS["water"])
        write_enhanced(folder / f"{index}.dcm", [frame], series="1.2.3.4", study="1.2.3")


KINDS = {"classic": classic, "enhanced": enhanced, "enhanced slices": one_object_a_slice}


class Written:
    """A result that was written beside DICOM images of one kind."""

    def __init__(self, folder, kind):
        KINDS[kind](folder / "in")
        self.out = folder / "out"
        self.out.mkdir()
        self.case = load_case(folder / "in")
        self.result = result_of_case(PHANTOM, self.case)
        self.report = build_report(self.result)
        write_dicom(self.result.label_volume, self.report, self.case.dicom_files, self.out)
        self.source = pydicom.dcmread(self.case.dicom_files[0], stop_before_pixels=True)
        self.segmentation = highdicom.seg.segread(self.out / "discs.dcm")
        self.measurements = highdicom.sr.srread(self.out / "measurements.dcm")


@pytest.fixture(scope="module", params=list(KINDS))
def written(request, tmp_path_factory):
    return Written(tmp_path_factory.mktemp("dicom"), request.param)


def tool(name, package):
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here: apt-get install {package}")
    return found


@pytest.mark.parametrize("name", ["discs.dcm", "measurements.dcm"])
def test_dciodvfy_finds_no_error(written, name):
    done = subprocess.run(
        [tool("dciodvfy", "dicom3tools"), str(written.out / name)], capture_output=True, text=True, check=False
    )
    printed = (done.stdout + done.stderr).splitlines()
    assert {"discs.dcm": "Segmentation", "measurements.dcm": "ComprehensiveSR"}[name] in printed
    assert [line for line in printed if line.startswith("Error")] == []


def test_highdicom_reads_the_same_voxels_in_the_same_place(written):
    labels = written.result.label_volume
    volume = written.segmentation.get_volume(combine_segments=True)
    numbers = np.zeros(256, int)
    for number, disc in enumerate(written.report["discs"], start=1):
        numbers[disc["label"]] = number
    expected = numbers[labels.voxels]
    assert volume.array.max() == len(written.report["discs"])
    assert np.count_nonzero(volume.array) == np.count_nonzero(expected)
    found = np.argwhere(volume.array > 0)
    ijk = np.rint(labels.grid.to_ijk(volume.map_indices_to_reference(found))).astype(int)
    np.testing.assert_array_equal(volume.array[tuple(found.T)], expected[tuple(ijk.T)])
    np.testing.assert_allclose(labels.grid.to_mm(ijk), volume.map_indices_to_reference(found), atol=1e-3)


def test_the_frames_hold_the_voxels_without_highdicom_too(written):
    """By the standard's own words: position, segment and pixels of each frame."""
    data = pydicom.dcmread(written.out / "discs.dcm")
    labels = written.result.label_volume
    count = {disc["level"]: int((labels.voxels == disc["label"]).sum()) for disc in written.report["discs"]}
    names = {item.SegmentNumber: item.SegmentLabel for item in data.SegmentSequence}
    assert list(names.values()) == list(count)
    seen = dict.fromkeys(count, 0)
    for frame, pixels in zip(data.PerFrameFunctionalGroupsSequence, data.pixel_array, strict=True):
        level = names[frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber]
        position = np.array(frame.PlanePositionSequence[0].ImagePositionPatient, float)
        k = int(np.rint(labels.grid.to_ijk(position)[2]))
        label = next(disc["label"] for disc in written.report["discs"] if disc["level"] == level)
        np.testing.assert_array_equal(pixels > 0, label == labels.voxels[:, :, k].T)
        seen[level] += int((pixels > 0).sum())
    assert seen == count


def test_every_segment_says_which_disc_it_is_and_what_found_it(written):
    uids = set()
    for item, disc in zip(written.segmentation.SegmentSequence, written.report["discs"], strict=True):
        assert item.SegmentLabel == disc["level"]
        category, kind = item.SegmentedPropertyCategoryCodeSequence[0], item.SegmentedPropertyTypeCodeSequence[0]
        assert (category.CodeValue, category.CodingSchemeDesignator) == ("123037004", "SCT")
        assert (kind.CodeValue, kind.CodingSchemeDesignator) == (disc_code(disc["level"]).value, "SCT")
        assert kind.CodeMeaning == disc["level"].replace("-", "/") + " disc"
        algorithm = item.SegmentationAlgorithmIdentificationSequence[0]
        assert algorithm.AlgorithmName == "ivdseg" and "default" in algorithm.AlgorithmParameters
        assert item.SegmentAlgorithmType == "AUTOMATIC"
        uids.add(item.TrackingUID)
    assert len(uids) == len(written.report["discs"])


def test_the_images_it_was_made_of_are_referenced(written):
    series = written.segmentation.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == written.source.SeriesInstanceUID
    referenced = {item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence}
    assert referenced <= {pydicom.dcmread(path, stop_before_pixels=True).SOPInstanceUID for path in written.case.dicom_files}
    assert referenced
    assert written.segmentation.FrameOfReferenceUID == written.source.FrameOfReferenceUID


@pytest.mark.parametrize("name", ["discs.dcm", "measurements.dcm"])
def test_patient_and_study_are_those_of_the_images_and_the_series_is_new(written, name):
    data = pydicom.dcmread(written.out / name)
    for tag, value in PATIENT.items():
        assert str(data[tag].value) == value
    for tag in ("StudyInstanceUID", "StudyDate", "StudyID", "AccessionNumber"):
        assert data[tag].value == written.source[tag].value
    assert data.SeriesInstanceUID != written.source.SeriesInstanceUID


def groups(written):
    return written.measurements.content.get_volumetric_roi_measurement_groups()


def test_every_figure_of_every_disc_is_in_the_report_with_its_unit(written):
    by_level = {disc["level"]: disc for disc in written.report["discs"]}
    assert len(groups(written)) == len(by_level)
    for group in groups(written):
        disc = by_level[group.tracking_identifier.removeprefix("Intervertebral disc ")]
        assert group.finding_type == disc_code(disc["level"])
        found = [(m.name.value, m.value, m.unit.value, m.unit.scheme_designator) for m in group.get_measurements()]
        expected = [
            (coded.name[0], pytest.approx(disc[coded.key], rel=1e-6), coded.unit[0], "UCUM")
            for coded in DISC_MEASUREMENTS
            if disc[coded.key] is not None
        ]
        assert found == expected and len(found) >= (2 if disc["cut"] else 12)
        assert all(len(value) <= 16 for value, *_ in found)  # of CodeValue, whose longer kind few programs know
        units = {coded.key.rsplit("_", 1)[1]: coded.unit[0] for coded in DISC_MEASUREMENTS if coded.unit[0] != "1"}
        assert units == {"mm3": "mm3", "mm": "mm", "deg": "deg"}


def test_the_figures_are_tied_to_the_segments_by_tracking_uid(written):
    segments = {item.TrackingUID: item for item in written.segmentation.SegmentSequence}
    for group in groups(written):
        segment = segments.pop(group.tracking_uid)
        reference = group.referenced_segment[0].ReferencedSOPSequence[0]
        assert reference.ReferencedSegmentNumber == segment.SegmentNumber
        assert reference.ReferencedSOPInstanceUID == written.segmentation.SOPInstanceUID
        assert group.tracking_identifier == segment.TrackingID
    assert not segments


def test_lordosis_and_contrast_stand_in_a_group_of_the_examination(written):
    (group,) = written.measurements.content.get_image_measurement_groups()
    found = {m.name.meaning: m.value for m in group.get_measurements()}
    assert found["Lordosis L1-L2 to L5-S1"] == pytest.approx(written.report["lumbar_lordosis_deg"], rel=1e-6)
    contrasts = {name: value for name, value in found.items() if name.startswith("Weber contrast")}
    assert len(contrasts) == len(written.report["weber_contrast"])
    water = written.report["weber_contrast"]["water"]["contrast"]
    assert contrasts["Weber contrast of discs, water"] == pytest.approx(water, rel=1e-6)
    assert len({m.name.value for m in group.get_measurements()}) == len(found)


def test_dcmtk_and_gdcm_read_them(written):
    dump = subprocess.run(
        [tool("dsrdump", "dcmtk"), str(written.out / "measurements.dcm")], capture_output=True, text=True, check=False
    )
    assert dump.returncode == 0 and "Comprehensive SR Document" in dump.stdout and not dump.stderr.strip()
    info = subprocess.run(
        [tool("gdcminfo", "libgdcm-tools"), str(written.out / "discs.dcm")], capture_output=True, text=True, check=False
    )
    frames = len(written.segmentation.PerFrameFunctionalGroupsSequence)
    assert info.returncode == 0 and f"Dimensions: (96,176,{frames})" in info.stdout


def dcmqi(program):
    """A program of dcmqi, whose package brings it beside Python."""
    found = shutil.which(program, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))
    return found or pytest.skip("dcmqi is not installed here: pip install dcmqi")


def test_dcmqi_reads_the_same_voxels_and_segments(written, tmp_path):
    command = [dcmqi("segimage2itkimage"), "--inputDICOM", str(written.out / "discs.dcm"), "-t", "nrrd", "--mergeSegments"]
    subprocess.run([*command, "--outputDirectory", str(tmp_path)], capture_output=True, check=True)
    labels, image = written.result.label_volume, read_volume(tmp_path / "1.nrrd")
    (segments,) = json.loads((tmp_path / "meta.json").read_text())["segmentAttributes"]
    discs = written.report["discs"]
    assert [one["labelID"] for one in segments] == list(range(1, len(discs) + 1))
    for one, disc in zip(segments, discs, strict=True):
        ijk = np.argwhere(image.voxels == one["labelID"])
        found = np.rint(labels.grid.to_ijk(image.grid.to_mm(ijk))).astype(int)
        np.testing.assert_allclose(labels.grid.to_mm(found), image.grid.to_mm(ijk), atol=2e-3)
        expected = np.argwhere(labels.voxels == disc["label"])
        assert {tuple(voxel) for voxel in found.tolist()} == {tuple(voxel) for voxel in expected.tolist()}
        assert one["SegmentLabel"] == disc["level"] and one["SegmentAlgorithmType"] == "AUTOMATIC"
        assert one["SegmentedPropertyTypeCodeSequence"]["CodeValue"] == disc_code(disc["level"]).value
        np.testing.assert_allclose(one["recommendedDisplayRGBValue"], np.array(LEVEL_COLORS[disc["level"]]) * 255, atol=2)


def test_dcmqi_reads_the_same_figures_and_what_they_belong_to(written, tmp_path):
    command = [dcmqi("tid1500reader"), "--inputDICOM", str(written.out / "measurements.dcm")]
    subprocess.run([*command, "--outputMetadata", str(tmp_path / "read.json")], capture_output=True, check=True)
    read = json.loads((tmp_path / "read.json").read_text())["Measurements"]
    by_uid = {group["TrackingUniqueIdentifier"]: group for group in read}
    for number, (segment, disc) in enumerate(
        zip(written.segmentation.SegmentSequence, written.report["discs"], strict=True), start=1
    ):
        group = by_uid[segment.TrackingUID]
        assert group["ReferencedSegment"] == number
        assert group["segmentationSOPInstanceUID"] == written.segmentation.SOPInstanceUID
        found = [(item["quantity"]["CodeValue"], float(item["value"]), item["units"]["CodeValue"])
                 for item in group["measurementItems"]]  # fmt: skip
        assert found == [
            (coded.name[0], pytest.approx(disc[coded.key], rel=1e-4, abs=1e-5), coded.unit[0])
            for coded in DISC_MEASUREMENTS
            if disc[coded.key] is not None
        ]


def test_every_level_has_its_snomed_code():
    values = {level: disc_code(level) for level in LEVELS}
    assert len({code.value for code in values.values()}) == len(LEVELS)
    assert all(code.scheme_designator == "SCT" for code in values.values())
    assert disc_code("S1-S2").value == "360499006", "which has no code of its own"
    assert values["L4-L5"].value == "84020006" and values["T12-L1"].value == "76206002"


# --- sources that are not as they should be -----------------------------------------------------------------------------


def test_images_without_the_patients_attributes_are_filed_without_a_patient(tmp_path):
    one_object_a_slice(tmp_path / "in")
    for path in (tmp_path / "in").iterdir():
        data = pydicom.dcmread(path)
        for tag in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "AccessionNumber"):
            del data[tag]
        data.save_as(path)
    case = load_case(tmp_path / "in")
    result = result_of_case(PHANTOM, case)
    write_dicom(result.label_volume, build_report(result), case.dicom_files, tmp_path)
    for name in ("discs.dcm", "measurements.dcm"):
        assert not pydicom.dcmread(tmp_path / name).PatientName


@pytest.mark.parametrize("tag", ["FrameOfReferenceUID", "StudyInstanceUID", "SOPInstanceUID"])
def test_images_that_cannot_be_referred_to_are_refused(tmp_path, tag):
    path = enhanced_phantom(tmp_path / "a.dcm", PHANTOM, ("water",))
    data = pydicom.dcmread(path)
    del data[tag]
    data.save_as(path)
    with pytest.raises(InputError, match=f"^a.dcm has no {tag}"):
        read_sources([path])


def test_no_file_or_a_damaged_one_is_refused(tmp_path):
    with pytest.raises(InputError, match="give their folder with --dicom"):
        read_sources([])
    (tmp_path / "a.dcm").write_bytes(b"no DICOM")
    with pytest.raises(InputError, match=r"^a.dcm cannot be read as DICOM"):
        read_sources([tmp_path / "a.dcm"])


# --- beside the other files ---------------------------------------------------------------------------------------------


def test_a_result_of_dicom_images_is_written_with_its_dicom_objects_and_only_they_name_the_patient(written, tmp_path):
    from IVDSegmentationLib.report.files import write_outputs

    report = write_outputs(written.result, tmp_path / "out")
    assert report["findings"] == written.report["findings"]
    for path in files_below(tmp_path / "out"):
        named = b"Secret" in (tmp_path / "out" / path).read_bytes()
        assert named == path.endswith(".dcm"), path


def test_images_that_nothing_can_refer_to_cost_the_dicom_objects_alone(tmp_path):
    from IVDSegmentationLib.report.files import write_outputs

    path = enhanced_phantom(tmp_path / "a.dcm", PHANTOM, ("water",))
    data = pydicom.dcmread(path)
    del data.FrameOfReferenceUID
    data.save_as(path)
    report = write_outputs(result_of_case(PHANTOM, load_case(tmp_path)), tmp_path / "out")
    assert report["findings"][-1]["text"].startswith("No DICOM objects were written: the DICOM files")
    assert "discs.dcm" not in files_below(tmp_path / "out") and "report.html" in files_below(tmp_path / "out")


def test_without_highdicom_the_report_says_what_it_takes(written, tmp_path, monkeypatch):
    from IVDSegmentationLib.report.files import write_dicom_if_possible

    monkeypatch.setattr("IVDSegmentationLib.dicom.dicom_is_installed", lambda: False)
    sentence = write_dicom_if_possible(written.result, written.report, tmp_path).text()
    assert 'pip install "ivdsegmentation[dicom]"' in sentence and not files_below(tmp_path)


def test_a_volume_that_was_moved_since_is_not_filed_as_if_it_were_of_the_images(written, tmp_path):
    labels = written.result.label_volume
    x, y, z = labels.grid.origin_mm
    for grid in (
        replace(labels.grid, origin_mm=(x + 1.0, y, z)),
        replace(labels.grid, spacing_mm=(2.5, 1.25, 1.25)),
        labels.grid.part((slice(0, 40), slice(0, 80), slice(0, 30))),
    ):
        voxels = labels.voxels[: grid.size[0], : grid.size[1], : grid.size[2]]
        with pytest.raises(InputError, match="does not lie where its DICOM images do"):
            write_dicom(replace(labels, voxels=voxels, grid=grid), written.report, written.case.dicom_files, tmp_path)
    assert not files_below(tmp_path)


def test_the_worker_files_a_report_with_the_images_that_its_request_names(written, tmp_path):
    """The way of Slicer's Save report, without another process."""
    from IVDSegmentationLib.pipeline.request import Request
    from IVDSegmentationLib.worker.exchange import Job, read_job, write_job
    from IVDSegmentationLib.worker.server import write_report

    grid = written.case.input_grid
    channels = {"water": Volume(np.ones(grid.size, np.float32) * np.arange(grid.size[2]), grid, "w", written.case.dicom_files)}
    write_job(tmp_path / "1", Job(channels, "case", Request(device="cpu")))
    case = case_from_volumes(read_job(tmp_path / "1").volumes, "case")
    assert case.dicom_files == written.case.dicom_files
    write_report(case, written.result, tmp_path / "out")
    assert {"discs.dcm", "measurements.dcm"} <= set(files_below(tmp_path / "out"))
