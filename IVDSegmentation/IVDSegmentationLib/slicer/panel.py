"""Two parts of the panel: the section of the inputs, which finds and loads volumes, and that of the results."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import InputError
from ..levels.labelling import UNCERTAIN
from ..report.tables import TextTable, agreement_summary, agreement_table, contrast_table, measurements_table
from . import texts as slicer_texts
from .parameters import AUTOMATIC, CHANNEL_PARAMETERS, lowest_level
from .results import SceneResult, center_on

_AGREEMENT_TAB = 2


class InputsSection:
    """Fills the four selectors through the parameter node, and says what was found."""

    def __init__(self, ui: Any, logic: Any, parameters: Callable[[], Any]) -> None:
        """parameters: the parameter node in use; None while the panel is closed."""
        self._ui, self._logic, self._parameters = ui, logic, parameters
        ui.findButton.connect("clicked(bool)", self._find)
        ui.loadFolderButton.connect("clicked(bool)", self._load)

    def chosen(self) -> dict[str, Any]:
        """Channel -> node that is chosen for it, or None."""
        return {channel: getattr(self._parameters(), name) for channel, name in CHANNEL_PARAMETERS.items()}

    def fill_if_empty(self) -> None:
        """Choose the volumes that look like the channels, if none is chosen and there is one for each."""
        if self._parameters() is not None and not self._logic.running and not any(self.chosen().values()):
            found, ambiguous = self._logic.findDixonVolumes()
            if found and not ambiguous:
                self._choose(found)

    def _choose(self, found: Mapping[str, Any]) -> None:
        for channel, name in CHANNEL_PARAMETERS.items():
            setattr(self._parameters(), name, found.get(channel))
        channels = ", ".join(slicer_texts.channel_name(channel) for channel in found)
        self._ui.inputsMessage.text = _("Found: {channels}.").format(channels=channels) if found else ""

    def _find(self) -> None:
        found, ambiguous = self._logic.findDixonVolumes()
        self._choose(found)
        if ambiguous:
            self._ui.inputsMessage.text = " ".join(ambiguous)
        elif not found:
            self._ui.inputsMessage.text = _(
                "None of the loaded volumes looks like a Dixon channel by its DICOM tags or its name: choose them yourself."
            )

    def _load(self) -> None:
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a Dixon examination"))
        if folder:
            with slicer.util.tryWithErrorDisplay(waitCursor=True):
                self._choose(self._logic.loadFolder(folder))


class ResultsSection:
    """Shows a result: sentences and tables; a click on a disc's row moves the views there. Renames and saves it."""

    def __init__(self, ui: Any, logic: Any) -> None:
        self._ui, self._logic = ui, logic
        self.result: SceneResult | None = None
        ui.measurementsTable.connect("cellClicked(int,int)", self._go_to_measured)
        ui.agreementTable.connect("cellClicked(int,int)", self._go_to_compared)
        self.clear()

    def clear(self) -> None:
        """Show that there is no result."""
        self.result = None
        self._ui.resultsMessage.text = _("No result yet.")
        self._ui.warningsMessage.text = self._ui.agreementMessage.text = ""
        self._ui.resultTabs.visible = False

    def show(self, result: SceneResult) -> None:
        """Show this result from now on."""
        self.result, ui, metrics = result, self._ui, result.report["metrics"]
        ui.resultsMessage.text = slicer_texts.discs_found(result.discs, metrics)
        ui.warningsMessage.text = slicer_texts.to_check(result.warnings, result.discs)
        if any(warning.startswith(UNCERTAIN) for warning in result.warnings):
            ui.optionsSection.collapsed = False  # it asks for the lowest level, which is chosen there
        _fill(ui.measurementsTable, measurements_table(result.report, _))
        _fill(ui.contrastTable, contrast_table(result.report, _))
        if metrics is not None:
            _fill(ui.agreementTable, agreement_table(metrics, _))
            ui.agreementMessage.text = agreement_summary(metrics, _)
        ui.resultTabs.setTabEnabled(_AGREEMENT_TAB, metrics is not None)
        ui.resultTabs.visible = True

    def rename_if_asked(self, parameters: Any, chosen: Mapping[str, Any]) -> None:
        """Give the result the names that the parameter node asks for, if the volumes chosen (channel -> node) are its own:
        otherwise they are asked for the case that is segmented next. A level that cannot be is told and taken back."""
        result = self.result
        if result is None or lowest_level(parameters) == result.lowest_level:
            return
        if {channel: node.GetID() for channel, node in chosen.items() if node is not None} != result.inputs:
            return
        with slicer.util.tryWithErrorDisplay(waitCursor=True):
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
        """Ask for a folder and begin to write the report into it; callbacks as in the logic's saveReport."""
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder for the report"))
        if folder:
            with slicer.util.tryWithErrorDisplay(waitCursor=True):
                self._logic.saveReport(
                    self.result, folder, wait=False, onProgress=progress, onFinished=finished, onFailed=failed
                )

    def _go_to_measured(self, row: int) -> None:
        self._go_to(self._ui.measurementsTable.item(row, 0).text())

    def _go_to_compared(self, row: int) -> None:
        self._go_to(self._ui.agreementTable.item(row, 0).text())

    def _go_to(self, level: str) -> None:
        if self.result is not None:
            center_on(self.result, level)


def _fill(table: Any, content: TextTable) -> None:
    table.setColumnCount(len(content.headings))
    table.setRowCount(len(content.rows))
    table.setHorizontalHeaderLabels(list(content.headings))
    for row, texts in enumerate(content.rows):
        for column, text in enumerate(texts):
            item = qt.QTableWidgetItem(text)
            if column:
                item.setTextAlignment(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
            table.setItem(row, column, item)
    table.resizeColumnsToContents()
    table.resizeRowsToContents()
