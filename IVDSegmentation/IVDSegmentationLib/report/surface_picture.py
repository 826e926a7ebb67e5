"""The surfaces rendered off-screen, in a process of its own: OpenGL drivers may end the process that loads them, and do
where TensorFlow is loaded too (both bring an LLVM), which must not cost a report.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Mapping
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING

from ..levels.colors import LEVEL_COLORS
from ..measure.surfaces import write_surface

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData
    from vtkmodules.vtkRenderingCore import vtkRenderer

_PIXELS = (360, 640)
_LONGEST_S = 20.0
"""Of waiting for a picture: one takes less than a second."""


def render_surfaces(surfaces: Mapping[str, vtkPolyData]) -> bytes | None:
    """A transparent PNG of the surfaces (level -> mesh, LPS mm) seen from the front left.

    None without any, and where there is nothing to render with (no display, EGL or OSMesa, a driver that crashes).
    """
    if not surfaces:
        return None
    with tempfile.TemporaryDirectory() as folder:
        for level, mesh in surfaces.items():
            write_surface(mesh, Path(folder) / f"{level}.vtp")
        command = [sys.executable, str(Path(__file__).resolve().parent / "surface_picture_process.py"), folder]
        try:
            subprocess.run(command, capture_output=True, check=True, timeout=_LONGEST_S)
            return (Path(folder) / "surfaces.png").read_bytes()
        except (subprocess.SubprocessError, OSError):
            return None


def render_folder(folder: Path) -> None:
    """Read LEVEL.vtp of the folder and write `surfaces.png` beside them. What the other process runs."""
    import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  vtk finds its renderer by this import
    from vtkmodules.vtkIOImage import vtkPNGWriter
    from vtkmodules.vtkRenderingCore import vtkRenderWindow, vtkWindowToImageFilter

    window = vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetSize(*_PIXELS)
    # What vtk falls back on at last; it crashes where the library is not there.
    if window.GetClassName() == "vtkOSOpenGLRenderWindow" and find_library("OSMesa") is None:
        raise SystemExit(1)
    window.SetAlphaBitPlanes(1)
    window.SetMultiSamples(4)
    window.AddRenderer(_scene(folder))
    window.Render()
    grab = vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.SetInputBufferTypeToRGBA()
    grab.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetInputConnection(grab.GetOutputPort())
    writer.SetFileName(str(folder / "surfaces.png"))
    writer.Write()


def _scene(folder: Path) -> vtkRenderer:
    """The surfaces in their levels' colours, upright, filling the view."""
    from vtkmodules.vtkIOXML import vtkXMLPolyDataReader
    from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer

    renderer = vtkRenderer()
    renderer.SetBackgroundAlpha(0.0)
    for path in sorted(folder.glob("*.vtp")):
        reader = vtkXMLPolyDataReader()
        reader.SetFileName(str(path))
        mapper = vtkPolyDataMapper()
        mapper.SetInputConnection(reader.GetOutputPort())
        actor = vtkActor()
        actor.SetMapper(mapper)
        actor.GetProperty().SetColor(*LEVEL_COLORS[path.stem])
        actor.GetProperty().SetSpecular(0.2)
        renderer.AddActor(actor)
    camera = renderer.GetActiveCamera()
    camera.ParallelProjectionOn()
    camera.SetViewUp(0, 0, 1)
    camera.SetPosition(0.8, -1.0, 0.25)
    renderer.ResetCamera()
    bounds = renderer.ComputeVisiblePropBounds()
    camera.SetParallelScale(0.56 * (bounds[5] - bounds[4]))  # half the height of the picture, mm
    return renderer
