"""The ctk and qMRML widgets that the module's .ui names, over the real scene, and the loader that makes them."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from PySide6 import QtCore, QtUiTools, QtWidgets

from .pythonqt import ADDED_IN_PYTHON, WIDGET_CLASSES, PythonQtObject

ADDED = (*ADDED_IN_PYTHON, "_scene", "_tags", "_none", "_types", "_children", "_id", "_collapsed", "_object", "_entered")


class _Added(PythonQtObject):
    """A widget written here: it may keep the attributes of ADDED and has no others."""

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ADDED:
            super(PythonQtObject, self).__setattr__(name, value)
        else:
            super().__setattr__(name, value)


class qMRMLWidget(_Added, WIDGET_CLASSES["QWidget"]):
    """A container that hands the scene on to the widgets that the .ui connects with it."""

    SIGNALS = ("mrmlSceneChanged(vtkMRMLScene*)",)

    def setMRMLScene(self, scene: Any) -> None:
        self.announce("mrmlSceneChanged(vtkMRMLScene*)", scene)


class qMRMLNodeComboBox(_Added, WIDGET_CLASSES["QWidget"]):
    """A list of the scene's nodes of some classes. `choose(node)` is what a person does with it."""

    SIGNALS = ("currentNodeChanged(vtkMRMLNode*)",)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._scene, self._tags, self._types, self._id = None, [], [], ""
        self._none, self._children = False, True
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QtWidgets.QComboBox())

    nodeTypes = QtCore.Property("QStringList", lambda self: self._types, lambda self, v: self._set("_types", list(v)))
    noneEnabled = QtCore.Property(bool, lambda self: self._none, lambda self, v: self._set("_none", v))
    showChildNodeTypes = QtCore.Property(bool, lambda self: self._children, lambda self, v: self._set("_children", v))
    addEnabled = QtCore.Property(bool, lambda self: False, lambda self, v: self._refuse(v))
    removeEnabled = QtCore.Property(bool, lambda self: False, lambda self, v: self._refuse(v))
    renameEnabled = QtCore.Property(bool, lambda self: False, lambda self, v: self._refuse(v))
    selectNodeUponCreation = QtCore.Property(bool, lambda self: False, lambda self, v: self._refuse(v))
    currentNodeID = QtCore.Property(str, lambda self: self._id)

    def _set(self, name: str, value: Any) -> None:
        setattr(self, name, value)
        self._refresh()

    def _refuse(self, value: bool) -> None:
        if value:
            raise NotImplementedError("the harness has no adding, removing or renaming of nodes in a selector")

    def setMRMLScene(self, scene: Any) -> None:
        for observed, tag in self._tags:
            observed.RemoveObserver(tag)
        self._scene, self._tags = scene, []
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent)
            self._tags = [(scene, scene.AddObserver(event, lambda *_: self._refresh())) for event in events]
        self._refresh()

    def nodes(self) -> list[Any]:
        """The nodes that can be chosen, in the order shown."""
        if self._scene is None:
            return []
        every = [self._scene.GetNthNode(index) for index in range(self._scene.GetNumberOfNodes())]
        fits = (lambda n: any(n.IsA(t) for t in self._types)) if self._children else (lambda n: n.GetClassName() in self._types)
        return [node for node in every if fits(node) and not node.GetHideFromEditors()]

    def _box(self) -> QtWidgets.QComboBox:
        return self.findChild(QtWidgets.QComboBox)

    def _refresh(self) -> None:
        nodes, box = self.nodes(), self._box()
        box.clear()
        box.addItems([*(["None"] if self._none else []), *[node.GetName() for node in nodes]])
        ids = [node.GetID() for node in nodes]
        if self._id not in ids:
            # As qMRMLNodeComboBox does: without "None" a node is always chosen.
            self._become(ids[0] if ids and not self._none else "")
        else:
            self._show()

    def _become(self, node_id: str) -> None:
        changed, self._id = node_id != self._id, node_id
        self._show()
        if changed:
            self.announce("currentNodeChanged(vtkMRMLNode*)", self.currentNode())

    def _show(self) -> None:
        ids = [node.GetID() for node in self.nodes()]
        row = ids.index(self._id) + (1 if self._none else 0) if self._id in ids else (0 if self._none else -1)
        self._box().setCurrentIndex(row)

    def currentNode(self) -> Any:
        return self._scene.GetNodeByID(self._id) if self._scene is not None and self._id else None

    def setCurrentNode(self, node: Any) -> None:
        self._become(node.GetID() if node in self.nodes() else "")

    def setCurrentNodeID(self, node_id: str) -> None:
        self.setCurrentNode(self._scene.GetNodeByID(node_id) if node_id else None)

    def choose(self, node: Any) -> None:
        """What a person does: pick a node of the list, or None where that is offered."""
        if not self.enabled:
            raise AssertionError("the selector is disabled")
        if (node is None and not self._none) or (node is not None and node not in self.nodes()):
            raise AssertionError("the selector does not offer that node")
        self.setCurrentNode(node)


class ctkCollapsibleButton(_Added, WIDGET_CLASSES["QWidget"]):
    """A section with a heading that hides what is in it."""

    SIGNALS = ("contentsCollapsed(bool)",)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._collapsed = False
        heading = QtWidgets.QPushButton(self)
        heading.setObjectName("qt_heading")
        heading.setStyleSheet("text-align: left; padding: 4px; border: none; background: #d8dce2; font-weight: bold")
        heading.clicked.connect(lambda: self._collapse(not self._collapsed))
        self.setContentsMargins(0, 26, 0, 0)

    def _heading(self) -> QtWidgets.QPushButton:
        return self.findChild(QtWidgets.QPushButton, "qt_heading")

    def _title(self, text: str) -> None:
        self._heading().setAccessibleName(text)
        self._heading().setText(("▸ " if self._collapsed else "▾ ") + text)

    def _collapse(self, collapsed: bool) -> None:
        self._collapsed = collapsed
        self._title(self._heading().accessibleName())
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            if child is not self._heading():
                child.setVisible(not collapsed)
        self.setMaximumHeight(28 if collapsed else 16777215)
        self.announce("contentsCollapsed(bool)", collapsed)

    text = QtCore.Property(str, lambda self: self._heading().accessibleName(), lambda self, v: self._title(v))
    collapsed = QtCore.Property(bool, lambda self: self._collapsed, lambda self, v: self._collapse(v))

    def resizeEvent(self, event: Any) -> None:
        self._heading().setGeometry(0, 0, self.width, 24)

    def childEvent(self, event: Any) -> None:
        if event.added() and self._collapsed and event.child().isWidgetType():
            event.child().setVisible(False)


UI_CLASSES = {**WIDGET_CLASSES, **{c.__name__: c for c in (qMRMLWidget, qMRMLNodeComboBox, ctkCollapsibleButton)}}


class QUiLoader(QtUiTools.QUiLoader):
    """Makes the classes above, and the scene connections of the .ui, refusing what it does not know."""

    def createWidget(self, class_name: str, parent: Any = None, name: str = "") -> Any:
        if class_name not in UI_CLASSES:
            raise NotImplementedError(f"the harness has no widget {class_name}")
        widget = UI_CLASSES[class_name](parent)
        widget.setObjectName(name)
        return widget

    def load(self, file: QtCore.QFile) -> Any:
        source = bytes(file.readAll()).decode()
        root = ElementTree.fromstring(source)
        connections = root.find("connections")
        wanted = [] if connections is None else [_texts(one) for one in connections]
        if connections is not None:
            root.remove(connections)
        buffer = QtCore.QBuffer()
        buffer.setData(ElementTree.tostring(root))
        buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
        widget = super().load(buffer)
        for one in wanted:
            sender, receiver = (_named(widget, one[role]) for role in ("sender", "receiver"))
            slot = getattr(receiver, one["slot"].partition("(")[0])
            sender.connect(one["signal"], slot)
        return widget


def _texts(connection: ElementTree.Element) -> dict[str, str]:
    return {child.tag: child.text or "" for child in connection}


def _named(root: Any, name: str) -> Any:
    found = root if root.property("objectName") == name else root.findChild(QtWidgets.QWidget, name)
    if found is None:
        raise AttributeError(f"the .ui connects {name}, which it does not hold")
    return found
