"""Every disc's surface is one closed mesh in its right place, true to the shape, and written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from exact_discs import centred_grid, share_inside
from IVDSegmentationLib.errors import InputError, OutputError
from IVDSegmentationLib.images import Grid
from IVDSegmentationLib.measure.disc_map import disc_map
from IVDSegmentationLib.measure.surfaces import disc_surface, mesh_volume_mm3, write_surface
from vtkmodules.util.numpy_support import vtk_to_numpy
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersCore import vtkMassProperties
from vtkmodules.vtkIOXML import vtkXMLPolyDataReader

SIZE = (24, 34, 18)
SEMI_MM = np.array([17.0, 14.0, 6.0])
CENTER_MM = np.array([1.3, -2.1, 0.7])
VOLUME_MM3 = 4 / 3 * np.pi * SEMI_MM.prod()
TURN = np.radians(25)
OBLIQUE = np.array([[np.cos(TURN), -np.sin(TURN), 0], [np.sin(TURN), np.cos(TURN), 0], [0, 0, 1]])
MIRRORED = OBLIQUE @ np.diag([-1.0, 1.0, 1.0])


def ellipsoid(direction: np.ndarray) -> tuple[np.ndarray, np.ndarray, Grid]:
    """Share of each voxel in an ellipsoid along the patient's axes, labels, and the grid."""
    grid = centred_grid(SIZE, direction)

    def inside(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        relative = [(v - c) / s for v, c, s in zip((x, y, z), CENTER_MM, SEMI_MM, strict=True)]
        return relative[0] ** 2 + relative[1] ** 2 + relative[2] ** 2 <= 1

    share = share_inside(inside, grid)
    return share, (share >= 0.5).astype(np.uint8), grid


def points_of(mesh: vtkPolyData) -> np.ndarray:
    return vtk_to_numpy(mesh.GetPoints().GetData()).astype(float)


def assert_closed(mesh: vtkPolyData) -> None:
    """Every edge belongs to two triangles, and the whole is one sphere: V - E + F = 2."""
    triangles = vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3)
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    assert len(triangles) > 0 and (counts == 2).all()
    assert mesh.GetNumberOfPoints() - len(unique) + len(triangles) == 2


@pytest.mark.parametrize("direction", [np.eye(3), OBLIQUE, MIRRORED], ids=["straight", "oblique", "left-handed"])
def test_surface_of_an_ellipsoid_lies_on_it_and_faces_outward_on_any_grid(direction: np.ndarray) -> None:
    mesh = disc_surface(disc_map(*ellipsoid(direction)[:2], 1, ellipsoid(direction)[2]))
    assert_closed(mesh)
    relative = (points_of(mesh) - CENTER_MM) / SEMI_MM
    gradient = relative / SEMI_MM
    off_mm = (np.linalg.norm(relative, axis=1) ** 2 - 1) / 2 / np.linalg.norm(gradient, axis=1)
    assert np.abs(off_mm).max() < 0.6 and abs(off_mm.mean()) < 0.1
    normals = vtk_to_numpy(mesh.GetPointData().GetNormals())
    outward = (normals * gradient).sum(axis=1) / np.linalg.norm(gradient, axis=1)
    assert outward.min() > 0.7 and np.median(outward) > 0.98
    assert mesh_volume_mm3(mesh) == pytest.approx(VOLUME_MM3, rel=0.02)


def test_volume_of_a_mesh_agrees_with_vtk() -> None:
    share, labels, grid = ellipsoid(OBLIQUE)
    mesh = disc_surface(disc_map(share, labels, 1, grid))
    independent = vtkMassProperties()
    independent.SetInputData(mesh)
    assert mesh_volume_mm3(mesh) == pytest.approx(independent.GetVolume(), rel=1e-4)


def test_touching_discs_have_a_closed_surface_each() -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    labels[:, 17:] *= 2
    meshes = [disc_surface(disc_map(share, labels, label, grid)) for label in (1, 2)]
    for mesh in meshes:
        assert_closed(mesh)
    assert points_of(meshes[0])[:, 1].max() < points_of(meshes[1])[:, 1].min() + 1.25
    assert sum(map(mesh_volume_mm3, meshes)) == pytest.approx(VOLUME_MM3, rel=0.05)


def test_a_disc_cut_by_the_field_of_view_is_closed_at_its_outer_face() -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    keep = np.s_[:12]
    part = Grid((12, *SIZE[1:]), grid.spacing_mm, grid.origin_mm)
    mapped = disc_map(share[keep], labels[keep], 1, part)
    mesh = disc_surface(mapped)
    assert mapped.cut == (True, False, False)
    assert_closed(mesh)
    face_mm = part.to_mm(np.array([11.5, 0, 0]))[0]
    assert points_of(mesh)[:, 0].max() == pytest.approx(face_mm, abs=0.3)


def test_a_single_voxel_still_gives_a_closed_surface_around_it() -> None:
    labels = np.zeros((7, 7, 7), np.uint8)
    labels[3, 3, 3] = 4
    grid = centred_grid((7, 7, 7))
    mesh = disc_surface(disc_map(labels / np.float32(4), labels, 4, grid))
    assert_closed(mesh)
    assert 0 < mesh_volume_mm3(mesh) < 2.0 * 1.25 * 1.25
    assert np.abs(points_of(mesh).mean(axis=0)).max() < 0.1


def test_specks_of_the_same_label_are_left_out() -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    share[1, 1, 1], labels[1, 1, 1] = 1, 1
    mesh = disc_surface(disc_map(share, labels, 1, grid))
    assert_closed(mesh)
    assert mesh_volume_mm3(mesh) == pytest.approx(VOLUME_MM3, rel=0.02)


def test_no_voxel_of_a_label_and_maps_of_other_shapes_are_refused() -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    with pytest.raises(InputError, match="label 9"):
        disc_map(share, labels, 9, grid)
    with pytest.raises(InputError, match="differ in shape"):
        disc_map(share[1:], labels, 1, grid)


def test_a_written_surface_reads_back_and_leaves_nothing_beside(tmp_path: Path) -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    mesh = disc_surface(disc_map(share, labels, 1, grid))
    write_surface(mesh, tmp_path / "L4-L5.vtp")
    assert [path.name for path in tmp_path.iterdir()] == ["L4-L5.vtp"]
    reader = vtkXMLPolyDataReader()
    reader.SetFileName(str(tmp_path / "L4-L5.vtp"))
    reader.Update()
    assert np.array_equal(points_of(reader.GetOutput()), points_of(mesh))
    assert reader.GetOutput().GetNumberOfPolys() == mesh.GetNumberOfPolys()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    share, labels, grid = ellipsoid(np.eye(3))
    with pytest.raises(OutputError, match="nowhere"):
        write_surface(disc_surface(disc_map(share, labels, 1, grid)), tmp_path / "nowhere" / "L4-L5.vtp")
