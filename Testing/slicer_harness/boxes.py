"""Message boxes and file dialogs, which a test answers. While one is open, timers and events go on, as in Slicer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from PySide6 import QtWidgets

_OPEN_S = 0.2
"""How long a box stays open: some polls of a run under way."""


class MessageBoxes:
    """The boxes that a person has seen, and what the person answers: Ok unless `answers` holds something else."""

    OK, CANCEL = 0x400, 0x400000

    def __init__(self) -> None:
        self.shown: list[dict[str, Any]] = []
        self.answers: list[int] = []
        self.while_open: Callable[[], None] | None = None
        """Called once, while the next box is open."""

    def show(self, text: str, detailed: str, title: str) -> int:
        self.shown.append({"text": text, "detailed": detailed, "title": title, "cursors": list(CURSORS)})
        let_events_come(self)
        return self.answers.pop(0) if self.answers else self.OK

    @property
    def texts(self) -> list[str]:
        return [box["text"] for box in self.shown]


BOXES = MessageBoxes()

CURSORS: list[int] = []
"""The override cursors that are set, the last one shown."""


def let_events_come(boxes: MessageBoxes) -> None:
    act, boxes.while_open = boxes.while_open, None
    end_s = time.monotonic() + _OPEN_S
    while time.monotonic() < end_s:
        QtWidgets.QApplication.processEvents()
        if act is not None:
            act()
            act = None
        time.sleep(0.005)


class ctkMessageBox:
    """What slicer.util.messageBox makes; `exec_` shows it to the test instead of a person."""

    __slots__ = ("detailedText", "icon", "standardButtons", "text", "windowTitle")

    def __init__(self, parent: Any = None) -> None:
        self.text = self.detailedText = self.windowTitle = ""
        self.icon = self.standardButtons = 0

    def deleteLater(self) -> None:
        pass

    def exec_(self) -> int:
        return BOXES.show(self.text, self.detailedText, self.windowTitle)


class QFileDialog:
    """The folder that a person chooses: `folder`, an empty string where the dialog is cancelled."""

    folder = ""

    @classmethod
    def getExistingDirectory(cls, parent: Any = None, caption: str = "", directory: str = "") -> str:
        let_events_come(BOXES)
        return cls.folder


class QCursor:
    def __init__(self, shape: int) -> None:
        self._shape = shape

    def shape(self) -> int:
        return self._shape


class QApplication:
    """Its override cursors."""

    @staticmethod
    def overrideCursor() -> QCursor | None:
        return QCursor(CURSORS[-1]) if CURSORS else None

    @staticmethod
    def setOverrideCursor(cursor: QCursor | int) -> None:
        CURSORS.append(cursor if isinstance(cursor, int) else cursor.shape())

    @staticmethod
    def restoreOverrideCursor() -> None:
        if CURSORS:
            CURSORS.pop()
