"""A result of the segmentation as nodes of the scene, in one folder: put there, replaced, brought into view.

It is put into the coordinates of the reference volume's node and under the same parent transform, so that it follows the
volume when that is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import updateVolumeFromArray

from ..errors import InputError
from ..levels.colors import LEVEL_COLORS
from ..pipeline.renaming import flagged
from ..pipeline.result import Disc
from ..worker.protocol import WorkerResult
from ..worker.session import Request
from .nodes import CASE, RAS_LPS, level_table, to_world
from .tables import add_plot, add_tables

RESULT = "IVDSegmentation.Result"
CONFIDENCE = "IVDSegmentation.Confidence"
"""An attribute of the nodes and a tag of the segments of a result."""

TERMINOLOGY = (
    "Segmentation category and type - Intervertebral discs"
    "~SCT^123037004^Anatomical Structure~SCT^360499006^Intervertebral disc~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
"""The terminology entry of every segment; its context is Resources/IntervertebralDiscs.term.json."""


@dataclass(frozen=True)
class SceneResult:
    """One segmentation and its nodes.

    segmentation, labelmap, centers: nodes. models: level -> model node. tables: as mrml_tables.add_tables. plot: chart of
    height and volume by level. folder: subject hierarchy item of them all.
    request: what was segmented, inputs: channel -> ID of its node. answer: what came back. named: the same with the names
    that the discs have now. lowest_level: the one these were counted from, None where they are automatic.
    """

    request: Request
    inputs: Mapping[str, str]
    answer: WorkerResult
    named: WorkerResult
    lowest_level: str | None
    folder: int
    segmentation: Any
    labelmap: Any
    models: Mapping[str, Any]
    centers: Any
    tables: Mapping[str, Any]
    plot: Any

    @property
    def discs(self) -> tuple[Disc, ...]:
        """Caudal to cranial, with their flags."""
        return self.named.discs

    @property
    def report(self) -> Mapping[str, Any]:
        """The content of report.json."""
        return self.named.report

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences about the case."""
        return tuple(self.report["warnings"])


def place_result(
    answer: WorkerResult, request: Request, inputs: Mapping[str, str], reference: Any, *, keep_earlier: bool
) -> SceneResult:
    """Put a result into the scene (`add_result`), in place of earlier ones of its case unless these are kept, and show it."""
    result = add_result(answer, request, inputs, reference)
    if not keep_earlier:
        remove_results(request.name, keep=result.folder)
    show_result(result, reference)
    return result


def add_result(answer: WorkerResult, request: Request, inputs: Mapping[str, str], reference: Any) -> SceneResult:
    """Put a result into the scene, in one folder, on the grid and under the parent transform of the node `reference`.

    All of it or, after any error, nothing. Raises InputError where the image of `reference` has changed its size.
    """
    scene, case = slicer.mrmlScene, request.name
    if tuple(answer.label_volume.voxels.shape) != reference.GetImageData().GetDimensions():
        message = _("{name} was changed while it was being segmented: segment it again")
        raise InputError(message.format(name=reference.GetName()))
    result = replace(answer, discs=flagged(answer.discs, answer.report))
    before = {scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())}
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    own = hierarchy.GetItemByDataNode(reference)
    parent = hierarchy.GetItemParent(own) if own else hierarchy.GetSceneItemID()
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(f"{case} discs"))
    try:
        labelmap = _add_labelmap(result, case, reference)
        segmentation = _add_segmentation(result, case, labelmap)
        models = {disc.level: _add_model(disc, segmentation) for disc in result.discs}
        centers = _add_centers(result, case, reference)
        tables = add_tables(result.report, case)
        plot = add_plot(tables["levels"], case)
        in_space = (segmentation, labelmap, *models.values(), centers)
        for node in (*in_space, *tables.values(), *plot):
            node.SetAttribute(CASE, case)
            node.SetAttribute(RESULT, str(folder))
            if node in in_space:
                node.SetAndObserveTransformNodeID(reference.GetTransformNodeID())
            item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
            hierarchy.SetItemParent(item, folder)
    except BaseException:
        after = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
        for node in after:
            if node not in before and not node.IsA("vtkMRMLColorNode"):
                scene.RemoveNode(node)
        hierarchy.RemoveItem(folder)
        raise
    return SceneResult(
        request, inputs, result, result, request.lowest_level, folder, segmentation, labelmap, models, centers, tables, plot[0]
    )


def _add_labelmap(result: WorkerResult, case: str, reference: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", f"{case} disc labels")
    # Bit by bit, where taking a matrix apart again would round.
    directions = vtk.vtkMatrix4x4()
    reference.GetIJKToRASDirectionMatrix(directions)
    node.SetIJKToRASDirectionMatrix(directions)
    node.SetSpacing(reference.GetSpacing())
    node.SetOrigin(reference.GetOrigin())
    updateVolumeFromArray(node, np.ascontiguousarray(result.label_volume.voxels.T))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(level_table().GetID())
    return node


def _add_segmentation(result: WorkerResult, case: str, labelmap: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{case} disc segmentation")
    node.SetReferenceImageGeometryParameterFromVolumeNode(labelmap)
    segmentation = node.GetSegmentation()
    binary = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segmentation.SetSourceRepresentationName(binary)
    image = slicer.vtkOrientedImageData()
    image.DeepCopy(labelmap.GetImageData())
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetIJKToRASMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(matrix)
    for disc in result.discs:
        segment = slicer.vtkSegment()
        segment.SetName(disc.level)
        segment.SetColor(*LEVEL_COLORS[disc.level])
        segment.SetTag(segment.GetTerminologyEntryTagName(), TERMINOLOGY)
        segment.SetTag(CONFIDENCE, f"{disc.confidence:.3f}")
        segment.SetLabelValue(disc.label)
        # One image for all segments, as Slicer itself keeps segments that do not overlap.
        segment.AddRepresentation(binary, image)
        segmentation.AddSegment(segment, disc.level)
    node.CreateClosedSurfaceRepresentation()
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetVisibility3D(False)  # the models show the discs there
    node.GetDisplayNode().SetOpacity2DFill(0.4)
    return node


def _add_model(disc: Disc, segmentation: Any) -> Any:
    surface = vtk.vtkPolyData()
    segmentation.GetClosedSurfaceRepresentation(disc.level, surface)
    outwards = vtk.vtkPolyDataNormals()
    outwards.SetInputData(surface)
    outwards.AutoOrientNormalsOn()
    outwards.SplittingOff()
    outwards.Update()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", disc.level)
    node.SetAndObservePolyData(outwards.GetOutput())
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetColor(*LEVEL_COLORS[disc.level])
    node.GetDisplayNode().SetVisibility2D(False)
    return node


def _add_centers(result: WorkerResult, case: str, reference: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{case} disc centers")
    world_to_node = np.linalg.inv(to_world(reference))
    for disc in result.discs:
        point = world_to_node @ RAS_LPS @ [*disc.center_mm, 1.0]
        node.AddControlPoint(*(float(value) for value in point[:3]), disc.level)
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetGlyphScale(1.5)
    node.GetDisplayNode().SetTextScale(2.5)
    return node


def remove_results(case: str, keep: int | None = None) -> None:
    """Remove every result of a case, its folder and display nodes included, but that of the folder item `keep`."""
    scene = slicer.mrmlScene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    mine = [n for n in nodes if n.GetAttribute(CASE) == case and n.GetAttribute(RESULT) not in (None, str(keep))]
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in mine}
    for node in mine:
        for index in range(node.GetNumberOfDisplayNodes() - 1 if node.IsA("vtkMRMLDisplayableNode") else -1, -1, -1):
            scene.RemoveNode(node.GetNthDisplayNode(index))
        if node.IsA("vtkMRMLStorableNode") and node.GetStorageNode() is not None:
            scene.RemoveNode(node.GetStorageNode())
        # The item first: one that loses its node stays in the hierarchy's cache, under an address that comes again.
        hierarchy.RemoveItem(hierarchy.GetItemByDataNode(node), False, False)
        scene.RemoveNode(node)
    for folder in folders:
        # A folder that the user has put something else into stays, and so does what the results were dragged to.
        mine_alone = hierarchy.GetItemDataNode(folder) is None and folder != hierarchy.GetSceneItemID()
        if mine_alone and hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder)


def show_result(result: SceneResult, reference: Any) -> None:
    """Bring the spine into view: `reference` behind the segmentation, slices through the middle disc, 3D on all discs."""
    selection = slicer.app.applicationLogic().GetSelectionNode()
    selection.SetActiveVolumeID(reference.GetID())
    slicer.app.applicationLogic().PropagateVolumeSelection(0)
    points = np.array([result.centers.GetNthControlPointPositionWorld(index) for index in range(len(result.discs))])
    if len(points) == 0:
        return
    middle = points[len(points) // 2]
    slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *(float(value) for value in middle))
    focal, reach_mm = points.mean(axis=0), float(np.ptp(points, axis=0).max()) + 60.0
    for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
        camera.SetFocalPoint(*focal)
        camera.SetPosition(*(focal + np.array([-0.9, 1.6, 0.25]) * reach_mm))  # from the front, the patient's left
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.ResetClippingRange()


def center_on(result: SceneResult, level: str) -> None:
    """Move slices and 3D views, which keep their directions, to the disc of a level; nothing where its center point is gone."""
    for index in range(result.centers.GetNumberOfControlPoints()):
        if result.centers.GetNthControlPointLabel(index) == level:
            center = np.array(result.centers.GetNthControlPointPositionWorld(index))
            mode = slicer.vtkMRMLSliceNode.CenteredJumpSlice
            slicer.vtkMRMLSliceNode.JumpAllSlices(slicer.mrmlScene, *(float(value) for value in center), mode)
            for camera in slicer.util.getNodesByClass("vtkMRMLCameraNode"):
                moved = center - camera.GetFocalPoint()
                camera.SetPosition(*(camera.GetPosition() + moved))
                camera.SetFocalPoint(*center)
                camera.ResetClippingRange()
