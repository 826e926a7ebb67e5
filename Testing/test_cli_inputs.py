"""What `ivdseg segment` can be pointed at, and what it says and writes where; without networks."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from dicom_objects import PHILIPS, classic_phantom, enhanced_phantom, frames_of, write_enhanced
from IVDSegmentationLib.cli import segment as segment_command
from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.dixon.channels import CHANNELS
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Volume, write_volume
from IVDSegmentationLib.phantom import make_phantom
from test_dicom import WATER

PHANTOM = make_phantom(3, (36, 96, 176))
NOTE = finding("gpu_memory")


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Runs the command with a pipeline that finds one disc and writes nothing; gives status and the case that came to it."""
    seen = SimpleNamespace(case=None, stages=[])

    class Made:
        def segment(self, case, request, progress):
            seen.case = case
            for stage in ("localize", "segment"):
                progress(stage, 0.5)
            return SimpleNamespace(found=[SimpleNamespace(level="L4-L5")])

    report = {"format": 2, "findings": [NOTE.to_json()]}
    monkeypatch.setattr("IVDSegmentationLib.pipeline.segment.Pipeline", lambda *_: Made())
    monkeypatch.setattr("IVDSegmentationLib.report.files.write_outputs", lambda *_, show, **__: show(report) or report)

    def call(*arguments):
        seen.case = None
        status = main(["segment", *map(str, arguments), "-o", str(tmp_path / "out")])
        return status, seen.case

    return call


def channel_file(folder, name, channel="water"):
    folder.mkdir(exist_ok=True)
    write_volume(Volume(PHANTOM.channels[channel], PHANTOM.grid), folder / name)
    return folder / name


def test_one_file_whose_name_says_its_channel(run, tmp_path):
    status, case = run(channel_file(tmp_path / "in", "t1_dixon_W.nii.gz"))
    assert status == 0 and set(case.channels) == {"water"} and case.name == "t1_dixon_W"


def test_one_file_that_does_not_say_is_asked_for_and_taken_as_told(run, tmp_path, capsys):
    path = channel_file(tmp_path / "in", "image.nii.gz", "in_phase")
    status, _ = run(path)
    assert status == 1 and "image.nii.gz does not say which channel it is: add --as water" in capsys.readouterr().err
    status, case = run(path, "--as", "in-phase")
    assert status == 0 and set(case.channels) == {"in_phase"}


def test_channels_are_named_without_a_folder(run, tmp_path):
    water = channel_file(tmp_path / "a", "1.nii.gz")
    opposed = channel_file(tmp_path / "b", "2.nii.gz", "opposed_phase")
    status, case = run("--water", water, "--opposed-phase", opposed)
    assert status == 0 and {"water", "opposed_phase"} <= set(case.channels) - case.derived


def test_a_file_and_a_channel_beside_it(run, tmp_path, capsys):
    water = channel_file(tmp_path / "a", "water.nii.gz")
    fat = channel_file(tmp_path / "a", "f.nrrd", "fat")
    status, case = run(water, "--fat", fat)
    assert status == 0 and set(case.channels) - case.derived == {"water", "fat"}
    status, _ = run(water, "--water", fat)
    assert status == 1 and "water is given twice, as water.nii.gz and f.nrrd" in capsys.readouterr().err


def test_nothing_at_all_is_said_in_one_line(run, capsys):
    status, _ = run()
    assert status == 1 and "no image is given: name a folder, a file" in capsys.readouterr().err


def test_an_enhanced_object_is_a_case_by_itself(run, tmp_path):
    (tmp_path / "in").mkdir()
    path = enhanced_phantom(tmp_path / "in" / "IM1", PHANTOM)
    enhanced_phantom(tmp_path / "in" / "IM2", PHANTOM)
    status, case = run(path)
    assert status == 0 and set(case.channels) == set(CHANNELS) and case.dicom_files == (path,)


def test_a_classic_dicom_file_stands_for_its_study(run, tmp_path):
    folder = classic_phantom(tmp_path / "in", PHANTOM, ("water", "fat"))
    write_enhanced(folder / "other.dcm", frames_of({"water": WATER}, PHILIPS), study="1.2.3")
    status, case = run(folder / "fat003.dcm")
    assert status == 0 and {"water", "fat"} <= set(case.channels) and len(case.dicom_files) == 36


def test_dicom_images_that_do_not_say_are_taken_as_told(run, tmp_path, capsys):
    kind = ["ORIGINAL", "PRIMARY", "M", "NONE"]
    (tmp_path / "in").mkdir()
    path = enhanced_phantom(tmp_path / "in" / "IM1", PHANTOM, ("water",))
    write_enhanced(path, frames_of({"water": WATER}, {"water": kind}), description="t2 sag")
    for target in (path, path.parent):
        status, _ = run(target)
        assert status == 1 and "no DICOM series that is marked as a Dixon channel" in capsys.readouterr().err
        status, case = run(target, "--as", "in-phase")
        assert status == 0 and set(case.channels) == {"in_phase"}


def test_several_studies_are_listed_and_one_is_chosen(run, tmp_path, capsys):
    for number, water in (("1", WATER), ("2", WATER + 9)):
        (tmp_path / "in" / number).mkdir(parents=True)
        write_enhanced(tmp_path / "in" / number / "IM1", frames_of({"water": water}, PHILIPS), study=f"1.2.{number}")
    status, _ = run(tmp_path / "in")
    error = capsys.readouterr().err
    assert status == 1 and "1: water; 18 images in 1. 2: water; 18 images in 2" in error and "--study" in error
    status, case = run(tmp_path / "in", "--study", "2")
    assert status == 0 and case.channels["water"].min() == WATER.min() + 9


@pytest.mark.parametrize("name", ["notes.txt", "IM0001"])
def test_a_file_that_is_no_image_is_said(run, tmp_path, capsys, name):
    (tmp_path / name).write_bytes(b"no image")
    status, _ = run(tmp_path / name)
    assert status == 1 and f"{name} is neither a volume file" in capsys.readouterr().err


def test_a_folder_of_volumes_is_not_taken_as_one_channel(run, tmp_path, capsys):
    channel_file(tmp_path / "in", "water.nii.gz")
    status, _ = run(tmp_path / "in", "--as", "fat")
    assert status == 1 and "--as is for one file" in capsys.readouterr().err


# --- DICOM for volumes that were converted ------------------------------------------------------------------------------


def test_volumes_find_the_series_that_they_were_converted_from(run, tmp_path, capsys):
    pytest.importorskip("highdicom", reason="highdicom is not installed here: pip install -e '.[dicom]'")
    folder = classic_phantom(tmp_path / "dicom", PHANTOM, ("water",))
    water = channel_file(tmp_path / "in", "water.nii.gz")
    status, case = run(water, "--dicom", folder)
    assert status == 0 and len(case.dicom_files) == 36
    moved = Volume(PHANTOM.channels["water"][:, :, :170], PHANTOM.grid.part((slice(0, 36), slice(0, 96), slice(0, 170))))
    write_volume(moved, water)
    status, _ = run(water, "--dicom", folder)
    assert status == 1 and "no Dixon series in dicom has the voxels of water" in capsys.readouterr().err


def test_without_highdicom_no_work_is_done(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("IVDSegmentationLib.dicom.dicom_is_installed", lambda: False)
    status, case = run(channel_file(tmp_path / "in", "water.nii.gz"), "--dicom", tmp_path)
    assert status == 1 and case is None and "--dicom needs highdicom" in capsys.readouterr().err


# --- what is said -------------------------------------------------------------------------------------------------------


def test_json_is_all_there_is_on_stdout(run, tmp_path, capsys):
    status, _ = run(channel_file(tmp_path / "in", "water.nii.gz"), "--json")
    printed = capsys.readouterr()
    assert status == 0 and json.loads(printed.out)["findings"] == [NOTE.to_json()]
    assert printed.err == f"note: {NOTE.text()}\n"


def test_quiet_says_nothing_but_errors(run, tmp_path, capsys):
    status, _ = run(channel_file(tmp_path / "in", "water.nii.gz"), "--quiet")
    printed = capsys.readouterr()
    assert status == 0 and printed.out == "" and printed.err == ""
    status, _ = run(tmp_path / "absent.nii.gz", "--quiet", "--as", "water")
    assert status == 1 and len(capsys.readouterr().err.splitlines()) == 1


def test_on_a_terminal_the_stages_are_shown_and_gone_at_the_end(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    status, _ = run(channel_file(tmp_path / "in", "water.nii.gz"))
    shown = capsys.readouterr().err
    for stage in (
        "Checking the channels",
        "Loading the networks",
        "Finding the discs",
        "Segmenting the discs",
        "Writing the report",
    ):
        assert stage in shown
    assert status == 0 and "100%" in shown
    assert shown.split("\r")[-1].strip() == f"note: {NOTE.text()}"


def test_nothing_is_shown_where_there_is_no_terminal(run, tmp_path, capsys):
    run(channel_file(tmp_path / "in", "water.nii.gz"))
    assert "%|" not in capsys.readouterr().err


def test_the_bar_takes_stages_that_it_does_not_know(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with segment_command._progress_bar(False) as progress:
        progress("polish", 0.4)
    assert "Polish  40%" in capsys.readouterr().err


def test_the_voxels_are_those_of_the_file(run, tmp_path):
    _, case = run(channel_file(tmp_path / "in", "water.nii.gz"))
    np.testing.assert_allclose(case.channels["water"], PHANTOM.channels["water"], rtol=1e-6)
