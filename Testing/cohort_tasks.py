"""What workers do with the cases of the tests, in place of segmenting them; importable by the workers."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

from IVDSegmentationLib.cohort.case import CohortCase
from IVDSegmentationLib.cohort.task import DONE, FAILED, Settings, failed_row, write_case_file
from IVDSegmentationLib.errors import OutputError


def note(case: CohortCase, settings: Settings) -> int:
    """Write down that a case was begun; how often it was."""
    folder = settings.output / "begun"
    folder.mkdir(exist_ok=True)
    (folder / f"{case.name}.{time.time_ns()}.{os.getpid()}").touch()
    return len(list(folder.glob(f"{case.name}.*")))


def begun(output: Path) -> list[str]:
    """The cases that were begun, each as often as it was."""
    return sorted(path.name.split(".")[0] for path in (output / "begun").glob("*"))


def finish(case: CohortCase, settings: Settings) -> dict[str, Any]:
    row = {"case": case.name, "status": DONE, "sentence": "", "discs": 1, "lowest_level": "L5-S1", "highest_level": "L5-S1"}
    disc = {"case": case.name, "level": "L5-S1", "label": 1, "cut": False, "volume_mm3": 9000.0, "flags": ""}
    write_case_file(settings.output / "cases" / case.name, row, [disc], settings.fingerprint_of(case))
    return row


def quick(case: CohortCase, settings: Settings) -> dict[str, Any]:
    """Done at once; a case called `refused` is refused."""
    note(case, settings)
    if case.name != "refused":
        return finish(case, settings)
    row = failed_row(case, FAILED, "it is no image")
    write_case_file(settings.output / "cases" / case.name, row, [], settings.fingerprint_of(case))
    return row


def deadly(case: CohortCase, settings: Settings) -> dict[str, Any]:
    """A case called `deadly` kills its worker whenever it is begun, one called `unlucky` the first time."""
    times = note(case, settings)
    if case.name == "deadly" or (case.name == "unlucky" and times == 1):
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return finish(case, settings)


def hungry(case: CohortCase, settings: Settings) -> dict[str, Any]:
    """A case called `hungry` never gets enough memory, one called `peckish` not the first time."""
    times = note(case, settings)
    if case.name == "hungry" or (case.name == "peckish" and times == 1):
        raise MemoryError
    return finish(case, settings)


def full_disk(case: CohortCase, settings: Settings) -> dict[str, Any]:
    raise OutputError("cases could not be written: the disk is full")


def slow(case: CohortCase, settings: Settings) -> dict[str, Any]:
    note(case, settings)
    time.sleep(0.1 if case.name == "case-0" else 600)
    return finish(case, settings)
