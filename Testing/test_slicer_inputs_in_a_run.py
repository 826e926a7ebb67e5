"""What a person does to the inputs while they are segmented, and to the result afterwards."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from slicer_harness.person import PHANTOM, person_with_case, result_nodes, scene_state


@pytest.fixture
def person():
    person = person_with_case()
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    return person


def go_on(person):
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)


def moved(node):
    parent = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = vtk.vtkTransform()
    matrix.Translate(10, -20, 30)
    matrix.RotateZ(20)
    parent.SetMatrixTransformToParent(matrix.GetMatrix())
    node.SetAndObserveTransformNodeID(parent.GetID())
    return parent


def matrix_of(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def test_an_input_that_is_renamed_stays_the_input(person):
    person.nodes["water"].SetName("patient 7")
    go_on(person)
    assert person.boxes == []
    assert person.ui.waterSelector.currentNode() is person.nodes["water"]
    assert person.panel.results.result.case.inputs["water"] == person.nodes["water"].GetID()
    assert np.array_equal(slicer.util.arrayFromVolume(person.panel.results.result.labelmap).T, PHANTOM.labels)


def test_the_result_follows_an_input_that_is_moved_meanwhile(person):
    parent = moved(person.nodes["water"])
    go_on(person)
    result = person.panel.results.result
    assert {node.GetTransformNodeID() for node in result.in_space} == {parent.GetID()}
    assert np.array_equal(matrix_of(result.labelmap), matrix_of(person.nodes["water"]))
    assert_centers_lie_in_their_discs(result)


def assert_centers_lie_in_their_discs(result):
    """Each centre, in the world, is in the voxels of its disc, or beside one where the disc is bent."""
    to_ijk, voxels = np.linalg.inv(matrix_of(result.labelmap)), slicer.util.arrayFromVolume(result.labelmap).T
    to_node = vtk.vtkMatrix4x4()
    parent = result.labelmap.GetParentTransformNode()
    if parent is not None:
        parent.GetMatrixTransformFromWorld(to_node)
    for index, disc in enumerate(result.discs):
        world = [*result.centers.GetNthControlPointPositionWorld(index), 1.0]
        i, j, k = np.rint((to_ijk @ to_node.MultiplyPoint(world))[:3]).astype(int)
        around = voxels[i - 1 : i + 2, j - 1 : j + 2, k - 1 : k + 2]
        assert (around == disc.label).any(), disc.level


def test_the_result_lies_on_an_input_whose_move_is_hardened_meanwhile(person):
    moved(person.nodes["water"])
    person.nodes["water"].HardenTransform()
    go_on(person)
    result = person.panel.results.result
    assert np.allclose(matrix_of(result.labelmap), matrix_of(person.nodes["water"]))
    assert_centers_lie_in_their_discs(result)


def test_a_volume_that_is_no_input_comes_and_goes(person):
    other = person.load("in_phase")["in_phase"]
    slicer.mrmlScene.RemoveNode(other)
    assert person.logic.running
    go_on(person)
    assert person.boxes == []
    assert person.panel.results.result is not None


def test_all_inputs_deleted_at_once_are_one_box(person):
    scene = slicer.mrmlScene
    scene.StartState(scene.BatchProcessState)
    for node in person.nodes.values():
        scene.RemoveNode(node)
    scene.EndState(scene.BatchProcessState)
    assert not person.logic.running
    assert len(person.boxes) == 1
    assert result_nodes() == []
    assert not person.ui.segmentButton.enabled


def test_a_reference_deleted_meanwhile_has_been_handed_over_already(person):
    go_on(person)
    reference = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "expert")
    slicer.util.updateVolumeFromArray(reference, np.ascontiguousarray(PHANTOM.labels.T))
    reference.CopyOrientation(person.nodes["water"])
    person.ui.referenceSelector.choose(reference)
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    slicer.mrmlScene.RemoveNode(reference)
    go_on(person)
    assert person.boxes == []
    assert person.panel.results.result.report["metrics"]["overall_dice"] > 0.99


def test_what_is_deleted_of_a_result_is_missed_by_nothing(person):
    go_on(person)
    result = person.panel.results.result
    level = result.discs[0].level
    for node in (result.centers, result.models[level], result.segmentation):
        slicer.mrmlScene.RemoveNode(node)
    person.click_row(person.ui.discsTable, 0)
    person.segment()
    assert person.boxes == []
    assert len([node for node in result_nodes() if node.IsA("vtkMRMLSegmentationNode")]) == 1


def test_a_box_that_stays_open_does_not_hold_up_what_comes_after_it(person):
    """The timer ticks on while a box is open: the run behind it must not be ended twice."""
    from slicer_harness.boxes import BOXES

    BOXES.while_open = lambda: slicer.mrmlScene.RemoveNode(person.nodes["water"])
    slicer.mrmlScene.RemoveNode(person.nodes["fat"])
    assert person.boxes == ["fat was deleted while it was being segmented: load it again"]
    assert not person.logic.running
    assert not person.ui.segmentButton.enabled
    state = scene_state()
    slicer.app.processEvents()
    assert scene_state() == state
