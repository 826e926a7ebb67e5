"""Scenes that are saved and loaded in the middle of a run and with a result, and scenes of the version before."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from IVDSegmentationLib.slicer.attributes import CASE, RESULT
from slicer_harness.person import PHANTOM, person_with_case, result_nodes


@pytest.fixture
def person():
    return person_with_case()


def save(folder):
    """Save the scene with its data; the file of the scene."""
    folder.mkdir()
    assert slicer.mrmlScene.SaveSceneToSlicerDataBundleDirectory(str(folder), None)
    (path,) = folder.glob("*.mrml")
    return path


def load(path, *, clear=True):
    """Load a saved scene in place of the one that is there, or beside it."""
    scene = slicer.mrmlScene
    scene.SetRootDirectory(str(path.parent))
    scene.SetURL(str(path))
    assert scene.Connect() if clear else scene.Import()


def names_of(kind):
    return sorted(node.GetName() for node in result_nodes() if node.IsA(kind))


def test_a_scene_with_a_result_comes_back_and_the_next_run_takes_its_place(person, tmp_path):
    person.segment()
    models = names_of("vtkMRMLModelNode")
    load(save(tmp_path / "scene"))
    assert person.boxes == []
    assert names_of("vtkMRMLModelNode") == models
    assert person.ui.waterSelector.currentNode().GetName() == "water"
    assert np.array_equal(slicer.util.arrayFromVolume(person.ui.waterSelector.currentNode()).T, PHANTOM.channels["water"])
    assert person.ui.resultsMessage.text == "No result yet."
    assert not person.ui.saveReportButton.enabled
    person.segment()
    assert person.boxes == []
    assert names_of("vtkMRMLModelNode") == models
    assert len(names_of("vtkMRMLSegmentationNode")) == len(names_of("vtkMRMLLabelMapVolumeNode")) == 1


def test_a_result_loaded_beside_the_same_result_is_one_of_two(person, tmp_path):
    person.segment()
    path = save(tmp_path / "scene")
    load(path, clear=False)
    assert person.boxes == []
    assert person.panel.results.result is not None
    assert len([n for n in slicer.util.getNodesByClass("vtkMRMLSegmentationNode") if n.GetAttribute(CASE)]) == 2
    person.ui.lowestLevelBox.setCurrentText("L4-L5")  # the panel's own result is renamed, not the other
    assert person.boxes == []


def test_saving_in_the_middle_of_a_run_changes_nothing_of_it(person, tmp_path):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    save(tmp_path / "scene")
    assert person.logic.running
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    assert person.panel.results.result is not None
    assert person.boxes == []


def test_loading_a_scene_in_the_middle_of_a_run_ends_it_quietly(person, tmp_path):
    path = save(tmp_path / "scene")
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    load(path)
    assert not person.logic.running
    assert person.worker.cancelled == 1
    assert person.boxes == []
    assert result_nodes() == []
    assert person.ui.waterSelector.currentNode().GetName() == "water"
    person.worker.hold_at = None
    person.segment()
    assert person.panel.results.result is not None


def test_adding_a_scene_in_the_middle_of_a_run_leaves_it_alone(person, tmp_path):
    path = save(tmp_path / "scene")
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    load(path, clear=False)
    assert person.logic.running
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    assert person.boxes == []
    assert person.panel.results.result is not None


def as_xml():
    scene = slicer.mrmlScene
    scene.SetSaveToXMLString(1)
    scene.Commit()
    scene.SetSaveToXMLString(0)
    return scene.GetSceneXMLString()


def load_xml(text):
    scene = slicer.mrmlScene
    scene.SetLoadFromXMLString(1)
    scene.SetSceneXMLString(text)
    scene.Clear(0)
    scene.Import()
    scene.SetLoadFromXMLString(0)


def test_a_scene_that_lacks_parameters_and_has_others_gets_the_defaults(person):
    person.ui.deviceBox.setCurrentText("processor")
    text = as_xml()
    assert '"device cpu"' in text
    load_xml(text.replace('"device cpu"', '"modelName old"'))
    parameters = person.logic.getParameterNode()
    assert (parameters.device, parameters.lowestLevel, parameters.keepResults) == ("auto", "automatic", False)
    assert parameters.water.GetName() == "water"
    assert person.ui.deviceBox.currentText == "automatic"
    assert person.boxes == []


def test_results_of_version_1_0_are_known_as_results(person):
    """That version marked them with the number of their folder's item in the hierarchy."""
    person.segment()
    for node in result_nodes():
        node.SetAttribute(RESULT, "42")
    old = set(names_of("vtkMRMLModelNode"))
    slicer.mrmlScene.Clear(0)
    nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    person.segment()
    earlier = [node for node in result_nodes() if node.IsA("vtkMRMLModelNode")]
    for node in result_nodes():
        node.SetAttribute(RESULT, "42")
    person.ui.referenceSelector.choose(next(n for n in result_nodes() if n.IsA("vtkMRMLSegmentationNode")))
    assert "result of this module" in person.ui.segmentButton.toolTip
    person.ui.referenceSelector.choose(None)
    person.segment()
    assert set(names_of("vtkMRMLModelNode")) == old
    assert not any(slicer.mrmlScene.IsNodePresent(node) for node in earlier)
    assert nodes["water"] is person.ui.waterSelector.currentNode()


def test_a_scene_of_another_version_keeps_the_choice_of_volumes(person):
    text = as_xml()
    assert '"lowestLevel automatic"' in text
    load_xml(text.replace('"lowestLevel automatic"', '"lowestLevel none"').replace('"reference.2 True"', '"reference "'))
    assert person.logic.getParameterNode().water.GetName() == "water"
    assert person.ui.lowestLevelBox.currentText == "automatic"


@pytest.mark.parametrize("moved", [False, True])
def test_the_module_is_given_another_scene_and_its_own_back(person, moved):
    """What Slicer's generic test of every module does."""
    other, parent = slicer.vtkMRMLScene(), person.panel.parent
    if moved:
        other.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "elsewhere")
    parent.setMRMLScene(other)
    parent.setMRMLScene(slicer.mrmlScene)
    matrix = vtk.vtkMatrix4x4()
    person.ui.waterSelector.currentNode().GetIJKToRASMatrix(matrix)
    person.segment()
    assert person.boxes == []
    assert person.panel.results.result is not None
