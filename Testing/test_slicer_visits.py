"""A person leaves the module and comes back, a hundred times, and works in it for a day: nothing stays behind."""

import gc
import os
import sys
import threading

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from slicer_harness.person import Person, person_with_case
from worker_cases import children

VISITS = 100
GROWTH_MB = 16
"""Memory that the allocators may hold on to over all visits."""


def resident_mb():
    with open("/proc/self/status", encoding="ascii") as status:
        return int(status.read().split("VmRSS:")[1].split()[0]) // 1024


def held(person):
    """How much there is of everything that a visit could leave."""
    gc.collect()
    scene = slicer.mrmlScene
    panel, logic = person.panel, person.logic
    kinds = [type(one).__name__ for one in gc.get_objects()]
    connected = [len(slots) for widget in vars(person.ui).values() for slots in getattr(widget, "_slots", {}).values()]
    return {
        "wrappers": kinds.count("IVDSegmentationParameterNode"),
        "panels": kinds.count("Panel"),
        "logics": kinds.count("IVDSegmentationLogic"),
        "observations": (len(panel.Observations), len(logic.Observations)),
        "slots": sum(connected),
        "nodes": scene.GetNumberOfNodes(),
        "threads": threading.active_count(),
        "processes": len(children(os.getpid())),
        "unloading": slicer.app.moduleManager().connected("moduleAboutToBeUnloaded(QString)"),
    }


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory and processes are read from /proc")
@pytest.mark.parametrize("with_result", [False, True])
def test_a_hundred_visits_leave_nothing(with_result):
    person = person_with_case()
    if with_result:
        person.segment()

    def visit():
        person.panel.parent.exit()
        person.panel.parent.enter()

    visit()
    before, memory_mb = held(person), resident_mb()
    for _ in range(VISITS):
        visit()
    assert held(person) == before
    assert resident_mb() - memory_mb < GROWTH_MB
    assert before["processes"] == 0


def test_a_module_that_is_reloaded_leaves_no_panel_that_still_listens():
    person = person_with_case()
    slicer.util.reloadScriptedModule("IVDSegmentation")
    before = held(person)
    slicer.util.reloadScriptedModule("IVDSegmentation")
    after = held(person)
    for name in ("observations", "nodes", "threads", "unloading"):
        assert after[name] == before[name], name


def test_closing_slicer_ends_what_is_under_way_and_listens_to_nothing():
    person = person_with_case()
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    panel, logic = person.panel, person.logic
    slicer.modules.ivdsegmentation.unload()
    assert not logic.running
    assert person.worker.closed == 1
    assert panel.Observations == logic.Observations == []
    assert not hasattr(slicer.modules, "IVDSegmentationWidget")
    assert Person().panel is not panel  # Slicer starts again


def test_a_panel_that_is_hidden_follows_the_scene():
    person = Person()
    person.panel.parent.exit()
    nodes = person.load("water", "fat")
    assert person.ui.waterSelector.currentNode() is None  # nothing is chosen behind the person's back
    person.panel.parent.enter()
    assert person.ui.waterSelector.currentNode() is nodes["water"]
    person.panel.parent.exit()
    slicer.mrmlScene.Clear(0)
    person.panel.parent.enter()
    assert not person.ui.segmentButton.enabled
    assert person.ui.resultsMessage.text == "No result yet."


def test_a_run_goes_on_while_another_module_is_shown():
    person = person_with_case()
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.panel.parent.exit()
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    person.panel.parent.enter()
    assert person.panel.results.result is not None
    assert person.ui.stageMessage.text == "Done."
