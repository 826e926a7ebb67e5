"""Slicer's main loop: it runs in C++ and keeps Python's lock, so that other threads work only while Python code lets go of it.

PySide6 lets go of the lock whenever it enters Qt. Here Qt's own function is called without that; Linux only.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import PySide6
from PySide6 import QtCore

_PROCESS_EVENTS = "_ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEE"
_WAIT_FOR_MORE_EVENTS = 4
_TICK_MS = 10
_SWITCH_S = 10.0
"""Python hands its lock on after so long: not while the ticks, which Slicer does not have, run their few lines of Python."""


@dataclass
class Loop:
    """Runs Slicer's main loop, and measures how long it processed no event. longest_s: the longest time, and `where` it was
    in the words of `say` at its end."""

    say: Callable[[], str] = lambda: ""
    longest_s: float = 0.0
    where: str = ""
    gaps_s: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Find Qt's function."""
        library = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6Core.so.6"
        self._process = getattr(ctypes.PyDLL(str(library)), _PROCESS_EVENTS)
        self._process.argtypes, self._process.restype = [ctypes.c_int], None

    def run(self, until: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Live until something is so, which is asked at every tick. Raises AssertionError after a while."""
        end_s = last_s = time.monotonic()
        end_s += limit_s
        done = False

        def tick() -> None:
            nonlocal last_s, done
            now_s = time.monotonic()
            if now_s - last_s > 2 * _TICK_MS / 1000:
                self.gaps_s.append((now_s - last_s, self.say()))
                if now_s - last_s > self.longest_s:
                    self.longest_s, self.where = now_s - last_s, self.say()
            last_s = now_s
            done = until()

        timer = QtCore.QTimer()
        timer.setTimerType(QtCore.Qt.TimerType.PreciseTimer)
        timer.timeout.connect(tick)
        timer.start(_TICK_MS)
        usual_s = sys.getswitchinterval()
        sys.setswitchinterval(_SWITCH_S)
        try:
            while not done:
                if time.monotonic() > end_s:
                    raise AssertionError("it did not come to that")
                self._process(_WAIT_FOR_MORE_EVENTS)
        finally:
            sys.setswitchinterval(usual_s)
            timer.stop()
