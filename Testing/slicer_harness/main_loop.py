"""Slicer's main loop: it runs in C++ and keeps Python's lock, so that other threads work only while Python code lets go of it.

PySide6 lets go of the lock whenever it enters Qt. Here Qt's own function is called without that; Linux only.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from pathlib import Path

import PySide6
from PySide6 import QtCore

_PROCESS_EVENTS = "_ZN16QCoreApplication13processEventsE6QFlagsIN10QEventLoop17ProcessEventsFlagEE"
_WAIT_FOR_MORE_EVENTS = 4
_TICK_MS = 10
_SWITCH_S = 10.0
"""Python hands its lock on after so long: not while the ticks, which Slicer does not have, run their few lines of Python."""


class Loop:
    """Runs Slicer's main loop, and measures how long it processed no event.

    gaps: what `say` said before -> the longest time (s) without an event then, and what of it this thread computed.
    last_computed_s: what this thread computed in the last gap.
    """

    def __init__(self, say: Callable[[], str] = lambda: "") -> None:
        library = Path(PySide6.__file__).parent / "Qt" / "lib" / "libQt6Core.so.6"
        self._process = getattr(ctypes.PyDLL(str(library)), _PROCESS_EVENTS)
        self._process.argtypes, self._process.restype = [ctypes.c_int], None
        self._say = say
        self.gaps: dict[str, tuple[float, float]] = {}
        self.last_computed_s = 0.0

    def run(self, until: Callable[[], bool], limit_s: float = 60.0) -> None:
        """Live until something is so, which is asked at every tick. Raises AssertionError after a while."""
        end_s = time.monotonic() + limit_s
        last_s, last_computed_s, said, done = time.monotonic(), time.thread_time(), self._say(), False

        def tick() -> None:
            nonlocal last_s, last_computed_s, said, done
            now_s, computed_s = time.monotonic(), time.thread_time()
            gap = (now_s - last_s, computed_s - last_computed_s)
            if gap[1] > self.gaps.get(said, (0.0, 0.0))[1]:
                self.gaps[said] = gap
            self.last_computed_s = gap[1]
            done = until()
            said = self._say()
            last_s, last_computed_s = time.monotonic(), time.thread_time()

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
