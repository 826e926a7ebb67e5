"""Every message box of the panel: one, in words, without a wait cursor behind it, and the panel works on after it."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from IVDSegmentationLib.slicer import result_nodes as module_of_nodes
from IVDSegmentationLib.slicer import setup as slicer_setup
from IVDSegmentationLib.worker.protocol import Failed
from slicer_harness.boxes import BOXES, CURSORS, QFileDialog
from slicer_harness.person import person_with_case
from slicer_harness.pip import replaced_pip
from slicer_harness.printed import take_printed


@pytest.fixture
def person():
    return person_with_case()


def ask_to_install(person, monkeypatch, tmp_path):
    replaced_pip(monkeypatch)
    monkeypatch.setattr(slicer_setup, "missing", lambda: ["openvino"])
    monkeypatch.setattr(slicer_setup, "_installed_engine", lambda: None)
    monkeypatch.setattr(slicer_setup, "accelerator_present", lambda: False)
    BOXES.answers.append(BOXES.CANCEL)
    person.click(person.ui.segmentButton)


def bad_input(person, monkeypatch, tmp_path):
    person.nodes["water"].SetAndObserveImageData(None)
    person.click(person.ui.segmentButton)
    person.nodes["water"].SetAndObserveImageData(person.nodes["fat"].GetImageData())


def worker_that_fails(person, monkeypatch, tmp_path):
    person.worker.failure = Failed("The segmentation process crashed (SIGSEGV): try again", "the end of the log", "crash")
    person.segment()
    person.worker.failure = None


def input_deleted(person, monkeypatch, tmp_path):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    slicer.mrmlScene.RemoveNode(person.nodes.pop("fat"))
    person.worker.hold_at = None


def result_that_cannot_be_placed(person, monkeypatch, tmp_path):
    with monkeypatch.context() as patch:
        patch.setattr(module_of_nodes, "add_tables", lambda *_: (_ for _ in ()).throw(MemoryError("no memory is left")))
        person.segment()


def folder_without_a_case(person, monkeypatch, tmp_path):
    QFileDialog.folder = str(tmp_path)
    person.click(person.ui.loadFolderButton)


def level_that_cannot_be(person, monkeypatch, tmp_path):
    person.segment()
    person.ui.lowestLevelBox.setCurrentText("T3-T4")


def report_that_cannot_be_written(person, monkeypatch, tmp_path):
    person.segment()
    person.worker.failure = Failed("the report could not be written (Permission denied): choose another folder", "", "output")
    QFileDialog.folder = str(tmp_path / "report")
    person.click(person.ui.saveReportButton)
    person.wait(lambda: not person.logic.running)
    person.worker.failure = None


TRIGGERS = {
    ask_to_install: "OpenVINO",
    bad_input: "water holds no image: load it again",
    worker_that_fails: "crashed",
    input_deleted: "fat was deleted while it was being segmented: load it again",
    result_that_cannot_be_placed: "no memory is left",
    folder_without_a_case: "",
    level_that_cannot_be: "more than a spine has",
    report_that_cannot_be_written: "choose another folder",
}


@pytest.mark.parametrize(("trigger", "words"), TRIGGERS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_box_is_one_and_the_panel_works_on_after_it(person, monkeypatch, tmp_path, trigger, words):
    with monkeypatch.context() as patch:
        trigger(person, patch, tmp_path)
    (box,) = BOXES.shown
    assert words in box["text"]
    assert len(box["text"]) > 10
    assert str(tmp_path) not in box["text"]
    assert "Traceback" not in box["detailed"]
    assert box["title"].strip()
    assert box["cursors"] == CURSORS == []
    assert take_printed() == []
    assert not person.logic.running
    person.segment()
    assert len(BOXES.shown) == 1
    assert np.any(slicer.util.arrayFromVolume(person.panel.results.result.labelmap))


def test_what_nobody_foresaw_is_a_box_with_its_traceback_and_stands_in_the_log(person, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(person.logic, "segment", lambda **_: 1 / 0)
        person.click(person.ui.segmentButton)
    (box,) = BOXES.shown
    assert box["text"] == "division by zero"
    assert "Traceback" in box["detailed"]
    assert take_printed() == ["ZeroDivisionError: division by zero"]
    assert CURSORS == []
    person.segment()
    assert person.panel.results.result is not None
