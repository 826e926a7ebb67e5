"""Slice and 3D views brought to a result or to one of its discs."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from .scene_result import SceneResult


def show_result(result: SceneResult, reference: Any) -> None:
    """Bring the spine into view: the volume behind the segmentation, slices through the middle disc, 3D on all discs.

    Args:
        result: The result.
        reference: The volume node behind it.
    """
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
    """Move slices and 3D views, which keep their directions, to a disc; nothing where its centre is gone.

    Args:
        result: The result.
        level: Of the disc.
    """
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
