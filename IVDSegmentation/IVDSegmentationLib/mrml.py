"""Scene nodes <-> library objects: the one room of the library that knows Slicer, and the one that knows RAS.

A volume goes out in the patient's LPS with its parent transform applied; what comes back is put into the coordinates of
the reference volume's node and under the same parent transform, so that results follow it when it is moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.util import arrayFromVolume, updateVolumeFromArray
from vtk.util.numpy_support import numpy_to_vtk

from .dixon import PLAIN_NAMES
from .errors import InputError
from .level_colors import LEVEL_COLORS
from .levels import LABELS, LEVELS
from .results import Disc
from .slicer_inputs import Candidate
from .volumes import Grid, Volume
from .worker_protocol import WorkerResult

CASE = "IVDSegmentation.Case"
CHANNEL = "IVDSegmentation.Channel"
RESULT = "IVDSegmentation.Result"
CONFIDENCE = "IVDSegmentation.Confidence"
"""Attributes of nodes (and a tag of segments) that this extension sets."""

TERMINOLOGY = (
    "Segmentation category and type - Intervertebral discs"
    "~SCT^123037004^Anatomical Structure~SCT^360499006^Intervertebral disc~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
"""The terminology entry of every segment; its context is Resources/IntervertebralDiscs.term.json."""

_RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class SceneResult:
    """The nodes of one segmentation. models: level -> model node. folder: subject hierarchy item. report: the content of
    report.json. discs: as results.Disc, caudal to cranial."""

    case: str
    folder: int
    segmentation: Any
    labelmap: Any
    models: Mapping[str, Any]
    centers: Any
    table: Any
    discs: tuple[Disc, ...]
    warnings: tuple[str, ...]
    report: Mapping[str, Any] = field(default_factory=dict)


def volume_of(node: Any) -> Volume:
    """The voxels [i, j, k] and the LPS grid of a scalar volume node, its linear parent transforms applied.

    Raises InputError: no image, several values in each voxel, a warping parent transform, sheared axes.
    """
    name = node.GetName()
    if node.GetImageData() is None or 0 in node.GetImageData().GetDimensions():
        raise InputError(f"{name} holds no image: load it again")
    values = node.GetImageData().GetNumberOfScalarComponents()
    if values > 1:
        raise InputError(f"{name} has {values} values in each voxel: load one channel as one scalar volume")
    return Volume(arrayFromVolume(node).T, _grid(_ijk_to_world(node), node), name)


def labels_of(node: Any, onto: Any) -> Volume:
    """The labels of an expert's labelmap volume or segmentation node as a Volume; a segmentation is sampled on the grid
    of the volume node `onto`, segments named by level getting that level's label, others 1. Raises InputError."""
    if not node.IsA("vtkMRMLSegmentationNode"):
        return volume_of(node)
    labels = np.zeros(arrayFromVolume(onto).shape, np.uint8)
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        mask = slicer.util.arrayFromSegmentBinaryLabelmap(node, segment_id, onto)
        labels[mask > 0] = LABELS.get(segmentation.GetSegment(segment_id).GetName(), 1)
    if not labels.any():
        raise InputError(f"{node.GetName()} is empty on {onto.GetName()}: choose the expert's segmentation of this case")
    return Volume(labels.T, _grid(_ijk_to_world(onto), onto), node.GetName())


def _ijk_to_world(node: Any) -> np.ndarray:
    """4 x 4, voxel to RAS of the world."""
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    return _to_world(node) @ _array(ijk_to_ras)


def _to_world(node: Any) -> np.ndarray:
    """4 x 4, RAS of the node to RAS of the world: its parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            raise InputError(f"{node.GetName()} is under a warping transform: harden it or take the volume out of it")
        parent.GetMatrixTransformToWorld(matrix)
    return _array(matrix)


def _array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _grid(ijk_to_ras: np.ndarray, node: Any) -> Grid:
    axes = (_RAS_LPS @ ijk_to_ras)[:3, :3]
    spacing_mm = np.linalg.norm(axes, axis=0)
    if not np.isfinite(ijk_to_ras).all() or (spacing_mm == 0).any():
        raise InputError(f"{node.GetName()} has voxels of no size: load it again")
    direction = axes / spacing_mm
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
        raise InputError(f"{node.GetName()} has axes that are not perpendicular: resample it to a grid without shear")
    origin_mm = (_RAS_LPS @ ijk_to_ras)[:3, 3]
    i, j, k = node.GetImageData().GetDimensions()
    return Grid((i, j, k), _three(spacing_mm), _three(origin_mm), tuple(_three(row) for row in direction))


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def add_volume(volume: Volume, name: str, *, case: str, channel: str | None) -> Any:
    """A new volume node of a Volume, scalar for a channel, labelmap for None; its case and channel are remembered."""
    kind = "vtkMRMLScalarVolumeNode" if channel else "vtkMRMLLabelMapVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(kind, name)
    axes = np.eye(4)
    axes[:3, :3] = np.asarray(volume.grid.direction) * volume.grid.spacing_mm
    axes[:3, 3] = volume.grid.origin_mm
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((_RAS_LPS @ axes).ravel())
    node.SetIJKToRASMatrix(matrix)
    updateVolumeFromArray(node, np.ascontiguousarray(volume.voxels.T))
    node.CreateDefaultDisplayNodes()
    if not channel:
        node.GetDisplayNode().SetAndObserveColorNodeID(_level_table().GetID())
    node.SetAttribute(CASE, case)
    node.SetAttribute(CHANNEL, channel)
    return node


def add_channels(volumes: Mapping[str, Volume], case: str) -> dict[str, Any]:
    """New volume nodes of a case's volumes by channel; channel -> node."""
    return {
        channel: add_volume(volume, f"{case} {PLAIN_NAMES[channel]}", case=case, channel=channel)
        for channel, volume in volumes.items()
    }


def add_phantom(seed: int, name: str) -> list[Any]:
    """Make and load the Dixon lumbar phantom of a seed as a case: four channels, then the exact labels."""
    from .phantom import make_phantom

    phantom = make_phantom(seed)
    channels = add_channels({c: Volume(voxels, phantom.grid) for c, voxels in phantom.channels.items()}, name)
    labels = Volume(phantom.labels, phantom.grid)
    return [*channels.values(), add_volume(labels, f"{name} reference", case=name, channel=None)]


def candidates() -> list[Candidate]:
    """The scalar volumes of the scene, by node ID, with what tells their channel."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [_candidate(node) for node in nodes if not node.IsA("vtkMRMLLabelMapVolumeNode")]


def _candidate(node: Any) -> Candidate:
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    image_type = slicer.dicomDatabase.instanceValue(uids[0], "0008,0008") if uids else ""
    values = tuple(image_type.split("\\")) if image_type else ()
    return Candidate(node.GetID(), node.GetName(), node.GetAttribute(CHANNEL), values)


def add_result(result: WorkerResult, case: str, reference: Any) -> SceneResult:
    """Put a result into the scene, in one folder, on the grid and under the parent transform of the node `reference`.

    All of it or, after any error, nothing. Raises InputError where the image of `reference` has changed its size.
    """
    scene = slicer.mrmlScene
    if tuple(result.label_volume.voxels.shape) != reference.GetImageData().GetDimensions():
        raise InputError(f"{reference.GetName()} was changed while it was being segmented: segment it again")
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
        table = _add_table(result, case)
        for node in (segmentation, labelmap, *models.values(), centers, table):
            node.SetAttribute(CASE, case)
            node.SetAttribute(RESULT, str(folder))
            if node is not table:
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
    warnings, report = tuple(result.warnings), dict(result.report)
    return SceneResult(case, folder, segmentation, labelmap, models, centers, table, result.discs, warnings, report)


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
    node.GetDisplayNode().SetAndObserveColorNodeID(_level_table().GetID())
    return node


def _level_table() -> Any:
    """The colour table of the levels, one for the whole scene."""
    name = "Intervertebral discs"
    found = slicer.util.getFirstNodeByClassByName("vtkMRMLColorTableNode", name)
    if found is not None and found.GetAttribute(RESULT) == "levels":
        return found
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    table.SetAttribute(RESULT, "levels")
    table.SetTypeToUser()
    table.SetNumberOfColors(len(LEVELS) + 1)
    table.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
    for level, label in LABELS.items():
        table.SetColor(label, level, *LEVEL_COLORS[level], 1.0)
    table.SetHideFromEditors(False)
    return table


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
    world_to_node = np.linalg.inv(_to_world(reference))
    for disc in result.discs:
        point = world_to_node @ _RAS_LPS @ [*disc.center_mm, 1.0]
        node.AddControlPoint(*(float(value) for value in point[:3]), disc.level)
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetGlyphScale(1.5)
    node.GetDisplayNode().SetTextScale(2.5)
    return node


def _add_table(result: WorkerResult, case: str) -> Any:
    """One row for each disc: what the report measured of it, else its level, label and confidence."""
    own = [{"level": disc.level, "label": disc.label, "confidence": disc.confidence} for disc in result.discs]
    rows = [
        {key: value for key, value in row.items() if isinstance(value, (str, int, float))}
        for row in (result.report.get("discs") or own)
    ]
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{case} disc measurements")
    node.SetUseColumnTitleAsColumnHeader(True)
    for key in dict.fromkeys(key for row in rows for key in row):
        values = [row.get(key) for row in rows]
        if any(isinstance(value, str) for value in values):
            column = vtk.vtkStringArray()
            for value in values:
                column.InsertNextValue(str(value if value is not None else ""))
        else:
            column = numpy_to_vtk(np.array([np.nan if v is None else v for v in values], float), deep=True)
        column.SetName(key)
        node.AddColumn(column)
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
