"""Imitates slicer.parameterNodeWrapper: str with Choice, bool, MRML nodes and unions of them, bound to widgets.

Values are kept in a real vtkMRMLScriptedModuleNode, so that they come back with a saved scene.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import slicer
import vtk

__all__ = ["Choice", "parameterNodeWrapper"]


class Choice:
    def __init__(self, choices: Sequence[str]) -> None:
        self.choices = tuple(choices)


def parameterNodeWrapper(declared: type) -> type:
    hints = typing.get_type_hints(declared, include_extras=True)
    members = {name: _parameter(name, hint, getattr(declared, name, None)) for name, hint in hints.items()}
    return type(declared.__name__, (_Wrapper,), {**members, "_hints": hints, "__doc__": declared.__doc__})


def _plain(hint: Any) -> Any:
    return typing.get_args(hint)[0] if typing.get_origin(hint) is Annotated else hint


def _node_types(hint: Any) -> list[str]:
    options = typing.get_args(hint) or (_plain(hint),)
    return [one.__name__ for one in options if isinstance(one, type) and issubclass(one, slicer.vtkMRMLNode)]


def _choices(hint: Any) -> tuple[str, ...]:
    return next(one.choices for one in typing.get_args(hint) if isinstance(one, Choice))


def _parameter(name: str, hint: Any, default: Any) -> property:
    plain = _plain(hint)

    def read(self: _Wrapper) -> Any:
        if _node_types(hint):
            return self.parameterNode.GetNodeReference(name)
        stored = self.parameterNode.GetParameter(name)
        if not stored:
            return default if default is not None else plain()
        return stored == "true" if plain is bool else stored

    def write(self: _Wrapper, value: Any) -> None:
        if _node_types(hint):
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value is not None else None)
            return
        if plain is str and value not in _choices(hint):
            raise ValueError(f"{value!r} is none of {_choices(hint)}")
        self.parameterNode.SetParameter(name, str(value).lower() if plain is bool else value)

    return property(read, write)


class _Wrapper:
    _hints: typing.ClassVar[dict[str, Any]] = {}

    def __init__(self, parameterNode: Any) -> None:
        object.__setattr__(self, "parameterNode", parameterNode)
        object.__setattr__(self, "_bindings", {})

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._hints:
            raise AttributeError(f"the parameter node has no {name}")
        object.__setattr__(self, name, value)

    def AddObserver(self, event: Any, method: Callable[..., None], priority: float = 0.0) -> int:
        return self.parameterNode.AddObserver(event, method, priority)

    def RemoveObserver(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)

    def Modified(self) -> None:
        self.parameterNode.Modified()

    def connectGui(self, ui: Any) -> int:
        named = {widget.property("SlicerParameterName"): widget for widget in vars(ui).values()}
        named.pop(None, None)
        if unknown := set(named) - set(self._hints):
            raise ValueError(f"the .ui binds unknown parameters {unknown}")
        bindings = [_Binding(self, name, self._hints[name], widget) for name, widget in named.items()]
        for binding in bindings:
            binding.show()
            binding.connect()
        tag = self.parameterNode.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda *_: [binding.show() for binding in bindings])
        self._bindings[tag] = bindings
        return tag

    def disconnectGui(self, tag: int) -> None:
        self.parameterNode.RemoveObserver(tag)
        for binding in self._bindings.pop(tag):
            binding.disconnect()


class _Binding:
    """One parameter and its widget."""

    def __init__(self, wrapper: _Wrapper, name: str, hint: Any, widget: Any) -> None:
        self.wrapper, self.name, self.widget = wrapper, name, widget
        self.kind = widget.className()
        self.choices: tuple[str, ...] = ()
        if self.kind == "QComboBox":
            self.choices = _choices(hint)
            widget.clear()
            widget.addItems(list(self.choices))
            self.signal = "currentIndexChanged(int)"
        elif self.kind == "QCheckBox":
            self.signal = "toggled(bool)"
        elif self.kind == "qMRMLNodeComboBox":
            widget.nodeTypes = _node_types(hint)
            self.signal = "currentNodeChanged(vtkMRMLNode*)"
        else:
            raise NotImplementedError(f"the harness binds no {self.kind}")

    def connect(self) -> None:
        self.widget.connect(self.signal, self.changed)

    def disconnect(self) -> None:
        self.widget.disconnect(self.signal, self.changed)

    def changed(self) -> None:
        if self.kind == "QComboBox":
            value = self.choices[self.widget.currentIndex]
        elif self.kind == "QCheckBox":
            value = self.widget.checked
        else:
            value = self.widget.currentNode()
        setattr(self.wrapper, self.name, value)

    def show(self) -> None:
        value = getattr(self.wrapper, self.name)
        if self.kind == "QComboBox":
            self.widget.currentIndex = self.choices.index(value)
        elif self.kind == "QCheckBox":
            self.widget.checked = value
        elif self.widget.currentNode() is not value:
            self.widget.setCurrentNode(value)
