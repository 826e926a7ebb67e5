"""The centres of the discs as a point list, which shows the names of the levels in the views."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk

from ..pipeline.segmentation import Segmentation
from .coordinates import array_of


def add_centers(segmentation: Segmentation, case: str, reference: Any) -> Any:
    """Put the centres of the discs into the scene, each named by its level.

    They lie where their voxels lie now: the volume may have been moved since it was handed over.

    Args:
        segmentation: The segmentation.
        case: Name of the case.
        reference: The volume node in whose coordinates they are put.

    Returns:
        A new point list.
    """
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{case} disc centers")
    ijk_to_ras = vtk.vtkMatrix4x4()
    reference.GetIJKToRASMatrix(ijk_to_ras)
    for disc in segmentation.found:
        center_ijk = segmentation.label_volume.grid.to_ijk(np.array(disc.center_mm))
        point = array_of(ijk_to_ras) @ [*center_ijk, 1.0]
        node.AddControlPoint(*(float(value) for value in point[:3]), disc.level)
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    _show_names(node)
    return node


def _show_names(node: Any) -> None:
    """Show the names in 3D and in slices along the spine, where the centres are projected onto the slice: the spine bends.

    In axial slices they would lie on one another, and only that of the disc in the slice is shown.
    """
    slices = slicer.util.getNodesByClass("vtkMRMLSliceNode")
    axial = [one for one in slices if one.GetOrientation() == "Axial"]
    along = node.GetDisplayNode()
    along.SetSliceProjection(True)
    along.SetSliceProjectionOpacity(1.0)
    through = None
    if axial:
        through = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialDisplayNode")
        node.AddAndObserveDisplayNodeID(through.GetID())
        for view in (*slices, *slicer.util.getNodesByClass("vtkMRMLViewNode")):
            (through if view in axial else along).AddViewNodeID(view.GetID())
    for display in (along, through):
        if display is not None:
            display.SetGlyphScale(1.2)
            display.SetTextScale(3.0)
            display.SetSelectedColor(1.0, 0.95, 0.4)
            display.GetTextProperty().SetBold(True)
