"""Volume nodes <-> Volumes: a volume goes out in the patient's LPS with its parent transforms applied.

An expert's segmentation goes out as labels, and labels come in with the colours of the levels.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import arrayFromSegmentBinaryLabelmap, arrayFromVolume, updateVolumeFromArray

from ..dixon.channels import PLAIN_NAMES
from ..errors import InputError
from ..images import Volume
from ..levels.colors import LEVEL_COLORS
from ..levels.labelling import LABELS
from .attributes import CASE, CHANNEL, LEVELS_TABLE
from .coordinates import RAS_LPS, grid_of

_LEVELS_TABLE_NAME = "Intervertebral discs"


def volume_of(node: Any) -> Volume:
    """Read a scalar volume node.

    Args:
        node: The node.

    Returns:
        Its voxels [i, j, k] and LPS grid, its linear parent transforms applied.

    Raises:
        InputError: It has no image, or several values in each voxel, a parent transform warps, or axes are sheared.
    """
    name = node.GetName()
    if node.GetImageData() is None or 0 in node.GetImageData().GetDimensions():
        raise InputError(_("{name} holds no image: load it again").format(name=name))
    values = node.GetImageData().GetNumberOfScalarComponents()
    if values > 1:
        message = _("{name} has {values} values in each voxel: load one channel as one scalar volume")
        raise InputError(message.format(name=name, values=values))
    return Volume(arrayFromVolume(node).T, grid_of(node), name, dicom_files_of(node))


def labels_of(node: Any, onto: Any) -> Volume:
    """The labels of an expert's segmentation.

    Args:
        node: Labelmap volume, or segmentation, which is sampled on the grid of `onto`: segments named by level get that level's
            label, others 1.
        onto: Volume node.

    Returns:
        The labels.

    Raises:
        InputError: It is empty there, or has no image.
    """
    if not node.IsA("vtkMRMLSegmentationNode"):
        return volume_of(node)
    labels = np.zeros(arrayFromVolume(onto).shape, np.uint8)
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        mask = arrayFromSegmentBinaryLabelmap(node, segment_id, onto)
        labels[mask > 0] = LABELS.get(segmentation.GetSegment(segment_id).GetName(), 1)
    if not labels.any():
        message = _("{name} is empty on {volume}: choose the expert's segmentation of this case")
        raise InputError(message.format(name=node.GetName(), volume=onto.GetName()))
    return Volume(labels.T, grid_of(onto), node.GetName())


def dicom_files_of(node: Any) -> tuple[Path, ...]:
    """The DICOM files that Slicer loaded a volume node from.

    Args:
        node: A volume node.

    Returns:
        Those of its instances that the DICOM database still has; empty for a volume from elsewhere, or where one is gone.
    """
    database = getattr(slicer, "dicomDatabase", None)
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    files = [database.fileForInstance(uid) for uid in uids] if database is not None else []
    return tuple(Path(file) for file in files) if all(files) else ()


def add_volume(volume: Volume, name: str, *, case: str, channel: str | None) -> Any:
    """Put a volume into the scene; its case and channel are remembered.

    Args:
        volume: The volume.
        name: Name of the node.
        case: Name of its case.
        channel: Its channel; None for labels.

    Returns:
        A new node, scalar for a channel, labelmap for None.
    """
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
    """Put the volumes of a case into the scene.

    Args:
        volumes: Channel -> volume.
        case: Name of the case.

    Returns:
        Channel -> new node.
    """
    return {
        channel: add_volume(volume, f"{case} {PLAIN_NAMES[channel]}", case=case, channel=channel)
        for channel, volume in volumes.items()
    }


def level_table() -> Any:
    """The colour table of the levels, one for the whole scene.

    Returns:
        The node; made where there is none.
    """
    found = slicer.util.getFirstNodeByClassByName("vtkMRMLColorTableNode", _LEVELS_TABLE_NAME)
    if found is not None and found.GetAttribute(LEVELS_TABLE):
        return found
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", _LEVELS_TABLE_NAME)
    table.SetAttribute(LEVELS_TABLE, "1")
    table.SetTypeToUser()
    table.SetNumberOfColors(len(LABELS) + 1)
    table.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
    for level, label in LABELS.items():
        table.SetColor(label, level, *LEVEL_COLORS[level], 1.0)
    table.SetHideFromEditors(False)
    return table
