"""Surfaces of the discs: one closed vtk mesh each, from the probability map, in LPS mm."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError, OutputError
from ..pipeline.result import SegmentationResult
from .disc_map import SURFACE, DiscMap, disc_map

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_SMOOTHING_ROUNDS = 20
_PASS_BAND = 0.15
"""Of Taubin's filter: the steps of the voxels go, the shape and (within 0.5 %) the volume stay."""


def disc_surface(disc: DiscMap) -> vtkPolyData:
    """The closed triangle mesh where the disc's probability crosses 0.5: LPS mm, with outward point normals.

    The largest piece where the disc is in several. Smoothed by a windowed sinc (Taubin, Zhang, Golub, ECCV 1996), which
    does not shrink it. A disc cut by the field of view is closed at the outer face of its last voxels.
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


def disc_surfaces(result: SegmentationResult) -> dict[str, vtkPolyData]:
    """Level -> surface of each disc of a result, caudal to cranial."""
    grid = result.case.working_grid
    return {disc.level: disc_surface(disc_map(result.probability, result.labels, disc.label, grid)) for disc in result.discs}


def mesh_volume_mm3(surface: vtkPolyData) -> float:
    """Volume enclosed by a closed triangle mesh in mm, by the divergence theorem; positive where its faces point outward."""
    from vtkmodules.util.numpy_support import vtk_to_numpy

    points = vtk_to_numpy(surface.GetPoints().GetData()).astype(float)
    corners = points[vtk_to_numpy(surface.GetPolys().GetConnectivityArray()).reshape(-1, 3)] - points.mean(axis=0)
    return float(np.einsum("ij,ij->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6)


def write_surface(surface: vtkPolyData, path: Path) -> None:
    """Write a surface as .vtp, beside under another name and then moved. Raises OutputError where that fails."""
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    writer = vtkXMLPolyDataWriter()
    writer.SetInputData(surface)
    writer.SetCompressionLevel(1)  # half the time of the default, for a file of the same size
    with atomic_file(path) as temporary:
        writer.SetFileName(str(temporary))
        if writer.Write() != 1:
            raise OutputError(f"{path.name} could not be written: is the disk full?")
