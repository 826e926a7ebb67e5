"""The harness refuses what PythonQt refuses: else a test that passes here would say nothing of Slicer."""

import functools

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
