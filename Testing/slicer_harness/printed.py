"""What Slicer prints instead of raising: exceptions in slots, in `setup` and `enter`, and in observers of VTK.

Slicer goes on after them, and so does the harness; a test that has left one fails (see conftest.py).
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from types import TracebackType
from typing import Any

PRINTED: list[str] = []
"""The last line of each traceback so far."""


def guarded(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it as PythonQt does: an exception is printed, and None comes back."""
    try:
        return function(*arguments)
    except Exception as error:
        _record(type(error), error, error.__traceback__)
        return None


def catch_what_c_plus_plus_prints() -> None:
    """VTK and Qt hand exceptions of what they call to sys.excepthook."""
    sys.excepthook = _record


def take_printed() -> list[str]:
    """What was printed since the last time, for a test that expects it."""
    taken = PRINTED[:]
    PRINTED.clear()
    return taken


def _record(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    lines = traceback.format_exception(kind, error, trace)
    print("".join(lines), file=sys.stderr)
    PRINTED.append(lines[-1].strip())
