"""No output holds a name: one is planted in every file name, folder name and field, and no file of the results holds it."""

import gzip
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from IVDSegmentationLib.dixon.case import load_case
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import KINDS, WORDS, finding
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.report.files import write_outputs
from made_results import result_of_phantom
from test_dicom import SIEMENS, write_series

NAME = "Geheim_Petra"
RESULT = result_of_phantom(3, (20, 64, 96))
NRRD_LIKE = ("nrrd", "nhdr", "mha", "mhd")


def planted_case(folder, ending):
    """Water and opposed-phase of a phantom on two grids, with the name in file names and in every field of the header."""
    folder = folder / f"{NAME}_folder"
    folder.mkdir()
    for channel, cut in (("water", 0), ("opposed_phase", 2)):
        voxels = RESULT.case.channels[channel]
        image = sitk.GetImageFromArray(np.ascontiguousarray(np.rint(voxels).astype(np.int16).T))
        grid = RESULT.case.working_grid
        image.SetSpacing(grid.spacing_mm)
        image.SetOrigin(grid.origin_mm)
        image.SetDirection(np.ravel(grid.direction).tolist())
        for field in ("descrip", "aux_file", "intent_name", "db_name", "PatientName", "content", "0010|0010", "Comment"):
            image.SetMetaData(field, NAME)
        sitk.WriteImage(image[cut:] if cut else image, str(folder / f"{NAME}_{channel}.{ending}"))
    return folder


def planted_dicom(folder):
    folder = folder / f"{NAME}_folder"
    write_series(folder, {channel: SIEMENS[channel] for channel in ("water", "opposed_phase")})
    for path in sorted(folder.iterdir()):
        data = pydicom.dcmread(path)
        for tag in ("PatientName", "PatientID", "PatientComments", "StudyDescription", "InstitutionName", "StationName",
                    "ReferringPhysicianName", "OperatorsName", "AccessionNumber", "ProtocolName", "ImageComments"):  # fmt: skip
            setattr(data, tag, NAME[:16])
        data.SeriesDescription = f"{NAME} {data.SeriesDescription}"
        data.save_as(path)
        path.rename(folder / f"{NAME}_{path.name}")
    return folder


def contents(folder):
    """Name and bytes of every file of a folder, unpacked."""
    for path in sorted(folder.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        yield path.relative_to(folder).as_posix(), gzip.decompress(content) if path.name.endswith(".gz") else content


@pytest.mark.parametrize("ending", ["nii", "nii.gz", *NRRD_LIKE])
def test_no_file_of_the_results_holds_a_name(tmp_path, ending):
    case = load_case(planted_case(tmp_path, ending))
    assert [one.code for one in case.findings] == ["channel_covers_part"], "the sentence that once held the name"
    check(tmp_path, case)


def test_nor_where_the_input_is_dicom(tmp_path):
    """But for DICOM objects, which are the patient's own."""
    case = load_case(planted_dicom(tmp_path))
    check(tmp_path, replace(case, dicom_files=()))


def check(folder, case):
    assert NAME in case.name
    reference = read_volume(write_reference(folder / f"{NAME}_reference.nii.gz"), mask=True)
    assert NAME in reference.source
    segmented = replace(RESULT, case=replace(RESULT.case, name=case.name), run_findings=case.findings, reference=reference)
    report = write_outputs(segmented, folder / "out")
    assert "prediction_resampled" in [one["code"] for one in report["findings"]]
    found = dict(contents(folder / "out"))
    assert "report.json" in found
    for name, content in found.items():
        assert NAME not in name and NAME.encode() not in content, name


def write_reference(path):
    grid = RESULT.case.working_grid
    image = sitk.GetImageFromArray(np.ascontiguousarray(RESULT.labels[2:-2].T))
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.to_mm(np.array([2.0, 0.0, 0.0])).tolist())
    image.SetDirection(np.ravel(grid.direction).tolist())
    sitk.WriteImage(image, str(path))
    return path


@pytest.mark.parametrize("code", [code for code, kind in KINDS.items() if not kind.named])
def test_a_finding_of_a_report_takes_no_text_that_may_be_a_name(code):
    with pytest.raises(InputError, match=r"may be a name|needs"):
        finding(code, "L4-L5", "L3-L4", hidden=NAME)
    assert all(word.isascii() and " " not in word for word in WORDS)
