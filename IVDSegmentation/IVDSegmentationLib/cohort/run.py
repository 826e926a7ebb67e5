"""The run of a cohort: cases to workers, one row back for each, what is done already left out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import ModelError, OutputError, WorkersLostError
from .case import CohortCase
from .cluster import LOST_AFTER_S
from .task import LOST, Settings, failed_row, read_case_file, segment_case, write_case_file

if TYPE_CHECKING:
    from distributed import Client, Future

IN_FLIGHT = 3
"""Cases a worker that Dask knows of at a time: enough that none waits for the driver, few enough that a cohort of any size
costs it the same memory."""

_MORE_MEMORY = "give the workers more (--workers, --memory-limit)"

_GO_ON = f"{_MORE_MEMORY} or look at the cluster, and run the cohort again, which goes on where it was"
_SCHEDULER_LOST = f"the connection to the scheduler was lost: {_GO_ON}"
_LOOK_S = 0.05
_ANSWER_S = 20.0
_LOOK_AT_WORKERS_S = 5.0

RUNNING = ".running"
"""In the folder of a case while a worker is at it: what tells, of a worker that died, which case it died over."""

Task = Callable[[CohortCase, Settings], dict[str, Any]]


@dataclass
class Progress:
    """What a progress bar shows.

    Attributes:
        done: Cases that have a row, those of earlier runs among them.
        failed: How many of them have no result.
        row: The last row.
    """

    done: int = 0
    failed: int = 0
    row: dict[str, Any] | None = None


def done_already(case: CohortCase, settings: Settings) -> dict[str, Any] | None:
    """The row of a case that needs not be done again.

    Args:
        case: The case.
        settings: How cases are segmented.

    Returns:
        Its row, where it was segmented, or refused, with the same inputs and settings. None for what has changed, was never
        done, or was lost with its worker.
    """
    content = read_case_file(settings.output / "cases" / case.name)
    if content is None or content["case"].get("status") == LOST:
        return None
    try:
        fingerprint = settings.fingerprint_of(case)
    except OSError:
        return None
    return dict(content["case"]) if content.get("fingerprint") == fingerprint else None


def run_cases(
    client: Client,
    cases: Sequence[CohortCase],
    settings: Settings,
    progress: Callable[[Progress], None] = lambda state: None,
    task: Task = segment_case,
) -> Progress:
    """Segment all cases that are not done already.

    Args:
        client: Of the workers.
        cases: All cases of the cohort.
        settings: How; the folder must be one that the workers see, too.
        progress: Called with each row.
        task: What a worker does with a case.

    Returns:
        How many have a row now, and how many of these no result.

    Raises:
        ModelError: The model cannot be loaded.
        OutputError: The output cannot be written.
        WorkersLostError: The scheduler is gone, or no worker has been at a case for LOST_AFTER_S. The cases that were under way
            have a row that says so, and are done when the cohort is run again.
        KeyboardInterrupt: The user stopped it; what was begun is left out.
    """
    from distributed import KilledWorker, as_completed

    state = Progress()
    waiting = _waiting(cases, settings, state, progress)
    under_way: dict[Any, tuple[Future[Any], CohortCase]] = {}
    deaths: Counter[str] = Counter()

    def submit(case: CohortCase) -> Future[Any]:
        _mark(case, settings).unlink(missing_ok=True)
        if client.status != "running":
            raise WorkersLostError(_SCHEDULER_LOST)
        # A case that raises for want of memory is tried once more, as one whose worker was killed is.
        future = client.submit(_marked, task, case, settings, key=f"case-{case.name}-{uuid4().hex}", retries=1)
        under_way[future.key] = future, case
        return future

    def more() -> list[Future[Any]]:
        # Workers come and go: one that was killed is started anew, and a cluster may grow.
        room = IN_FLIGHT * max(1, _threads(client)) - len(under_way)
        return [submit(case) for case in islice(waiting, max(0, room))]

    running = as_completed(more(), raise_errors=False)
    watch = _Watch(client, settings)
    try:
        while not running.is_empty():
            ended = running.next_batch(block=False)
            if not ended:
                watch.look([case for _, case in under_way.values()])
                time.sleep(_LOOK_S)
            for future in ended:
                if future.status == "cancelled":
                    raise WorkersLostError(_SCHEDULER_LOST)
                _, case = under_way.pop(future.key)
                error = future.exception() if future.status == "error" else None
                if isinstance(error, (ModelError, OutputError)):
                    raise error
                if isinstance(error, KilledWorker):
                    deaths[case.name] += _mark(case, settings).exists()
                    row = _lost(case, settings, error) if deaths[case.name] > 1 else None
                else:
                    row = _result(future, case, settings) if error is None else _lost(case, settings, error)
                if row is None:
                    running.add(submit(case))
                    continue
                watch.seen()
                _count(state, row, progress)
                running.update(more())
    except WorkersLostError as error:
        for _, case in under_way.values():
            _count(state, done_already(case, settings) or _lost(case, settings, error), progress)
        raise
    finally:
        if client.status == "running":
            client.cancel([future for future, _ in under_way.values()])
    return state


def _result(future: Future[Any], case: CohortCase, settings: Settings) -> dict[str, Any] | None:
    """The row of a case that was done; from its folder where the worker died before it was asked; None: there is none."""
    try:
        if future.status == "finished":
            return dict(future.result(timeout=_ANSWER_S))
    except (TimeoutError, OSError):
        pass
    return done_already(case, settings)


class _Watch:
    """Looks whether a worker is at a case, and ends the run where none has been for too long."""

    def __init__(self, client: Client, settings: Settings) -> None:
        self._client, self._settings = client, settings
        self._looked = self._alive = time.monotonic()
        # Those of a local cluster were there, even if they die so soon that they are never seen.
        self._begun = client.cluster is not None or _threads(client) > 0

    def seen(self) -> None:
        """A case has ended."""
        self._begun, self._alive = True, time.monotonic()

    def look(self, cases: Sequence[CohortCase]) -> None:
        """Look, every few seconds; raises WorkersLostError. A cluster whose first worker has yet to come is waited for."""
        now = time.monotonic()
        if now - self._looked < min(_LOOK_AT_WORKERS_S, LOST_AFTER_S / 2):
            return
        self._looked = now
        present = _threads(self._client) > 0
        self._begun |= present
        if not self._begun or (present and any(_mark(case, self._settings).exists() for case in cases)):
            self._alive = now
        elif now - self._alive > LOST_AFTER_S:
            raise WorkersLostError(f"no worker was left for {LOST_AFTER_S / 60:.0f} minutes: {_GO_ON}")


def _threads(client: Client) -> int:
    """The threads of all workers; 0 where the scheduler does not answer."""
    if client.status != "running":
        return 0
    try:
        return sum(client.nthreads().values())
    except OSError:
        return 0


def _mark(case: CohortCase, settings: Settings) -> Path:
    """The file that is there while a worker is at a case."""
    return settings.output / "cases" / case.name / RUNNING


def _marked(task: Task, case: CohortCase, settings: Settings) -> dict[str, Any]:
    """Do a case, marked as running meanwhile. Runs on a worker."""
    mark = _mark(case, settings)
    try:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
    except OSError as error:
        raise OutputError(f"{case.name} could not be written: choose another folder for the cohort") from error
    try:
        return task(case, settings)
    finally:
        mark.unlink(missing_ok=True)


def _waiting(
    cases: Sequence[CohortCase], settings: Settings, state: Progress, progress: Callable[[Progress], None]
) -> Iterator[CohortCase]:
    """The cases that are to be done; those that are done already are counted as they are passed."""
    for case in cases:
        row = done_already(case, settings)
        if row is None:
            yield case
        else:
            _count(state, row, progress)


def _count(state: Progress, row: dict[str, Any], progress: Callable[[Progress], None]) -> None:
    state.done += 1
    state.failed += row["status"] != "done"
    state.row = row
    progress(state)


def _lost(case: CohortCase, settings: Settings, error: BaseException) -> dict[str, Any]:
    """The row of a case that took its worker with it, twice, or whose worker had no memory for it."""
    from distributed import KilledWorker

    if isinstance(error, KilledWorker):
        sentence = f"its process was ended twice, most likely for want of memory: {_MORE_MEMORY}"
    elif isinstance(error, WorkersLostError):
        sentence = "all workers were lost while it was under way: run the cohort again"
    elif isinstance(error, MemoryError):
        sentence = f"there was not enough memory for it: {_MORE_MEMORY}"
    else:
        sentence = f"it was lost on its way ({type(error).__name__}): run the cohort again"
    row = failed_row(case, LOST, sentence)
    _mark(case, settings).unlink(missing_ok=True)
    try:
        fingerprint = settings.fingerprint_of(case)
    except OSError:
        fingerprint = ""
    write_case_file(settings.output / "cases" / case.name, row, [], fingerprint)
    return row
