"""The surfaces of the discs as model nodes: the very ones that a report writes as .vtp."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ..levels.colors import LEVEL_COLORS
from ..pipeline.segmentation import Segmentation
from .coordinates import array_of


def add_models(segmentation: Segmentation, reference: Any) -> dict[str, Any]:
    """Put the surfaces of a segmentation into the scene.

    Args:
        segmentation: The segmentation.
        reference: The volume node in whose coordinates they are put, where its voxels lie now: it may have been moved since it
            was handed over.

    Returns:
        Level -> new model node, caudal to cranial.
    """
    grid = segmentation.label_volume.grid
    ijk_to_lps, ijk_to_ras = np.eye(4), vtk.vtkMatrix4x4()
    ijk_to_lps[:3, :3] = np.asarray(grid.direction) * grid.spacing_mm
    ijk_to_lps[:3, 3] = grid.origin_mm
    reference.GetIJKToRASMatrix(ijk_to_ras)
    lps_to_node = array_of(ijk_to_ras) @ np.linalg.inv(ijk_to_lps)
    return {level: _add_model(surface, level, lps_to_node) for level, surface in segmentation.surfaces.items()}


def _add_model(surface: Any, level: str, lps_to_node: np.ndarray) -> Any:
    transform = vtk.vtkTransform()
    transform.SetMatrix(lps_to_node.ravel())
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetInputData(surface)
    moved.SetTransform(transform)
    moved.Update()
    mesh = moved.GetOutput()
    if np.linalg.det(lps_to_node) < 0:  # a mirror image, whose faces would look inwards
        turned = vtk.vtkReverseSense()
        turned.SetInputData(mesh)
        turned.ReverseCellsOn()
        turned.Update()
        mesh = turned.GetOutput()
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", level)
    node.SetAndObservePolyData(mesh)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetColor(*LEVEL_COLORS[level])
    node.GetDisplayNode().SetVisibility2D(False)
    return node
