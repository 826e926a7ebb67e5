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

from . import application, boxes, printed, pythonqt, sources, widgets
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
_ONLY_NAMED = {
    "slicer": ("qMRMLRangeWidget", "qMRMLSliderWidget", "qMRMLSpinBox", "qSlicerWidget"),
    "qt": ("QDoubleSpinBox", "QLineEdit", "QObject", "QSlider", "QSpinBox"),
    "ctk": (
        "ctkCheckBox", "ctkCheckablePushButton", "ctkColorPickerButton", "ctkComboBox", "ctkDirectoryButton",
        "ctkDoubleRangeSlider", "ctkDoubleSlider", "ctkDoubleSpinBox", "ctkPathLineEdit", "ctkRangeWidget", "ctkSliderWidget",
    ),
}  # fmt: skip
"""Classes that Slicer's own files name; nothing here is one of them."""


def _named(module: str) -> dict[str, type]:
    return {name: type(name, (), {}) for name in _ONLY_NAMED[module]}


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
    slicer.app.connect("startupCompleted()", _start_dicom)
    slicer.qMRMLWidget = widgets.qMRMLWidget
    slicer.qMRMLNodeComboBox = widgets.qMRMLNodeComboBox
    for name in _ONLY_NAMED["slicer"]:
        setattr(slicer, name, type(name, (), {}))
    slicer.qSlicerScriptedLoadableModule = application.ScriptedModule
    slicer.qSlicerScriptedLoadableModuleWidget = application.ScriptedModuleWidget
    sys.modules["qt"] = _module(
        "qt",
        **_named("qt"),
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
        QFileDialog=boxes.QFileDialog,
        QApplication=boxes.QApplication,
        QCursor=boxes.QCursor,
        QSettings=application.QSettings,
        QMessageBox=pythonqt.Namespace(
            Ok=boxes.MessageBoxes.OK,
            Cancel=boxes.MessageBoxes.CANCEL,
            Yes=0x4000,
            No=0x10000,
            Information=1,
            Warning=2,
            Critical=3,
            Question=4,
        ),
    )
    sys.modules["ctk"] = _module(
        "ctk", **_named("ctk"), ctkMessageBox=boxes.ctkMessageBox, ctkCollapsibleButton=widgets.ctkCollapsibleButton
    )
    sys.path.append(str(sources.scripted_modules()))
    printed.catch_what_c_plus_plus_prints()
    return qt_application


class _File(QtCore.QFile):
    """qt.QFile with PythonQt's plain enum names."""

    ReadOnly = QtCore.QIODevice.OpenModeFlag.ReadOnly


class DicomDatabase:
    """slicer.dicomDatabase: the tags a test lays down, by instance UID and "gggg,eeee", and the files, by instance UID."""

    def __init__(self) -> None:
        self.tags: dict[tuple[str, str], str] = {}
        self.files: dict[str, str] = {}

    def instanceValue(self, uid: str, tag: str) -> str:
        return self.tags.get((uid, tag), "")

    def fileForInstance(self, uid: str) -> str:
        return self.files.get(uid, "")


def _start_dicom() -> None:
    """What the DICOM module does when Slicer has started; before, and without that module, there is no database."""
    slicer.dicomDatabase = DicomDatabase()


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
    module.load()
    slicer.app.emit("startupCompleted()")
    return module
