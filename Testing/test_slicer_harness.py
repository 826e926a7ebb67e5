"""The harness refuses what PythonQt refuses: else a test that passes here would say nothing of Slicer."""

import ast
import functools
import gc
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

from slicer_harness.boot import boot


@pytest.fixture
def button():
    boot()
    import qt

    return qt.QPushButton()


def test_properties_are_values(button):
    button.text = "Segment"
    assert button.text == "Segment"
    assert button.enabled is True
    with pytest.raises(TypeError):
        button.text()


def test_unknown_attributes_are_refused(button):
    with pytest.raises(AttributeError):
        button.txt = "Segment"
    with pytest.raises(AttributeError):
        _ = button.txt


def test_unknown_signals_are_refused(button):
    with pytest.raises(AttributeError):
        button.connect("klicked(bool)", print)


def test_slots_get_as_many_arguments_as_they_take(button):
    got = []

    class Panel:
        def takes_none(self):
            got.append(())

        def takes_one(self, checked):
            got.append((checked,))

    panel = Panel()
    button.connect("clicked(bool)", panel.takes_none)
    button.connect("clicked(bool)", panel.takes_one)
    button.connect("clicked(bool)", lambda *all_of_them: got.append(all_of_them))
    button.connect("clicked(bool)", functools.partial(got.append))
    button.click()
    assert got == [(), (False,), (False,), False]


def test_a_disconnected_slot_is_not_called(button):
    got = []
    slot = functools.partial(got.append)
    button.connect("clicked(bool)", slot)
    button.disconnect("clicked(bool)", slot)
    button.click()
    assert got == []


def test_string_lists_are_tuples(button):
    import slicer

    selector = slicer.qMRMLNodeComboBox()
    selector.nodeTypes = ["vtkMRMLScalarVolumeNode"]
    with pytest.raises(AttributeError):
        selector.nodeType = ["vtkMRMLScalarVolumeNode"]
    assert tuple(selector.nodeTypes) == ("vtkMRMLScalarVolumeNode",)


def test_a_ui_with_an_unknown_widget_is_refused(tmp_path):
    boot()
    import slicer

    ui = tmp_path / "x.ui"
    ui.write_text('<ui version="4.0"><widget class="ctkSliderWidget" name="x"/></ui>')
    with pytest.raises((NotImplementedError, RuntimeError)):
        slicer.util.loadUI(str(ui))


def test_items_of_a_table_are_no_qt_objects_and_have_methods():
    boot()
    import qt

    table = qt.QTableWidget()
    table.setColumnCount(1)
    table.setRowCount(1)
    table.setItem(0, 0, qt.QTableWidgetItem("L4-L5"))
    assert table.item(0, 0).text() == "L4-L5"
    assert (table.rowCount, table.columnCount) == (1, 1)
    with pytest.raises(TypeError):
        table.rowCount()


@pytest.mark.parametrize(("value", "shown"), [(5, "5"), (None, "None"), ("x", "x")])
def test_a_text_takes_any_value(button, value, shown):
    button.text = value
    assert button.text == shown


def test_other_values_convert_leniently(button):
    import qt

    button.enabled = "x"
    assert button.enabled is True
    button.enabled = None
    assert button.enabled is False
    bar = qt.QProgressBar()
    bar.value = 3.7
    assert bar.value == 3
    assert isinstance(button.focusPolicy, int)


def test_what_c_plus_plus_computes_is_a_value_too(button):
    import qt

    assert button.sizeHint.width() > 0
    assert button.minimumSizeHint.height() > 0
    bar = qt.QProgressBar()
    bar.value = 7
    assert bar.text == "7%"
    with pytest.raises(TypeError):
        button.sizeHint()


@pytest.mark.parametrize("name", ["sizeHint", "click", "clicked", "ours"])
def test_only_properties_that_can_be_written_are(button, name):
    with pytest.raises(AttributeError):
        setattr(button, name, 1)


def test_a_property_that_was_added_can_be_read_and_written(button):
    button.setProperty("added", 1)
    button.added = 2
    assert button.added == 2


def test_a_child_is_read_by_its_name(button):
    import qt

    parent = qt.QWidget()
    child = qt.QLabel(parent)
    child.name = "message"
    assert parent.message is child


def test_a_signal_takes_slots_as_connect_does(button):
    got = []
    button.clicked.connect(lambda: got.append("none"))
    button.clicked.connect(got.append)
    button.clicked.connect(lambda *every: got.append(every))
    button.click()
    assert got == ["none", False, (False,)]
    with pytest.raises(AttributeError):
        button.klicked.connect(print)


def test_disconnecting_what_is_not_connected_says_so(button):
    assert button.disconnect("clicked(bool)", print) is False
    assert button.clicked.disconnect(print) is False
    button.clicked.connect(print)
    assert button.clicked.disconnect(print) is True


def test_methods_and_constructors_take_no_keywords(button):
    import qt

    with pytest.raises(TypeError):
        button.setText(text="Segment")
    with pytest.raises(TypeError):
        qt.QLabel(text="Segment")
    with pytest.raises(TypeError):
        qt.QTableWidgetItem(type=0)


def test_classes_do_not_inherit_from_each_other(button):
    import qt

    assert isinstance(button, qt.QPushButton)
    assert not isinstance(button, qt.QWidget)
    assert button.inherits("QWidget")


def test_a_timer_without_a_parent_goes_with_its_last_reference():
    boot()
    import qt
    import slicer

    heard = []
    timer = qt.QTimer()
    timer.connect("timeout()", lambda: heard.append(1))
    timer.start(0)
    del timer
    gc.collect()
    for _ in range(5):
        slicer.app.processEvents()
    assert heard == []


def of_the_module():
    module = Path(__file__).parents[1] / "IVDSegmentation"
    return [module / "IVDSegmentation.py", *sorted((module / "IVDSegmentationLib" / "slicer").glob("*.py"))]


@pytest.mark.parametrize("script", of_the_module(), ids=lambda path: path.name)
def test_the_module_asks_no_widget_for_its_class(script):
    """In PythonQt isinstance knows only the exact class: `inherits` is right."""
    found = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("isinstance", "issubclass"):
            found += [ast.unparse(node) for part in ast.walk(node) if getattr(part, "id", "") in ("qt", "ctk")]
    assert found == []
