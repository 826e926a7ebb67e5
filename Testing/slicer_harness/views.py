"""Off-screen pictures of slice and 3D views with Slicer's real displayable managers. Test equipment."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import vtk_to_numpy

MANAGERS_2D = (
    "vtkMRMLSegmentationsDisplayableManager2D",
    "vtkMRMLModelSliceDisplayableManager",
    "vtkMRMLMarkupsDisplayableManager",
)
MANAGERS_3D = (
    "vtkMRMLModelDisplayableManager",
    "vtkMRMLSegmentationsDisplayableManager3D",
    "vtkMRMLMarkupsDisplayableManager",
)


def slice_picture(orientation: str, center_ras: np.ndarray, volume: Any, size: tuple[int, int], height_mm: float) -> np.ndarray:
    """RGB [row, column, 3] uint8 of a slice view through a point: the volume with the segmentations of the scene on it."""
    scene = slicer.mrmlScene
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLScene(scene)
    node = logic.AddSliceNode(f"Picture{orientation}")
    node.SetOrientation(orientation)
    node.SetDimensions(*size, 1)
    node.SetFieldOfView(height_mm * size[0] / size[1], height_mm, 1.0)
    node.JumpSliceByCentering(*(float(value) for value in center_ras))
    logic.GetSliceCompositeNode().SetBackgroundVolumeID(volume.GetID())
    logic.UpdatePipeline()

    mapper = vtk.vtkImageMapper()
    mapper.SetColorWindow(255)
    mapper.SetColorLevel(127.5)
    mapper.SetInputConnection(logic.GetImageDataConnection())
    image = vtk.vtkActor2D()
    image.SetMapper(mapper)
    image.GetProperty().SetDisplayLocationToBackground()
    renderer = vtk.vtkRenderer()
    renderer.AddActor2D(image)
    window = _window(renderer, size)
    _show_points_in(node, orientation)
    managers = _managers(renderer, node, MANAGERS_2D, slicer.vtkMRMLSliceViewDisplayableManagerFactory.GetInstance())
    picture = _shot(window)
    del managers
    scene.RemoveNode(logic.GetSliceCompositeNode())
    scene.RemoveNode(node)
    return picture


def view_picture(size: tuple[int, int], azimuth_deg: float = 0.0) -> np.ndarray:
    """RGB [row, column, 3] uint8 of a 3D view: the models of the scene, seen by the scene's camera, turned a little.

    Raises AssertionError where the scene has no camera to be turned to the discs.
    """
    view = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLViewNode", "Picture")
    view.SetBackgroundColor(1, 1, 1)
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(1, 1, 1)
    window = _window(renderer, size)
    managers = _managers(renderer, view, MANAGERS_3D, slicer.vtkMRMLThreeDViewDisplayableManagerFactory.GetInstance())
    cameras = slicer.util.getNodesByClass("vtkMRMLCameraNode")
    if not cameras:
        raise AssertionError("the scene has no camera")
    camera = cameras[0]
    renderer.GetActiveCamera().SetFocalPoint(camera.GetFocalPoint())
    renderer.GetActiveCamera().SetPosition(camera.GetPosition())
    renderer.GetActiveCamera().SetViewUp(camera.GetViewUp())
    renderer.GetActiveCamera().Azimuth(azimuth_deg)
    renderer.ResetCameraClippingRange()
    picture = _shot(window)
    del managers
    slicer.mrmlScene.RemoveNode(view)
    return picture


def _show_points_in(node: Any, orientation: str) -> None:
    """This view is one of those that were there when point lists were bound to views by their direction."""
    for display in slicer.util.getNodesByClass("vtkMRMLMarkupsDisplayNode"):
        if display.GetNumberOfViewNodeIDs() and display.GetSliceProjection() != (orientation == "Axial"):
            display.AddViewNodeID(node.GetID())


def _window(renderer: Any, size: tuple[int, int]) -> Any:
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(4)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    interactor = vtk.vtkRenderWindowInteractor()
    interactor.SetRenderWindow(window)
    interactor.SetInteractorStyle(None)
    return window


def _managers(renderer: Any, node: Any, names: tuple[str, ...], factory: Any) -> Any:
    """The displayable managers of a view as Slicer's own views make them; to be kept as long as the view."""
    factory.SetMRMLApplicationLogic(slicer.app.applicationLogic())
    for name in names:
        if not factory.IsDisplayableManagerRegistered(name):
            factory.RegisterDisplayableManager(name)
    group = factory.InstantiateDisplayableManagers(renderer)
    group.SetMRMLDisplayableNode(node)
    return group


def _shot(window: Any) -> np.ndarray:
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    image = grab.GetOutput()
    columns, rows, _ = image.GetDimensions()
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(rows, columns, -1)[::-1, :, :3].copy()
