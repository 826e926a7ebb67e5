"""The part of the panel that finds and loads the volumes of an examination."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from .errors_shown import errors_shown
from .parameters import CHANNEL_PARAMETERS
from .texts import channel_name


class InputsSection:
    """Fills the four selectors through the parameter node, and says what was found."""

    def __init__(self, ui: Any, logic: Any, parameters: Callable[[], Any]) -> None:
        """Connect the controls.

        Args:
            ui: Controls of the panel by name.
            logic: That of the module.
            parameters: Gives the parameter node in use; None while scenes change.
        """
        self._ui, self._logic, self._parameters = ui, logic, parameters
        ui.findButton.connect("clicked(bool)", self._find)
        ui.loadFolderButton.connect("clicked(bool)", self._load)

    def chosen(self) -> dict[str, Any]:
        """The volumes that are chosen.

        Returns:
            Channel -> node, or None.
        """
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
        channels = ", ".join(channel_name(channel) for channel in CHANNEL_PARAMETERS if channel in found)
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
            with errors_shown():
                self._choose(self._logic.loadFolder(folder))
