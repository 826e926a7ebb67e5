"""`make screenshots`: pictures of the panel before, during and after a run on the sample case, and of its results.

Run in .venv-slicer: python -m slicer_harness.screenshots (from Testing/). Writes Resources/Screenshots/*.png.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "IVDSegmentation")]
OUT = ROOT / "Resources" / "Screenshots"
THUMBNAIL = ROOT / "IVDSegmentation" / "Resources" / "Icons" / "DixonLumbarPhantom.png"


def main() -> None:
    """Makes every picture anew; ends with an error where the sample case cannot be segmented."""
    import slicer
    from IVDSegmentationLib.slicer import setup as slicer_setup

    from .boot import MODULE_PATH
    from .fake_worker import FakeWorker
    from .person import Person
    from .views import slice_picture

    OUT.mkdir(parents=True, exist_ok=True)
    person = Person()
    import SampleData

    (source,) = SampleData.SampleDataLogic.sampleDataSourcesByCategory("IVD Segmentation")
    nodes = source.customDownloader(source)
    water, labels = nodes[3], slicer.util.arrayFromVolume(nodes[4]).T
    center_ras = _center_ras(water)
    _save(slice_picture("Sagittal", center_ras, water, (260, 280), 300.0), THUMBNAIL)
    real = (ROOT / "IVDSegmentation" / "IVDSegmentationLib" / "Resources" / "Models" / "default" / "card.json").exists()
    print("with the networks" if real else "no model is installed: with the phantom's exact labels instead of the networks'")
    person.logic.job_runner.worker = slicer_setup.make_worker(MODULE_PATH.parent) if real else FakeWorker(labels)

    slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode", "Camera")
    slices = []  # of Slicer's layout; kept, for a slice takes its node along when its logic goes
    for name, direction in (("Red", "Axial"), ("Yellow", "Sagittal"), ("Green", "Coronal")):
        slices.append(slicer.vtkMRMLSliceLogic())
        slices[-1].SetMRMLScene(slicer.mrmlScene)
        slices[-1].AddSliceNode(name).SetOrientation(direction)
    person.panel.inputs.fill_if_empty()
    _shoot(person, "panel-before")
    person.ui.referenceSelector.choose(nodes[4])
    person.click(person.ui.segmentButton)
    person.wait(lambda: person.ui.progressBar.value > 20 or not person.logic.running, limit_s=300)
    _shoot(person, "panel-during")
    person.wait(lambda: not person.logic.running, limit_s=600)
    if person.boxes:
        raise SystemExit(f"the sample case was not segmented: {person.boxes[0]}")
    _shoot(person, "panel-after")
    _save(_mosaic(water, center_ras), OUT / "views.png")
    person.logic.close()


def _center_ras(volume: Any) -> Any:
    import numpy as np

    bounds = [0.0] * 6
    volume.GetRASBounds(bounds)
    return np.array(bounds).reshape(3, 2).mean(axis=1)


def _mosaic(volume: Any, center_ras: Any) -> Any:
    """Axial and 3D above, coronal and sagittal below, as Slicer's conventional layout has them."""
    import numpy as np
    import slicer

    from .views import slice_picture, view_picture

    centers = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode")[-1]
    middle = np.array(centers.GetNthControlPointPositionWorld(2))
    size, pictures = (480, 420), {}
    for orientation, height_mm in (("Axial", 200.0), ("Coronal", 280.0), ("Sagittal", 280.0)):
        where = middle if orientation == "Axial" else np.array([middle[0], middle[1], center_ras[2]])
        pictures[orientation] = slice_picture(orientation, where, volume, size, height_mm)
    above = np.hstack([pictures["Axial"], view_picture(size)])
    return np.vstack([above, np.hstack([pictures["Coronal"], pictures["Sagittal"]])])


def _shoot(person: Any, name: str) -> None:
    import slicer

    slicer.app.processEvents()
    parent = person.panel.parent
    parent.resize(460, 800 if name == "panel-after" else 640)
    parent.show()
    for _ in range(20):  # a table that has been filled asks for its room step by step
        slicer.app.processEvents()
    _captioned(parent.grab()).save(str(OUT / f"{name}.png"))


def _captioned(picture: Any) -> Any:
    """The picture with a line below it that says what it was taken on."""
    from PySide6 import QtCore, QtGui

    words = f"Sample case (phantom). Widgets: Qt {QtCore.qVersion()} in place of Slicer's, {sys.platform}."
    made = QtGui.QImage(picture.width(), picture.height() + 22, QtGui.QImage.Format.Format_RGB32)
    made.fill(QtGui.QColor("white"))
    painter = QtGui.QPainter(made)
    painter.drawPixmap(0, 0, picture)
    painter.setPen(QtGui.QColor("#444444"))
    painter.drawText(6, picture.height() + 15, words)
    painter.end()
    return made


def _save(picture: Any, path: Path) -> None:
    import vtk
    from vtk.util.numpy_support import numpy_to_vtk

    rows, columns = picture.shape[:2]
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(numpy_to_vtk(picture[::-1].reshape(-1, 3), deep=True))
    writer = vtk.vtkPNGWriter()
    writer.SetFileName(str(path))
    writer.SetInputData(image)
    writer.Write()


if __name__ == "__main__":
    main()
