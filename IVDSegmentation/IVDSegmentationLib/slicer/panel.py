"""The panel: its parts, the parameter node they are bound to, and the scene they follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from . import setup, texts
from .errors_shown import errors_shown
from .inputs_section import InputsSection
from .parameters import CHANNEL_PARAMETERS, CHOICES, let_go, lowest_level
from .results_section import ResultsSection
from .run_section import RunSection
from .scene_result import SceneResult

_ARRIVED_MS = 300
"""Files dropped onto Slicer arrive one after another; so long after the last they have all come."""


class Panel(VTKObservationMixin):
    """What the module shows.

    It is bound to the parameter node from its beginning on, whether it is visited or not: Slicer 5.10 keeps whatever was
    bound, and would keep it for each visit.
    """

    def __init__(self, widget: Any, logic: Any, parent: Any) -> None:
        """Bind the controls.

        Args:
            widget: Made of the module's .ui.
            logic: That of the module.
            parent: The widget of the module that holds it.
        """
        VTKObservationMixin.__init__(self)
        self.ui, self.logic, self.parent = slicer.util.childWidgetVariables(widget), logic, parent
        widget.setMRMLScene(slicer.mrmlScene)
        self._widget = widget
        self._parameters: Any = None
        self._gui_tag: int | None = None
        self.ui.copyMessage.text = setup.other_copy(Path(slicer.util.modulePath("IVDSegmentation")).parent)
        self.ui.copyMessage.visible = self.ui.copyMessage.text != ""
        self.inputs = InputsSection(self.ui, logic, lambda: self._parameters)
        self.run = RunSection(self.ui, logic, self._segment)
        self.results = ResultsSection(self.ui, logic)
        self.ui.saveReportButton.connect("clicked(bool)", self._save_report)
        self._arrived = qt.QTimer()
        self._arrived.setSingleShot(True)
        self._arrived.setInterval(_ARRIVED_MS)
        self._arrived.connect("timeout()", self.inputs.fill_if_empty)
        scene = slicer.mrmlScene
        for event, method in (
            (scene.StartCloseEvent, self._scene_closes),
            (scene.StartImportEvent, self._scene_changes),
            (scene.EndCloseEvent, self._scene_changed),
            (scene.EndImportEvent, self._scene_changed),
            (scene.NodeAddedEvent, self._node_added),
            (scene.NodeAboutToBeRemovedEvent, self._node_leaves),
        ):
            self.addObserver(scene, event, method)
        self._bind(logic.getParameterNode())

    def enter(self) -> None:
        """The module is chosen."""
        self.inputs.fill_if_empty()

    def close(self) -> None:
        """The panel goes, and with it what the logic has under way."""
        self._arrived.stop()
        self.run.stop()
        self._bind(None)
        self.removeObservers()
        self.logic.close()

    def _bind(self, parameters: Any) -> None:
        """Bind the panel to a parameter node, and to none while scenes change."""
        if parameters is self._parameters:
            return
        if self._parameters is not None:
            self._parameters.disconnectGui(self._gui_tag)
            self.removeObserver(self._parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._parameters_changed)
        self._parameters = parameters
        if parameters is not None:
            self._gui_tag = parameters.connectGui(self.ui)
            self._name_choices()
            self.addObserver(parameters.parameterNode, vtk.vtkCommand.ModifiedEvent, self._parameters_changed)
            self._show_state()

    def _name_choices(self) -> None:
        """Slicer fills a box with the values that it stores, and goes by their number from then on."""
        for name, choices in CHOICES.items():
            box = getattr(self.ui, f"{name}Box")
            for index, value in enumerate(choices):
                box.setItemText(index, texts.choice(value))

    def _scene_closes(self, caller: Any, event: str) -> None:
        self._scene_changes(caller, event)
        self.results.clear()
        self.ui.inputsMessage.text = self.ui.stageMessage.text = ""

    def _scene_changes(self, caller: Any, event: str) -> None:
        # The selectors follow the nodes as they go and come; what the parameters hold is not theirs to change.
        self._bind(None)

    def _scene_changed(self, caller: Any, event: str) -> None:
        parameters = self.logic.getParameterNode()
        parameters.Modified()  # the nodes of an imported scene can come after the parameters that refer to them
        self._bind(parameters)
        if self.parent.isEntered:
            self.inputs.fill_if_empty()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_added(self, caller: Any, event: str, node: Any) -> None:
        if self.parent.isEntered and node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            self._arrived.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_leaves(self, caller: Any, event: str, node: Any) -> None:
        if self._parameters is not None:
            let_go(self._parameters, node)

    def _parameters_changed(self, caller: Any, event: str) -> None:
        if not self.logic.running:
            self.results.rename_if_asked(self._parameters, self.inputs.chosen())
        self._show_state()

    def _segment(self) -> None:
        if not self._is_set_up():
            return
        with errors_shown():
            self.run.begin()
            self.logic.segment(
                **{CHANNEL_PARAMETERS[channel]: node for channel, node in self.inputs.chosen().items()},
                reference=self._parameters.reference,
                lowestLevel=lowest_level(self._parameters),
                device=self._parameters.device,
                keepResults=self._parameters.keepResults,
                wait=False,
                onProgress=self.run.progress,
                onFinished=self._segmented,
                onFailed=lambda error: self._failed(error, _("Not segmented.")),
            )
        self._show_state()

    def _is_set_up(self) -> bool:
        """Whether the segmentation has the packages it needs, the user having been asked to install them."""
        if not setup.missing():
            return True
        engine = setup.ask()
        if engine is None:
            self.ui.stageMessage.text = setup.declined()
            return False
        self.ui.inputsMessage.text = self.ui.stageMessage.text = ""
        with errors_shown():
            self._widget.enabled = False  # Slicer 5.10 installs without a dialog in front of the panel
            try:
                self.ui.inputsMessage.text = self.logic.installPackages(engine)
            except setup.SetupError as error:
                self.ui.stageMessage.text = str(error)
                if not error.shown:
                    raise
            finally:
                self._widget.enabled = True
        return not setup.missing()

    def _segmented(self, result: SceneResult) -> None:
        self.results.show(result)
        self.run.done(_("Done."))
        self._show_state()

    def _save_report(self) -> None:
        self.run.begin()
        self.results.save(self.run.progress, self._saved, lambda error: self._failed(error, _("No report was saved.")))
        self._show_state()

    def _saved(self, folder: Path) -> None:
        self.run.done(_("Saved in {folder}.").format(folder=folder))
        self._show_state()

    def _failed(self, error: Exception, message: str) -> None:
        self._show_state()
        self.run.failed(error, message)

    def _show_state(self) -> None:
        running = self.logic.running
        for section in (self.ui.inputsSection, self.ui.optionsSection):
            section.enabled = not running
        self.ui.lowestLevelBox.enabled = not running
        self.ui.saveReportButton.enabled = self.results.result is not None and not running
        if self._parameters is not None:
            self.run.show_state(texts.lacking(self.inputs.chosen(), self._parameters.reference))
