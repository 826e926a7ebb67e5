"""The module with Slicer's section for developers on top of its panel: reload, and reload and test."""

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from slicer_harness import sources
from slicer_harness.application import QSettings
from slicer_harness.person import Person, person_with_case

if sources.FOLDER is not None:
    pytest.skip("Slicer's own section needs menus that the harness does not have", allow_module_level=True)


@pytest.fixture
def person():
    person = person_with_case()
    QSettings.held["Developer/DeveloperMode"] = True
    slicer.util.reloadScriptedModule("IVDSegmentation")
    person.logic.job_runner.worker = person.worker
    yield person
    QSettings.held.clear()
    slicer.util.reloadScriptedModule("IVDSegmentation")


def buttons():
    widget = slicer.util.getModuleWidget("IVDSegmentation")
    return widget.reloadButton, widget.reloadAndTestButton


def test_the_panel_works_below_the_developers_section(person):
    assert person.panel.parent.layout().itemAt(0).widget().text == "Reload && Test"
    assert person.panel.parent.layout().itemAt(1).widget().name == "IVDSegmentation"
    assert person.ui.waterSelector.currentNode() is person.nodes["water"]
    person.segment()
    assert person.boxes == []
    assert person.panel.results.result is not None


def test_reload_keeps_the_inputs_and_shows_one_panel(person):
    buttons()[0].click()
    person.logic.job_runner.worker = person.worker
    shown = [child for child in person.panel.parent.children() if child.isWidgetType() and not child.isHidden()]
    assert [child.metaObject().className() for child in shown] == ["ctkCollapsibleButton", "qMRMLWidget"]
    assert person.ui.waterSelector.currentNode() is person.nodes["water"]
    person.segment()
    assert person.panel.results.result is not None


def test_the_tests_button_runs_the_self_test_by_one_object(person, monkeypatch):
    from IVDSegmentationLib.slicer import self_test

    ran = []
    for name in ("test_panel", "test_whole_job", "test_cancel", "test_errors"):
        monkeypatch.setattr(self_test.SelfTest, name, lambda self, name=name: ran.append((name, id(self))))
    buttons()[1].click()
    assert [name for name, _ in ran] == ["test_panel", "test_whole_job", "test_cancel", "test_errors"]
    assert len({key for _, key in ran}) == 1
    assert person.boxes == []


def test_a_self_test_that_fails_is_a_box_for_the_developer(person, monkeypatch, capsys):
    from IVDSegmentationLib.slicer import self_test

    monkeypatch.setattr(self_test.SelfTest, "test_panel", lambda self: self.fail("not as it should be"))
    buttons()[1].click()
    (text,) = person.boxes
    assert "not as it should be" in text
    assert Person().boxes == []
