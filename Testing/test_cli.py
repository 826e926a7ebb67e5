"""The command line as a person meets it: what it writes, its exit status, its one line when something is wrong."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
import SimpleITK as sitk
from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.networks.models import MODELS_FOLDER, ROLES, checksum, load_arrays, save_arrays
from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

PHANTOM_SEED = 2026


@pytest.fixture(scope="module")
def case_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli") / "case"
    write_phantom_case(make_phantom(PHANTOM_SEED), folder)
    return folder


@pytest.fixture(scope="module")
def output(case_folder):
    """The results of one run through the real entry point, in a process of its own, with a reference."""
    folder = case_folder.parent / "out"
    command = [sys.executable, "-m", "IVDSegmentationLib.cli", "segment", str(case_folder), "-o", str(folder)]
    command += ["--reference", str(case_folder / "reference.nii.gz")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder


def test_segment_writes_everything_the_contract_names(output):
    names = {p.name for p in output.iterdir()}
    assert names == {"discs.nii.gz", "discs.seg.nrrd", "report.json", "report.html", "measurements.csv", "surfaces"}
    report = json.loads((output / "report.json").read_text())
    assert {f"{d['level']}.vtp" for d in report["discs"]} == {p.name for p in (output / "surfaces").iterdir()}


def test_the_label_map_lies_on_the_inputs_grid_and_on_the_discs(case_folder, output):
    water = sitk.ReadImage(str(case_folder / "water.nii.gz"))
    discs = sitk.ReadImage(str(output / "discs.nii.gz"))
    assert discs.GetPixelID() == sitk.sitkUInt8
    for get in ("GetSize", "GetSpacing", "GetOrigin", "GetDirection"):
        assert getattr(discs, get)() == getattr(water, get)()
    predicted = sitk.GetArrayFromImage(discs)
    true = sitk.GetArrayFromImage(sitk.ReadImage(str(case_folder / "reference.nii.gz")))
    overlap = sitk.LabelOverlapMeasuresImageFilter()
    overlap.Execute(
        sitk.GetImageFromArray((true > 0).astype(np.uint8)), sitk.GetImageFromArray((predicted > 0).astype(np.uint8))
    )
    assert overlap.GetDiceCoefficient() > 0.9
    for label in np.unique(true)[1:]:
        assert 2 * ((true == label) & (predicted == label)).sum() / ((true == label).sum() + (predicted == label).sum()) > 0.75


def test_the_report_tells_channels_model_and_times(output):
    report = json.loads((output / "report.json").read_text())
    assert report["channels"]["given"] == ["fat", "in_phase", "opposed_phase", "water"]
    assert {"localize", "segment"} <= set(report["timings_s"])
    assert report["metrics"] is not None


def test_the_report_gives_the_checksums_of_the_weights_that_ran(case_folder, output, tmp_path, capsys):
    default = MODELS_FOLDER / "default"
    released = {role: checksum(default / f"{role}.npz") for role in ROLES}
    assert json.loads((output / "report.json").read_text())["model"] == {"name": "default", "sha256": released}
    other = Path(shutil.copytree(default, tmp_path / "other"))
    save_arrays(other / "segmenter.npz", [array * np.float32(0.999) for array in load_arrays(other / "segmenter.npz")])
    card = json.loads((other / "card.json").read_text())
    card["segmenter"]["sha256"] = checksum(other / "segmenter.npz")
    (other / "card.json").write_text(json.dumps(card))
    assert segment(capsys, case_folder, "-o", tmp_path / "out", "--model", other) == (0, [])
    model = json.loads((tmp_path / "out" / "report.json").read_text())["model"]
    assert model == {"name": "default", "sha256": {**released, "segmenter": card["segmenter"]["sha256"]}}


def test_help_is_instant():
    """0.3 s of processor time in three tries at best: what a busy machine adds is not the command's."""
    best = 9.0
    for _ in range(3):
        before = os.times()
        subprocess.run([sys.executable, "-m", "IVDSegmentationLib.cli", "--help"], check=True, capture_output=True)
        after = os.times()
        used = (after.children_user - before.children_user) + (after.children_system - before.children_system)
        best = min(best, used)
    assert best < 0.3


def test_help_imports_nothing_heavy_and_nothing_that_only_commands_need():
    code = (
        "import os, sys; before = set(sys.modules); sys.argv[1:] = ['--help']\n"
        "from IVDSegmentationLib.cli.commands import entry\n"
        "os._exit = lambda status: print(*set(sys.modules) - before)\nentry()"
    )
    shown = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    modules = set(shown.splitlines()[-1].split())
    assert "IVDSegmentationLib.cli.boundary" in modules
    assert not {"numpy", "SimpleITK", "vtk", "scipy", "skimage", "jinja2", "tensorflow", "keras", "pydicom"} & modules
    assert not {"dataclasses", "importlib.metadata", "json", "logging", "platform", "tempfile", "traceback", "uuid"} & modules


# --- what can go wrong --------------------------------------------------------------------------------------------------


def segment(capsys, *arguments):
    status = main(["segment", *map(str, arguments)])
    lines = capsys.readouterr().err.strip().splitlines()
    return status, [line for line in lines if line.startswith("ivdseg:")]


def bad_volume(path: Path, voxels: np.ndarray, **geometry) -> Path:
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(geometry.get("spacing", [1.25] * (image.GetDimension() - 1) + [2.0]))
    sitk.WriteImage(image, str(path))
    return path


NOISE = np.random.default_rng(0).random((36, 64, 64)).astype(np.float32)
BAD = {
    "missing": (lambda p: p, "water.nii.gz"),
    "unreadable": (lambda p: p.write_bytes(b"no image") and p, "water.nii.gz"),
    "2D": (lambda p: bad_volume(p, np.ones((64, 64), np.float32)), "water.nii.gz"),
    "empty": (lambda p: bad_volume(p, np.zeros((36, 64, 64), np.float32)), "water.nii.gz"),
    "constant": (lambda p: bad_volume(p, np.full((36, 64, 64), 7, np.int16)), "water.nii.gz"),
    "NaN": (
        lambda p: bad_volume(p, np.where(np.arange(64) == 3, np.nan, 1.0) * np.random.default_rng(0).random((36, 64, 64))),
        "water.nii.gz",
    ),
    "too small": (lambda p: bad_volume(p, np.random.default_rng(0).random((4, 8, 8)).astype(np.float32)), "water.nii.gz"),
    "no disc": (
        lambda p: bad_volume(p, np.random.default_rng(0).random((36, 64, 64)).astype(np.float32)),
        "no intervertebral disc",
    ),
}


def test_an_error_after_tensorflow_was_loaded_is_still_the_only_line(tmp_path):
    bad_volume(tmp_path / "water.nii.gz", NOISE)
    command = [sys.executable, "-m", "IVDSegmentationLib.cli", "segment", str(tmp_path), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and "no intervertebral disc" in done.stderr


@pytest.mark.parametrize("kind", list(BAD))
def test_bad_input_is_one_line_status_1_and_no_output(tmp_path, capsys, kind):
    make, named = BAD[kind]
    path = make(tmp_path / "water.nii.gz")
    out = tmp_path / "out"
    status, lines = segment(capsys, tmp_path, "--water", path, "-o", out)
    assert status == 1 and len(lines) == 1 and named in lines[0]
    assert not out.exists() or not any(out.iterdir())


def test_fat_alone_cannot_be_segmented(tmp_path, capsys, case_folder):
    (tmp_path / "fat.nii.gz").write_bytes((case_folder / "fat.nii.gz").read_bytes())
    status, lines = segment(capsys, tmp_path, "-o", tmp_path / "out")
    assert status == 1 and len(lines) == 1 and "fat" in lines[0]


def test_an_output_folder_that_cannot_be_written_is_named(tmp_path, capsys, case_folder):
    (tmp_path / "file").write_text("in the way")
    status, lines = segment(capsys, case_folder, "-o", tmp_path / "file" / "out")
    assert status == 1 and len(lines) == 1
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_reference_that_cannot_be_read_leaves_no_output(tmp_path, capsys, case_folder):
    status, lines = segment(capsys, case_folder, "-o", tmp_path / "out", "--reference", tmp_path / "none.nii.gz")
    assert status == 1 and len(lines) == 1 and "none.nii.gz" in lines[0]
    assert not (tmp_path / "out").exists() or not any((tmp_path / "out").iterdir())


def test_uncertain_levels_come_with_the_option_that_sets_them(tmp_path, capsys, case_folder, monkeypatch):
    class Unsure:
        def segment(self, case, request, progress):
            return SimpleNamespace(found=())

    uncertain, note = finding("disc_above_uncertain", "L5-S1", probability=0.5), finding("gpu_memory")
    monkeypatch.setattr("IVDSegmentationLib.pipeline.segment.Pipeline", lambda *_: Unsure())
    report = {"findings": [uncertain.to_json(), note.to_json()]}
    monkeypatch.setattr("IVDSegmentationLib.report.files.write_outputs", lambda *_, show, **__: show(report) or report)
    assert main(["segment", str(case_folder), "-o", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.strip().splitlines()
    assert lines == [f"warning: {uncertain.text()} (option --lowest-level)", f"note: {note.text()}"]


def test_an_unknown_level_is_said(tmp_path, capsys, case_folder):
    status, lines = segment(capsys, case_folder, "-o", tmp_path / "out", "--lowest-level", "L7-L8")
    assert status == 1 and "L7-L8" in lines[0]


@pytest.mark.parametrize("arguments", [[], ["segment"], ["segment", "x", "-o", "y", "--device", "abacus"], ["nonsense"]])
def test_wrong_usage_is_status_2(arguments):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2


# --- real cases ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("subject", ["05", "40"])
def test_real_water_volumes_are_segmented(data_folder, tmp_path, capsys, subject):
    """The released model has seen these subjects in training: this pins that the whole way works, not how well."""
    source = data_folder / "myosegmentum-water" / subject
    status, lines = segment(capsys, source, "--water", source / "water.nii.gz", "-o", tmp_path / "out")
    assert status == 0, lines
    predicted = read_volume(tmp_path / "out" / "discs.nii.gz").voxels > 0
    partial = read_volume(source / "partial.nii.gz").voxels
    assert predicted[(partial > 0) & (partial < 255)].mean() > 0.95
    assert (predicted & (partial == 0)).sum() <= 0.02 * predicted.sum()


@pytest.mark.parametrize("box", ["B/disc3", "D/disc5"])
def test_real_four_channel_boxes_are_segmented(data_folder, tmp_path, capsys, box):
    source = data_folder / "ivdm3seg-patches" / box
    status, lines = segment(capsys, source, "-o", tmp_path / "out")
    assert status == 0, lines
    predicted = read_volume(tmp_path / "out" / "discs.nii.gz").voxels > 0
    true = read_volume(source / "disc.nii.gz").voxels > 0
    assert 2 * (predicted & true).sum() / (predicted.sum() + true.sum()) > 0.8


def test_a_second_case_builds_no_network_and_reads_no_weights_again(case_folder, monkeypatch):
    """What keeps a warm pipeline quick; how quick, benchmarks/segment.py measures."""
    from IVDSegmentationLib import Pipeline, load_case
    from IVDSegmentationLib.networks import models
    from IVDSegmentationLib.networks.openvino_engine import OpenVINOEngine, OpenVINONetwork

    building, reading = Mock(wraps=OpenVINONetwork._graph), Mock(wraps=models.read_npz)
    monkeypatch.setattr(OpenVINONetwork, "_graph", lambda *arguments: building(*arguments))  # noqa: PLW0108
    monkeypatch.setattr(models, "read_npz", reading)
    pipeline, case = Pipeline(models.load_model(engine=OpenVINOEngine())), load_case(case_folder)
    first = pipeline.segment(case)
    cold = building.call_count, reading.call_count
    assert min(cold) > 0
    second = pipeline.segment(case)
    assert (building.call_count, reading.call_count) == cold
    np.testing.assert_array_equal(first.labels, second.labels)


@pytest.mark.parametrize("command", ["train", "crossvalidate"])
def test_without_a_folder_of_training_data_one_sentence_says_how_to_give_it(command, monkeypatch, capsys, tmp_path):
    monkeypatch.delenv("IVDSEG_DATA", raising=False)
    assert main([command, "segmenter", "-o", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error == "ivdseg: no training data is given: name its folder with --data, or set IVDSEG_DATA to it\n"
    assert not (tmp_path / "out").exists()
