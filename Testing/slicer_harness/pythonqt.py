"""PySide6 widgets with the ways of PythonQt, strictly: what Slicer would refuse is refused here too.

- A Qt property is a value: `button.text`, `button.enabled = False`. `button.text()` raises TypeError.
- An unknown attribute raises AttributeError, read or written.
- `object.connect("signal(arguments)", slot)` raises on a signal the object does not have (in Slicer it only prints), and
  passes as many arguments as a plain function or method takes, all of them to partials and `*args`.
- `object.name` is objectName; enums are ints.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar

from PySide6 import QtCore, QtGui, QtWidgets

VIRTUAL_PROPERTIES = {"QProgressBar": {"text"}, "QWidget": {"sizeHint", "minimumSizeHint"}}
"""Properties whose getter C++ calls through Python: a value in their place would be called. They stay methods."""

ADDED_IN_PYTHON = ("_slots",)
"""The attributes that the harness itself keeps on an object."""


def plain(value: Any) -> Any:
    """A value as PythonQt hands it over: enums are ints, string lists tuples."""
    if isinstance(value, Enum):
        return value.value
    return tuple(value) if isinstance(value, list) else value


def fitting(slot: Callable[..., Any], count: int) -> int:
    """How many of `count` arguments PythonQt passes to a slot."""
    target = slot.__func__ if inspect.ismethod(slot) else slot
    if not inspect.isfunction(target):
        return count
    if target.__code__.co_flags & inspect.CO_VARARGS:
        return count
    takes = target.__code__.co_argcount - (1 if inspect.ismethod(slot) else 0)
    return min(takes, count)


def _value_property(name: str) -> property:
    def read(self: QtCore.QObject) -> Any:
        return plain(self.property(name))

    def write(self: QtCore.QObject, value: Any) -> None:
        kind = self.metaObject().property(self.metaObject().indexOfProperty(name))
        if not kind.isWritable():
            raise AttributeError(f"{type(self).__name__}.{name} cannot be written")
        if kind.isEnumType():
            value = type(self.property(name))(value)
        self.setProperty(name, value)

    return property(read, write)


class PythonQtObject:
    """Mixed in before a PySide6 class by `pythonqt_class`. SIGNALS: those that a class of the harness adds."""

    SIGNALS: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # PySide6 hands out its own `connect` unless the class itself, not one it inherits from, defines it.
        cls.connect, cls.disconnect = PythonQtObject.connect, PythonQtObject.disconnect

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, QtCore.QObject) and value.property("objectName") == name:
            return  # PySide6's QUiLoader leaves each child on its root; PythonQt's does not
        known = inspect.getattr_static(type(self), name, None)
        if name not in ADDED_IN_PYTHON and not isinstance(known, (property, QtCore.Property)):
            raise AttributeError(f"{type(self).__name__} has no property {name!r} to assign")
        super().__setattr__(name, value)

    @property
    def name(self) -> str:
        return self.property("objectName")

    @name.setter
    def name(self, value: str) -> None:
        self.setObjectName(value)

    def className(self) -> str:
        return self.metaObject().className()

    def connect(self, signal: str, slot: Callable[..., Any], *more: Any) -> bool:
        if more:  # PySide6's signals connect themselves through this method: (source, signal, callable)
            return QtCore.QObject.connect(signal, slot, *more)
        if not hasattr(self, "_slots"):
            self._slots = {}
        if signal not in self._slots:
            slots = self._slots[signal] = []
            if signal not in self.SIGNALS:
                self._qt_signal(signal).connect(_relay(slots, signal))
        self._slots[signal].append(slot)
        return True

    def disconnect(self, signal: str, slot: Callable[..., Any]) -> bool:
        self._slots[signal].remove(slot)
        return True

    def announce(self, signal: str, *arguments: Any) -> None:
        """Emit one of SIGNALS."""
        _call(getattr(self, "_slots", {}).get(signal, []), arguments)

    def _qt_signal(self, signal: str) -> Any:
        normalised = bytes(QtCore.QMetaObject.normalizedSignature(signal)).decode()
        if self.metaObject().indexOfSignal(normalised) < 0:
            raise AttributeError(f"{type(self).__name__} has no signal {signal!r}")
        return getattr(self, signal.partition("(")[0])


def _call(slots: list[Callable[..., Any]], arguments: tuple[Any, ...]) -> None:
    for slot in list(slots):
        slot(*arguments[: fitting(slot, len(arguments))])


def _relay(slots: list[Callable[..., Any]], signal: str) -> Callable[..., None]:
    """A function that passes a signal's arguments on; PySide6 counts its parameters and passes nothing to *args."""
    relays: tuple[Callable[..., None], ...] = (
        lambda: _call(slots, ()),
        lambda one: _call(slots, (one,)),
        lambda one, two: _call(slots, (one, two)),
    )
    return relays[len([argument for argument in signal.partition("(")[2].rstrip(")").split(",") if argument])]


def pythonqt_class(qt_class: type) -> type:
    """The class of PythonQt for a class of PySide6."""
    meta = qt_class.staticMetaObject
    virtual = {
        name for owner, names in VIRTUAL_PROPERTIES.items() if issubclass(qt_class, getattr(QtWidgets, owner)) for name in names
    }
    names = [meta.property(index).name() for index in range(meta.propertyCount())]
    members: dict[str, Any] = {name: _value_property(name) for name in names if name not in virtual}
    members |= _int_enums(qt_class)
    return type(qt_class.__name__, (PythonQtObject, qt_class), members)


def _int_enums(qt_class: type) -> dict[str, int]:
    """Members of the class's enums by name (`QMessageBox.Ok`) as ints."""
    return {
        member.name: member.value
        for value in vars(qt_class).values()
        if isinstance(value, type) and issubclass(value, Enum)
        for member in value
    }


class Namespace:
    """Names with values; an unknown one raises AttributeError."""

    def __init__(self, **names: Any) -> None:
        self.__dict__.update(names)


WIDGET_CLASSES: dict[str, type] = {
    name: pythonqt_class(getattr(QtWidgets, name))
    for name in (
        "QCheckBox", "QComboBox", "QFrame", "QGroupBox", "QLabel", "QProgressBar", "QPushButton", "QTableWidget",
        "QTabWidget", "QTextEdit", "QWidget",
    )
}  # fmt: skip
"""The widgets the module's .ui may hold besides those of ctk and qMRML (which add themselves)."""

LAYOUT_CLASSES = {name: getattr(QtWidgets, name) for name in ("QVBoxLayout", "QHBoxLayout", "QFormLayout")}
QTimer = pythonqt_class(QtCore.QTimer)
Qt = Namespace(WaitCursor=3, BusyCursor=16, AlignRight=0x2, AlignVCenter=0x80)
QIcon, QPixmap, QColor = QtGui.QIcon, QtGui.QPixmap, QtGui.QColor


class QTableWidgetItem(QtWidgets.QTableWidgetItem):
    """No QObject, so that its text stays a method, in PythonQt as here; an alignment is an int there."""

    def setTextAlignment(self, alignment: int) -> None:
        super().setTextAlignment(QtCore.Qt.AlignmentFlag(alignment))
