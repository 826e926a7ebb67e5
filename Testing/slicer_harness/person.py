"""A person at the panel: chooses, clicks, waits, reads. Test equipment."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import slicer
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.phantom import Phantom, make_phantom
from IVDSegmentationLib.report.tables import TextTable
from IVDSegmentationLib.slicer.attributes import CASE, CHANNEL, RESULT
from IVDSegmentationLib.slicer.volume_nodes import add_volume
from vtk.util.numpy_support import vtk_to_numpy

from .application import QSettings, as_started
from .boot import boot, load_module
from .boxes import BOXES, QFileDialog
from .fake_worker import FakeWorker

PHANTOM: Phantom = make_phantom(7, (36, 112, 144))
"""Four whole discs and parts of two, in a seventh of the full field of view."""


NO_RESULTS = ("vtkMRMLColorNode", "vtkMRMLSubjectHierarchyNode")
"""Nodes that are there for all, whoever makes the first."""


_TICK_MS = 1
"""The panel's timer ticks every 50 ms; ticking so often keeps the tests quick."""


class Person:
    """At an empty scene with the panel open and a worker that knows the phantom's discs."""

    def __init__(self) -> None:
        boot()
        as_started(slicer.app, testing=False, main_window=True)
        QSettings.held.clear()
        if not hasattr(slicer.modules, "ivdsegmentation"):
            load_module()
        self.worker = FakeWorker(PHANTOM.labels, (finding("spine_faint"),))
        self.logic.job_runner.worker = self.worker
        gc.collect()  # a slice logic takes its nodes along when it goes: those of earlier tests go now, not in the middle
        slicer.mrmlScene.Clear(0)
        slicer.dicomDatabase.tags.clear()
        BOXES.shown.clear()
        BOXES.answers.clear()
        BOXES.while_open = None
        QFileDialog.folder = ""
        if not self.panel.parent.isEntered:
            self.panel.parent.enter()

    @property
    def panel(self) -> Any:
        """The panel as it is now: a reload makes another."""
        return slicer.util.getModuleWidget("IVDSegmentation").panel

    @property
    def logic(self) -> Any:
        return self.panel.logic

    @property
    def ui(self) -> Any:
        return self.panel.ui

    @property
    def boxes(self) -> list[str]:
        """The texts of the message boxes so far."""
        return BOXES.texts

    def load(self, *channels: str, grid: Grid = PHANTOM.grid, names: dict[str, str] | None = None) -> dict[str, Any]:
        """Load channels of the phantom as from files; channel -> node."""
        nodes = {}
        for channel in channels:
            name = (names or {}).get(channel, channel)
            node = add_volume(Volume(PHANTOM.channels[channel], grid), name, case="", channel=channel)
            node.RemoveAttribute(CASE)
            node.RemoveAttribute(CHANNEL)
            nodes[channel] = node
        return nodes

    def click(self, button: Any) -> None:
        if not button.enabled:
            raise AssertionError(f"{button.name} is disabled: {button.toolTip}")
        self.logic._timer.interval = _TICK_MS
        button.click()

    def click_row(self, table: Any, row: int) -> None:
        """Click on the first cell of a row of a QTableWidget."""
        if table.item(row, 0) is None:
            raise AssertionError(f"{table.name} has no row {row}")
        table.cellClicked.emit(row, 0)

    def take_time(self) -> None:
        """Let the time of a double click pass."""
        timer = self.panel.run._just_started
        end_s = time.monotonic() + 5.0
        while timer.active and time.monotonic() < end_s:
            slicer.app.processEvents()

    def cancel(self) -> None:
        """Click on Cancel, as a click of its own."""
        self.take_time()
        self.click(self.ui.segmentButton)

    def segment(self) -> None:
        self.click(self.ui.segmentButton)
        self.wait(lambda: not self.logic.running)

    def wait(self, until: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Let the application work until something is so; only the panel's own timer asks how the run is going.

        Raises AssertionError after a while.
        """
        end_s = time.monotonic() + limit_s
        while not until():
            if time.monotonic() > end_s:
                raise AssertionError("it did not come to that")
            slicer.app.processEvents()
            time.sleep(0.0005)

    def wait_until_held(self) -> None:
        """Let the run come to the stage where the worker holds it."""
        self.wait(lambda: self.worker.held)
        seen = self.worker.polls
        self.wait(lambda: self.worker.polls > seen)


def scene_state() -> dict[str, Any]:
    """What a failed or cancelled run must leave as it was: nodes with their images, and the subject hierarchy."""
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    state: dict[str, Any] = {"items": len(slicer.util.getSubjectHierarchyItemChildren(recursive=True))}
    for node in nodes:
        if node.IsA("vtkMRMLVolumeNode") and node.GetImageData() is not None:
            values = vtk_to_numpy(node.GetImageData().GetPointData().GetScalars())
            state[node.GetID()] = (node.GetName(), int(values.astype(np.int64).sum()))
        elif not any(node.IsA(kind) for kind in NO_RESULTS) and not node.GetHideFromEditors():
            state[node.GetID()] = (node.GetName(), node.GetClassName())
    return state


def table_text(table: Any) -> TextTable:
    """What a person reads in a QTableWidget."""
    columns, rows = range(table.columnCount), range(table.rowCount)
    headings = tuple(table.horizontalHeaderItem(column).text() for column in columns)
    return TextTable(headings, tuple(tuple(table.item(row, column).text() for column in columns) for row in rows))


def result_nodes() -> list[Any]:
    """The nodes that this extension has put into the scene as results."""
    nodes = [slicer.mrmlScene.GetNthNode(index) for index in range(slicer.mrmlScene.GetNumberOfNodes())]
    return [node for node in nodes if node.GetAttribute(RESULT) and not node.IsA("vtkMRMLColorNode")]


def person_with_case() -> Person:
    """A person who has loaded the phantom's water and fat (in `nodes`) and let the panel find them."""
    person = Person()
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    return person
