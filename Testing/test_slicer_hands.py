"""The whole job with mouse and keyboard alone: events of Qt on the widgets, as a person's hands make them."""

import re
import time

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import numpy as np
import slicer
from PySide6 import QtCore, QtWidgets
from slicer_harness.boxes import QFileDialog
from slicer_harness.person import PHANTOM, Person
from test_slicer_panel import write_case

pytestmark = pytest.mark.filterwarnings("ignore:.*setActiveWindow:DeprecationWarning")
LEFT, ALT = QtCore.Qt.MouseButton.LeftButton, QtCore.Qt.KeyboardModifier.AltModifier


@pytest.fixture
def person():
    from PySide6.QtTest import QTest

    person = Person()
    window = person.panel.parent
    window.resize(420, 900)
    window.show()
    window.activateWindow()
    assert QTest.qWaitForWindowActive(window)
    QtWidgets.QApplication.setActiveWindow(window)
    person.ui.findButton.setFocus()
    yield person
    window.hide()


def mouse(widget):
    """Click into the middle of a button."""
    from PySide6.QtTest import QTest

    QTest.mouseClick(widget, LEFT)


def key(widget, code, modifier=QtCore.Qt.KeyboardModifier.NoModifier):
    from PySide6.QtTest import QTest

    QTest.keyClick(widget, code, modifier)


def mnemonic(person, text):
    """Press Alt and the letter that is underlined in a text."""
    letter = re.search("&(.)", text).group(1).upper()
    key(person.panel.parent, getattr(QtCore.Qt.Key, f"Key_{letter}"), ALT)
    end_s = time.monotonic() + 0.3  # a button that is pressed so stays down for a tenth of a second
    while time.monotonic() < end_s:
        slicer.app.processEvents()
    slicer.app.processEvents()  # a busy machine may have let this process sleep until now


def choose_with_keys(box, text):
    """Go to an entry of a list with the arrow keys."""
    box.setFocus()
    wanted = box.findText(text)
    assert wanted >= 0, f"{box.name} does not offer {text}"
    while box.currentIndex != wanted:
        key(box, QtCore.Qt.Key.Key_Down if box.currentIndex < wanted else QtCore.Qt.Key.Key_Up)


def ends(person):
    person.wait(lambda: not person.logic.running)
    assert person.boxes == []
    result = person.panel.results.result
    assert np.array_equal(slicer.util.arrayFromVolume(result.labelmap).T, PHANTOM.labels)
    return result


def test_the_whole_job_with_the_mouse(person, tmp_path):
    QFileDialog.folder = str(write_case(tmp_path / "case", "water", "fat"))
    mouse(person.ui.loadFolderButton)
    assert person.ui.waterSelector.currentNode().GetName().startswith("case")
    mouse(person.ui.segmentButton)
    assert person.ui.segmentButton.text == "&Cancel"
    assert person.ui.progressBar.visible
    result = ends(person)
    slices = slicer.vtkMRMLSliceLogic()
    slices.SetMRMLScene(slicer.mrmlScene)
    node = slices.AddSliceNode("RedHands")  # slice nodes stay in a scene that is closed: one of this test's own
    table = person.ui.discsTable
    for row, disc in ((0, result.discs[-1]), (len(result.discs) - 1, result.discs[0])):
        from PySide6.QtTest import QTest

        cell = QtWidgets.QTableWidget.visualItemRect(table, QtWidgets.QTableWidget.item(table, row, 0))
        QTest.mouseClick(QtWidgets.QTableWidget.viewport(table), LEFT, pos=cell.center())
        center = [node.GetSliceToRAS().GetElement(i, 3) for i in range(3)]
        expected = next(
            result.centers.GetNthControlPointPositionWorld(n)
            for n in range(len(result.discs))
            if result.centers.GetNthControlPointLabel(n) == disc.level
        )
        assert np.allclose(center, expected, atol=0.01)
    QFileDialog.folder = str(tmp_path / "report")
    mouse(person.ui.saveReportButton)
    person.wait(lambda: not person.logic.running)
    assert person.worker.reports[0]["folder"] == tmp_path / "report"


def test_the_whole_job_with_the_keyboard(person):
    nodes = person.load("water", "fat")
    mnemonic(person, person.ui.findButton.text)
    assert person.ui.waterSelector.currentNode() is nodes["water"]
    for expected in (nodes["water"], None, nodes["water"], nodes["fat"]):
        key(person.ui.fatSelector.focusProxy(), QtCore.Qt.Key.Key_Down if expected else QtCore.Qt.Key.Key_Home)
        if expected is None or expected is nodes["fat"]:
            assert person.ui.fatSelector.currentNode() is expected
    person.worker.hold_at = "segment"
    mnemonic(person, person.ui.segmentButton.text)
    assert person.logic.running
    person.worker.hold_at = None
    result = ends(person)
    automatic = result.discs[0].level
    other = "L4-L5" if automatic == "L5-S1" else "L5-S1"
    mnemonic(person, person.ui.lowestLevelLabel.text)
    assert QtWidgets.QApplication.focusWidget() is person.ui.lowestLevelBox
    choose_with_keys(person.ui.lowestLevelBox, other)
    assert person.panel.results.result.discs[0].level == other
    choose_with_keys(person.ui.lowestLevelBox, automatic)
    assert person.panel.results.result.discs[0].level == automatic


def test_cancel_with_the_keyboard(person):
    person.load("water", "fat")
    mnemonic(person, person.ui.findButton.text)
    person.worker.hold_at = "segment"
    mnemonic(person, person.ui.segmentButton.text)
    person.wait_until_held()
    person.take_time()
    mnemonic(person, "&Cancel")
    assert not person.logic.running
    assert person.ui.stageMessage.text == "Cancelled."


def test_everything_is_reached_by_tab_and_nothing_holds_the_focus(person):
    person.load("water", "fat")
    mnemonic(person, person.ui.findButton.text)
    person.segment()
    person.ui.optionsSection.collapsed = False
    visited, focus = [], None
    for _ in range(60):
        key(QtWidgets.QApplication.focusWidget() or person.panel.parent, QtCore.Qt.Key.Key_Tab)
        focus = QtWidgets.QApplication.focusWidget()
        visited.append(focus)
    names = {one.property("objectName") or one.parent().property("objectName") for one in visited if one is not None}
    wanted = {"findButton", "loadFolderButton", "segmentButton", "discsTable", "lowestLevelBox", "saveReportButton"}
    wanted |= {"waterSelector", "fatSelector", "inPhaseSelector", "opposedPhaseSelector", "referenceSelector"}
    wanted |= {"deviceBox", "keepResultsBox"}
    assert wanted - names == set()
