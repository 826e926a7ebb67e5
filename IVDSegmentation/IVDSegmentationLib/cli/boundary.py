"""Where the command line meets its user: whatever happens, one line of ours on stderr, and nothing of a library before it.

C libraries (nifti_clib, MetaIO, libjpeg, vnl, vtk, TensorFlow) write to descriptor 2 whenever they like. In a process of its
own a command has it lead to a file without a name; `--debug` leaves it as it is, and shows the traceback of what went wrong.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import NoReturn, TextIO

from ..errors import IVDSegmentationError, OutputError
from ..printable import printable
from ..workplace import abandon, workplace

DONE, CANNOT = 0, 1
ISSUES = "https://github.com/ivdsegmentation/SlicerIVDSegmentation/issues"
"""Where faults of the program are reported."""

_shown: list[int] = []
"""The descriptor that leads to the user, once 2 no longer does."""

_TALK = ("ONEDNN_VERBOSE", "DNNL_VERBOSE", "MKL_VERBOSE", "OPENVINO_LOG_LEVEL")
"""What has libraries write to stdout, which is ours; OpenVINO's networks do not run with the first."""

_STOPPING = ("SIGINT", "SIGTERM", "SIGHUP")


def say(sentence: str) -> None:
    """Write one line for the user to stderr; whatever cannot be shown there is written as escapes.

    Args:
        sentence: The line.
    """
    with suppress(OSError, ValueError):  # it is closed or full: nobody can be told
        print(printable(sentence), file=sys.stderr, flush=True)


def tell(line: str) -> None:
    """Write one line to stdout that is no result: where it cannot be written, nothing is lost.

    Args:
        line: The line.
    """
    try:
        print(printable(line), flush=True)
    except (OSError, ValueError) as error:
        say(f"warning: the output could not be written: {_reason(error)}")
        sys.stdout = _nothing()  # what it still holds would be tried again


def show(text: str) -> None:
    """Write a result to stdout, all of it.

    Args:
        text: The result.

    Raises:
        OutputError: It cannot be written.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stdout = _nothing()  # what it still holds would be tried again
        raise OutputError(f"the output could not be written: {_reason(error)}") from error


def guarded(command: Callable[[], object], subject: str, *, debug: bool = False) -> int:
    """Run a command, and turn whatever it raises into one line.

    Args:
        command: What to run. It returns a false value or `DONE`.
        subject: The file or folder that the command is about, for the line on what nobody expected.
        debug: Show the traceback before the line.

    Returns:
        The exit status: DONE, CANNOT, or 128 plus the number of the signal that stopped it.
    """
    try:
        _check_current_folder()
        command()
        return _flushed(DONE)
    except KeyboardInterrupt as stop:  # with the number of the signal, where it is another
        say("ivdseg: stopped")
        return 128 + int(stop.args[0] if stop.args else signal.SIGINT)
    except Exception as error:
        if debug:
            import traceback

            traceback.print_exc()
        say(f"ivdseg: {_sentence(error, subject)}")
        return CANNOT


def _check_current_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:
        raise IVDSegmentationError("the current folder no longer exists: change to another one") from error


def _sentence(error: Exception, subject: str) -> str:
    """What the user reads of an error."""
    if isinstance(error, IVDSegmentationError):
        return str(error)
    if isinstance(error, MemoryError):
        return f"{subject}: there was not enough memory: close other programs, or crop the images to the spine"
    if isinstance(error, OSError) and error.filename is None and error.errno in (errno.ENOSPC, errno.EPIPE):
        return f"the output could not be written: {_reason(error)}"  # files of ours have a typed error
    if isinstance(error, OSError) and error.strerror:
        named = Path(os.fsdecode(error.filename)).name if isinstance(error.filename, str | bytes) else ""
        return f"{named or subject} cannot be used: {error.strerror.lower()}"
    # Neither the text of the error, which may hold what a header says of a patient, nor the path of this installation.
    fault = f"{type(error).__name__} in {_place(error.__traceback__)}"
    return f"{subject}: the program met a fault of its own, {fault}: please report this at {ISSUES}, with what --debug shows"


def _place(trace: TracebackType | None) -> str:
    """The innermost line of this library that a traceback passes."""
    import traceback

    library = Path(__file__).resolve().parents[1]
    inside = "an unknown place"
    for frame in traceback.extract_tb(trace):
        path = Path(frame.filename)
        if path.is_relative_to(library):
            inside = f"{path.relative_to(library).as_posix()}:{frame.lineno}"
    return inside


def run_alone(parse: Callable[[list[str]], Callable[[], int]], arguments: list[str], *, quiet: bool) -> NoReturn:
    """Run the command line in this process, which is its own, and end it.

    Args:
        parse: Takes the arguments, returns the command that they ask for, which returns the exit status.
        arguments: Those of the command line.
        quiet: Whether what libraries write to stderr is kept from the user.
    """
    _open_standard_streams()
    catch_signals()
    for name in _TALK:
        os.environ.pop(name, None)
    status = CANNOT
    with ExitStack() as stack:
        try:
            command = parse(arguments)
            _keep_temporary_files(stack)
            if quiet:
                _keep_stderr()
            status = command()
        except SystemExit as stop:  # argparse: help, version, wrong usage
            status = stop.code if isinstance(stop.code, int) else CANNOT
        status = _flushed(status)
    # An ordinary exit would take down TensorFlow's threads, during which a signal or a fault has the last word.
    os._exit(status)


def _keep_temporary_files(stack: ExitStack) -> None:
    """One folder for whatever any library puts there, cleared by the next command where this one is killed."""
    import tempfile

    with suppress(OSError):  # where there is no place for temporary files, what needs one says so
        tempfile.tempdir = str(stack.enter_context(workplace(Path(tempfile.gettempdir()))))
        os.environ["KERAS_HOME"] = os.path.join(tempfile.tempdir, "keras")  # not the user's settings, which may be any


def _flushed(status: int) -> int:
    """The status once all that was printed has left the process; CANNOT, with a line that says so, where it could not."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        sys.stdout = _nothing()
        if status == DONE:
            say(f"ivdseg: the output could not be written: {_reason(error)}")
            return CANNOT
    return status


def _nothing() -> TextIO:
    """A stream that what is written to goes nowhere."""
    return os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or "it is closed").lower()


def _open_standard_streams() -> None:
    """Have descriptors 0 to 2 open, or the first files to be opened would be taken for them, and show every character."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                null = os.open(os.devnull, os.O_RDWR)
                if null != number:
                    os.dup2(null, number)
                    os.close(null)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, _nothing())
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def catch_signals() -> None:
    """Have signals that stop a command end this process at once, with one line, and nothing left of what it was writing."""
    for name in _STOPPING:
        number = getattr(signal, name, None)
        # A command that is to outlive its terminal (nohup) is started with SIGHUP ignored.
        if number is not None and not (name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN):
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End the process. Not by an exception: libraries catch those, or write of them."""
    for name in _STOPPING:
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    abandon()
    with suppress(OSError, ValueError, AttributeError):  # not by `print`, in the middle of which the signal may have come
        shown = _shown[0] if _shown else sys.stderr.fileno()
        os.write(shown, (b"\n" if os.isatty(shown) else b"") + b"ivdseg: stopped\n")  # a bar may stand in the line
    os._exit(128 + number)


def _keep_stderr() -> None:
    """Let descriptor 2 lead to a file without a name; `sys.stderr`, for our own lines, leads to where it led until now."""
    import logging
    import tempfile
    import threading
    import warnings

    sys.stderr.flush()
    _shown.append(os.dup(2))
    shown = os.fdopen(_shown[0], "w", buffering=1, encoding=sys.stderr.encoding, errors="backslashreplace")
    try:
        kept, name = tempfile.mkstemp()
        with suppress(OSError):  # Windows removes no open file
            os.unlink(name)
    except OSError:  # no place for temporary files
        kept = os.open(os.devnull, os.O_WRONLY)
    os.dup2(kept, 2)
    os.close(kept)
    sys.stderr = shown
    # What Python itself and libraries in Python would write there.
    warnings.resetwarnings()  # PYTHONWARNINGS=error would raise what libraries warn of
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    sys.unraisablehook = lambda unraisable: None
    threading.excepthook = lambda arguments: None
