"""Results in the scene: one segmentation and its nodes, whether these were edited, and how earlier results are removed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from ..findings import Finding
from ..images import Volume
from ..measure.segmented import Disc
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from ..report.files import build_report
from .attributes import CASE, RESULT


@dataclass(frozen=True)
class SceneCase:
    """A case of the scene as it was segmented.

    Attributes:
        name: Its name.
        volumes: Channel -> volume.
        inputs: Channel -> ID of its node.
        request: What was asked for.
    """

    name: str
    volumes: Mapping[str, Volume]
    inputs: Mapping[str, str]
    request: Request


@dataclass(frozen=True)
class SceneResult:
    """One segmentation and its nodes.

    segmentation, labelmap, centers: nodes. models: level -> model node. tables: as tables.add_tables. plot: chart of
    height and volume by level; series: its bars. folder: subject hierarchy item of them all.
    case: what was segmented. original: what came back. named: the same with the names that the discs have now.
    lowest_level: the one these were counted from, None where they are automatic.
    """

    case: SceneCase
    original: Segmentation
    named: Segmentation
    lowest_level: str | None
    folder: int
    segmentation: Any
    labelmap: Any
    models: Mapping[str, Any]
    centers: Any
    tables: Mapping[str, Any]
    plot: Any
    series: tuple[Any, ...]

    @property
    def nodes(self) -> Iterator[Any]:
        """All nodes, those of the patient's space first."""
        yield from self.in_space
        yield from (*self.tables.values(), self.plot, *self.series)

    @property
    def in_space(self) -> tuple[Any, ...]:
        """The nodes that lie in the patient's space."""
        return (self.segmentation, self.labelmap, *self.models.values(), self.centers)

    @property
    def discs(self) -> tuple[Disc, ...]:
        """Caudal to cranial, with their flags."""
        return self.named.discs

    @property
    def report(self) -> Mapping[str, Any]:
        """The content of report.json."""
        return build_report(self.named)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a person should know or check about the case as a whole."""
        return self.named.findings


def mark_as_result(node: Any) -> None:
    """Make a node known as one of a result; a copy that the user makes of it is none.

    Args:
        node: The node.
    """
    node.SetAttribute(RESULT, node.GetID())


def is_of_a_result(node: Any) -> bool:
    """Whether this extension has made a node as one of a result.

    Args:
        node: Any node.

    Returns:
        True where it has.
    """
    mark = node.GetAttribute(RESULT)
    return mark is not None and (mark == node.GetID() or mark.isdigit())  # a number in scenes of version 1.0


def is_edited(result: SceneResult) -> bool:
    """Whether the segments of a result hold other voxels than those that were segmented, or are others.

    Args:
        result: The result; its names may have changed.

    Returns:
        True where they do. A segmentation that is gone was not edited.
    """
    node = result.segmentation
    if node.GetScene() is None:
        return False
    labels = result.original.label_volume.voxels
    segmented = {new.level: old.label for old, new in zip(result.original.found, result.named.found, strict=True)}
    if set(node.GetSegmentation().GetSegmentIDs()) != set(segmented):
        return True
    return any(not _holds(node, level, labels == label) for level, label in segmented.items())


def _holds(node: Any, segment_id: str, mask: np.ndarray) -> bool:
    """Whether a segment holds exactly the voxels of a mask [i, j, k]."""
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    scalars = image.GetPointData().GetScalars()
    if scalars is None or 0 in image.GetDimensions():
        return not mask.any()
    found = np.argwhere(vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]).T > 0) + image.GetExtent()[::2]
    return np.array_equal(found, np.argwhere(mask))


def remove_results(case: str, keep: SceneResult | None = None) -> None:
    """Remove every result of a case, its folder and display nodes included.

    Args:
        case: Name of the case.
        keep: The result that stays.
    """
    scene = slicer.mrmlScene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    kept = set() if keep is None else set(keep.nodes)
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    earlier = [node for node in nodes if node.GetAttribute(CASE) == case and is_of_a_result(node) and node not in kept]
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in earlier}
    for node in earlier:
        for index in range(node.GetNumberOfDisplayNodes() - 1 if node.IsA("vtkMRMLDisplayableNode") else -1, -1, -1):
            scene.RemoveNode(node.GetNthDisplayNode(index))
        if node.IsA("vtkMRMLStorableNode") and node.GetStorageNode() is not None:
            scene.RemoveNode(node.GetStorageNode())
        # The item first: one that loses its node stays in the hierarchy's cache, under an address that comes again.
        hierarchy.RemoveItem(hierarchy.GetItemByDataNode(node), False, False)
        scene.RemoveNode(node)
    for folder in folders:
        # A folder that the user has put something else into stays, and so does what the results were dragged to.
        ours_alone = hierarchy.GetItemDataNode(folder) is None and folder != hierarchy.GetSceneItemID()
        if ours_alone and hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder)
