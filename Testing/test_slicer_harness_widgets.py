"""The harness's node selector, collapsible section and .ui loader behave as Slicer's do, tried there."""

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from slicer_harness.boot import boot

boot()

import ctk  # noqa: E402
import qt  # noqa: E402
from PySide6 import QtCore, QtWidgets  # noqa: E402


@pytest.fixture
def scene():
    slicer.mrmlScene.Clear(0)
    return slicer.mrmlScene


@pytest.fixture
def selector():
    made = slicer.qMRMLNodeComboBox()
    made.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    return made


def volumes(scene, *names):
    return [scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name) for name in names]


def test_a_fresh_selector_is_disabled_and_offers_to_add_and_remove(selector):
    assert not selector.enabled
    assert selector.mrmlScene() is None
    assert (selector.noneEnabled, selector.addEnabled, selector.removeEnabled) == (False, True, True)
    assert selector.showChildNodeTypes


def test_a_scene_enables_it_and_the_first_node_is_current_unless_none_is_offered(scene, selector):
    first, _ = volumes(scene, "a", "b")
    selector.setMRMLScene(scene)
    assert selector.enabled
    assert selector.currentNode() is first
    other = slicer.qMRMLNodeComboBox()
    other.nodeTypes, other.noneEnabled = ["vtkMRMLScalarVolumeNode"], True
    other.setMRMLScene(scene)
    assert other.currentNode() is None
    assert other.currentNodeID == ""


def test_the_node_asked_for_before_the_scene_came_is_chosen_with_it(scene, selector):
    _, second = volumes(scene, "a", "b")
    selector.setCurrentNodeID(second.GetID())
    assert selector.currentNode() is None
    selector.setMRMLScene(scene)
    assert selector.currentNode() is second


def test_a_node_that_is_added_is_not_chosen(scene, selector):
    selector.noneEnabled = True
    selector.setMRMLScene(scene)
    heard = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    volumes(scene, "a")
    assert (selector.currentNode(), selector.nodeCount(), heard) == (None, 1, [])


@pytest.mark.parametrize("in_batch", [False, True])
@pytest.mark.parametrize("none", [False, True])
def test_where_the_current_node_is_removed_the_next_one_is_chosen(scene, selector, none, in_batch):
    a, b, c = volumes(scene, "a", "b", "c")
    selector.noneEnabled = none
    selector.setMRMLScene(scene)
    selector.setCurrentNode(b)
    heard = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    if in_batch:
        scene.StartState(scene.BatchProcessState)
    for node in (b, c, a):
        scene.RemoveNode(node)
    if in_batch:
        scene.EndState(scene.BatchProcessState)
    assert heard == [c, a, None]
    assert selector.currentNode() is None


def test_an_observer_of_ordinary_priority_still_sees_the_old_choice(scene, selector):
    a, _ = volumes(scene, "a", "b")
    selector.setMRMLScene(scene)
    seen = []
    tag = scene.AddObserver(scene.NodeAboutToBeRemovedEvent, lambda *_: seen.append(selector.currentNode()))
    scene.RemoveNode(a)
    scene.RemoveObserver(tag)
    assert seen == [a]


def test_signals_come_together_and_on_renaming_too(scene, selector):
    a, b = volumes(scene, "a", "b")
    selector.setMRMLScene(scene)
    heard = []
    selector.connect("currentNodeChanged(vtkMRMLNode*)", heard.append)
    selector.connect("currentNodeChanged(bool)", heard.append)
    selector.connect("currentNodeIDChanged(QString)", heard.append)
    selector.currentNodeChanged.connect(heard.append)
    selector.setCurrentNode(b)
    assert sorted(map(str, heard)) == sorted(map(str, [b, True, b.GetID(), b]))
    heard.clear()
    b.SetName("renamed")
    assert len(heard) == 4
    a.SetName("other")
    assert len(heard) == 4


def test_only_nodes_and_none_can_be_set_and_one_not_shown_is_none(scene, selector):
    (a,) = volumes(scene, "a")
    selector.setMRMLScene(scene)
    with pytest.raises(TypeError):
        selector.setCurrentNode(a.GetID())
    selector.setCurrentNode(scene.AddNewNodeByClass("vtkMRMLModelNode", "model"))
    assert selector.currentNode() is None
    selector.currentNodeID = a.GetID()
    assert selector.nodeFromIndex(0) is selector.currentNode() is a
    with pytest.raises(AttributeError):
        selector.nodes()


def test_a_person_chooses_with_the_keyboard(scene, selector):
    a, b = volumes(scene, "a", "b")
    selector.noneEnabled = True
    selector.setMRMLScene(scene)
    from PySide6.QtTest import QTest

    for expected in (a, b):
        QTest.keyClick(selector.focusProxy(), QtCore.Qt.Key.Key_Down)
        assert selector.currentNode() is expected


def section_with_label():
    section, label = ctk.ctkCollapsibleButton(), qt.QLabel("text")
    qt.QVBoxLayout(section).addWidget(label)
    section.show()
    return section, label


def test_a_section_is_a_button_that_is_checked_while_its_contents_show():
    section, label = section_with_label()
    section.text = "Options"
    heard = []
    section.connect("contentsCollapsed(bool)", heard.append)
    assert section.inherits("QAbstractButton")
    assert section.checked
    section.click()
    assert (section.collapsed, section.checked, label.visible) == (True, False, False)
    section.collapsed = False
    assert (section.checked, label.visible, heard) == (True, True, [True, False])
    with pytest.raises(AttributeError):
        section.title = "Options"


@pytest.mark.parametrize("visible", [True, False])
def test_a_child_of_a_collapsed_section_is_shown_or_not_on_expanding_as_the_program_said_last(visible):
    section, label = section_with_label()
    label.visible = not visible
    section.collapsed = True
    label.visible = visible
    assert not label.visible
    section.collapsed = False
    assert label.visible == visible


SECTION = """<ui version="4.0"><class>Context</class><widget class="QWidget" name="top"><layout class="QVBoxLayout"><item>
<widget class="ctkCollapsibleButton" name="section"><property name="collapsed"><bool>true</bool></property>
<layout class="QVBoxLayout"><item><widget class="QCheckBox" name="box"/></item></layout></widget>
</item></layout></widget></ui>"""


def test_what_a_ui_puts_into_a_collapsed_section_appears_on_expanding(tmp_path):
    (tmp_path / "x.ui").write_text(SECTION, encoding="utf-8")
    widget = slicer.util.loadUI(str(tmp_path / "x.ui"))
    widget.show()
    assert not widget.section.box.visible
    widget.section.collapsed = False
    assert widget.section.box.visible


UI = """<ui version="4.0"><class>Context</class><widget class="QWidget" name="top"><layout class="QVBoxLayout"><item>
<widget class="QCheckBox" name="box"><property name="SlicerParameterName" stdset="0"><string{notr}>water</string></property>
</widget></item></layout></widget></ui>"""


class German(QtCore.QTranslator):
    def translate(self, context, text, disambiguation=None, n=-1):
        return "Wasser" if (context, text) == ("Context", "water") else ""


@pytest.mark.parametrize(("notr", "read"), [("", "Wasser"), (' notr="true"', "water")])
def test_the_loader_translates_dynamic_properties_unless_they_are_marked(tmp_path, notr, read):
    translator = German()
    QtWidgets.QApplication.installTranslator(translator)
    (tmp_path / "x.ui").write_text(UI.format(notr=notr), encoding="utf-8")
    widget = slicer.util.loadUI(str(tmp_path / "x.ui"))
    QtWidgets.QApplication.removeTranslator(translator)
    assert widget.box.property("SlicerParameterName") == widget.box.SlicerParameterName == read
