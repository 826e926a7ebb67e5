"""Imitates slicer.app and what hangs on it: module manager, file loading, message boxes that a test answers."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets

from .pythonqt import fitting
from .widgets import qMRMLWidget


class Signals:
    """Signals by name for objects of the application; connecting to one that is not there raises."""

    def __init__(self, *signatures: str) -> None:
        self._slots: dict[str, list[Callable[..., Any]]] = {signature: [] for signature in signatures}

    def connect(self, signature: str, slot: Callable[..., Any]) -> None:
        if signature not in self._slots:
            raise AttributeError(f"the harness has no signal {signature!r} here")
        self._slots[signature].append(slot)

    def disconnect(self, signature: str, slot: Callable[..., Any]) -> None:
        self._slots[signature].remove(slot)

    def emit(self, signature: str, *arguments: Any) -> None:
        for slot in list(self._slots[signature]):
            slot(*arguments[: fitting(slot, len(arguments))])

    def connected(self, signature: str) -> int:
        return len(self._slots[signature])


class MessageBoxes:
    """The boxes that a person has seen, and what the person answers: Ok unless `answers` holds something else."""

    OK, CANCEL = 0x400, 0x400000

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []
        self.answers: list[int] = []

    def show(self, text: str, detailed: str, title: str) -> int:
        self.shown.append({"text": text, "detailed": detailed, "title": title})
        return self.answers.pop(0) if self.answers else self.OK

    @property
    def texts(self) -> list[str]:
        return [box["text"] for box in self.shown]


BOXES = MessageBoxes()


class ctkMessageBox:
    """What slicer.util.messageBox makes; `exec_` shows it to the test instead of a person."""

    def __init__(self, parent: Any = None) -> None:
        self.text = self.detailedText = self.windowTitle = ""
        self.icon = self.standardButtons = 0

    def deleteLater(self) -> None:
        pass

    def exec_(self) -> int:
        return BOXES.show(self.text, self.detailedText, self.windowTitle)


class QFileDialog:
    """The folder that a person chooses: `folder`, an empty string where the dialog is cancelled."""

    folder = ""

    @classmethod
    def getExistingDirectory(cls, parent: Any = None, caption: str = "", directory: str = "") -> str:
        return cls.folder


class _IOManager:
    def fileType(self, filename: str) -> str:
        return "VolumeFile"

    def loadNodes(self, filetype: str, properties: dict[str, Any], loaded: Any, messages: Any) -> bool:
        if filetype != "VolumeFile":
            raise NotImplementedError(f"the harness loads no {filetype}")
        logic = slicer.modules.volumes.logic()
        node = logic.AddArchetypeVolume(properties["fileName"], properties.get("name") or "volume")
        if node is None:
            return False
        loaded.AddItem(node)
        return True


class _Module:
    """A C++ module of which only the logic is here."""

    def __init__(self, logic: Any) -> None:
        self._logic = logic

    def logic(self) -> Any:
        return self._logic


class ScriptedModule:
    """qSlicerScriptedLoadableModule: a scripted module that was found at a path; `widgetRepresentation` makes its panel."""

    def __init__(self, name: str, path: Path) -> None:
        self.name, self.path = name, str(path)
        self.title = self.helpText = self.acknowledgementText = ""
        self.categories: list[str] = []
        self.dependencies: list[str] = []
        self.contributors: list[str] = []
        self.icon: Any = None
        self._representation: Any = None

    def load(self) -> Any:
        """Import the script and make the module object, as Slicer does when it starts."""
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        script = importlib.util.module_from_spec(spec)
        sys.modules[self.name] = script
        spec.loader.exec_module(script)
        return getattr(script, self.name)(self)

    def widgetRepresentation(self) -> Any:
        if self._representation is None:
            self._representation = ScriptedModuleWidget(self.name)
        return self._representation


class ScriptedModuleWidget(qMRMLWidget):
    """qSlicerScriptedLoadableModuleWidget: holds the panel and the object of the script's Widget class."""

    def __init__(self, name: str) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self.setObjectName(name)
        self._entered = False
        self.reload()

    def reload(self) -> None:
        self._object = getattr(sys.modules[self.name], f"{self.name}Widget")(self)
        setattr(slicer.modules, f"{self.name}Widget", self._object)
        self._object.setup()

    def self(self) -> Any:
        return self._object

    isEntered = QtCore.Property(bool, lambda self: self._entered)

    def enter(self) -> None:
        """The module is chosen."""
        assert not self._entered
        self._entered = True
        if hasattr(self._object, "enter"):
            self._object.enter()

    def exit(self) -> None:
        """Another module is chosen."""
        assert self._entered
        self._entered = False
        if hasattr(self._object, "exit"):
            self._object.exit()


class _ModuleManager(Signals):
    def __init__(self) -> None:
        super().__init__("moduleAboutToBeUnloaded(QString)")
        self.scripted: dict[str, ScriptedModule] = {}

    def module(self, name: str) -> Any:
        return self.scripted.get(name)


class Application(Signals):
    """slicer.app."""

    applicationName = "Slicer"

    def __init__(self, scene: Any, logic: Any, temporary: Path) -> None:
        super().__init__("startupCompleted()", "aboutToQuit()")
        self.temporaryPath = str(temporary)
        self.testing = False
        self.applicationLocaleName = "en_US"
        self._scene, self._logic, self._modules, self._io = scene, logic, _ModuleManager(), _IOManager()

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def moduleManager(self) -> _ModuleManager:
        return self._modules

    def coreIOManager(self) -> _IOManager:
        return self._io

    def testingEnabled(self) -> bool:
        return self.testing

    def translate(self, context: str, text: str) -> str:
        return QtCore.QCoreApplication.translate(context, text)

    def loadTranslations(self, folder: str) -> None:
        """Load the folder's *<locale>.qm, else *<language>.qm, with hyphens or underscores; nothing for English."""
        locale = self.applicationLocaleName
        for suffix in (locale, locale.replace("_", "-"), locale.partition("_")[0]):
            files = sorted(Path(folder).glob(f"*{suffix}.qm"))
            if files:
                break
        else:
            return
        for file in files:
            translator = QtCore.QTranslator(QtWidgets.QApplication.instance())
            if translator.load(str(file)):
                QtCore.QCoreApplication.installTranslator(translator)

    def processEvents(self) -> None:
        QtWidgets.QApplication.processEvents()

    def setOverrideCursor(self, cursor: int) -> None:
        pass

    def restoreOverrideCursor(self) -> None:
        pass

    def topLevelWidgets(self) -> list[Any]:
        return [_MainWindow()]


def as_started(app: Application, *, locale: str = "en_US") -> None:
    """Make the application what other settings at its start would have made it."""
    app.applicationLocaleName = locale


class _MainWindow:
    objectName = "qSlicerMainWindow"


class QApplication:
    """No override cursors: there is no mouse."""

    @staticmethod
    def overrideCursor() -> None:
        return None
