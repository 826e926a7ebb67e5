"""The part of the panel that starts, follows and stops a run: the button, the bar, and the line that names the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
from slicer.i18n import tr as _

from ..errors import Cancelled

DOUBLE_CLICK_MS = 500
"""The second click of a double click comes within this time (Windows; elsewhere it is less)."""


class RunSection:
    """One button that starts what it is given, and cancels while the logic runs."""

    def __init__(self, ui: Any, logic: Any, start: Callable[[], None]) -> None:
        """Connect the controls.

        Args:
            ui: Controls of the panel by name.
            logic: That of the module.
            start: Begins a segmentation, with `progress` and `failed` as callbacks; may raise.
        """
        self._ui, self._logic, self._start = ui, logic, start
        self._just_started = qt.QTimer()
        self._just_started.setSingleShot(True)
        self._just_started.setInterval(DOUBLE_CLICK_MS)
        ui.segmentButton.connect("clicked(bool)", self._clicked)

    def _clicked(self) -> None:
        if not self._logic.running:
            self._start()
            self._just_started.start()
        elif not self._just_started.active:  # who clicks twice by habit means to start
            self._logic.cancel()

    def begin(self) -> None:
        """Show that something begins."""
        self._ui.stageMessage.text = ""
        self._ui.progressBar.maximum = 0

    def progress(self, stage: str, fraction: float) -> None:
        """Show a step.

        While nothing is done the bar moves to and fro: the first loading of the networks takes as long as it takes.

        Args:
            stage: The step in words.
            fraction: Done, 0..1.
        """
        self._ui.stageMessage.text = f"{stage}..."
        self._ui.progressBar.maximum = 100 if fraction > 0 else 0
        self._ui.progressBar.value = round(100 * fraction)

    def done(self, message: str) -> None:
        """Show that all is done.

        Args:
            message: What to say.
        """
        self.stop()
        self._ui.progressBar.maximum = self._ui.progressBar.value = 100
        self._ui.stageMessage.text = message

    def failed(self, error: Exception, message: str) -> None:
        """Show that it has failed, in one box, or that the user has cancelled it.

        Args:
            error: Why.
            message: What to say in the panel.
        """
        self.stop()
        cancelled = isinstance(error, Cancelled)
        self._ui.stageMessage.text = str(error) if cancelled else message
        if not cancelled:
            slicer.util.errorDisplay(str(error), detailedText=getattr(error, "log_tail", ""))

    def show_state(self, lacking: str) -> None:
        """Show whether a run can be started, or is under way.

        Args:
            lacking: What keeps the user from segmenting, may be empty.
        """
        running = self._logic.running
        self._ui.progressBar.visible = running
        self._ui.segmentButton.text = _("&Cancel") if running else _("&Segment")
        self._ui.segmentButton.enabled = running or not lacking
        self._ui.lackingMessage.text = lacking
        self._ui.lackingMessage.visible = bool(lacking) and not running
        if running:
            self._ui.segmentButton.toolTip = _("Stop; the scene and the files stay as they are.")
        else:
            self._ui.segmentButton.toolTip = lacking or _("Find, segment and name the discs of these volumes.")

    def stop(self) -> None:
        """Nothing is under way any more, or the panel goes: the next click is none of a double click."""
        self._just_started.stop()
