"""The tables and the plot of a result in the scene: the measurements of its report, to the last digit of report.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from ..report.tables import agreement_rows, contrast_rows, heading, levels_rows, measurement_rows, overall_rows

_NAMES = {
    "measurements": "disc measurements",
    "contrast": "disc contrast",
    "agreement": "agreement with the reference",
    "overall": "agreement over all discs",
    "levels": "height and volume by level",
}
"""Key of a table -> what its node is called, after the case."""

_SERIES = (("Mean height, mm", "mean_height_mm", (0.29, 0.51, 0.86)), ("Volume, ml", "volume_ml", (0.96, 0.63, 0.20)))
"""Name, column of the table `levels` and colour of each series of the plot."""


def add_tables(report: Mapping[str, Any], case: str) -> dict[str, Any]:
    """Put the tables of a report into the scene, discs from caudal to cranial, units in the columns' headings.

    Args:
        report: Content of report.json.
        case: Name of the case.

    Returns:
        New table nodes by key: `measurements`, `contrast` and `levels` (height and volume, for the plot); with a reference
        `agreement` (by disc) and `overall`.
    """
    keys = [key for key in _NAMES if report["metrics"] is not None or key not in ("agreement", "overall")]
    tables = {key: slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{case} {_NAMES[key]}") for key in keys}
    for table in tables.values():
        table.SetUseColumnTitleAsColumnHeader(True)
        table.SetLocked(True)
    fill_tables(tables, report)
    return tables


def fill_tables(tables: Mapping[str, Any], report: Mapping[str, Any]) -> None:
    """Put the measurements of a report into tables, in place of what they hold.

    Args:
        tables: Of `add_tables`.
        report: Content of report.json.
    """
    rows = {"measurements": measurement_rows(report), "contrast": contrast_rows(report), "levels": levels_rows(report)}
    if report["metrics"] is not None:
        rows |= {"agreement": agreement_rows(report["metrics"]), "overall": overall_rows(report["metrics"])}
    for key, table in tables.items():
        _fill(table, rows[key])


def _fill(table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    modifying = table.StartModify()
    table.RemoveAllColumns()
    for name in dict.fromkeys(name for row in rows for name in row):
        column = _column([row.get(name) for row in rows])
        column.SetName(name)
        table.AddColumn(column)
        table.SetColumnTitle(name, heading(name))
    table.EndModify(modifying)


def _column(values: Sequence[Any]) -> Any:
    """Numbers as doubles with NaN for None, anything else as text."""
    if all(value is None or (isinstance(value, (int, float)) and not isinstance(value, bool)) for value in values):
        return numpy_to_vtk(np.array([np.nan if value is None else value for value in values], float), deep=True)
    column = vtk.vtkStringArray()
    for value in values:
        column.InsertNextValue("" if value is None else str(value))
    return column


def add_plot(levels: Any, case: str) -> list[Any]:
    """Put the plot of height and volume by level into the scene.

    Args:
        levels: The table `levels`.
        case: Name of the case.

    Returns:
        The plot nodes: the chart, then its series of bars.
    """
    chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", f"{case} {_NAMES['levels']}")
    chart.SetTitle("Height and volume by level")
    chart.SetXAxisTitle("Level")
    chart.SetYAxisTitle(", ".join(name.rpartition(", ")[2] for name, _, _ in _SERIES))
    nodes = [chart]
    for name, column, colour in _SERIES:
        series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
        series.SetAndObserveTableNodeID(levels.GetID())
        series.SetPlotType(series.PlotTypeBar)
        series.SetYColumnName(column)
        series.SetLabelColumnName("level")
        series.SetColor(*colour)
        chart.AddAndObservePlotSeriesNodeID(series.GetID())
        nodes.append(series)
    return nodes
