"""The measurements in Slicer: table and plot nodes, the tables of the panel, and a click on a row."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.report.tables import agreement_table, contrast_table, measurements_table
from IVDSegmentationLib.slicer.volume_nodes import add_volume
from slicer_harness.person import PHANTOM, person_with_case, result_nodes, table_text


@pytest.fixture
def person():
    return person_with_case()


def choose_reference(person, labels=PHANTOM.labels):
    node = add_volume(Volume(labels, PHANTOM.grid), "expert", case="", channel=None)
    person.ui.referenceSelector.choose(node)


def columns_of(table):
    """Name -> values of a table node."""
    columns = {}
    for index in range(table.GetNumberOfColumns()):
        column = table.GetTable().GetColumn(index)
        columns[column.GetName()] = [column.GetValue(row) for row in range(table.GetNumberOfRows())]
    return columns


def test_the_table_of_the_discs_holds_the_report_to_the_last_digit_with_units_in_its_headings(person):
    person.segment()
    result = person.panel.results.result
    table = result.tables["measurements"]
    columns = columns_of(table)
    discs = result.report["discs"]
    assert len(discs) == table.GetNumberOfRows() == 5
    assert columns["level"] == [disc["level"] for disc in discs]
    names = [name for name in discs[0] if name not in ("level", "center_mm", "flags", "cut")]
    assert len(names) > 20
    for name in names:
        assert columns[name] == pytest.approx(
            [np.nan if disc[name] is None else disc[name] for disc in discs], rel=0, abs=0, nan_ok=True
        )
    headings = {name: table.GetColumnTitle(name) for name in columns}
    assert table.GetUseColumnTitleAsColumnHeader()
    assert (headings["volume_mm3"], headings["tilt_deg"]) == ("Volume, mm3", "Tilt, °")
    assert all(heading.endswith(", mm") for name, heading in headings.items() if name.endswith("_mm"))
    assert headings["water_mean"] == "Water mean"
    assert columns["cut"] == [str(disc["cut"]) for disc in discs]


def test_the_contrast_says_which_channels_are_computed_and_which_discs_are_the_references(person):
    nodes = person.load("in_phase")
    person.ui.inPhaseSelector.choose(nodes["in_phase"])
    person.ui.fatSelector.choose(None)
    choose_reference(person)
    person.segment()
    result = person.panel.results.result
    columns = columns_of(result.tables["contrast"])
    named = ["fat (computed)", "in-phase", "opposed-phase (computed)", "water"]
    assert columns["channel"] == [*named, *(f"{name}, reference" for name in named)]
    water, mask = PHANTOM.channels["water"].astype(float), PHANTOM.labels > 0
    by_hand = [water[mask].mean(), water[mask].std(), water[~mask].mean(), water[~mask].std()]
    for row in (3, 7):  # the reference is the result here
        found = [columns[name][row] for name in ("disc_mean", "disc_sd", "background_mean", "background_sd")]
        assert np.allclose(found, by_hand, rtol=1e-3)
        assert columns["contrast"][row] == pytest.approx(abs(by_hand[0] - by_hand[2]) / by_hand[2], rel=1e-3)


def test_without_a_reference_there_is_no_table_of_agreement(person):
    person.segment()
    result = person.panel.results.result
    assert set(result.tables) == {"measurements", "contrast", "levels"}
    assert not person.ui.resultTabs.isTabEnabled(3)
    assert person.ui.resultTabs.isTabEnabled(2)
    assert "Dice" not in person.ui.resultsMessage.text


def test_with_a_reference_agreement_is_told_by_disc_and_over_all(person):
    labels = PHANTOM.labels.copy()
    labels[labels == 2] = 0  # the reference knows no L4-L5, which makes ours one too many
    shifted = np.roll(labels, 1, axis=0)
    choose_reference(person, shifted)
    person.segment()
    result = person.panel.results.result
    metrics = result.report["metrics"]
    columns = columns_of(result.tables["agreement"])
    assert "L4-L5" not in columns["level"]
    assert len(columns["level"]) == 4
    for name in ("dice", "hausdorff_mm", "hausdorff95_mm", "assd_mm", "volume_difference_mm3", "center_distance_mm"):
        assert columns[name] == [row[name] for row in metrics["discs"]]
    overall = columns_of(result.tables["overall"])
    told = dict(zip(overall["metric"], zip(overall["value"], overall["levels"], strict=True), strict=True))
    ours, theirs = PHANTOM.labels > 0, shifted > 0
    assert told["Overall dice"][0] == pytest.approx(2 * (ours & theirs).sum() / (ours.sum() + theirs.sum()), rel=1e-5)
    assert told["Missing"] == (0, "")
    assert told["Extra"] == (1, "L4-L5")
    assert {"Located within 2 mm", "Located within 4 mm", "Located within 6 mm"} <= set(told)
    assert person.ui.resultTabs.isTabEnabled(3)
    assert f"Dice against the reference: {metrics['overall_dice']:.3f}." in person.ui.resultsMessage.text
    assert "extra: 1 (L4-L5)" in person.ui.agreementMessage.text
    assert "within 4 mm" in person.ui.agreementMessage.text


def test_the_tables_of_the_panel_are_those_of_the_page(person):
    choose_reference(person)
    person.segment()
    report = person.panel.results.result.report
    assert table_text(person.ui.measurementsTable) == measurements_table(report)
    assert table_text(person.ui.contrastTable) == contrast_table(report)
    assert table_text(person.ui.agreementTable) == agreement_table(report["metrics"])
    volume = report["discs"][-1]["volume_mm3"]
    assert person.ui.measurementsTable.item(0, 1).text() == f"{volume:.0f}"
    person.ui.referenceSelector.choose(None)
    person.segment()
    assert not person.ui.resultTabs.isTabEnabled(3)


@pytest.mark.parametrize("name", ["measurementsTable", "agreementTable"])
def test_a_click_on_a_row_moves_slices_and_3d_view_to_that_disc(person, name):
    slice_node = slicer.vtkMRMLSliceNode()
    slice_node.SetLayoutName("Red")
    slice_node = slicer.mrmlScene.AddNode(slice_node)
    camera = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode")
    choose_reference(person)
    person.segment()
    table, centers = getattr(person.ui, name), person.panel.results.result.centers
    for row in (1, 4):
        level = table.item(row, 0).text()
        before = np.array(camera.GetPosition()) - camera.GetFocalPoint()
        person.click_row(table, row)
        index = [centers.GetNthControlPointLabel(n) for n in range(centers.GetNumberOfControlPoints())].index(level)
        center = np.array(centers.GetNthControlPointPositionWorld(index))
        to_ras = slice_node.GetSliceToRAS()
        assert np.allclose([to_ras.GetElement(axis, 3) for axis in range(3)], center)
        assert np.allclose(camera.GetFocalPoint(), center)
        assert np.allclose(np.array(camera.GetPosition()) - camera.GetFocalPoint(), before)


def test_a_click_on_a_row_whose_point_was_removed_moves_nothing(person):
    camera = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLCameraNode")
    person.segment()
    person.panel.results.result.centers.RemoveAllControlPoints()
    before = camera.GetFocalPoint()
    person.click_row(person.ui.measurementsTable, 1)
    assert camera.GetFocalPoint() == before


def test_the_plot_shows_height_and_volume_by_level_from_a_table(person):
    person.segment()
    result = person.panel.results.result
    chart = result.plot
    series = [chart.GetNthPlotSeriesNode(index) for index in range(chart.GetNumberOfPlotSeriesNodes())]
    assert [one.GetYColumnName() for one in series] == ["mean_height_mm", "volume_ml"]
    columns = columns_of(result.tables["levels"])
    for one in series:
        assert one.GetTableNode() is result.tables["levels"]
        assert one.GetPlotTypeAsString(one.GetPlotType()) == "Bar"
        assert one.GetLabelColumnName() == "level"
        assert one.GetYColumnName() in columns
    assert columns["level"] == [disc["level"] for disc in result.report["discs"]]
    assert columns["volume_ml"] == [disc["volume_mm3"] / 1000 for disc in result.report["discs"]]
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    for node in (chart, *series, *result.tables.values()):
        assert node in result_nodes()
        assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) == result.folder


def test_closing_the_scene_empties_the_results(person):
    person.segment()
    assert not person.ui.resultTabs.isHidden()
    assert person.ui.saveReportButton.enabled
    slicer.mrmlScene.Clear(0)
    assert person.ui.resultTabs.isHidden()
    assert not person.ui.saveReportButton.enabled
    assert person.panel.results.result is None
    assert person.ui.resultsMessage.text == "No result yet."
