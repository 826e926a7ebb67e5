"""Boot the harness: the real scene and logics, then qt, ctk and the small rest of Slicer's Python around them."""

from __future__ import annotations

import os
import sys
import tempfile
import types
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import slicer
import vtk
from PySide6 import QtCore, QtWidgets

from . import application, pythonqt, widgets
from .launcher import write_launcher

MODULE_PATH = Path(__file__).parents[2] / "IVDSegmentation" / "IVDSegmentation.py"
_LOGICS = {
    "Colors": "vtkSlicerColorLogic",
    "Volumes": "vtkSlicerVolumesLogic",
    "Terminologies": "vtkSlicerTerminologiesModuleLogic",
    "Segmentations": "vtkSlicerSegmentationsModuleLogic",
    "SubjectHierarchy": "vtkSlicerSubjectHierarchyModuleLogic",
    "Models": "vtkSlicerModelsLogic",
    "Markups": "vtkSlicerMarkupsLogic",
    "Tables": "vtkSlicerTablesLogic",
    "Plots": "vtkSlicerPlotsLogic",
}


def boot() -> Any:
    """Make `slicer`, `qt` and `ctk` what a module finds in Slicer. Returns the QApplication; once a process."""
    if hasattr(slicer, "app"):
        return QtWidgets.QApplication.instance()
    qt_application = QtWidgets.QApplication([])
    temporary = Path(tempfile.mkdtemp(prefix="slicer-harness-"))
    os.environ["PATH"] = os.pathsep.join([str(write_launcher(temporary).parent), os.environ["PATH"]])
    scene, logic, modules = _scene_and_logics(temporary)
    slicer.mrmlScene = scene
    slicer.modules = types.SimpleNamespace(**modules)
    slicer.app = application.Application(scene, logic, temporary)
    slicer.dicomDatabase = DicomDatabase()
    slicer.qMRMLWidget = widgets.qMRMLWidget
    slicer.qMRMLNodeComboBox = widgets.qMRMLNodeComboBox
    slicer.qSlicerScriptedLoadableModule = application.ScriptedModule
    slicer.qSlicerScriptedLoadableModuleWidget = application.ScriptedModuleWidget
    sys.modules["qt"] = _module(
        "qt",
        **pythonqt.WIDGET_CLASSES,
        **pythonqt.LAYOUT_CLASSES,
        Qt=pythonqt.Qt,
        QTimer=pythonqt.QTimer,
        QIcon=pythonqt.QIcon,
        QPixmap=pythonqt.QPixmap,
        QColor=pythonqt.QColor,
        QTableWidgetItem=pythonqt.QTableWidgetItem,
        QUiLoader=widgets.QUiLoader,
        QFile=_File,
        QFileDialog=application.QFileDialog,
        QApplication=application.QApplication,
        QMessageBox=pythonqt.Namespace(
            Ok=application.MessageBoxes.OK, Cancel=application.MessageBoxes.CANCEL, Critical=3, Question=4, Warning=2
        ),
    )

    sys.modules["ctk"] = _module(
        "ctk", ctkMessageBox=application.ctkMessageBox, ctkCollapsibleButton=widgets.ctkCollapsibleButton
    )
    sys.modules["SampleData"] = _module("SampleData", SampleDataLogic=SampleDataLogic)
    return qt_application


class _File(QtCore.QFile):
    """qt.QFile with PythonQt's plain enum names."""

    ReadOnly = QtCore.QIODevice.OpenModeFlag.ReadOnly


class DicomDatabase:
    """slicer.dicomDatabase: the tags a test lays down, by instance UID and "gggg,eeee"."""

    def __init__(self) -> None:
        self.tags: dict[tuple[str, str], str] = {}

    def instanceValue(self, uid: str, tag: str) -> str:
        return self.tags.get((uid, tag), "")


class SampleDataLogic:
    """SampleData.SampleDataLogic: what modules have registered, by category and name."""

    registered: dict[tuple[str, str], dict[str, Any]] = {}  # noqa: RUF012  (as in Slicer, one for all)

    @classmethod
    def registerCustomSampleDataSource(  # noqa: PLR0917
        cls,
        category: str,
        sampleName: str,
        uris: list[str],
        fileNames: list[str],
        thumbnailFileName: str,
        customDownloader: Any,
        **more: Any,
    ) -> None:
        """The arguments that modules of ours use; the others have defaults in Slicer."""
        if more:
            raise NotImplementedError(f"the harness knows no {sorted(more)} here")
        if len(uris) != len(fileNames):
            raise ValueError("All fields of sample data source must have the same length")
        cls.registered[category, sampleName] = {"thumbnail": thumbnailFileName, "downloader": customDownloader}


def _module(name: str, **members: Any) -> types.ModuleType:
    made = types.ModuleType(name)
    made.__dict__.update(members)
    return made


def _scene_and_logics(temporary: Path) -> tuple[Any, Any, dict[str, Any]]:
    scene = slicer.vtkMRMLScene()
    crosshair = slicer.vtkMRMLCrosshairNode()
    crosshair.SetCrosshairName("default")
    scene.AddNode(crosshair)
    logic = slicer.vtkSlicerApplicationLogic()
    logic.SetMRMLScene(scene)
    logic.SetTemporaryPath(str(temporary))
    logic.SetHomeDirectory(str(temporary))
    (temporary / "share" / "ColorFiles").mkdir(parents=True)
    logic.SetShareDirectory("share")
    modules = {}
    for name, class_name in _LOGICS.items():
        one = getattr(slicer, class_name)()
        one.SetMRMLApplicationLogic(logic)
        # The terminologies look for files of Slicer that are not here, and say so at length.
        vtk.vtkObject.SetGlobalWarningDisplay(name != "Terminologies")
        one.SetMRMLScene(scene)
        vtk.vtkObject.GlobalWarningDisplayOn()
        if name == "Colors":
            logic.SetColorLogic(one)
            one.AddDefaultColorNodes()
        logic.SetModuleLogic(name, one)
        modules[name.lower()] = application._Module(one)
    logic.SetSliceLogics(vtk.vtkCollection())
    logic.SetViewLogics(vtk.vtkCollection())
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    return scene, logic, modules


def load_module() -> application.ScriptedModule:
    """Find and load IVDSegmentation as Slicer does when it starts; nothing of its panel is made yet."""
    module = application.ScriptedModule("IVDSegmentation", MODULE_PATH)
    slicer.app.moduleManager().scripted["IVDSegmentation"] = module
    slicer.modules.ivdsegmentation = module
    folder = str(MODULE_PATH.parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module.load()
    slicer.app.emit("startupCompleted()")
    return module
