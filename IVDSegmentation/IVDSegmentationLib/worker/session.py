"""One segmentation or report after another by one worker, each from its request to its one end."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from ..errors import Cancelled, InputError, IVDSegmentationError, ModelError, OutputError
from ..images import Volume
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from .protocol import Event, Failed, Finished, Progress, Written

Placed = TypeVar("Placed")
"""What the caller makes of a result; the folder of a report."""

STAGES = {
    "start": "Starting the segmentation process",
    "load": "Taking the volumes over",
    "engine": "Starting what computes the networks",
    "networks": "Loading the networks",
    "check": "Checking the channels",
    "localize": "Finding the discs",
    "segment": "Segmenting the discs",
    "assemble": "Naming the levels",
    "put back": "Bringing the discs onto the input's grid",
    "done": "Measuring the discs",
    "report": "Measuring the discs",
    "hand over": "Bringing the discs into the scene",
    "write": "Writing the report",
}
"""Stage as the pipeline and the worker call it -> what the user reads."""

_ERRORS = {"input": InputError, "model": ModelError, "output": OutputError}


class WorkerFailed(IVDSegmentationError):
    """The segmentation process ended, hung or broke the protocol. log_tail: the end of its log, may be empty."""

    def __init__(self, message: str, log_tail: str = "") -> None:
        """Keep what is known of the failure.

        Args:
            message: One sentence for the user.
            log_tail: The end of the worker's log.
        """
        super().__init__(message)
        self.log_tail = log_tail


class Worker(Protocol):
    """What a run needs of a worker; client.WorkerClient is one."""

    @property
    def running(self) -> bool:
        """Whether a segmentation or a report is under way."""

    def segment(self, volumes: Mapping[str, Volume], name: str, request: Request | None = None) -> None:
        """Begin to segment a case.

        Args:
            volumes: Channel -> volume.
            name: Name of the case.
            request: What is asked for.
        """

    def report(self, volumes: Mapping[str, Volume], name: str, segmentation: Segmentation, folder: Path) -> None:
        """Begin to write a report.

        Args:
            volumes: Channel -> volume, as they were segmented.
            name: Name of the case.
            segmentation: As it was handed back, or renamed.
            folder: Where to.
        """

    def poll(self) -> Sequence[Event]:
        """Say what has happened.

        Returns:
            The events since the last call, oldest first.
        """

    def cancel(self) -> None:
        """End what is under way; no event of it follows."""

    def close(self) -> None:
        """End the worker."""


@dataclass(frozen=True)
class Callbacks(Generic[Placed]):
    """progress: the stage in words and the fraction done, 0..1. finished: what was placed. failed: the exception."""

    progress: Callable[[str, float], None] = lambda stage, fraction: None
    finished: Callable[[Placed], None] = lambda placed: None
    failed: Callable[[Exception], None] = lambda error: None


class Timer(Protocol):
    """Calls `poll` of its owner again and again between start and stop; a QTimer is one."""

    def start(self) -> None:
        """Begin to call."""

    def stop(self) -> None:
        """Call no more."""


class JobRunner(Generic[Placed]):
    """Runs one job at a time, a segmentation or a report, on one worker that stays warm.

    >>> runner.begin(volumes, name, request, place, callbacks)
    >>> runner.poll()                             # by the timer, until not runner.running
    """

    def __init__(self, make_worker: Callable[[], Worker], timer: Timer, translate: Callable[[str], str] = str) -> None:
        """Prepare; nothing is started.

        Args:
            make_worker: Called when the first case comes.
            timer: Calls `poll` while something is under way.
            translate: Puts the words of a stage into the user's language.
        """
        self.worker: Worker | None = None
        self.outcome: Placed | Exception | None = None
        self._make_worker, self._timer, self._translate = make_worker, timer, translate
        self._place: Callable[[Any], Placed] | None = None
        self._callbacks = Callbacks[Placed]()

    @property
    def running(self) -> bool:
        """Whether a case or a report is under way; if not, `outcome` is what the last one came to."""
        return self._place is not None

    def begin(
        self,
        volumes: Mapping[str, Volume],
        name: str,
        request: Request,
        place: Callable[[Segmentation], Placed],
        callbacks: Callbacks[Placed],
    ) -> None:
        """Hand a case to the worker. Exactly one of callbacks.finished and .failed follows, from `poll` or `abort`.

        Args:
            volumes: Channel -> volume, each on its own grid.
            name: Name of the case.
            request: What is asked for.
            place: Makes of a segmentation what callbacks.finished gets; an exception of it is a failure.
            callbacks: What is called on the way and at the end.

        Raises:
            InputError: Something is under way.
            IVDSegmentationError: What the worker raises.
        """
        self._idle_worker().segment(volumes, name, request)
        self._follow(place, callbacks)

    def begin_report(
        self, volumes: Mapping[str, Volume], name: str, segmentation: Segmentation, folder: Path, callbacks: Callbacks[Any]
    ) -> None:
        """Have the report of a segmentation written into a folder.

        Args:
            volumes: Channel -> volume, as they were segmented.
            name: Name of the case.
            segmentation: As it was handed back, or renamed.
            folder: Where to; callbacks.finished gets it.
            callbacks: As in `begin`.

        Raises:
            InputError: Something is under way.
            IVDSegmentationError: What the worker raises.
        """
        self._idle_worker().report(volumes, name, segmentation, folder)
        self._follow(lambda written: written, callbacks)

    def _idle_worker(self) -> Worker:
        if self.running:
            raise InputError("a segmentation or report is under way: wait for its end or cancel it")
        if self.worker is None:
            self.worker = self._make_worker()
        return self.worker

    def _follow(self, place: Callable[[Any], Placed], callbacks: Callbacks[Placed]) -> None:
        self._place, self._callbacks, self.outcome = place, callbacks, None
        self._timer.start()

    def poll(self) -> None:
        """Pass on what has happened since the last call; returns at once but for `place`."""
        for event in self.worker.poll() if self.worker is not None and self.running else ():
            if not self.running:  # a callback has aborted it
                return
            if isinstance(event, Progress):
                words = self._translate(STAGES.get(event.stage, event.stage.capitalize()))
                self._callbacks.progress(words, event.fraction)
            elif isinstance(event, Finished):
                self._end(self._placed(event.segmentation))
            elif isinstance(event, Written):
                self._end(self._placed(event.folder))
            else:
                self._end(error_of(event))

    def _placed(self, outcome: Segmentation | Path) -> Placed | Exception:
        assert self._place is not None
        try:
            return self._place(outcome)
        except Exception as error:  # poll is called by a timer, that would lose it: who waits for the case gets it
            return error

    def abort(self, error: Exception) -> None:
        """End the case under way, if any, as failed; the worker is cancelled.

        Args:
            error: What it failed with.
        """
        if self.running and self.worker is not None:
            self.worker.cancel()
            self._end(error)

    def close(self) -> None:
        """Cancel what is under way and end the worker."""
        self.abort(Cancelled(self._translate("Cancelled.")))
        if self.worker is not None:
            self.worker.close()

    def _end(self, outcome: Placed | Exception) -> None:
        callbacks, self._callbacks = self._callbacks, Callbacks()
        self._place, self.outcome = None, outcome
        self._timer.stop()
        if isinstance(outcome, Exception):
            callbacks.failed(outcome)
        else:
            callbacks.finished(outcome)


def error_of(failed: Failed) -> IVDSegmentationError:
    """The exception that a Failed event stands for.

    Args:
        failed: The event.

    Returns:
        InputError, ModelError, OutputError or WorkerFailed.
    """
    if failed.kind in _ERRORS:
        return _ERRORS[failed.kind](failed.message)
    return WorkerFailed(failed.message, failed.log_tail)
