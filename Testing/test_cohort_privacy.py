"""A person's name, wherever an examination can hold one, is in nothing that a cohort writes or prints but the DICOM objects."""

import gzip

import pydicom
import pytest
from dicom_objects import classic_phantom
from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.cohort.find import find_cases
from IVDSegmentationLib.phantom import make_phantom, write_phantom_case
from made_results import files_below

pandas = pytest.importorskip("pandas", reason="pandas is not installed here: pip install -e '.[cohort]'")
pytest.importorskip("distributed", reason="Dask is not installed here: pip install -e '.[cohort]'")
pytest.importorskip("highdicom", reason="highdicom is not installed here: pip install -e '.[dicom]'")

NAME = "Quintessa"
FIELDS = (
    *("PatientName", "PatientID", "PatientBirthName", "OtherPatientNames", "PatientMotherBirthName", "PatientComments"),
    *("PatientAddress", "AdditionalPatientHistory", "ReferringPhysicianName", "PerformingPhysicianName", "OperatorsName"),
    *("PhysiciansOfRecord", "RequestingPhysician", "InstitutionName", "InstitutionAddress", "StationName", "StudyDescription"),
    *("SeriesDescription", "ProtocolName", "AccessionNumber", "StudyID", "ImageComments", "RequestedProcedureDescription"),
    *("PerformedProcedureStepDescription", "DeviceSerialNumber", "BodyPartExamined", "SequenceName"),
)
SHORT = {"BodyPartExamined": "QUINTESSA"}
PHANTOM = make_phantom(11, (36, 96, 176))


def plant(folder):
    """DICOM files with the name in every field, in their own names and in that of their folder."""
    classic_phantom(folder, PHANTOM, ("water", "fat"))
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        data = pydicom.dcmread(path)
        for field in FIELDS:
            setattr(data, field, SHORT.get(field, f"{NAME}^{field}"[:16]))
        block = data.private_block(0x0029, f"{NAME} 1.0", create=True)
        block.add_new(0x01, "LO", NAME)
        data.file_meta.SourceApplicationEntityTitle = NAME
        data.save_as(folder / f"{NAME}_{number:04d}.dcm")
        path.unlink()


def contents(folder):
    """Name -> text of every file but the DICOM objects, unpacked."""
    for name in files_below(folder):
        path = folder / name
        if path.suffix == ".dcm":
            continue
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
        elif path.suffix == ".parquet":
            data += pandas.read_parquet(path).to_csv().encode()
        yield name, data.lower() + data.replace(b"\0", b"").lower()


def made(folder):
    """An archive as hospitals have: folders and files named after the person; two examinations that cannot be segmented."""
    plant(folder / NAME / "study")
    write_phantom_case(PHANTOM, folder / f"{NAME}_Jane")
    (folder / f"{NAME}_Jane" / "reference.nii.gz").unlink()
    for path in (folder / f"{NAME}_Jane").iterdir():
        path.rename(path.with_name(f"{NAME}_{path.name}"))
    broken = folder / f"{NAME}_broken"
    broken.mkdir()
    (broken / f"{NAME}_water.nii.gz").write_bytes(b"cut short")
    lacking = folder / f"{NAME}_lacking"
    plant(lacking)
    sorted(lacking.iterdir())[5].unlink()
    return folder


def test_under_pseudonyms_no_file_and_no_line_holds_the_name(tmp_path, capfd):
    source = made(tmp_path / "in")
    found = [case.name for case in find_cases(source)]
    assert len(found) == 4 and all(NAME in name for name in found)
    lines = "".join(f"{name},P{index}\n" for index, name in enumerate(found))
    (tmp_path / "names.csv").write_text(f"case,pseudonym\n{lines}")
    arguments = ["cohort", str(source), "-o", str(tmp_path / "out"), "--workers", "1", "--device", "cpu"]
    assert main([*arguments, "--pseudonyms", str(tmp_path / "names.csv")]) == 0
    assert main(["cohort", "--summary", str(tmp_path / "out")]) == 0
    printed = capfd.readouterr()
    assert NAME.lower() not in (printed.out + printed.err).lower()
    cases = pandas.read_parquet(tmp_path / "out" / "cases.parquet").set_index("case")
    assert sorted(cases["status"]) == ["done", "done", "failed", "failed"] and all(
        cases["sentence"][cases["status"] == "failed"]
    )
    held = [name for name, data in contents(tmp_path / "out") if NAME.lower() in name.lower() or NAME.lower().encode() in data]
    assert held == []
    # What cannot be filed without the patient is, and nothing else.
    (filed,) = (tmp_path / "out").rglob("discs.dcm")
    assert str(pydicom.dcmread(filed).PatientName).startswith(NAME)


def test_without_them_the_names_of_the_folders_are_all_that_is_told(tmp_path, capfd):
    plant(tmp_path / "in" / "case-1")
    plant(tmp_path / "in" / "case-2")
    sorted((tmp_path / "in" / "case-2").iterdir())[5].unlink()
    broken = tmp_path / NAME / f"{NAME}_water.nii.gz"
    broken.parent.mkdir()
    broken.write_bytes(b"cut short")
    rows = f"T1,{broken},{NAME},{NAME}\nT2,{broken.with_name(f'{NAME}.nii')},{NAME},{NAME}\n"
    (tmp_path / "table.csv").write_text(f"case,water,patient,remark\n{rows}")
    for source, output in ((tmp_path / "in", "a"), (tmp_path / "table.csv", "b")):
        assert main(["cohort", str(source), "-o", str(tmp_path / output), "--workers", "1", "--device", "cpu"]) == 0
        assert [name for name, data in contents(tmp_path / output) if NAME.lower().encode() in data] == []
    printed = capfd.readouterr()
    assert NAME.lower() not in (printed.out + printed.err).lower()
    cases = pandas.read_parquet(tmp_path / "b" / "cases.parquet")
    assert all(sentence.startswith("the water file ") for sentence in cases["sentence"])
