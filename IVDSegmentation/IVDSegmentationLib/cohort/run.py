"""The run of a cohort: cases to workers, one row back for each, what is done already left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import ModelError, OutputError
from .case import CohortCase
from .task import LOST, Settings, failed_row, read_case_file, segment_case, write_case_file

if TYPE_CHECKING:
    from distributed import Client, Future

IN_FLIGHT = 3
"""Cases a worker that Dask knows of at a time: enough that none waits for the driver, few enough that a cohort of any size
costs it the same memory."""

_MORE_MEMORY = "give the workers more (--workers, --memory-limit)"

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
        KeyboardInterrupt: The user stopped it; what was begun is left out.
    """
    from distributed import KilledWorker, as_completed

    state = Progress()
    waiting = _waiting(cases, settings, state, progress)
    under_way: dict[Any, tuple[Future[Any], CohortCase]] = {}
    deaths: Counter[str] = Counter()

    def submit(case: CohortCase) -> Future[Any]:
        _mark(case, settings).unlink(missing_ok=True)
        # A case that raises for want of memory is tried once more, as one whose worker was killed is.
        future = client.submit(_marked, task, case, settings, key=f"case-{case.name}-{uuid4().hex}", retries=1)
        under_way[future.key] = future, case
        return future

    def more() -> list[Future[Any]]:
        # Workers come and go: one that was killed is started anew, and a cluster may grow.
        room = IN_FLIGHT * max(1, sum(client.nthreads().values())) - len(under_way)
        return [submit(case) for case in islice(waiting, max(0, room))]

    running = as_completed(more(), raise_errors=False)
    try:
        for future in running:
            _, case = under_way.pop(future.key)
            error = future.exception() if future.status == "error" else None
            if isinstance(error, (ModelError, OutputError)):
                raise error
            if isinstance(error, KilledWorker):
                deaths[case.name] += _mark(case, settings).exists()
                if deaths[case.name] < 2:
                    running.add(submit(case))
                    continue
            _count(state, future.result() if error is None else _lost(case, settings, error), progress)
            running.update(more())
    finally:
        client.cancel([future for future, _ in under_way.values()])
    return state


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
