"""Surfaces of the discs: one closed vtk mesh each, from the probability map, in LPS mm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError, OutputError
from .disc_map import SURFACE, DiscMap, disc_map
from .segmented import Segmented

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_FLOATS = (np.float32, np.float64)
_SMOOTHING_ROUNDS = 20
_PASS_BAND = 0.15
"""Of Taubin's filter: the steps of the voxels go, the shape and (within 0.5 %) the volume stay."""


def disc_surface(disc: DiscMap) -> vtkPolyData:
    """Draw the surface of a disc, where its probability crosses 0.5.

    It is smoothed by a windowed sinc (Taubin, Zhang, Golub, ECCV 1996), which does not shrink it. A disc cut by the field of
    view is closed at the outer face of its last voxels.

    Args:
        disc: The disc.

    Returns:
        Closed triangle mesh, LPS mm, with outward normals of the points; the largest piece where the disc is in several.

    Raises:
        InputError: The probability stays below 0.5.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
    from vtkmodules.vtkCommonCore import vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkImageData
    from vtkmodules.vtkFiltersCore import (
        vtkCleanPolyData,
        vtkFlyingEdges3D,
        vtkPolyDataConnectivityFilter,
        vtkPolyDataNormals,
        vtkWindowedSincPolyDataFilter,
    )

    image = vtkImageData()
    image.SetDimensions(*disc.grid.size)
    image.GetPointData().SetScalars(numpy_to_vtk(disc.probability.ravel(order="F"), deep=True))
    contour = vtkFlyingEdges3D()
    contour.SetInputData(image)
    contour.SetValue(0, SURFACE)
    contour.ComputeNormalsOff()
    contour.ComputeScalarsOff()
    largest = vtkPolyDataConnectivityFilter()
    largest.SetInputConnection(contour.GetOutputPort())
    largest.SetExtractionModeToLargestRegion()
    used = vtkCleanPolyData()  # the other pieces' points stay otherwise
    used.SetInputConnection(largest.GetOutputPort())
    used.PointMergingOff()
    used.Update()
    # Contoured by voxel and placed afterwards, because vtk filters differ in what they make of an oblique image.
    mesh = used.GetOutput()
    if mesh.GetNumberOfCells() == 0:
        raise InputError("the probability stays below 0.5 everywhere: there is no disc to draw a surface of")
    points = vtkPoints()
    points.SetData(numpy_to_vtk(disc.grid.to_mm(vtk_to_numpy(mesh.GetPoints().GetData())), deep=True))
    mesh.SetPoints(points)
    smooth = vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(_SMOOTHING_ROUNDS)
    smooth.SetPassBand(_PASS_BAND)
    smooth.BoundarySmoothingOff()
    smooth.FeatureEdgeSmoothingOff()
    smooth.NormalizeCoordinatesOn()
    normals = vtkPolyDataNormals()
    normals.SetInputConnection(smooth.GetOutputPort())
    normals.ConsistencyOn()
    normals.AutoOrientNormalsOn()
    normals.SplittingOff()
    normals.Update()
    return normals.GetOutput()


def disc_surfaces(segmented: Segmented) -> dict[str, vtkPolyData]:
    """Draw the surface of every disc of a segmentation.

    Args:
        segmented: The segmentation.

    Returns:
        Level -> closed mesh, LPS mm, caudal to cranial.
    """
    maps, grid = (segmented.probability, segmented.labels), segmented.case.working_grid
    return {disc.level: disc_surface(disc_map(*maps, disc.label, grid)) for disc in segmented.found}


def arrays_of_surface(surface: vtkPolyData) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Take a surface apart.

    Args:
        surface: A mesh of `disc_surface`.

    Returns:
        Points, float64 (n, 3), LPS mm; triangles, int64 (m, 3), the points' numbers; outward normals of the points, float32
        (n, 3).
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    triangles = vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).astype(np.int64).reshape(-1, 3)
    return vtk_to_numpy(surface.GetPoints().GetData()), triangles, vtk_to_numpy(surface.GetPointData().GetNormals())


def surface_of_arrays(points_mm: np.ndarray, triangles: np.ndarray, normals: np.ndarray) -> vtkPolyData:
    """Put a surface together.

    Args:
        points_mm: float32 or float64 (n, 3), LPS.
        triangles: int64 (m, 3), the points' numbers.
        normals: float32 or float64 (n, 3), of the points, outward.

    Returns:
        The mesh.

    Raises:
        InputError: The arrays are of another kind or shape, or a triangle has a point that is none.
    """
    from vtkmodules.util.numpy_support import numpy_to_vtk
    from vtkmodules.vtkCommonCore import VTK_LONG_LONG, vtkPoints
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData

    shaped = points_mm.ndim == triangles.ndim == 2 and points_mm.shape[1] == triangles.shape[1] == 3
    if not shaped or normals.shape != points_mm.shape or not points_mm.size or not triangles.size:
        raise InputError(f"points {points_mm.shape}, triangles {triangles.shape}, normals {normals.shape} are no surface")
    if points_mm.dtype not in _FLOATS or normals.dtype not in _FLOATS or triangles.dtype != np.int64:
        raise InputError(f"points {points_mm.dtype}, triangles {triangles.dtype}, normals {normals.dtype} are no surface")
    if triangles.min() < 0 or triangles.max() >= len(points_mm) or not np.isfinite(points_mm).all():
        raise InputError("a triangle of a surface has a point that is none")
    points, cells, surface = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(np.ascontiguousarray(points_mm), deep=True))
    cells.SetData(3, numpy_to_vtk(np.ascontiguousarray(triangles).ravel(), deep=True, array_type=VTK_LONG_LONG))
    surface.SetPoints(points)
    surface.SetPolys(cells)
    directions = numpy_to_vtk(np.ascontiguousarray(normals), deep=True)
    directions.SetName("Normals")
    surface.GetPointData().SetNormals(directions)
    return surface


def mesh_volume_mm3(surface: vtkPolyData) -> float:
    """Measure what a closed triangle mesh encloses.

    Args:
        surface: The mesh, in mm.

    Returns:
        Its volume (vtkMassProperties: Alyassin et al., Med Phys 21:833, 1994).
    """
    from vtkmodules.vtkFiltersCore import vtkMassProperties

    properties = vtkMassProperties()
    properties.SetInputData(surface)
    return float(properties.GetVolume())


def write_surface(surface: vtkPolyData, path: Path) -> None:
    """Write a surface as .vtp, beside under another name and then moved.

    Args:
        surface: The mesh.
        path: Where to.

    Raises:
        OutputError: It cannot be written.
    """
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(surface)
    writer.SetCompressionLevel(1)  # half the time of the default, for a file of the same size
    with atomic_file(path) as temporary:
        writer.SetFileName(str(temporary))
        if writer.Write() != 1:
            raise OutputError(f"{path.name} could not be written: is the disk full?")
