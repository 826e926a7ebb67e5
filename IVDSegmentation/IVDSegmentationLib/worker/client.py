"""The worker's client: keeps one worker warm, hands it cases, and turns whatever happens to it into events."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import cast

from ..errors import IVDSegmentationError, OutputError
from ..findings import Finding, finding
from ..images import Volume, same_grid
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from .exchange import Job, with_names, with_words, write_job, write_segmentation
from .process import Answer, WorkerProcess
from .protocol import GPU_MEMORY, NO_REQUEST, Event, Failed, FailureKind, Finished, Progress, Written

HANG_S = 60.0
"""A worker at work gives a sign of life every second; this long without one it hangs."""

_RUBBISH = "The segmentation process answered something else than its protocol: try again"

WORKER = Path("IVDSegmentationLib", "worker", "__main__.py")
"""The script that is a worker, in the folder that holds a copy of this library; the worker runs that very copy."""


@dataclass
class _Running:
    """The job under way, as the worker sees it.

    Attributes:
        number: Of the job.
        job: The case and what is asked for, without names.
        names: Placeholder -> name.
        segmentation: That of a report that is to be written.
        folder: Where a report is to be written to.
        sent_s: When it was sent.
        reused: Whether it was sent to a worker that was there before.
        acknowledged: Whether the worker answered it.
        findings: What is to be said beside what the worker says.
    """

    number: int
    job: Job
    names: dict[str, str]
    segmentation: Segmentation | None = None
    folder: Path | None = None
    sent_s: float = 0.0
    reused: bool = False
    acknowledged: bool = False
    findings: tuple[Finding, ...] = ()


class WorkerClient:
    """Segments cases in a process of its own, one at a time; nothing here blocks, `poll` tells what happened.

    >>> with WorkerClient() as client:
    ...     client.segment(volumes, "case")
    ...     while client.running:
    ...         events = client.poll()
    """

    def __init__(
        self,
        command: list[str] | None = None,
        environment: Mapping[str, str] | None = None,
        *,
        hang_s: float = HANG_S,
    ) -> None:
        """Prepare; nothing is started.

        Args:
            command: Runs a worker, by default WORKER of this library in this Python.
            environment: Its variables, by default those of this process; PYTHONPATH gets the folder of this library in front.
            hang_s: As HANG_S.
        """
        library = Path(__file__).resolve().parents[2]
        self._command = command or [sys.executable, str(library / WORKER)]
        self._environment = dict(os.environ if environment is None else environment)
        others = self._environment.get("PYTHONPATH")
        self._environment["PYTHONPATH"] = str(library) + (os.pathsep + others if others else "")
        self._environment["PYTHONUNBUFFERED"] = "1"
        self.hang_s = hang_s
        self._process: WorkerProcess | None = None
        self._process_on_cpu = False
        self._running: _Running | None = None
        self._last_number = 0
        self._last_choice = ("default", "auto")
        self._waiting: list[Event] = []

    def __enter__(self) -> WorkerClient:
        """The client itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """End the worker."""
        self.close()

    @property
    def running(self) -> bool:
        """Whether a segmentation or a report is under way; its last event has then not been polled."""
        return self._running is not None

    @property
    def pid(self) -> int | None:
        """Process id of the worker's command while there is one."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start a worker, if there is none, and have it load its networks in the background.

        Raises OutputError: no room for temporary files; IVDSegmentationError: the command cannot be run.
        """
        if self._process is not None and self._process.exited():
            self._drop()
        if self._process is None:
            model, device = self._last_choice
            self._launch(on_cpu=device == "cpu")
            self._send(request="warm", model=model, device=device)

    def segment(self, volumes: Mapping[str, Volume], name: str, request: Request | None = None) -> None:
        """Begin to segment a case; the arrays are copied before this returns. What is wrong with it comes as a Failed event.

        Args:
            volumes: Channel -> volume, each on its own grid.
            name: Name of the case.
            request: What is asked for.

        Raises:
            RuntimeError: Something is under way.
            OutputError: The disk for temporary files is full.
            InputError: Voxels are no numbers.
            IVDSegmentationError: The worker cannot be started.
        """
        self._refuse_a_second()
        request = request or Request()
        self._last_choice = (request.model, request.device)
        self._begin(Job(volumes, name, request))

    def report(self, volumes: Mapping[str, Volume], name: str, segmentation: Segmentation, folder: Path) -> None:
        """Begin to write the report of a segmentation into a folder, as `report.files.write_outputs` does.

        The last event is Written or Failed; after a failure or `cancel` the folder is as it was.

        Args:
            volumes: Channel -> volume, as they were segmented.
            name: Name of the case.
            segmentation: As it was handed back, or renamed.
            folder: Where to.

        Raises:
            RuntimeError, OutputError, InputError, IVDSegmentationError: As `segment`.
        """
        self._refuse_a_second()
        model, device = self._last_choice
        self._begin(Job(volumes, name, Request(model=model, device=device)), segmentation, folder)

    def _refuse_a_second(self) -> None:
        if self._running is not None:
            raise RuntimeError("a segmentation or report is under way: wait for its last event or cancel it")

    def _begin(self, job: Job, segmentation: Segmentation | None = None, folder: Path | None = None) -> None:
        nameless, names = job.without_names()
        self._last_number += 1
        self._waiting = [Progress("start", 0.0)]
        self._dispatch(_Running(self._last_number, nameless, names, segmentation, folder))

    def poll(self) -> list[Event]:
        """Say what has happened.

        Never waits for the worker, but up to 0.1 s until what it has sent is read; to be called every 0.1 s or so. After any
        number of Progress comes one Finished (Written for a report) or one Failed, and nothing after it.

        Returns:
            The events since the last call, oldest first.
        """
        if self._process is not None:
            self._process.let_read()
            if self._process.exited():
                self._process.end()
            self._drain(self._process)
        if self._running is not None and self._process is not None:
            silent_s = time.monotonic() - max(self._process.last_line_s, self._running.sent_s)
            if silent_s > self.hang_s:
                log_tail = self._process.log_tail()
                self._fail(
                    "hang",
                    f"The segmentation process gave no sign of life for {self.hang_s:.0f} s and was ended: try again",
                    log_tail,
                )
                self._drop()
        events, self._waiting = self._waiting, []
        return events

    def cancel(self) -> None:
        """End what is under way, if anything, and the worker's whole tree within a second; no event of it follows.

        A fresh worker starts warming up in the background. Raises what `start` raises.
        """
        if self._running is None:
            return
        self._running = None
        self._waiting = []
        self._drop()
        self.start()

    def close(self) -> None:
        """End the worker and remove all it left. The client can be used again afterwards."""
        self._running = None
        self._waiting = []
        self._drop()

    def _launch(self, *, on_cpu: bool) -> None:
        # TensorFlow cannot change its devices once it is initialised, hence a process for each kind of device.
        environment = self._environment | ({"CUDA_VISIBLE_DEVICES": "-1"} if on_cpu else {})
        self._process = WorkerProcess(self._command, environment)
        self._process_on_cpu = on_cpu

    def _send(self, **fields: str | int) -> None:
        assert self._process is not None
        self._process.send(**fields)

    def _drop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.end()

    def _dispatch(self, running: _Running) -> None:
        on_cpu = running.job.request.device == "cpu"
        if self._process is not None:
            unfit = running.segmentation is None and self._process_on_cpu != on_cpu  # a report needs no device
            if unfit or self._process.exited():
                self._drop()
        running.reused = self._process is not None
        if self._process is None:
            self._launch(on_cpu=on_cpu)
        assert self._process is not None
        folder = self._process.folder / str(running.number)
        try:
            write_job(folder, running.job)
            if running.segmentation is not None:
                write_segmentation(folder, running.segmentation)
        except OutputError:
            # A worker that has ended meanwhile took the folder with it: `poll` tells of its end.
            if not self._process.exited():
                shutil.rmtree(folder, ignore_errors=True)  # the worker, which never learned of it, stays warm
                raise
        running.sent_s = time.monotonic()
        self._running = running
        if running.folder is None:
            self._send(request="segment", id=running.number)
        else:
            self._process.destinations[running.number] = running.folder
            self._send(request="report", id=running.number)

    def _dispatch_again(self, running: _Running) -> None:
        """Hand the job to a fresh worker, from within `poll`, where a failure is an event."""
        self._drop()
        self._running = running
        try:
            self._dispatch(running)
        except OutputError as error:
            self._fail("output", str(error))
        except IVDSegmentationError as error:
            self._fail("crash", str(error))

    def _drain(self, process: WorkerProcess) -> None:
        """Take the answers of a process, until there is none or it has been replaced."""
        for _ in range(process.answers.qsize()):  # a worker may answer faster than this takes
            if self._process is not process:
                return
            try:
                answer = process.answers.get_nowait()
            except queue.Empty:
                return
            if answer.event == "ended":
                self._take_end(answer)
            elif answer.event == "broken":
                if self._running is not None:
                    self._fail("protocol", _RUBBISH, f"{answer.log_tail}\n{answer.content}".strip())
                self._drop()
            elif self._running is not None and answer.number in (self._running.number, NO_REQUEST):
                self._take(self._running, answer)

    def _take(self, running: _Running, answer: Answer) -> None:
        running.acknowledged = True
        if answer.event == "progress":
            self._waiting.append(Progress(*answer.content))
        elif answer.event == "finished":
            segmentation: Segmentation = answer.content
            grid = segmentation.label_volume.grid
            if not any(same_grid(volume.grid, grid) for volume in running.job.volumes.values()):  # it would be shown elsewhere
                self._fail("protocol", _RUBBISH, f"{answer.log_tail}\nthe labels lie on the grid of no volume".strip())
                self._drop()
                return
            self._running = None
            self._waiting.append(Finished(with_words(segmentation.with_findings(*running.findings), running.names)))
        elif answer.event == "written":
            self._running = None
            self._waiting.append(Written(answer.content))
        else:
            kind, message = answer.content
            if kind == GPU_MEMORY and running.job.request.device != "cpu":
                on_cpu = replace(running.job, request=replace(running.job.request, device="cpu"))
                self._dispatch_again(_Running(running.number, on_cpu, running.names, findings=(finding("gpu_memory"),)))
            elif kind == GPU_MEMORY:  # and there is no GPU
                self._fail("protocol", _RUBBISH, answer.log_tail)
                self._drop()
            else:
                helps = kind in ("crash", "protocol")
                self._fail(kind, message, answer.log_tail if helps else "")

    def _take_end(self, answer: Answer) -> None:
        """A worker has ended: by itself when idle, or in the middle of a running."""
        running = self._running
        if running is not None and running.reused and not running.acknowledged:
            # It ended, idle for too long or killed, just when the job was sent: a fresh one never saw it.
            self._dispatch_again(running)
            return
        if running is not None:
            self._fail("crash", _end_message(answer.content), answer.log_tail)
        self._drop()

    def _fail(self, kind: str, message: str, log_tail: str = "") -> None:
        assert self._running is not None
        message = with_names(message, self._running.names)
        self._running = None
        self._waiting.append(Failed(message, log_tail, cast(FailureKind, kind)))


def _end_message(status: int) -> str:
    """One sentence for an exit status; -N is signal N, and so are 128 + N and 256 - N, as shells and launchers have it."""
    numbers = [n for n in (-status, status - 128, 256 - status) if 0 < n < 65]
    # 9 is SIGKILL, by value, for Windows does not know the name.
    if 9 in numbers:
        return (
            "The segmentation process was ended by the system, most likely for want of memory: "
            "close other programs and try again"
        )
    known = [signal.Signals(n).name for n in numbers if n in set(signal.Signals)]
    if known:
        return f"The segmentation process crashed ({known[0]}): try again"
    return f"The segmentation process ended unexpectedly (exit status {status}): try again"
