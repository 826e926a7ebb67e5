"""Imitates slicer.app and what hangs on it: module manager, file loading, settings, what stands in a main window."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import slicer
from PySide6 import QtCore, QtWidgets

from .boxes import QApplication
from .printed import guarded
from .pythonqt import fitting
from .widgets import qMRMLWidget


class Signals:
    """Signals by name for objects of the application; connecting to one that is not there raises."""

    def __init__(self, *signatures: str) -> None:
        self._slots: dict[str, list[Callable[..., Any]]] = {signature: [] for signature in signatures}

    def connect(self, signature: str, slot: Callable[..., Any]) -> bool:
        if signature not in self._slots:
            raise AttributeError(f"the harness has no signal {signature!r} here")
        self._slots[signature].append(slot)
        return True

    def disconnect(self, signature: str, slot: Callable[..., Any]) -> bool:
        slots = self._slots.get(signature, [])
        if slot not in slots:
            return False
        slots.remove(slot)
        return True

    def emit(self, signature: str, *arguments: Any) -> None:
        """Call every slot; what one raises is printed, and ends that one only."""
        for slot in list(self._slots[signature]):
            guarded(slot, *arguments[: fitting(slot, len(arguments))])

    def connected(self, signature: str) -> int:
        return len(self._slots[signature])


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


def _read_only(name: str) -> property:
    return property(lambda self: self._values[name])


def _text(name: str) -> property:
    return property(lambda self: self._values[name], lambda self, value: self._values.update({name: str(value)}))


def _texts(name: str) -> property:
    return property(
        lambda self: self._values[name], lambda self, value: self._values.update({name: tuple(str(one) for one in value)})
    )


class ScriptedModule:
    """qSlicerScriptedLoadableModule: a scripted module that was found at a path; `widgetRepresentation` makes its panel.

    It has the attributes of the C++ object and no others.
    """

    __slots__ = ("_representation", "_values")
    name, path = _read_only("name"), _read_only("path")
    title, helpText, acknowledgementText = _text("title"), _text("helpText"), _text("acknowledgementText")
    categories, dependencies, contributors = _texts("categories"), _texts("dependencies"), _texts("contributors")
    icon = property(lambda self: self._values["icon"], lambda self, value: self._values.update(icon=value))
    hidden = property(lambda self: self._values["hidden"], lambda self, value: self._values.update(hidden=bool(value)))

    def __init__(self, name: str, path: Path) -> None:
        texts = dict.fromkeys(("title", "helpText", "acknowledgementText"), "")
        lists = dict.fromkeys(("categories", "dependencies", "contributors"), ())
        self._values = {"name": name, "path": str(path), "icon": None, "hidden": False, **texts, **lists}
        self._representation: Any = None

    def load(self) -> bool:
        """Import the script and make the module object, as Slicer does when it starts.

        False, and no such module, where the script raises, which is printed, or gives the module no title.
        """
        if not guarded(self._made):
            return False
        setattr(slicer.modules, self.name.lower(), self)
        slicer.app.moduleManager().scripted[self.name] = self
        return True

    def _made(self) -> bool:
        folder = str(Path(self.path).parent)
        if folder not in sys.path:
            sys.path.append(folder)  # behind site-packages
        spec = importlib.util.spec_from_file_location(self.name, self.path)
        script = importlib.util.module_from_spec(spec)
        sys.modules[self.name] = script
        spec.loader.exec_module(script)
        setattr(slicer.modules, f"{self.name}Instance", getattr(script, self.name)(self))
        return self.title != ""

    def widgetRepresentation(self) -> Any:
        if self._representation is None:
            self._representation = ScriptedModuleWidget(self.name)
            self._representation.reload()
            self._representation.setMRMLScene(slicer.mrmlScene)
        return self._representation

    def unload(self) -> None:
        """What Slicer does when it ends."""
        slicer.app.moduleManager().emit("moduleAboutToBeUnloaded(QString)", self.name)
        for holder, name in ((slicer.modules, f"{self.name}Widget"), (slicer.modules, self.name.lower())):
            if hasattr(holder, name):
                delattr(holder, name)
        slicer.selfTests.pop(self.name, None)
        slicer.app.moduleManager().scripted.pop(self.name, None)


class ScriptedModuleWidget(qMRMLWidget):
    """qSlicerScriptedLoadableModuleWidget: holds the panel and the object of the script's Widget class.

    What that class raises when it is made, set up, entered or left is printed; the half-made object stays, and is entered.
    """

    ADDED: ClassVar[tuple[str, ...]] = (*qMRMLWidget.ADDED, "_module_name", "_object", "_entered")

    def __init__(self, name: str) -> None:
        super().__init__()
        QtWidgets.QVBoxLayout(self)
        self.setObjectName(f"{name}ModuleWidget")
        self._module_name, self._object, self._entered = name, None, False

    def reload(self) -> None:
        """Make the object of the script's class; `enter` is not called where the module is entered already."""
        self._object = guarded(getattr(sys.modules[self._module_name], f"{self._module_name}Widget"), self)
        if self._object is not None:
            setattr(slicer.modules, f"{self._module_name}Widget", self._object)
            guarded(self._object.setup)

    def self(self) -> Any:
        return self._object

    isEntered = QtCore.Property(bool, lambda self: self._entered)

    def enter(self) -> None:
        """The module is chosen. Never twice in a row."""
        assert not self._entered
        self._entered = True
        if hasattr(self._object, "enter"):
            guarded(self._object.enter)

    def exit(self) -> None:
        """Another module is chosen."""
        assert self._entered
        self._entered = False
        if hasattr(self._object, "exit"):
            guarded(self._object.exit)


class _ModuleManager(Signals):
    def __init__(self) -> None:
        super().__init__("moduleAboutToBeUnloaded(QString)")
        self.scripted: dict[str, ScriptedModule] = {}

    def module(self, name: str) -> Any:
        return self.scripted.get(name)


class QSettings:
    """The user's settings, which a test keeps in `held`."""

    held: ClassVar[dict[str, Any]] = {}

    def contains(self, key: str) -> bool:
        return key in self.held

    def value(self, key: str, default: Any = None) -> Any:
        return self.held.get(key, default)

    def setValue(self, key: str, value: Any) -> None:
        self.held[key] = value


class Application(Signals):
    """slicer.app. Its attributes cannot be set; `as_started` is what other settings at its start would have made of it."""

    applicationName = "Slicer"

    def __init__(self, scene: Any, logic: Any, temporary: Path) -> None:
        super().__init__("startupCompleted()", "aboutToQuit()")
        self._values = {"testing": False, "locale": "en_US", "main_window": True}
        self._scene, self._logic, self._modules, self._io = scene, logic, _ModuleManager(), _IOManager()
        self._temporary = str(temporary)
        self._frozen = True

    def __setattr__(self, name: str, value: Any) -> None:
        if getattr(self, "_frozen", False):
            raise AttributeError(f"slicer.app.{name} cannot be set")
        super().__setattr__(name, value)

    temporaryPath = property(lambda self: self._temporary)
    applicationLocaleName = property(lambda self: self._values["locale"])

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def moduleManager(self) -> _ModuleManager:
        return self._modules

    def coreIOManager(self) -> _IOManager:
        return self._io

    def testingEnabled(self) -> bool:
        return self._values["testing"]

    def userSettings(self) -> QSettings:
        return QSettings()

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

    def restart(self) -> None:
        raise NotImplementedError("the harness does not restart")

    setOverrideCursor = staticmethod(QApplication.setOverrideCursor)
    restoreOverrideCursor = staticmethod(QApplication.restoreOverrideCursor)

    def topLevelWidgets(self) -> list[Any]:
        return [_MainWindow()] if self._values["main_window"] else []


def as_started(
    app: Application, *, testing: bool | None = None, locale: str | None = None, main_window: bool | None = None
) -> None:
    """Make the application what its start with other settings would have made it; None leaves a setting as it is."""
    changed = {"testing": testing, "locale": locale, "main_window": main_window}
    app._values.update({name: value for name, value in changed.items() if value is not None})


class _MainWindow:
    objectName = "qSlicerMainWindow"
