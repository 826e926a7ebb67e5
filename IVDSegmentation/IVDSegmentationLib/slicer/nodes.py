"""Volume nodes <-> Volumes. This and the other mrml_*.py are the rooms of the library that know Slicer, and RAS.

A volume goes out in the patient's LPS with its parent transforms applied.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import arrayFromVolume, updateVolumeFromArray

from ..dixon.channels import PLAIN_NAMES
from ..errors import InputError
from ..images import Grid, Volume
from ..levels.colors import LEVEL_COLORS
from ..levels.labelling import LABELS, LEVELS
from .inputs import Candidate

CASE = "IVDSegmentation.Case"
CHANNEL = "IVDSegmentation.Channel"
LEVELS_TABLE = "IVDSegmentation.Levels"
"""Attributes of nodes that this extension sets."""

RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS <-> LPS, 4 x 4; its own inverse."""


def volume_of(node: Any) -> Volume:
    """The voxels [i, j, k] and the LPS grid of a scalar volume node, its linear parent transforms applied.

    Raises InputError: no image, several values in each voxel, a warping parent transform, sheared axes.
    """
    name = node.GetName()
    if node.GetImageData() is None or 0 in node.GetImageData().GetDimensions():
        raise InputError(_("{name} holds no image: load it again").format(name=name))
    values = node.GetImageData().GetNumberOfScalarComponents()
    if values > 1:
        message = _("{name} has {values} values in each voxel: load one channel as one scalar volume")
        raise InputError(message.format(name=name, values=values))
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
        message = _("{name} is empty on {volume}: choose the expert's segmentation of this case")
        raise InputError(message.format(name=node.GetName(), volume=onto.GetName()))
    return Volume(labels.T, _grid(_ijk_to_world(onto), onto), node.GetName())


def _ijk_to_world(node: Any) -> np.ndarray:
    """4 x 4, voxel to RAS of the world."""
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    return to_world(node) @ _array(ijk_to_ras)


def to_world(node: Any) -> np.ndarray:
    """4 x 4, RAS of the node to RAS of the world: its parent transforms."""
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            message = _("{name} is under a warping transform: harden it or take the volume out of it")
            raise InputError(message.format(name=node.GetName()))
        parent.GetMatrixTransformToWorld(matrix)
    return _array(matrix)


def _array(matrix: Any) -> np.ndarray:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _grid(ijk_to_ras: np.ndarray, node: Any) -> Grid:
    axes = (RAS_LPS @ ijk_to_ras)[:3, :3]
    spacing_mm = np.linalg.norm(axes, axis=0)
    if not np.isfinite(ijk_to_ras).all() or (spacing_mm == 0).any():
        raise InputError(_("{name} has voxels of no size: load it again").format(name=node.GetName()))
    direction = axes / spacing_mm
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
        message = _("{name} has axes that are not perpendicular: resample it to a grid without shear")
        raise InputError(message.format(name=node.GetName()))
    origin_mm = (RAS_LPS @ ijk_to_ras)[:3, 3]
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
    matrix.DeepCopy((RAS_LPS @ axes).ravel())
    node.SetIJKToRASMatrix(matrix)
    updateVolumeFromArray(node, np.ascontiguousarray(volume.voxels.T))
    node.CreateDefaultDisplayNodes()
    if not channel:
        node.GetDisplayNode().SetAndObserveColorNodeID(level_table().GetID())
    node.SetAttribute(CASE, case)
    node.SetAttribute(CHANNEL, channel)
    return node


def add_channels(volumes: Mapping[str, Volume], case: str) -> dict[str, Any]:
    """New volume nodes of a case's volumes by channel; channel -> node."""
    return {
        channel: add_volume(volume, f"{case} {PLAIN_NAMES[channel]}", case=case, channel=channel)
        for channel, volume in volumes.items()
    }


def candidates() -> list[Candidate]:
    """The scalar volumes of the scene, by node ID, with what tells their channel."""
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [_candidate(node) for node in nodes if not node.IsA("vtkMRMLLabelMapVolumeNode")]


def _candidate(node: Any) -> Candidate:
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    image_type = slicer.dicomDatabase.instanceValue(uids[0], "0008,0008") if uids else ""
    values = tuple(image_type.split("\\")) if image_type else ()
    return Candidate(node.GetID(), node.GetName(), node.GetAttribute(CHANNEL), values)


def level_table() -> Any:
    """The colour table of the levels, one for the whole scene."""
    name = "Intervertebral discs"
    found = slicer.util.getFirstNodeByClassByName("vtkMRMLColorTableNode", name)
    if found is not None and found.GetAttribute(LEVELS_TABLE):
        return found
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
    table.SetAttribute(LEVELS_TABLE, "1")
    table.SetTypeToUser()
    table.SetNumberOfColors(len(LEVELS) + 1)
    table.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
    for level, label in LABELS.items():
        table.SetColor(label, level, *LEVEL_COLORS[level], 1.0)
    table.SetHideFromEditors(False)
    return table
