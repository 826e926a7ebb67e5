"""Imitates slicer.parameterNodeWrapper of Slicer 5.12 as strictly as it is: str with Choice, bool, MRML nodes, and unions of
nodes with None, bound to widgets. Other types raise NotImplementedError: the module declares none.

Values are kept in a real vtkMRMLScriptedModuleNode, written as Slicer writes them, so that they come back with a saved scene.
"""

from __future__ import annotations

import types
import typing
import weakref
from collections.abc import Callable, Iterable
from typing import Annotated, Any, Union

import ctk  # noqa: F401  (Slicer's own needs it, too)
import qt
import slicer
import vtk

__all__ = ["Choice", "parameterNodeWrapper"]

LEAVES_OBSERVERS = False
"""As Slicer 5.10.0: disconnectGui leaves its observer, and with it the wrapper, for as long as the node lives."""


class Choice:
    def __init__(self, choices: Iterable[str]) -> None:
        self.choices = list(choices)


class _Stored:
    """How values of a type are kept in a parameter node. `first` is the default where none is declared."""

    first: Any = None

    def fits(self, value: Any) -> bool:
        """Whether a member of a union takes the value."""
        raise NotImplementedError

    def refuse(self, value: Any) -> None:
        """Raises TypeError or ValueError for what cannot be written."""
        raise NotImplementedError

    def is_in(self, node: Any, name: str) -> bool:
        return name in node.GetParameterNames()

    def write(self, node: Any, name: str, value: Any) -> None:
        raise NotImplementedError

    def read(self, node: Any, name: str) -> Any:
        raise NotImplementedError

    def remove(self, node: Any, name: str) -> None:
        node.UnsetParameter(name)


class _Text(_Stored):
    first = ""

    def __init__(self, choices: list[str] | None) -> None:
        self.choices = choices

    def refuse(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")
        if not isinstance(value, str):
            raise TypeError(f"{value!r} is no str")
        if self.choices is not None and value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")

    def write(self, node: Any, name: str, value: str) -> None:
        node.SetParameter(name, value)

    def read(self, node: Any, name: str) -> str:
        return node.GetParameter(name)


class _Truth(_Stored):
    first = False

    def refuse(self, value: Any) -> None:
        if value is None:
            raise ValueError("Value must not be None")
        if not isinstance(value, bool):
            raise TypeError(f"{value!r} is no bool")

    def write(self, node: Any, name: str, value: bool) -> None:
        node.SetParameter(name, str(value))

    def read(self, node: Any, name: str) -> bool:
        return node.GetParameter(name) == "True"


class _Node(_Stored):
    def __init__(self, kind: type) -> None:
        self.kind = kind

    def fits(self, value: Any) -> bool:
        return isinstance(value, self.kind)

    def refuse(self, value: Any) -> None:
        if value is not None and not isinstance(value, self.kind):
            raise TypeError(f"{value!r} is no {self.kind.__name__}")

    def write(self, node: Any, name: str, value: Any) -> None:
        node.SetParameter(name, "")
        node.SetNodeReferenceID(name, None if value is None else value.GetID())

    def read(self, node: Any, name: str) -> Any:
        return node.GetNodeReference(name)

    def remove(self, node: Any, name: str) -> None:
        super().remove(node, name)
        node.SetNodeReferenceID(name, None)


class _Nothing(_Stored):
    """None as a member of a union."""

    def fits(self, value: Any) -> bool:
        return value is None

    def write(self, node: Any, name: str, value: None) -> None:
        node.SetParameter(name, "True")

    def read(self, node: Any, name: str) -> None:
        return None


class _OneOf(_Stored):
    """A union: each member under the parameter's name with its number behind it."""

    def __init__(self, members: list[_Stored]) -> None:
        self.members = members

    def _names(self, name: str) -> list[str]:
        return [f"{name}.{number}" for number in range(len(self.members))]

    def refuse(self, value: Any) -> None:
        if value is None and isinstance(self.members[0], _Nothing):
            raise TypeError("Unable to write value '{}': None must be the last member of a union")
        if not any(member.fits(value) for member in self.members):
            raise TypeError(f"Unable to write value '{value}'")

    def is_in(self, node: Any, name: str) -> bool:
        return any(m.is_in(node, one) for m, one in zip(self.members, self._names(name), strict=True))

    def write(self, node: Any, name: str, value: Any) -> None:
        taker = next(member for member in self.members if member.fits(value))
        for member, one in zip(self.members, self._names(name), strict=True):
            if member is taker:
                member.write(node, one, value)
            elif member.is_in(node, one):
                member.remove(node, one)

    def read(self, node: Any, name: str) -> Any:
        return next(m.read(node, one) for m, one in zip(self.members, self._names(name), strict=True) if m.is_in(node, one))


def _stored(hint: Any) -> _Stored:
    kind, *annotations = typing.get_args(hint) if typing.get_origin(hint) is Annotated else (hint,)
    if typing.get_origin(kind) is types.UnionType:
        raise NotImplementedError(f"some versions of Slicer do not know {hint}: write Union")
    if typing.get_origin(kind) is Union:
        members = typing.get_args(kind)
        stored = [_Nothing() if one is type(None) else _stored(one) for one in members]
        if any(isinstance(one, (_Text, _Truth, _OneOf)) for one in stored):
            raise NotImplementedError(f"the harness keeps no {hint}")
        return _OneOf(stored)
    if kind is str:
        return _Text(next((one.choices for one in annotations if isinstance(one, Choice)), None))
    if kind is bool:
        return _Truth()
    if isinstance(kind, type) and issubclass(kind, slicer.vtkMRMLNode):
        return _Node(kind)
    raise NotImplementedError(f"the harness keeps no {hint}")


class _Parameter:
    """One parameter as its class declares it."""

    def __init__(self, name: str, hint: Any, stored: _Stored, default: Any) -> None:
        self.name, self.hint, self.stored, self.default = name, hint, stored, default

    def write(self, node: Any, value: Any) -> None:
        self.stored.refuse(value)
        with slicer.util.NodeModify(node):
            self.stored.write(node, self.name, value)

    def read(self, node: Any) -> Any:
        if not self.stored.is_in(node, self.name):
            self.write(node, self.default)
        return self.stored.read(node, self.name)


class _Cached:
    """A parameter of one node: read once, and again whenever the node says that it was modified."""

    def __init__(self, parameter: _Parameter, node: Any) -> None:
        self.parameter, self.node = parameter, node
        self.value, self._writing = parameter.read(node), False
        me = weakref.ref(self)
        self._tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: me()._read_again())

    def __del__(self) -> None:
        self.node.RemoveObserver(self._tag)

    def _read_again(self) -> None:
        if not self._writing:
            self.value = self.parameter.read(self.node)

    def write(self, value: Any) -> None:
        self._writing = True
        try:
            with slicer.util.NodeModify(self.node):
                self.parameter.write(self.node, value)
                self.value = self.parameter.read(self.node)
        finally:
            self._writing = False


def parameterNodeWrapper(declared: type) -> type:
    """The class itself, with another __init__; whatever else is assigned to its objects becomes a plain attribute."""
    parameters = {}
    for name, hint in typing.get_type_hints(declared, include_extras=True).items():
        try:
            stored = _stored(hint)
        except NotImplementedError:
            raise
        except Exception as error:
            raise Exception(f"Unable to create serializer for {declared} member {name}") from error
        parameters[name] = _Parameter(name, hint, stored, getattr(declared, name, stored.first))
        setattr(declared, name, _property(name))
    for name, member in {"allParameters": parameters, **_METHODS}.items():
        if hasattr(declared, name):
            raise ValueError(f"Cannot use reserved name '{name}' in a parameterNodeWrapper")
        setattr(declared, name, member)
    declared.__init__ = _init  # type: ignore[misc]
    return declared


def _property(name: str) -> property:
    return property(lambda self: self._cached[name].value, lambda self, value: self._cached[name].write(value))


def _init(self: Any, parameterNode: Any) -> None:
    self.parameterNode = parameterNode
    self._cached, self._guis, self._next_tag, self._showing = {}, {}, 0, False
    for name, parameter in self.allParameters.items():
        if not parameter.stored.is_in(parameterNode, name):
            parameter.write(parameterNode, parameter.default)
        self._cached[name] = _Cached(parameter, parameterNode)


def _checked(self: Any, name: str) -> None:
    if name not in self.allParameters:
        raise ValueError(f"Cannot find a param with the given name: {name}")


def _get(self: Any, name: str) -> Any:
    _checked(self, name)
    return self._cached[name].value


def _set(self: Any, name: str, value: Any) -> None:
    _checked(self, name)
    self._cached[name].write(value)


def _is_cached(self: Any, name: str) -> bool:
    _checked(self, name)
    return True


def _connect_gui(self: Any, gui: Any) -> int:
    widgets = {}
    for widget in gui.__dict__.values():
        if widget.property("SlicerParameterName"):
            widgets[widget.property("SlicerParameterName")] = widget
    for name in widgets:
        _checked(self, name)
    bindings = {name: _binding(widget, self.allParameters[name]) for name, widget in widgets.items()}
    tag, self._next_tag = self._next_tag, self._next_tag + 1
    self._guis[tag] = bindings, []
    for name, binding in bindings.items():
        binding.show(_get(self, name))
        binding.connect(_taker(self, name, binding))
    self._guis[tag][1].append(self.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: _show_all(self)))
    return tag


def _taker(self: Any, name: str, binding: _Binding) -> Callable[[], None]:
    def take() -> None:
        with slicer.util.NodeModify(self):
            if not self._showing:
                _set(self, name, binding.read())

    return take


def _show_all(self: Any) -> None:
    if self._showing:
        return
    self._showing = True
    try:
        with slicer.util.NodeModify(self):
            for bindings, _ in self._guis.values():
                for name, binding in bindings.items():
                    binding.show(_get(self, name))
    finally:
        self._showing = False


def _disconnect_gui(self: Any, tag: int | None) -> None:
    if tag not in self._guis:
        return
    bindings, observers = self._guis.pop(tag)
    for binding in bindings.values():
        binding.disconnect()
    for observer in observers if not LEAVES_OBSERVERS else ():
        self.RemoveObserver(observer)


_METHODS: dict[str, Any] = {
    "getValue": _get,
    "setValue": _set,
    "isCached": _is_cached,
    "connectGui": _connect_gui,
    "disconnectGui": _disconnect_gui,
    "StartModify": lambda self: self.parameterNode.StartModify(),
    "EndModify": lambda self, wasModified: self.parameterNode.EndModify(wasModified),
    "AddObserver": lambda self, event, callback, priority=0.0: self.parameterNode.AddObserver(event, callback, priority),
    "RemoveObserver": lambda self, tag: self.parameterNode.RemoveObserver(tag),
    "Modified": lambda self: self.parameterNode.Modified(),
}


class _Binding:
    """A widget that shows a parameter and changes it."""

    def __init__(self, widget: Any, signal: str) -> None:
        self.widget, self._signal = widget, getattr(widget, signal)
        self._take: Callable[[], None] | None = None

    def connect(self, take: Callable[[], None]) -> None:
        self._take = take
        self._signal.connect(self._changed)

    def disconnect(self) -> None:
        self._take = None
        self._signal.disconnect(self._changed)

    def _changed(self) -> None:
        if self._take is not None:
            self._take()

    def read(self) -> Any:
        raise NotImplementedError

    def show(self, value: Any) -> None:
        raise NotImplementedError


class _CheckBox(_Binding):
    def __init__(self, widget: Any) -> None:
        super().__init__(widget, "stateChanged")

    def read(self) -> bool:
        return self.widget.checked

    def show(self, value: bool) -> None:
        self.widget.checked = value


class _ComboBox(_Binding):
    def __init__(self, widget: Any, choices: list[str]) -> None:
        super().__init__(widget, "currentIndexChanged")
        self.choices = choices
        widget.clear()
        for choice in choices:
            widget.addItem(choice)

    def read(self) -> str:
        return self.choices[self.widget.currentIndex]

    def show(self, value: str) -> None:
        if value not in self.choices:
            raise ValueError(f"Unable to find value {value} in choices {self.choices}")
        self.widget.currentIndex = self.choices.index(value)


class _NodeSelector(_Binding):
    def __init__(self, widget: Any, kinds: list[type]) -> None:
        super().__init__(widget, "currentNodeChanged")
        widget.nodeTypes = [kind.__name__ for kind in kinds]

    def read(self) -> Any:
        return self.widget.currentNode()

    def show(self, value: Any) -> None:
        self.widget.setCurrentNode(value)


def _binding(widget: Any, parameter: _Parameter) -> _Binding:
    """By the exact type of the widget: one derived in Python does not count."""
    stored, kind = parameter.stored, type(widget)
    if isinstance(stored, _Truth) and kind is qt.QCheckBox:
        return _CheckBox(widget)
    if isinstance(stored, _Text) and stored.choices is not None and kind is qt.QComboBox:
        return _ComboBox(widget, stored.choices)
    nodes = [one for one in (stored.members if isinstance(stored, _OneOf) else [stored]) if isinstance(one, _Node)]
    if nodes and kind is slicer.qMRMLNodeComboBox:
        return _NodeSelector(widget, [one.kind for one in nodes])
    raise RuntimeError(f"Unable to create GUI connector from datatype '{parameter.hint}' to widget type '{kind}'")
