"""Save report in the panel and from the console; and the same figures on the command line, in the console and in the panel."""

import csv
import json
import os
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from IVDSegmentationLib.errors import Cancelled, OutputError
from IVDSegmentationLib.images import Volume, read_volume, write_volume
from IVDSegmentationLib.report.tables import TextTable
from IVDSegmentationLib.slicer import setup as slicer_setup
from IVDSegmentationLib.slicer.volume_nodes import add_volume
from IVDSegmentationLib.worker.protocol import Failed
from made_results import files_below
from slicer_harness.boot import MODULE_PATH
from slicer_harness.boxes import QFileDialog
from slicer_harness.person import PHANTOM, Person, scene_state, table_text
from vtk.util.numpy_support import vtk_to_numpy

ROOT = Path(__file__).parents[1]
MODEL = ROOT / "IVDSegmentation" / "IVDSegmentationLib" / "Resources" / "Models" / "default" / "card.json"
needs_model = pytest.mark.skipif(not MODEL.exists(), reason="no model is installed in Resources/Models/default")


@pytest.fixture
def person(tmp_path):
    person = Person()
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    person.segment()
    QFileDialog.folder = str(tmp_path / "report")
    return person


def test_there_is_nothing_to_save_before_a_result_and_during_a_run():
    person = Person()
    person.load("water")
    person.click(person.ui.findButton)
    assert not person.ui.saveReportButton.enabled
    person.segment()
    assert person.ui.saveReportButton.enabled
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    assert not person.ui.saveReportButton.enabled
    person.cancel()
    assert person.ui.saveReportButton.enabled


def test_a_report_is_asked_of_the_worker_with_the_volumes_and_the_result(person, tmp_path):
    before = scene_state()
    person.click(person.ui.saveReportButton)
    assert person.logic.running
    assert person.ui.segmentButton.text == "&Cancel"
    person.wait(lambda: person.ui.stageMessage.text == "Writing the report...")
    assert person.ui.progressBar.value == 30
    person.wait(lambda: not person.logic.running)
    (asked,) = person.worker.reports
    assert asked["folder"] == tmp_path / "report"
    assert asked["segmentation"] is person.panel.results.result.named
    assert set(asked["volumes"]) == {"water", "fat"}
    assert np.array_equal(asked["volumes"]["fat"].voxels, PHANTOM.channels["fat"])
    assert person.ui.stageMessage.text == f"Saved in {tmp_path / 'report'}."
    assert person.ui.segmentButton.text == "&Segment"
    assert scene_state() == before
    assert person.boxes == []


def test_a_cancelled_folder_dialog_saves_nothing(person):
    QFileDialog.folder = ""
    person.click(person.ui.saveReportButton)
    assert not person.logic.running
    assert person.worker.reports == []


def test_a_report_after_renaming_has_the_new_names(person):
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    person.click(person.ui.saveReportButton)
    person.wait(lambda: not person.logic.running)
    (asked,) = person.worker.reports
    assert asked["segmentation"].discs[0].level == "L4-L5"


def test_a_report_that_fails_is_one_box_and_can_be_asked_for_again(person):
    person.worker.failure = Failed("report could not be written (the disk is full): choose another folder", "", "output")
    before = scene_state()
    person.click(person.ui.saveReportButton)
    person.wait(lambda: not person.logic.running)
    assert person.boxes == ["report could not be written (the disk is full): choose another folder"]
    assert person.ui.stageMessage.text == "No report was saved."
    assert scene_state() == before
    person.worker.failure = None
    person.click(person.ui.saveReportButton)
    person.wait(lambda: not person.logic.running)
    assert person.ui.stageMessage.text.startswith("Saved in ")


def test_a_report_can_be_cancelled(person):
    person.worker.hold_at = "write"
    person.click(person.ui.saveReportButton)
    person.wait(lambda: person.ui.stageMessage.text == "Writing the report...")
    person.click(person.ui.segmentButton)
    assert not person.logic.running
    assert person.worker.cancelled == 1
    assert person.boxes == []
    assert person.ui.stageMessage.text == "Cancelled."
    assert person.ui.saveReportButton.enabled


def test_the_console_saves_and_waits_or_raises(person, tmp_path):
    result = person.logic.segment(water=person.nodes["water"])
    assert person.logic.saveReport(result, str(tmp_path / "out")) == tmp_path / "out"
    person.worker.failure = Failed("full", "", "output")
    with pytest.raises(OutputError, match="full"):
        person.logic.saveReport(result, tmp_path / "out")
    person.worker.failure, failures = None, []
    assert person.logic.saveReport(result, tmp_path, wait=False, onFailed=failures.append) is None
    person.logic.cancel()
    assert isinstance(failures[0], Cancelled)


class Case:
    """A case on disk, segmented through the command line, the console and the panel."""

    def __init__(self, folder):
        self.folder, self.out = folder, folder / "out"
        case = folder / "case"
        case.mkdir()
        for channel in ("water", "fat", "opposed_phase"):
            write_volume(Volume(PHANTOM.channels[channel], PHANTOM.grid), case / f"{channel}.nii.gz")
        expert = np.roll(np.where(PHANTOM.labels == 3, 0, PHANTOM.labels), 1, axis=1)
        write_volume(Volume(expert, PHANTOM.grid), folder / "expert.nii.gz")
        self.command_line(case)
        self.person = Person()
        self.person.logic.job_runner.worker = slicer_setup.make_worker(MODULE_PATH.parent)
        QFileDialog.folder = str(case)
        self.person.click(self.person.ui.loadFolderButton)
        reference = add_volume(read_volume(folder / "expert.nii.gz"), "expert", case="", channel=None)
        self.person.ui.referenceSelector.choose(reference)
        chosen = self.person.panel.inputs.chosen()
        self.console = self.person.logic.segment(
            water=chosen["water"], fat=chosen["fat"], opposedPhase=chosen["opposed_phase"], reference=reference
        )
        self.person.click(self.person.ui.segmentButton)
        self.person.wait(lambda: not self.person.logic.running, limit_s=300)
        self.panel = self.person.panel.results.result

    def command_line(self, case):
        command = [sys.executable, "-m", "IVDSegmentationLib.cli", "segment", str(case), "-o", str(self.out)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "IVDSegmentation")}
        subprocess.run([*command, "--reference", str(self.folder / "expert.nii.gz")], check=True, env=environment, timeout=600)


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    case = Case(tmp_path_factory.mktemp("three ways"))
    yield case
    case.person.logic.close()


def figures_of(report):
    """What a report says of the discs: all but how long it took, what it was made with and, where one was saved, its files."""
    return {name: value for name, value in report.items() if name not in ("timings_s", "versions", "format", "files")}


@needs_model
def test_command_line_console_and_panel_give_the_same_figures_to_the_last_digit(case):
    report = json.loads((case.out / "report.json").read_text(encoding="utf-8"))
    assert len(report["discs"]) >= 4
    assert report["metrics"]["missing"] or report["metrics"]["extra"]
    assert figures_of(case.console.report) == figures_of(report)
    assert figures_of(case.panel.report) == figures_of(report)
    assert case.person.boxes == []


@needs_model
def test_the_tables_of_the_panel_read_as_those_of_the_page(case):
    page = (case.out / "report.html").read_text(encoding="utf-8")
    tables = []
    for table in re.findall(r"<table>(.*?)</table>", page, re.DOTALL):
        headings = tuple(unescape(text) for text in re.findall(r"<th>(.*?)</th>", table))
        rows = [re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", table)[1:]]
        tables.append(TextTable(headings, tuple(tuple(unescape(re.sub("<.*?>", "", text)) for text in row) for row in rows)))
    ui = case.person.ui
    assert [table_text(table) for table in (ui.measurementsTable, ui.contrastTable, ui.agreementTable)] == tables
    assert ui.agreementMessage.text in unescape(page)
    overall = json.loads((case.out / "report.json").read_text(encoding="utf-8"))["metrics"]["overall_dice"]
    assert f"Dice against the reference: {overall:.3f}." in ui.resultsMessage.text


@needs_model
def test_the_table_node_holds_the_figures_of_the_csv(case):
    with open(case.out / "measurements.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = case.panel.tables["measurements"].GetTable()
    assert [table.GetColumnName(n) for n in range(table.GetNumberOfColumns())] == list(rows[0])
    for name in rows[0]:
        column = table.GetColumnByName(name)
        for number, row in enumerate(rows):
            value, text = column.GetValue(number), row[name]
            if isinstance(value, float):
                assert text == "" if np.isnan(value) else float(text) == value, (name, number)
            else:
                assert text == value, (name, number)


@needs_model
def test_the_models_of_the_scene_are_the_surfaces_of_the_report(case):
    assert len(case.panel.models) >= 4
    for level, model in case.panel.models.items():
        reader = vtk.vtkXMLPolyDataReader()
        reader.SetFileName(str(case.out / "surfaces" / f"{level}.vtp"))
        reader.Update()
        lps = vtk_to_numpy(reader.GetOutput().GetPoints().GetData())
        np.testing.assert_allclose(slicer.util.arrayFromModelPoints(model), lps * [-1, -1, 1], atol=1e-4)
        assert model.GetPolyData().GetNumberOfCells() == reader.GetOutput().GetNumberOfCells()


@needs_model
def test_the_saved_report_is_that_of_the_command_line(case, tmp_path):
    QFileDialog.folder = str(tmp_path / "saved")
    case.person.click(case.person.ui.saveReportButton)
    case.person.wait(lambda: not case.person.logic.running, limit_s=120)
    assert case.person.boxes == []
    saved = tmp_path / "saved"
    assert files_below(saved) == files_below(case.out)
    assert sorted(json.loads((saved / "report.json").read_text(encoding="utf-8"))["files"]) == sorted(
        name for name in files_below(saved) if name != "report.json"
    )
    report = json.loads((saved / "report.json").read_text(encoding="utf-8"))
    assert figures_of(report) == figures_of(json.loads((case.out / "report.json").read_text(encoding="utf-8")))
    assert (saved / "measurements.csv").read_bytes() == (case.out / "measurements.csv").read_bytes()
    assert np.array_equal(read_volume(saved / "discs.nii.gz").voxels, read_volume(case.out / "discs.nii.gz").voxels)
    pages = [(folder / "report.html").read_text(encoding="utf-8").split("How this was made")[0] for folder in (saved, case.out)]
    assert re.sub(r'base64,[^"]*', "", pages[0]) == re.sub(r'base64,[^"]*', "", pages[1])
    case.person.ui.lowestLevelBox.setCurrentText("L4-L5")
    case.person.click(case.person.ui.saveReportButton)
    case.person.wait(lambda: not case.person.logic.running, limit_s=120)
    renamed = json.loads((saved / "report.json").read_text(encoding="utf-8"))
    assert renamed["discs"][0]["level"] == "L4-L5"
    assert [disc["volume_mm3"] for disc in renamed["discs"]] == [disc["volume_mm3"] for disc in report["discs"]]
    case.person.ui.lowestLevelBox.setCurrentText("automatic")
