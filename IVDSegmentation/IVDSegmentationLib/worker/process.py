"""One worker process as its client holds it: pipes, log, shared folder, and the whole tree of processes to its end."""

from __future__ import annotations

import os
import queue
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..errors import IVDSegmentationError, OutputError
from ..report.output_folder import OUTPUTS, place_outputs
from .exchange import read_segmentation
from .protocol import FAILURE_KINDS, NO_REQUEST, REPORT, ProtocolError, decode_line, encode_line

LOG_LINES = 30
_LOG_BYTES = 1 << 13
_TRACE_BYTES = 1 << 16
"""What the end of a log may hold of a crash: up to a hundred frames, and the names of all extension modules."""
_LONGEST_LINE = 1 << 20
_LONGEST_COMPLAINT = 400
"""Characters of what is said about an answer that was not understood."""
_EXIT_S = 1.0
"""How long a worker that closed its line may take to end by itself."""
_WAKE_S = 0.005
_LONGEST_READ_S = 0.1
"""How long `let_read` waits for the thread that reads to wake up, and for it to be done."""

_KILLED_BELOW_LAUNCHER = re.compile(r"^error: \[.*\] exit abnormally - Report the problem\.", re.MULTILINE)
"""What PythonSlicer, a CTKAppLauncher, says of a process that a signal ended; its own exit status is 1 then."""
_CRASH = re.compile(r"^(?:Fatal Python error|Windows fatal exception): (.+)$", re.MULTILINE)
"""The first line of Python's faulthandler, which server.py enables."""
_CRASHES = {
    "Segmentation fault": "SIGSEGV",
    "access violation": "SIGSEGV",
    "Bus error": "SIGBUS",
    "Floating-point exception": "SIGFPE",
    "Floating point exception": "SIGFPE",
    "Illegal instruction": "SIGILL",
}


@dataclass(frozen=True)
class Answer:
    """What came out of a worker.

    Attributes:
        event: What kind of answer it is.
        number: Of the request it belongs to.
        content: (stage, fraction) of `progress`, the Segmentation of `finished`, the folder of `written`, (kind, message) of
            `failed`, what is wrong of `broken`, the exit status of `ended`.
        log_tail: The end of the log where it helps.
    """

    event: Literal["progress", "finished", "written", "failed", "broken", "ended"]
    number: int
    content: Any
    log_tail: str = ""


class WorkerProcess:
    """A running worker.

    `answers` fills from a thread that reads to the end of the process, reaps it, and removes what it left; the last
    answer is always `ended`.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start it.

        Args:
            command: Runs a worker.
            environment: Its variables.

        Raises:
            OutputError: There is no room for its folder.
            IVDSegmentationError: The command cannot be run.
        """
        self.answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self.last_line_s = time.monotonic()
        self.destinations: dict[int, Path] = {}
        """Number of a request for a report -> the folder that its files are for."""
        self._worker_pid: int | None = None
        self._reader_idle = threading.Event()
        try:
            self.folder = Path(tempfile.mkdtemp(prefix="ivdseg-"))
        except OSError as error:
            raise OutputError(f"no folder for temporary files could be made ({error.strerror}): make room") from error
        try:
            with open(self._log, "ab") as log:
                self._process = subprocess.Popen(
                    [*command, "--folder", str(self.folder)],
                    bufsize=0,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    env=dict(environment),
                    **_own_group(),
                )
        except OSError as error:
            _remove(self.folder)
            raise IVDSegmentationError(
                f"the segmentation process could not be started: {command[0]}: {error.strerror}"
            ) from error
        self._reader = threading.Thread(target=self._read, name="ivdseg-worker-reader", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Process id of the command; of the launcher where the command is one."""
        return self._process.pid

    @property
    def _log(self) -> Path:
        # A file, not a pipe: it never blocks the worker, and all that was written before a crash is in it.
        return self.folder / "log"

    def exited(self) -> bool:
        """Look whether the command itself has ended.

        Returns:
            True where it has; processes that it started may be left.
        """
        return self._process.poll() is not None

    def send(self, **fields: Any) -> None:
        """Send one line. To a worker that has just ended it sends nothing: the answer `ended` tells."""
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(encode_line(**fields))

    def let_read(self) -> None:
        """Let the thread that reads work for a moment, and until what has come is read, but 0.1 s at most.

        Slicer's main loop, from which this is called, never lets go of Python's lock by itself: the thread would starve.
        """
        time.sleep(_WAKE_S)
        self._reader_idle.wait(_LONGEST_READ_S)

    def end(self) -> None:
        """End the whole tree at once and wait until its folder and its zombies are gone."""
        if self._reader.is_alive():  # else all has ended, and its number may be another's by now
            self._kill_tree()
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.close()
        # A process that left the group on purpose can hold the line open; that must not hold up who cancels.
        self._reader.join(0.8)

    def _kill_tree(self) -> None:
        if sys.platform == "win32":
            # A launcher that ended first is no longer there to be followed to its child: the worker has told its number.
            for pid in {self._process.pid, self._worker_pid or self._process.pid}:
                subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False, timeout=5)
        else:
            # The group outlives its leader. PermissionError is how macOS says that only zombies are left.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read(self) -> None:
        try:
            for line in self._lines():
                self.last_line_s = time.monotonic()
                self._take(decode_line(line))
        except Exception as error:  # whatever a worker answers must not end this thread, which alone tells of its end
            said = str(error) if isinstance(error, ProtocolError) else f"event not understood: {type(error).__name__}: {error}"
            self.answers.put(Answer("broken", NO_REQUEST, said[:_LONGEST_COMPLAINT], self.log_tail()))
            self._kill_tree()
        try:
            self._process.wait(_EXIT_S)
        except subprocess.TimeoutExpired:
            self._kill_tree()
            self._process.wait()
        self._kill_tree()  # what a launcher that ended first has left
        assert self._process.stdout is not None
        self._process.stdout.close()
        tail = self.log_tail()
        status = worker_status(self._process.returncode, self._log_end(_TRACE_BYTES))
        _remove(self.folder)
        self.answers.put(Answer("ended", NO_REQUEST, status, tail))
        self._reader_idle.set()

    def _lines(self) -> Iterator[bytes]:
        """Whole lines as they come, without what a dying worker leaves of one. Raises ProtocolError: an endless line."""
        assert self._process.stdout is not None
        rest = b""
        while chunk := self._next_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines
            if len(rest) > _LONGEST_LINE:
                raise ProtocolError(f"a line of more than {_LONGEST_LINE} bytes: {rest[:80]!r}")

    def _next_bytes(self) -> bytes:
        assert self._process.stdout is not None
        self._reader_idle.set()
        chunk = os.read(self._process.stdout.fileno(), 1 << 16)
        self._reader_idle.clear()
        return chunk

    def _take(self, fields: Mapping[str, Any]) -> None:
        """Turn a line into an answer. Raises ProtocolError."""
        try:
            event = fields["event"]
            if event == "hello":
                self._worker_pid = int(fields["pid"])
            elif event == "heartbeat":
                return
            elif event == "progress":
                stage = (str(fields["stage"]), float(fields["fraction"]))
                if not 0 <= stage[1] <= 1:  # NaN is refused, too
                    raise ProtocolError(f"progress of {stage[1]}")
                self.answers.put(Answer("progress", int(fields["id"]), stage))
            elif event == "finished":
                number = int(fields["id"])
                segmentation = read_segmentation(self.folder / str(number))
                _remove(self.folder / str(number))
                self.answers.put(Answer("finished", number, segmentation))
            elif event == "written":
                self.answers.put(self._placed(int(fields["id"])))
            elif event == "failed" and fields["kind"] in FAILURE_KINDS:
                failure = (fields["kind"], str(fields["message"]))
                number = int(fields["id"])
                _remove(self.folder / str(number))
                self.answers.put(Answer("failed", number, failure, self.log_tail()))
            else:
                raise ProtocolError(f"unknown event {fields!r:.200}")
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            if isinstance(error, ProtocolError):
                raise
            raise ProtocolError(f"event not understood: {fields!r:.200}") from error

    def _placed(self, number: int) -> Answer:
        """Put the files of a report where they are wanted.

        Here rather than in the worker, which may be ended half-way; and in this thread, because the folder may lie on a slow
        disk.
        """
        folder, destination = self.folder / str(number), self.destinations.pop(number)
        _check_report(folder / REPORT)
        try:
            place_outputs(folder / REPORT, destination)
        except OutputError as error:
            return Answer("failed", number, ("output", str(error)))
        finally:
            _remove(folder)
        return Answer("written", number, destination)

    def log_tail(self) -> str:
        """Read the end of the log.

        Returns:
            The last lines that the worker, or anything it started, printed.
        """
        return "\n".join(self._log_end(_LOG_BYTES).splitlines()[-LOG_LINES:])

    def _log_end(self, count: int) -> str:
        """The last bytes of the log as text."""
        try:
            with open(self._log, "rb") as log:
                log.seek(max(os.fstat(log.fileno()).st_size - count, 0))
                return log.read().decode("utf-8", "replace")
        except OSError as error:
            return f"(the log cannot be read: {error.strerror})"


def worker_status(status: int, log: str) -> int:
    """Find the exit status of the worker itself.

    PythonSlicer ends with 1 and a line in the log, whatever signal ended the worker; a worker that crashed has left Python's
    trace before it, one that was killed (signal 9, for want of memory) has not.

    Args:
        status: Exit status of the command.
        log: The end of its log.

    Returns:
        The status, -N for signal N.
    """
    if status != 1 or not _KILLED_BELOW_LAUNCHER.search(log):
        return status
    crash = _CRASH.search(log)
    if crash is None:
        return -9  # SIGKILL, by value, for Windows does not know the name
    return -int(getattr(signal, _CRASHES.get(crash[1].strip(), ""), signal.SIGABRT))


def _check_report(folder: Path) -> None:
    """Refuse what is no report before any of it is copied: a link, device or pipe, or a file of another name. ProtocolError."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        known = inside.parts[0] in OUTPUTS and len(inside.parts) <= 2
        if not known or path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise ProtocolError(f"a report holds something else than reports do: {inside.as_posix()!r:.80}")


def _own_group() -> dict[str, Any]:
    """How to start a process so that it and all it starts can be ended together."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _remove(folder: Path) -> None:
    """Remove a folder; tried again for a second, as a process that is just ending can still hold a file."""
    for _ in range(20):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.05)
