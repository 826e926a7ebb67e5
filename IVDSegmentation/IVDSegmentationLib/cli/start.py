"""Where a process begins: before anything else is imported, a signal ends it with one line and no traceback.

Of this nothing is imported that takes time: `os` has been by Python itself, and `_signal` is the part of `signal` that is
compiled in, without the enumerations around it. What is left is Python's own start, in which no program can catch anything.
"""

import _signal as signal
import os


def main() -> None:
    """The console command."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        # A command that is to outlive its terminal (nohup) is started with SIGHUP ignored.
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, _stop)
    from .commands import entry

    entry()


def _stop(number: int, frame: object) -> None:
    """End the process, which has made nothing yet."""
    try:
        os.write(2, b"ivdseg: stopped\n")
    finally:
        os._exit(128 + number)
