"""The part of the panel that shows a result: the discs and what to check first, the measurements behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..levels.colors import LEVEL_COLORS
from ..report.tables import TextTable, agreement_summary, agreement_table, contrast_table, measurements_table
from . import texts
from .errors_shown import errors_shown
from .parameters import AUTOMATIC, lowest_level
from .scene_result import SceneResult
from .views import center_on

_DISC_TABLES = ("discsTable", "measurementsTable", "agreementTable")
"""The tables whose rows are discs."""
_AGREEMENT_TAB = 3
_FLAGS_COLUMN = 2
_SWATCH_PIXELS = 12


class ResultsSection:
    """Shows a result; a click on a disc's row, or Enter, moves the views there. Renames and saves it."""

    def __init__(self, ui: Any, logic: Any) -> None:
        """Connect the controls.

        Args:
            ui: Controls of the panel by name.
            logic: That of the module.
        """
        self._ui, self._logic = ui, logic
        self.result: SceneResult | None = None
        for name in _DISC_TABLES:
            table = getattr(ui, name)
            for chosen in ("cellClicked(int,int)", "cellActivated(int,int)"):
                table.connect(chosen, self._goer(table))
        # The sentences on a disc wrap, and how high their row is depends on the width that the panel gives them.
        ui.discsTable.horizontalHeader().sectionResized.connect(
            lambda: ui.discsTable.resizeRowsToContents()  # noqa: PLW0108  the signal's numbers are none of its arguments
        )
        self.clear()

    def clear(self) -> None:
        """Show that there is no result."""
        self.result = None
        self._ui.resultsMessage.text = _("No result yet.")
        self._ui.warningsMessage.text = self._ui.agreementMessage.text = ""
        self._ui.warningsMessage.visible = self._ui.resultTabs.visible = False

    def show(self, result: SceneResult) -> None:
        """Show a result from now on.

        Args:
            result: The result.
        """
        self.result, ui, metrics = result, self._ui, result.report["metrics"]
        ui.resultsSection.collapsed = False
        ui.resultTabs.visible = True
        ui.resultsMessage.text = texts.discs_found(result.discs, metrics)
        ui.warningsMessage.text = texts.to_check(result.findings)
        ui.warningsMessage.visible = ui.warningsMessage.text != ""
        _fill(ui.discsTable, _discs_table(result), left=_FLAGS_COLUMN)
        _fill(ui.measurementsTable, measurements_table(result.report, _))
        _fill(ui.contrastTable, contrast_table(result.report, _))
        if metrics is not None:
            _fill(ui.agreementTable, agreement_table(metrics, _))
            ui.agreementMessage.text = agreement_summary(metrics, _)
        ui.resultTabs.setTabEnabled(_AGREEMENT_TAB, metrics is not None)

    def rename_if_asked(self, parameters: Any, chosen: Mapping[str, Any]) -> None:
        """Give the result the names that the parameter node asks for, if the volumes chosen are its own.

        Otherwise they are asked for the case that is segmented next. A level that cannot be is said and taken back.

        Args:
            parameters: The parameter node.
            chosen: Channel -> node, or None.
        """
        result = self.result
        if result is None or lowest_level(parameters) == result.lowest_level:
            return
        if {channel: node.GetID() for channel, node in chosen.items() if node is not None} != result.case.inputs:
            return
        with errors_shown():
            try:
                self.show(self._logic.renameLevels(result, lowest_level(parameters)))
            except InputError:
                parameters.lowestLevel = result.lowest_level or AUTOMATIC
                raise

    def save(
        self,
        progress: Callable[[str, float], None],
        finished: Callable[[Any], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Ask for a folder and begin to write the report into it.

        Args:
            progress: As in the logic's saveReport.
            finished: The same.
            failed: The same.
        """
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder for the report"))
        if folder:
            with errors_shown():
                self._logic.saveReport(
                    self.result, folder, wait=False, onProgress=progress, onFinished=finished, onFailed=failed
                )

    def _goer(self, table: Any) -> Callable[[int], None]:
        def go(row: int) -> None:
            if self.result is not None and table.item(row, 0) is not None:
                center_on(self.result, table.item(row, 0).text())

        return go


def _discs_table(result: SceneResult) -> TextTable:
    """The discs, cranial on top, with what to check of each."""
    headings = (_("Level"), _("Confidence"), _("To check"))
    rows = [(disc.level, f"{disc.confidence:.0%}", texts.sentences(disc.flags)) for disc in reversed(result.discs)]
    return TextTable(headings, tuple(rows))


def _fill(table: Any, content: TextTable, left: int = 0) -> None:
    """left: a further column of words, beside the first."""
    table.setColumnCount(len(content.headings))
    table.setRowCount(len(content.rows))
    table.setHorizontalHeaderLabels(list(content.headings))
    for row, cells in enumerate(content.rows):
        for column, text in enumerate(cells):
            item = qt.QTableWidgetItem(text)
            if column not in (0, left):
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            if column == 0 and text in LEVEL_COLORS:
                item.setIcon(_swatch(LEVEL_COLORS[text]))
            table.setItem(row, column, item)
    table.resizeColumnsToContents()
    table.resizeRowsToContents()


def _swatch(color: tuple[float, float, float]) -> Any:
    pixmap = qt.QPixmap(_SWATCH_PIXELS, _SWATCH_PIXELS)
    pixmap.fill(qt.QColor(*(round(255 * part) for part in color)))
    return qt.QIcon(pixmap)
