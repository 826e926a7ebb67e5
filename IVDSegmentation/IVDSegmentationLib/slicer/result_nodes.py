"""A result of the segmentation as nodes of the scene, in one folder.

It is put into the coordinates of the reference volume's node and under the same parent transform, so that it follows the
volume when that is moved.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import updateVolumeFromArray

from ..errors import InputError
from ..levels.colors import LEVEL_COLORS
from ..levels.terminology import TERMINOLOGY
from ..pipeline.segmentation import Segmentation
from ..report.files import build_report
from .attributes import CASE, CONFIDENCE
from .disc_centers import add_centers
from .disc_models import add_models
from .scene_result import SceneCase, SceneResult, mark_as_result, remove_results
from .tables import add_plot, add_tables
from .views import show_result
from .volume_nodes import level_table

_SUFFIX = re.compile(r"_\d+$")
"""What Slicer adds to a name that another node has; none of ours ends so by itself."""


def place_result(segmentation: Segmentation, case: SceneCase, reference: Any, *, keep_earlier: bool) -> SceneResult:
    """Put a segmentation into the scene, and show it.

    Args:
        segmentation: The segmentation.
        case: What was segmented.
        reference: The volume node on whose grid it lies.
        keep_earlier: Whether earlier results of the case stay.

    Returns:
        The result.

    Raises:
        InputError: As `add_result`.
    """
    result = add_result(segmentation, case, reference)
    if not keep_earlier:
        remove_results(case.name, keep=result)
        _take_free_names(result)
    show_result(result, reference)
    return result


def add_result(segmentation: Segmentation, case: SceneCase, reference: Any) -> SceneResult:
    """Put a segmentation into the scene, in one folder; all of it or, after any error, nothing.

    Args:
        segmentation: The segmentation.
        case: What was segmented.
        reference: The volume node on whose grid, and under whose parent transform, it is put.

    Returns:
        The result.

    Raises:
        InputError: The image of `reference` has changed its size.
    """
    scene, name = slicer.mrmlScene, case.name
    if tuple(segmentation.label_volume.voxels.shape) != reference.GetImageData().GetDimensions():
        message = _("{name} was changed while it was being segmented: segment it again")
        raise InputError(message.format(name=reference.GetName()))
    before = {scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())}
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    own = hierarchy.GetItemByDataNode(reference)
    parent = hierarchy.GetItemParent(own) if own else hierarchy.GetSceneItemID()
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(_folder_name(name)))
    try:
        labelmap = _add_labelmap(segmentation, name, reference)
        tables = add_tables(build_report(segmentation), name)
        plot, *series = add_plot(tables["levels"], name)
        result = SceneResult(
            case=case,
            original=segmentation,
            named=segmentation,
            lowest_level=case.request.lowest_level,
            folder=folder,
            segmentation=_add_segmentation(segmentation, name, labelmap, reference),
            labelmap=labelmap,
            models=add_models(segmentation, reference),
            centers=add_centers(segmentation, name, reference),
            tables=tables,
            plot=plot,
            series=tuple(series),
        )
        for node in result.nodes:
            node.SetAttribute(CASE, name)
            mark_as_result(node)
            item = hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(folder, node)
            hierarchy.SetItemParent(item, folder)
        for node in result.in_space:
            node.SetAndObserveTransformNodeID(reference.GetTransformNodeID())
    except BaseException:
        after = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
        for node in after:
            if node not in before and not node.IsA("vtkMRMLColorNode"):
                scene.RemoveNode(node)
        hierarchy.RemoveItem(folder)
        raise
    return result


def _folder_name(case: str) -> str:
    return f"{case} discs"


def _take_free_names(result: SceneResult) -> None:
    """The names without a number behind them, where the results that had them are gone."""
    scene = slicer.mrmlScene
    for node in result.nodes:
        plain = _SUFFIX.sub("", node.GetName())
        if scene.GetFirstNodeByName(plain) is None:
            node.SetName(plain)
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    name = _folder_name(result.case.name)
    if not hierarchy.GetItemChildWithName(hierarchy.GetItemParent(result.folder), name):
        hierarchy.SetItemName(result.folder, name)


def _add_labelmap(segmented: Segmentation, case: str, reference: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", f"{case} disc labels")
    # Bit by bit, where taking a matrix apart again would round.
    directions = vtk.vtkMatrix4x4()
    reference.GetIJKToRASDirectionMatrix(directions)
    node.SetIJKToRASDirectionMatrix(directions)
    node.SetSpacing(reference.GetSpacing())
    node.SetOrigin(reference.GetOrigin())
    updateVolumeFromArray(node, np.ascontiguousarray(segmented.label_volume.voxels.T))
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetAndObserveColorNodeID(level_table().GetID())
    return node


def _add_segmentation(segmented: Segmentation, case: str, labelmap: Any, reference: Any) -> Any:
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{case} disc segmentation")
    node.SetReferenceImageGeometryParameterFromVolumeNode(labelmap)
    # The image that the Segment Editor shows, and whose DICOM instances an export refers to; the grid is the same.
    node.SetNodeReferenceID(node.GetReferenceImageGeometryReferenceRole(), reference.GetID())
    segmentation = node.GetSegmentation()
    binary = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segmentation.SetSourceRepresentationName(binary)
    image = slicer.vtkOrientedImageData()
    image.DeepCopy(_around_discs(labelmap.GetImageData(), segmented.label_volume.voxels))
    matrix = vtk.vtkMatrix4x4()
    labelmap.GetIJKToRASMatrix(matrix)
    image.SetGeometryFromImageToWorldMatrix(matrix)
    for disc in segmented.found:
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


def _around_discs(image: Any, voxels: np.ndarray) -> Any:
    """The part of an image that holds its voxels [i, j, k] which are not zero: surfaces are made of it in half the time."""
    found = np.nonzero(voxels)
    if len(found[0]) == 0:
        return image
    part = vtk.vtkImageClip()
    part.SetInputData(image)
    part.SetOutputWholeExtent([int(edge) for axis in found for edge in (axis.min(), axis.max())])
    part.ClipDataOn()
    part.Update()
    return part.GetOutput()
