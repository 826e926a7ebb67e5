"""PySide6 widgets with the ways of PythonQt, strictly: what Slicer would refuse is refused here too.

- A Qt property is a value: `button.text`, `button.enabled = False`. `button.text()` raises TypeError.
- Values convert as they do there: `label.text = None` shows None, `box.enabled = "x"` is True, `bar.value = 3.7` is 3.
- An unknown attribute raises AttributeError, read or written; a child is read by its name.
- `object.connect("signal(arguments)", slot)` raises on a signal the object does not have (in Slicer it only prints), and
  passes as many arguments as a plain function or method takes, all of them to partials and `*args`; so does
  `object.signal.connect(slot)`. `disconnect` returns whether there was such a slot.
- An exception in a slot is printed (see printed.py) and reaches no caller.
- Constructors and methods take no keyword arguments. `isinstance(button, qt.QWidget)` is False.
- `object.name` is objectName; enums are ints, lists tuples.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, ClassVar

from PySide6 import QtCore, QtGui, QtWidgets

from .printed import guarded

_VIRTUAL = {"sizeHint": QtWidgets.QWidget, "minimumSizeHint": QtWidgets.QWidget, "text": QtWidgets.QProgressBar}
"""Properties whose getter is virtual, and the class from which on: C++ would call a value that stood in the class for them."""

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


def _converted(value: Any, kind: QtCore.QMetaProperty, held: Any) -> Any:
    """A value as PythonQt's lenient conversion makes it fit a property that holds another."""
    if kind.isEnumType():
        return type(held)(value)
    conversions: dict[str, Callable[[Any], Any]] = {"QString": str, "bool": bool, "int": int, "QStringList": list}
    return conversions.get(kind.typeName(), lambda same: same)(value)


def _getter(kind: type, name: str) -> Any:
    """The method of PySide6 behind a property."""
    return next(held for one in kind.__mro__ if (held := vars(one).get(name)) is not None and not isinstance(held, property))


def _value_property(name: str) -> property:
    def read(self: QtCore.QObject) -> Any:
        try:
            return plain(self.property(name))
        except RuntimeError:  # PySide6 has no converter for some enums of properties, but its getters have
            return plain(_getter(type(self), name).__get__(self)())

    def write(self: QtCore.QObject, value: Any) -> None:
        kind = self.metaObject().property(self.metaObject().indexOfProperty(name))
        if not kind.isWritable():
            raise AttributeError(f"{type(self).__name__}.{name} cannot be written")
        self.setProperty(name, _converted(value, kind, self.property(name)))

    return property(read, write)


class PythonQtSignal:
    """`object.signal`."""

    def __init__(self, owner: Any, signature: str, emit: Callable[..., None]) -> None:
        self._owner, self._signature, self.emit = owner, signature, emit

    def connect(self, slot: Callable[..., Any]) -> bool:
        return self._owner.connect(self._signature, slot)

    def disconnect(self, slot: Callable[..., Any]) -> bool:
        return self._owner.disconnect(self._signature, slot)


class _ExactType(type(QtCore.QObject)):
    """PythonQt's classes do not inherit from each other."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return type(instance) is cls


class PythonQtObject:
    """Mixed in before a PySide6 class by `pythonqt_class`. SIGNALS: those that a class of the harness adds."""

    SIGNALS: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        # PySide6 hands out its own `connect` unless the class itself, not one it inherits from, defines it.
        cls.connect, cls.disconnect = PythonQtObject.connect, PythonQtObject.disconnect

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)

    def __getattribute__(self, name: str) -> Any:
        since = _VIRTUAL.get(name)
        if since is not None and issubclass(type(self), since):
            return _getter(type(self), name).__get__(self)()
        found = super().__getattribute__(name)
        if isinstance(found, QtCore.SignalInstance):
            return PythonQtSignal(self, _signature(self, name), found.emit)
        if type(found) is _METHOD and name not in _RAW:
            return _without_keywords(found)
        return found

    def __getattr__(self, name: str) -> Any:
        signature = next((one for one in type(self).SIGNALS if one.partition("(")[0] == name), None)
        if signature is not None:
            return PythonQtSignal(self, signature, functools.partial(self.announce, signature))
        if not name.startswith("_"):
            if name in self.dynamicPropertyNames():
                return plain(self.property(name))
            child = QtCore.QObject.findChild(self, QtCore.QObject, name, QtCore.Qt.FindChildOption.FindDirectChildrenOnly)
            if child is not None:
                return child
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, QtCore.QObject) and value.property("objectName") == name:
            return  # PySide6's QUiLoader leaves each child on its root; PythonQt's does not
        if name in self.dynamicPropertyNames():
            self.setProperty(name, value)
            return
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

    def dynamicPropertyNames(self) -> tuple[str, ...]:
        return tuple(bytes(one).decode() for one in QtCore.QObject.dynamicPropertyNames(self))

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

    def disconnect(self, signal: str, slot: Callable[..., Any], *more: Any) -> bool:
        if more:  # as in `connect`
            return QtCore.QObject.disconnect(signal, slot, *more)
        slots = getattr(self, "_slots", {}).get(signal, [])
        if slot not in slots:
            return False
        slots.remove(slot)
        return True

    def announce(self, signal: str, *arguments: Any) -> None:
        """Emit one of SIGNALS."""
        _call(getattr(self, "_slots", {}).get(signal, []), arguments)

    def _qt_signal(self, signal: str) -> Any:
        normalised = bytes(QtCore.QMetaObject.normalizedSignature(signal)).decode()
        if self.metaObject().indexOfSignal(normalised) < 0:
            raise AttributeError(f"{type(self).__name__} has no signal {signal!r}")
        return super().__getattribute__(signal.partition("(")[0])


_METHOD = type(QtCore.QObject().children)
_RAW = ("connect", "disconnect", "findChild", "findChildren", "setProperty", "property", "metaObject", "inherits")
"""Methods that are handed out as PySide6 has them: the harness itself calls them, often."""


def _without_keywords(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any, **keywords: Any) -> Any:
        if keywords:
            raise TypeError(f"{method.__name__} takes no keyword arguments in PythonQt: {', '.join(keywords)}")
        return method(*arguments)

    return call


def _signature(owner: QtCore.QObject, name: str) -> str:
    """The first signal of a name with all its arguments."""
    meta = owner.metaObject()
    for index in range(meta.methodCount()):
        method = meta.method(index)
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal and bytes(method.name()).decode() == name:
            return bytes(method.methodSignature()).decode()
    raise AttributeError(f"{type(owner).__name__} has no signal {name!r}")


def _call(slots: list[Callable[..., Any]], arguments: tuple[Any, ...]) -> None:
    for slot in list(slots):
        guarded(slot, *arguments[: fitting(slot, len(arguments))])


def _relay(slots: list[Callable[..., Any]], signal: str) -> Callable[..., None]:
    """A function that passes a signal's arguments on; PySide6 counts its parameters and passes nothing to *args."""
    relays: tuple[Callable[..., None], ...] = (
        lambda: _call(slots, ()),
        lambda one: _call(slots, (one,)),
        lambda one, two: _call(slots, (one, two)),
    )
    return relays[len([argument for argument in signal.partition("(")[2].rstrip(")").split(",") if argument])]


def _visible_property() -> property:
    """`visible`, which a collapsed section holds back."""
    plain_property = _value_property("visible")

    def write(self: QtWidgets.QWidget, value: Any) -> None:
        holds_back = getattr(type(QtCore.QObject.parent(self)), "holds_back", None)
        if holds_back is None or not holds_back(QtCore.QObject.parent(self), self, bool(value)):
            plain_property.__set__(self, value)

    return property(plain_property.__get__, write)


def pythonqt_class(qt_class: type) -> type:
    """The class of PythonQt for a class of PySide6."""
    meta = qt_class.staticMetaObject
    names = [meta.property(index).name() for index in range(meta.propertyCount())]
    virtual = {name for name, since in _VIRTUAL.items() if issubclass(qt_class, since)}
    members: dict[str, Any] = {name: _value_property(name) for name in names if name not in virtual}
    members |= _int_enums(qt_class)
    if "visible" in members:
        members["visible"] = _visible_property()
    return _ExactType(qt_class.__name__, (PythonQtObject, qt_class), members)


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
        "QAbstractButton", "QCheckBox", "QComboBox", "QDialog", "QFrame", "QGroupBox", "QLabel", "QProgressBar",
        "QPushButton", "QTableWidget", "QTabWidget", "QTextEdit", "QWidget",
    )
}  # fmt: skip
"""The widgets that the module's .ui and Slicer's own Python make besides those of ctk and qMRML (which add themselves)."""

LAYOUT_CLASSES = {name: getattr(QtWidgets, name) for name in ("QVBoxLayout", "QHBoxLayout", "QFormLayout")}
QTimer = pythonqt_class(QtCore.QTimer)
QTimer.singleShot = staticmethod(lambda msec, slot: QtCore.QTimer.singleShot(msec, lambda: guarded(slot)))
Qt = Namespace(WaitCursor=3, BusyCursor=16, AlignRight=0x2, AlignVCenter=0x80)
QIcon, QPixmap, QColor = QtGui.QIcon, QtGui.QPixmap, QtGui.QColor


class QTableWidgetItem(QtWidgets.QTableWidgetItem):
    """No QObject, so that its text stays a method, in PythonQt as here; an alignment is an int there."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)

    def setTextAlignment(self, alignment: int) -> None:
        super().setTextAlignment(QtCore.Qt.AlignmentFlag(alignment))
