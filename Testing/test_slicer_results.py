"""The whole job by clicks in the harness: which nodes it leaves, where they lie, what a second run does to them."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from findings_said import said
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Grid
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.labelling import LABELS
from IVDSegmentationLib.slicer.attributes import CONFIDENCE
from IVDSegmentationLib.slicer.result_nodes import TERMINOLOGY
from scipy import ndimage
from scipy.spatial.transform import Rotation
from slicer_harness.person import PHANTOM, Person, result_nodes, table_text
from slicer_harness.printed import take_printed

LEVELS = [level for level, label in LABELS.items() if (PHANTOM.labels == label).any()]
OBLIQUE = Grid(
    PHANTOM.grid.size,
    PHANTOM.grid.spacing_mm,
    (12.0, -80.0, 33.0),
    tuple(map(tuple, Rotation.from_euler("xyz", [14, -9, 21], degrees=True).as_matrix())),
)


@pytest.fixture
def person():
    return Person()


def matrix_of(node):
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)])


def rotated_transform():
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    transform = vtk.vtkTransform()
    transform.Translate(25, -40, 60)
    transform.RotateWXYZ(33, 0.2, 0.5, 0.8)
    node.SetMatrixTransformToParent(transform.GetMatrix())
    return node


def only(class_name):
    (node,) = [node for node in result_nodes() if node.GetClassName() == class_name]
    return node


def classes_of_nodes():
    scene = slicer.mrmlScene
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    # Slicer always has the hierarchy; here it is made by whoever asks first.
    return Counter(node.GetClassName() for node in nodes if not node.IsA("vtkMRMLSubjectHierarchyNode"))


def models():
    return {node.GetName(): node for node in result_nodes() if node.IsA("vtkMRMLModelNode")}


@pytest.mark.parametrize("geometry", ["identity", "transform", "oblique"])
def test_the_nodes_lie_where_the_input_lies(person, geometry):
    inputs = person.load("water", "fat", grid=OBLIQUE if geometry == "oblique" else PHANTOM.grid)
    if geometry == "transform":
        parent = rotated_transform()
        for node in inputs.values():
            node.SetAndObserveTransformNodeID(parent.GetID())
    person.click(person.ui.findButton)
    person.segment()
    assert person.boxes == []

    labelmap, segmentation, water = only("vtkMRMLLabelMapVolumeNode"), only("vtkMRMLSegmentationNode"), inputs["water"]
    assert np.array_equal(matrix_of(labelmap), matrix_of(water))
    assert labelmap.GetTransformNodeID() == water.GetTransformNodeID()
    assert np.array_equal(slicer.util.arrayFromVolume(labelmap).T, PHANTOM.labels)
    for level in LEVELS:
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, level, water)
        assert np.array_equal(mask.T > 0, PHANTOM.labels == LABELS[level]), level

    ras_to_ijk = np.linalg.inv(matrix_of(water))
    assert list(models()) == LEVELS
    for level, model in models().items():
        assert model.GetTransformNodeID() == water.GetTransformNodeID()
        inside = LABELS[level] == PHANTOM.labels
        # In voxels: -0.5 at the last centre inside, +0.5 at the first outside, 0 on the boundary between them.
        distance = np.where(inside, 0.5 - ndimage.distance_transform_edt(inside), ndimage.distance_transform_edt(~inside) - 0.5)
        vertices = slicer.util.arrayFromModelPoints(model)
        ijk = np.c_[vertices, np.ones(len(vertices))] @ ras_to_ijk.T
        away = np.abs(ndimage.map_coordinates(distance, ijk[:, :3].T, order=1, mode="nearest"))
        assert len(vertices) > 200
        assert away.max() <= 1.0, level

    centers = only("vtkMRMLMarkupsFiducialNode")
    to_world = np.eye(4) if geometry != "transform" else slicer.util.arrayFromTransformMatrix(parent, toWorld=True)
    for index, level in enumerate(LEVELS):
        middle = np.argwhere(PHANTOM.labels == LABELS[level]).mean(axis=0)
        expected = to_world @ matrix_of(water) @ [*middle, 1]
        assert centers.GetNthControlPointLabel(index) == level
        assert np.allclose(centers.GetNthControlPointPositionWorld(index), expected[:3], atol=1e-3)


def test_names_colours_and_terms_are_those_of_the_levels(person):
    person.load("water")
    person.click(person.ui.findButton)
    person.segment()
    segmentation = only("vtkMRMLSegmentationNode").GetSegmentation()
    assert list(segmentation.GetSegmentIDs()) == LEVELS
    colours = only("vtkMRMLLabelMapVolumeNode").GetDisplayNode().GetColorNode()
    for level in LEVELS:
        segment = segmentation.GetSegment(level)
        assert segment.GetName() == level
        assert segment.GetLabelValue() == LABELS[level]
        assert np.allclose(segment.GetColor(), LEVEL_COLORS[level])
        assert np.allclose(models()[level].GetDisplayNode().GetColor(), LEVEL_COLORS[level])
        assert colours.GetColorName(LABELS[level]) == level
        rgba = [0.0] * 4
        colours.GetColor(LABELS[level], rgba)
        assert np.allclose(rgba, [*LEVEL_COLORS[level], 1], atol=1e-6)
        reference = vtk.reference("")
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), reference)
        assert "SCT^360499006^Intervertebral disc" in str(reference)
        assert segment.GetTag(CONFIDENCE, reference)
        assert 0 < float(str(reference)) <= 1
    assert len({LEVEL_COLORS[level] for level in LABELS}) == len(LABELS)


def test_the_term_of_the_segments_is_in_the_terminology_file(person):
    logic = slicer.modules.terminologies.logic()
    context = TERMINOLOGY.split("~")[0]
    assert logic.IsTerminologyContextLoaded(context)
    entry = slicer.vtkSlicerTerminologyEntry()
    assert logic.DeserializeTerminologyEntry(TERMINOLOGY, entry)
    assert entry.GetTypeObject().GetCodeMeaning() == "Intervertebral disc"


def test_the_terminology_is_loaded_where_the_sample_case_cannot_be_registered(person, monkeypatch):
    import SampleData

    loaded = []
    terminologies = SimpleNamespace(LoadTerminologyFromFile=loaded.append)
    monkeypatch.setattr(slicer.modules, "terminologies", SimpleNamespace(logic=lambda: terminologies))
    monkeypatch.setattr(SampleData.SampleDataLogic, "registerCustomSampleDataSource", lambda **_: 1 / 0)
    slicer.app.emit("startupCompleted()")
    # Twice, where an earlier test has unloaded the module and loaded it again.
    assert {Path(path).name for path in loaded} == {"IntervertebralDiscs.term.json"}
    assert set(take_printed()) == {"ZeroDivisionError: division by zero"}


def test_surfaces_are_closed_and_their_normals_point_outwards(person):
    person.load("water")
    person.click(person.ui.findButton)
    person.segment()
    for level, model in models().items():
        surface = model.GetPolyData()
        edges = vtk.vtkFeatureEdges()
        edges.SetInputData(surface)
        edges.BoundaryEdgesOn()
        edges.NonManifoldEdgesOff()
        edges.FeatureEdgesOff()
        edges.Update()
        assert edges.GetOutput().GetNumberOfLines() == 0, level
        points = slicer.util.arrayFromModelPoints(model)
        normals = slicer.util.arrayFromModelPointData(model, "Normals")
        # The divergence theorem needs no notion of inside: the flux of x through outward normals is the volume.
        triangles = slicer.util.arrayFromModelPolyIds(model).reshape(-1, 4)[:, 1:]
        a, b, c = (points[triangles[:, corner]] for corner in range(3))
        volume = (a * np.cross(b, c)).sum() / 6
        voxels = (PHANTOM.labels == LABELS[level]).sum() * np.prod(PHANTOM.grid.spacing_mm)
        assert volume == pytest.approx(voxels, rel=0.15), level
        facing = np.cross(b - a, c - a)
        assert ((facing * normals[triangles].sum(axis=1)).sum(axis=1) > 0).mean() > 0.98, level


def test_results_share_one_folder_named_after_the_case(person):
    person.load("water", names={"water": "Spine 12 water"})
    person.click(person.ui.findButton)
    person.segment()
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in result_nodes()}
    assert [hierarchy.GetItemName(folder) for folder in folders] == ["Spine 12 water discs"]


@pytest.mark.parametrize("keep", [False, True])
def test_a_second_run_replaces_or_adds_as_the_user_chooses(person, keep):
    person.load("water")
    person.click(person.ui.findButton)
    if keep:
        person.click(person.ui.keepResultsBox)
    person.segment()
    first, nodes = {node.GetID() for node in result_nodes()}, classes_of_nodes()
    person.segment()
    second = {node.GetID() for node in result_nodes()}
    assert first.issubset(second) == keep
    assert len(second) == (2 if keep else 1) * len(first)
    if not keep:
        assert classes_of_nodes() == nodes


def test_results_of_another_case_stay(person):
    nodes = person.load("water", "in_phase", names={"water": "first", "in_phase": "second"})
    person.ui.waterSelector.choose(nodes["water"])
    person.segment()
    first = {node.GetID() for node in result_nodes()}
    person.ui.waterSelector.choose(nodes["in_phase"])
    person.segment()
    assert first < {node.GetID() for node in result_nodes()}


def test_slices_and_cameras_turn_to_the_discs(person):
    slice_node = slicer.vtkMRMLSliceNode()
    slice_node.SetLayoutName("Red")
    slice_node = slicer.mrmlScene.AddNode(slice_node)
    camera = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode")
    person.load("water")
    person.click(person.ui.findButton)
    person.segment()
    centers = slicer.util.arrayFromMarkupsControlPoints(only("vtkMRMLMarkupsFiducialNode"), world=True)
    to_ras = slice_node.GetSliceToRAS()
    offset = np.array([to_ras.GetElement(row, 3) for row in range(3)])
    normal = np.array([to_ras.GetElement(row, 2) for row in range(3)])
    assert normal @ offset == pytest.approx(normal @ centers[len(centers) // 2])
    assert np.allclose(camera.GetFocalPoint(), centers.mean(axis=0))


def test_the_console_gets_the_result_without_the_panel(person):
    nodes = person.load("water", "fat", "in_phase", "opposed_phase")
    stages = []
    result = slicer.util.getModuleLogic("IVDSegmentation").segment(
        water=nodes["water"],
        fat=nodes["fat"],
        inPhase=nodes["in_phase"],
        opposedPhase=nodes["opposed_phase"],
        lowestLevel="L5-S1",
        device="cpu",
        onProgress=lambda stage, fraction: stages.append((stage, fraction)),
    )
    assert [disc.level for disc in result.discs] == LEVELS
    assert set(result.models) == set(LEVELS)
    assert result.findings[0] == finding("spine_faint")
    (request,) = person.worker.requests
    assert set(request["volumes"]) == {"water", "fat", "in_phase", "opposed_phase"}
    assert (request["lowest"], request["device"]) == ("L5-S1", "cpu")
    assert stages[0] == ("Starting the segmentation process", 0.0)
    assert [fraction for _, fraction in stages] == sorted(fraction for _, fraction in stages)


def test_the_worker_gets_the_volumes_in_the_patients_lps(person):
    nodes = person.load("water", grid=OBLIQUE)
    parent = rotated_transform()
    nodes["water"].SetAndObserveTransformNodeID(parent.GetID())
    person.ui.waterSelector.choose(nodes["water"])
    person.segment()
    volume = person.worker.requests[0]["volumes"]["water"]
    assert np.array_equal(volume.voxels, PHANTOM.channels["water"])
    ijk = np.array([[0, 0, 0], [5, 70, 11], [35, 3, 100]])
    ras = slicer.util.arrayFromTransformMatrix(parent, toWorld=True) @ matrix_of(nodes["water"]) @ np.c_[ijk, [1, 1, 1]].T
    assert np.allclose(volume.grid.to_mm(ijk), ras[:3].T * [-1, -1, 1], atol=1e-4)


@pytest.mark.parametrize("kind", ["vtkMRMLLabelMapVolumeNode", "vtkMRMLSegmentationNode"])
def test_an_experts_reference_reaches_the_worker(person, kind):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.segment()
    own = only(kind)
    person.ui.referenceSelector.choose(own)
    assert not person.ui.segmentButton.enabled
    assert "is a result of this module" in person.ui.segmentButton.toolTip
    with pytest.raises(InputError, match="choose an expert's segmentation"):
        person.logic.segment(nodes["water"], reference=own)
    expert = slicer.mrmlScene.CopyNode(own)
    person.ui.referenceSelector.choose(expert)
    person.segment()
    assert np.array_equal(person.worker.requests[-1]["reference"].voxels, PHANTOM.labels)
    assert expert.GetScene() is not None  # a copy is the user's own, and is not replaced with the result


def test_result_after_result_has_the_same_names(person):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    names = []
    for _ in range(3):
        person.segment()
        folder = hierarchy.GetItemName(person.panel.results.result.folder)
        names.append((folder, sorted(node.GetName() for node in result_nodes())))
    assert names[0][0] == "water discs"
    assert names[0] == names[1] == names[2]
    person.click(person.ui.keepResultsBox)
    person.segment()
    assert hierarchy.GetItemName(person.panel.results.result.folder) != "water discs"


def test_the_bar_ends_at_its_end_and_moves_to_and_fro_while_nothing_is_known(person):
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.worker.hold_at = "start"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    assert person.ui.progressBar.maximum == 0
    assert person.ui.stageMessage.text == "Starting the segmentation process..."
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    assert person.ui.progressBar.value == person.ui.progressBar.maximum == 100


def test_flags_stand_in_the_row_of_their_disc_and_the_case_above(person):
    labels = PHANTOM.labels.copy()
    labels[:, :, :][labels == 3] = 0
    labels[10:13, 50:53, 60:62] = 3  # so small a disc is flagged
    person.worker.labels = labels
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    person.segment()
    result = person.panel.results.result
    flagged = {disc.level: disc.flags for disc in result.discs if disc.flags}
    assert flagged
    rows = {row[0]: row for row in table_text(person.ui.discsTable).rows}
    assert list(rows) == [disc.level for disc in reversed(result.discs)]
    for disc in result.discs:
        assert rows[disc.level][1:] == (f"{disc.confidence:.0%}", "\n".join(said(disc.flags)))
    assert "to be checked" in person.ui.resultsMessage.text
    assert "flagged" not in person.ui.warningsMessage.text  # how many are flagged is told once


def test_level_names_show_along_the_spine_and_one_at_a_time_across_it(person):
    views, logics = {}, []  # a slice takes its node along when its logic goes
    for name, direction in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLScene(slicer.mrmlScene)
        node = logic.AddSliceNode(f"{name}Names")  # slice nodes stay in a scene that is closed: one of this test's own
        node.SetOrientation(direction)
        views[direction] = node
        logics.append(logic)
    nodes = person.load("water")
    person.ui.waterSelector.choose(nodes["water"])
    for _ in range(2):  # the second result takes the first one's place, its display nodes too
        person.segment()
    assert len(slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialDisplayNode")) == 2
    centers = only("vtkMRMLMarkupsFiducialNode")
    displays = [centers.GetNthDisplayNode(index) for index in range(centers.GetNumberOfDisplayNodes())]
    shown = {
        direction: [one.GetSliceProjection() for one in displays if one.IsDisplayableInView(node.GetID())]
        for direction, node in views.items()
    }
    assert shown == {"Axial": [False], "Sagittal": [True], "Coronal": [True]}
