"""What the panel remembers: through visits, reloads, scenes of other versions, and inputs that leave the scene."""

import gc
import sys
import types

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from slicer_harness.person import Person, person_with_case, result_nodes

CHANNEL_SELECTORS = {"water": "waterSelector", "fat": "fatSelector"}


@pytest.fixture
def person():
    return person_with_case()


def saved_scene():
    scene = slicer.mrmlScene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    text = scene.GetSceneXMLString()
    scene.SetSaveToXMLString(0)
    return text


def load_scene(text, *, clear=True):
    scene = slicer.mrmlScene
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(text)
    if clear:
        scene.Clear(0)
    scene.Import()
    scene.SetLoadFromXMLString(0)


def leaves_observers():
    """Whether this Slicer keeps whatever was bound, as 5.10 does, for as long as its node lives."""
    node = slicer.vtkMRMLScriptedModuleNode()
    before = len(wrappers())
    parameters = sys.modules["IVDSegmentation"].IVDSegmentationParameterNode(node)
    parameters.disconnectGui(parameters.connectGui(types.SimpleNamespace()))
    del parameters
    return len(wrappers()) > before


def wrappers():
    gc.collect()
    return [one for one in gc.get_objects() if type(one).__name__ == "IVDSegmentationParameterNode"]


def test_a_new_parameter_node_holds_the_defaults():
    parameters = Person().logic.getParameterNode()
    held = [getattr(parameters, name) for name in ("water", "fat", "inPhase", "opposedPhase", "reference")]
    assert held == [None] * 5
    assert (parameters.lowestLevel, parameters.device, parameters.keepResults) == ("automatic", "auto", False)


@pytest.mark.parametrize("kind", ["vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"])
def test_a_reference_of_either_kind_is_kept_and_taken_back(person, kind):
    node = slicer.mrmlScene.AddNewNodeByClass(kind, "expert")
    person.ui.referenceSelector.choose(node)
    assert person.logic.getParameterNode().reference is node
    person.ui.referenceSelector.choose(None)
    assert person.logic.getParameterNode().reference is None


@pytest.mark.parametrize("channel", CHANNEL_SELECTORS)
@pytest.mark.parametrize("visited", [True, False])
def test_a_deleted_input_is_replaced_by_none(person, channel, visited):
    person.load("in_phase", names={"in_phase": "T2 TSE of the head"})
    if not visited:
        person.panel.parent.exit()
    slicer.mrmlScene.RemoveNode(person.nodes.pop(channel))
    if not visited:
        person.panel.parent.enter()
    (left,) = person.nodes
    parameters = person.logic.getParameterNode()
    assert getattr(parameters, channel) is None
    assert getattr(parameters, left) is person.nodes[left]
    assert getattr(person.ui, CHANNEL_SELECTORS[channel]).currentNode() is None
    assert person.ui.segmentButton.enabled == (left == "water")


def test_inputs_deleted_within_a_batch_are_replaced_by_none(person):
    person.load("in_phase")
    slicer.mrmlScene.StartState(slicer.mrmlScene.BatchProcessState)
    for node in person.nodes.values():
        slicer.mrmlScene.RemoveNode(node)
    slicer.mrmlScene.EndState(slicer.mrmlScene.BatchProcessState)
    assert [getattr(person.ui, name).currentNode() for name in CHANNEL_SELECTORS.values()] == [None, None]
    assert not person.ui.segmentButton.enabled


@pytest.mark.parametrize("kind", ["vtkMRMLSegmentationNode", "vtkMRMLLabelMapVolumeNode"])
def test_a_deleted_reference_is_replaced_by_none(person, kind):
    first, _ = (slicer.mrmlScene.AddNewNodeByClass(kind, name) for name in ("expert", "another"))
    person.ui.referenceSelector.choose(first)
    slicer.mrmlScene.RemoveNode(first)
    assert person.logic.getParameterNode().reference is None
    assert person.ui.referenceSelector.currentNode() is None
    person.segment()
    assert person.worker.requests[0]["reference"] is None


def test_the_panel_works_on_after_reload_and_closing_the_scene(person):
    slicer.util.reloadScriptedModule("IVDSegmentation")
    person.logic.job_runner.worker = person.worker
    slicer.mrmlScene.Clear(0)
    person.load("water", "fat")
    person.click(person.ui.findButton)
    person.segment()
    assert person.boxes == []
    assert result_nodes()


@pytest.mark.parametrize(("name", "value", "default"), [("lowestLevel", "L9-S7", "automatic"), ("device", "npu", "auto")])
@pytest.mark.parametrize("clear", [True, False])
def test_a_choice_that_this_version_does_not_know_becomes_the_default(person, name, value, default, clear):
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    person.ui.deviceBox.setCurrentText("processor")
    person.click(person.ui.keepResultsBox)
    text = saved_scene()
    known = {"lowestLevel": "L4-L5", "device": "cpu"}[name]
    assert known in text
    load_scene(text.replace(known, value), clear=clear)
    parameters = person.logic.getParameterNode()
    held = {"lowestLevel": parameters.lowestLevel, "device": parameters.device}
    assert held == {"lowestLevel": "L4-L5", "device": "cpu"} | {name: default}
    shown = (person.ui.lowestLevelBox.currentText, person.ui.deviceBox.currentText)
    assert shown == (held["lowestLevel"], {"cpu": "processor", "auto": "automatic"}[held["device"]])
    assert person.ui.keepResultsBox.checked
    assert person.ui.waterSelector.currentNode().GetName() == "water"
    assert person.boxes == []


def test_a_script_that_writes_an_unknown_choice_leaves_the_default(person):
    person.ui.deviceBox.setCurrentText("processor")
    person.logic.getParameterNode().parameterNode.SetParameter("device", "tpu")
    assert person.ui.deviceBox.currentText == "automatic"
    person.ui.deviceBox.setCurrentText("graphics card")
    assert person.logic.getParameterNode().device == "gpu"


def test_a_hundred_visits_leave_one_wrapper(person):
    node = person.logic.getParameterNode().parameterNode
    before, wrapped = len(person.panel.Observations), len(wrappers())
    for _ in range(100):
        person.panel.parent.exit()
        person.panel.parent.enter()
    assert len(wrappers()) == wrapped
    assert leaves_observers() or len([one for one in wrappers() if one.parameterNode is node]) == 1
    assert len(person.panel.Observations) == before


def test_scenes_that_were_closed_are_kept_by_nothing(person):
    for _ in range(20):
        slicer.mrmlScene.Clear(1)
    assert leaves_observers() or len(wrappers()) == 1
    person.load("water")
    person.click(person.ui.findButton)
    person.segment()
    assert result_nodes()


def test_whoever_hears_of_a_change_from_outside_reads_the_new_value(person):
    person.panel.parent.exit()
    person.panel.parent.enter()
    parameters, heard = person.logic.getParameterNode(), []
    other = person.load("in_phase")["in_phase"]
    tag = parameters.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: heard.append(parameters.water))
    parameters.parameterNode.SetNodeReferenceID("water", other.GetID())
    parameters.RemoveObserver(tag)
    assert set(heard) == {other}
    assert person.ui.waterSelector.currentNode() is other
