"""Coordinates of nodes: from voxels to the world, and between Slicer's RAS and the LPS of the library."""

from __future__ import annotations

from typing import Any

import numpy as np
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..images import Grid

RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
"""RAS <-> LPS, 4 x 4; its own inverse."""


def array_of(matrix: Any) -> np.ndarray:
    """The values of a matrix.

    Args:
        matrix: A vtkMatrix4x4.

    Returns:
        float, 4 x 4.
    """
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def to_world(node: Any) -> np.ndarray:
    """The parent transforms of a node.

    Args:
        node: Any node that can be transformed.

    Returns:
        4 x 4, RAS of the node to RAS of the world.

    Raises:
        InputError: They warp.
    """
    matrix = vtk.vtkMatrix4x4()
    parent = node.GetParentTransformNode()
    if parent is not None:
        if not parent.IsTransformToWorldLinear():
            message = _("{name} is under a warping transform: harden it or take the volume out of it")
            raise InputError(message.format(name=node.GetName()))
        parent.GetMatrixTransformToWorld(matrix)
    return array_of(matrix)


def grid_of(node: Any) -> Grid:
    """The grid of a volume node in the world, its parent transforms applied.

    Args:
        node: A volume node with an image.

    Returns:
        The grid, LPS.

    Raises:
        InputError: Voxels are of no size, axes are sheared, or a parent transform warps.
    """
    ijk_to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(ijk_to_ras)
    ijk_to_lps = RAS_LPS @ to_world(node) @ array_of(ijk_to_ras)
    axes = ijk_to_lps[:3, :3]
    spacing_mm = np.linalg.norm(axes, axis=0)
    if not np.isfinite(ijk_to_lps).all() or (spacing_mm == 0).any():
        raise InputError(_("{name} has voxels of no size: load it again").format(name=node.GetName()))
    direction = axes / spacing_mm
    if not np.allclose(direction.T @ direction, np.eye(3), atol=1e-3):
        message = _("{name} has axes that are not perpendicular: resample it to a grid without shear")
        raise InputError(message.format(name=node.GetName()))
    i, j, k = node.GetImageData().GetDimensions()
    return Grid((i, j, k), _three(spacing_mm), _three(ijk_to_lps[:3, 3]), tuple(_three(row) for row in direction))


def _three(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])
