"""The ctk and qMRML widgets that the module's .ui names, over the real scene, and the loader that makes them."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar
from xml.etree import ElementTree

import shiboken6
import vtk
from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

from .pythonqt import ADDED_IN_PYTHON, WIDGET_CLASSES, PythonQtObject

_HEADING_PIXELS = 24
_UNLIMITED_PIXELS = 16777215


class Added(PythonQtObject):
    """A widget written here: it may keep the attributes of ADDED and has no others."""

    ADDED: ClassVar[tuple[str, ...]] = ()

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ADDED_IN_PYTHON or name in type(self).ADDED:
            super(PythonQtObject, self).__setattr__(name, value)
        else:
            super().__setattr__(name, value)


class qMRMLWidget(Added, WIDGET_CLASSES["QWidget"]):
    """A container that hands the scene on to the widgets that the .ui connects with it."""

    ADDED = ("_scene",)
    SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene = None

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.announce("mrmlSceneChanged(vtkMRMLScene*)", scene)


class qMRMLNodeComboBox(Added, WIDGET_CLASSES["QWidget"]):
    """A list of the scene's nodes of some classes; disabled until it has a scene.

    Where the current node is about to be removed, the next one becomes current, at the end the one before. Its observers are
    called after those of default priority. `choose(node)` is what a person does with it, `offered()` what a person can choose.
    """

    ADDED = ("_scene", "_tags", "_watched", "_types", "_none", "_children", "_buttons", "_current", "_asked")
    SIGNALS = (
        "currentNodeChanged(vtkMRMLNode*)",
        "currentNodeChanged(bool)",
        "currentNodeIDChanged(QString)",
        "nodeActivated(vtkMRMLNode*)",
    )
    _PRIORITY = -10.0

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene, self._tags, self._watched, self._types = None, [], {}, []
        self._none, self._children, self._current, self._asked = False, True, None, ""
        self._buttons = {"addEnabled": True, "removeEnabled": True, "renameEnabled": False, "editEnabled": False}
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        box = QtWidgets.QComboBox()
        me = weakref.ref(self)
        box.activated.connect(lambda row: me()._activated(row))
        layout.addWidget(box)
        self.setFocusProxy(box)
        self.enabled = False

    nodeTypes = QtCore.Property("QStringList", lambda self: tuple(self._types), lambda self, v: self._set("_types", list(v)))
    noneEnabled = QtCore.Property(bool, lambda self: self._none, lambda self, v: self._set("_none", v))
    showChildNodeTypes = QtCore.Property(bool, lambda self: self._children, lambda self, v: self._set("_children", v))
    currentNodeID = QtCore.Property(
        str, lambda self: self._current.GetID() if self._current else "", lambda self, v: self.setCurrentNodeID(v)
    )

    def _set(self, name: str, value: Any) -> None:
        setattr(self, name, value)
        self._refresh()

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLScene(self, scene: Any) -> None:
        if scene is self._scene:
            return
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._scene, self._tags = scene, []
        self.enabled = scene is not None
        if scene is not None:
            for event, method in (
                (scene.EndCloseEvent, self._refresh),
                (scene.EndImportEvent, self._refresh),
                (scene.EndBatchProcessEvent, self._refresh),
            ):
                self._observe(scene, event, lambda me, caller, method=method.__name__: getattr(me, method)())
            me = weakref.ref(self)

            @vtk.calldata_type(vtk.VTK_OBJECT)
            def leaves(caller: Any, event: str, node: Any) -> None:
                if me() is not None:
                    me()._leaves(node)

            @vtk.calldata_type(vtk.VTK_OBJECT)
            def comes(caller: Any, event: str, node: Any) -> None:
                if me() is not None and me()._fits(node):
                    me()._refresh()

            self._tags.append((scene, scene.AddObserver(scene.NodeAboutToBeRemovedEvent, leaves, self._PRIORITY)))
            self._tags.append((scene, scene.AddObserver(scene.NodeAddedEvent, comes, self._PRIORITY)))
        self._current = None
        self._refresh()
        asked = scene.GetNodeByID(self._asked) if scene is not None and self._asked else None
        offered = self.offered()
        self._become(asked if asked in offered else (offered[0] if offered and not self._none else None))

    def _observe(self, observed: Any, event: Any, act: Callable[[Any, Any], None]) -> None:
        me = weakref.ref(self)
        tag = observed.AddObserver(
            event, lambda caller, _event: act(me(), caller) if me() is not None else None, self._PRIORITY
        )
        self._tags.append((observed, tag))

    def offered(self) -> list[Any]:
        """The nodes that a person can choose, in the order shown. Slicer's selector has nothing like it."""
        if self._scene is None:
            return []
        every = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        return [node for node in every if self._fits(node)]

    def _fits(self, node: Any) -> bool:
        if node is None or node.GetHideFromEditors():
            return False
        return any(node.IsA(one) for one in self._types) if self._children else node.GetClassName() in self._types

    def nodeCount(self) -> int:
        return len(self.offered())

    def nodeFromIndex(self, index: int) -> Any:
        offered = self.offered()
        return offered[index] if 0 <= index < len(offered) else None

    def _box(self) -> QtWidgets.QComboBox:
        return self.findChild(QtWidgets.QComboBox)

    def _refresh(self, without: Any = None) -> None:
        """Show what there is. A node that is added changes nothing of what is current."""
        offered = [node for node in self.offered() if node is not without]
        self._watch(offered)
        box = self._box()
        box.clear()
        box.addItems([*(["None"] if self._none else []), *[node.GetName() for node in offered]])
        self._show(offered)
        if self._current is not None and self._current not in offered:
            self._become(None)

    def _show(self, offered: list[Any]) -> None:
        first = 1 if self._none else 0
        self._box().setCurrentIndex(offered.index(self._current) + first if self._current in offered else first - 1)

    def _watch(self, nodes: list[Any]) -> None:
        """Follow the names of these nodes and of no others."""
        for node in [node for node in self._watched if node not in nodes]:
            tag, _ = self._watched.pop(node)
            node.RemoveObserver(tag)
        me = weakref.ref(self)
        for node in nodes:
            if node not in self._watched:
                tag = node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, _event: me() and me()._modified(caller))
                self._watched[node] = (tag, node.GetName())

    def _modified(self, node: Any) -> None:
        tag, name = self._watched.get(node, (0, node.GetName()))
        if node.GetName() != name:
            self._watched[node] = (tag, node.GetName())
            self._refresh()
            if node is self._current:
                self._announce()

    def _leaves(self, node: Any) -> None:
        if not self._fits(node):
            return
        offered = self.offered()
        row = offered.index(node)
        left = [one for one in offered if one is not node]
        if node is self._current:
            self._current = left[min(row, len(left) - 1)] if left else None
            self._refresh(without=node)
            self._announce()
        else:
            self._refresh(without=node)

    def _become(self, node: Any) -> None:
        changed, self._current = node is not self._current, node
        self._show(self.offered())
        if changed:
            self._announce()

    def _announce(self) -> None:
        node = self._current
        self.announce("currentNodeChanged(vtkMRMLNode*)", node)
        self.announce("currentNodeChanged(bool)", node is not None)
        self.announce("currentNodeIDChanged(QString)", node.GetID() if node else "")
        self.announce("nodeActivated(vtkMRMLNode*)", node)

    def currentNode(self) -> Any:
        return self._current

    def setCurrentNode(self, node: Any) -> None:
        if node is not None and not hasattr(node, "GetID"):
            raise TypeError(f"setCurrentNode takes a node, not {node!r}")
        self._asked = node.GetID() if node is not None else ""
        self._become(node if node in self.offered() else None)

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if node_id and self._scene is not None else None)
        self._asked = node_id

    def _activated(self, row: int) -> None:
        """A person has chosen a row with mouse or keyboard."""
        self.setCurrentNode(self.nodeFromIndex(row - (1 if self._none else 0)))

    def choose(self, node: Any) -> None:
        """What a person does: pick a node of the list, or None where that is offered."""
        if not self.enabled:
            raise AssertionError("the selector is disabled")
        if (node is None and not self._none) or (node is not None and node not in self.offered()):
            raise AssertionError("the selector does not offer that node")
        self.setCurrentNode(node)


def _switch(name: str) -> Any:
    return QtCore.Property(bool, lambda self: self._buttons[name], lambda self, value: self._buttons.update({name: value}))


for _name in ("addEnabled", "removeEnabled", "renameEnabled", "editEnabled"):
    setattr(qMRMLNodeComboBox, _name, _switch(_name))


class ctkCollapsibleButton(Added, WIDGET_CLASSES["QAbstractButton"]):
    """A section with a heading, a button that is checked while the contents show.

    A child that the program shows while the section is collapsed appears when it is expanded; one it hides then does not.
    """

    ADDED = ("_collapsed", "_wanted")
    SIGNALS = ("contentsCollapsed(bool)",)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._collapsed, self._wanted = False, {}
        self.setContentsMargins(0, _HEADING_PIXELS + 2, 0, 0)
        self.setFocusPolicy(QtCore.Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.checkable = True
        self.checked = True
        self.toggled.connect(lambda checked: _toggled(self, checked))

    collapsed = QtCore.Property(bool, lambda self: self._collapsed, lambda self, value: self.setChecked(not value))

    def holds_back(self, child: Any, visible: bool) -> bool:
        """Whether a child cannot be shown now; it is later."""
        if self._collapsed:
            self._wanted[_address(child)] = visible
        return self._collapsed

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() <= _HEADING_PIXELS

    def paintEvent(self, event: Any) -> None:
        painter, palette = QtGui.QPainter(self), QtWidgets.QWidget.palette(self)
        heading = QtCore.QRect(0, 0, self.width, _HEADING_PIXELS)
        painter.fillRect(heading, palette.color(QtGui.QPalette.ColorRole.Button).darker(110))
        if self.focus:
            painter.setPen(palette.color(QtGui.QPalette.ColorRole.Highlight))
            painter.drawRect(heading.adjusted(0, 0, -1, -1))
        painter.setPen(palette.color(QtGui.QPalette.ColorRole.ButtonText))
        flags = QtCore.Qt.AlignmentFlag.AlignVCenter | QtCore.Qt.TextFlag.TextShowMnemonic
        painter.drawText(heading.adjusted(6, 0, 0, 0), flags, ("▸ " if self._collapsed else "▾ ") + self.text)
        painter.end()

    def childEvent(self, event: Any) -> None:
        if event.added() and self._collapsed and event.child().isWidgetType():
            self._wanted[_address(event.child())] = True
            event.child().setVisible(False)


def _address(child: QtCore.QObject) -> int:
    """What a child is known by: while it is being made, its wrapper is another than later."""
    return int(shiboken6.getCppPointer(child)[0])


def _toggled(section: ctkCollapsibleButton, checked: bool) -> None:
    section._collapsed = not checked
    for child in section.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
        if section._collapsed:
            section._wanted[_address(child)] = not child.isHidden()
            child.setVisible(False)
        else:
            child.setVisible(section._wanted.pop(_address(child), not child.isHidden()))
    section.setMaximumHeight(_HEADING_PIXELS + 4 if section._collapsed else _UNLIMITED_PIXELS)
    section.announce("contentsCollapsed(bool)", section._collapsed)


UI_CLASSES = {**WIDGET_CLASSES, **{c.__name__: c for c in (qMRMLWidget, qMRMLNodeComboBox, ctkCollapsibleButton)}}
del UI_CLASSES["QAbstractButton"]


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the classes above, and the scene connections of the .ui, refusing what it does not know.

    Every <string> is translated, those of dynamic properties too, unless it is marked notr.
    """

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        if class_name not in UI_CLASSES:
            raise NotImplementedError(f"the harness has no widget {class_name}")
        widget = UI_CLASSES[class_name](*(() if parent is None else (parent,)))
        widget.setObjectName(name)
        return widget

    def load(self, file: QtCore.QFile) -> Any:
        source = bytes(file.readAll()).decode()
        root = ElementTree.fromstring(source)
        wanted = [_texts(one) for one in root.findall("connections/*")]
        before, _, rest = source.partition("<connections>")
        buffer = QtCore.QBuffer()
        buffer.setData((before + rest.partition("</connections>")[2]).encode())
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer)
        _translate_dynamic_properties(root, widget)
        for one in wanted:
            sender, receiver = (_named(widget, one[role]) for role in ("sender", "receiver"))
            slot = getattr(receiver, one["slot"].partition("(")[0])
            sender.connect(one["signal"], slot)
        return widget


def _translate_dynamic_properties(root: ElementTree.Element, made: Any) -> None:
    context = root.findtext("class", "")
    for holder in root.iter("widget"):
        for one in holder.findall("property[@stdset='0']"):
            text = one.find("string")
            if text is not None and text.get("notr") != "true":
                translated = QtCore.QCoreApplication.translate(context, text.text or "")
                _named(made, holder.get("name", "")).setProperty(one.get("name", ""), translated)


def _texts(connection: ElementTree.Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in connection}


def _named(root: Any, name: str) -> Any:
    found = root if root.property("objectName") == name else root.findChild(QtWidgets.QWidget, name)
    if found is None:
        raise AttributeError(f"the .ui connects {name}, which it does not hold")
    return found
