"""Cases, waits and looks at processes for the tests of the worker."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.protocol import Event, Failed, Finished, Progress

FAKE = Path(__file__).with_name("worker_fake.py")
STAGES = ("load", "check", "localize", "segment", "assemble", "put back", "report", "hand over")
PATIENT = "DOE^JANE"
WAIT_S = 120.0
"""Longer than anything takes on a machine that others keep busy."""


def command(fault: str, stage: str, marker: Path, *options: str) -> list[str]:
    """Runs worker_fake.py with a fault that happens once."""
    return [sys.executable, str(FAKE), fault, stage, str(marker), *options]


def small_case(source: str = PATIENT) -> dict[str, Volume]:
    """Water with one bright block of 6 x 8 x 4 voxels, and its opposed-phase, on an oblique grid of 40 x 40 x 40 mm."""
    water = np.full((20, 32, 32), 40, np.int16)
    water += np.arange(water.size, dtype=np.int16).reshape(water.shape) % 7
    water[7:13, 10:18, 12:16] = 200
    cosine, sine = np.cos(0.2), np.sin(0.2)
    grid = Grid((20, 32, 32), (2.0, 1.25, 1.25), (-11.3, 7.25, 1 / 3), ((cosine, -sine, 0), (sine, cosine, 0), (0, 0, 1)))
    return {
        "water": Volume(water, grid, f"{source} water"),
        "opposed_phase": Volume((water - 20).astype(np.float32), grid, f"{source} opposed"),
    }


def expected_labels(case: dict[str, Volume]) -> np.ndarray:
    """What the fake pipeline finds, straight from the input."""
    return (case["water"].voxels > 100).astype(np.uint8)


def until(condition: Callable[[], bool], wait_s: float = WAIT_S) -> None:
    """Wait for a condition; fails where it does not come."""
    end_s = time.monotonic() + wait_s
    while not condition():
        assert time.monotonic() < end_s, "waited in vain"
        time.sleep(0.01)


def until_fault(client: WorkerClient, stage: str, marker: Path) -> None:
    """Poll until the worker says it has reached a stage, and its fault there has begun."""
    seen: list[Event] = []

    def reached() -> bool:
        seen.extend(client.poll())
        assert all(isinstance(event, Progress) for event in seen), seen
        return any(isinstance(event, Progress) and event.stage == stage for event in seen)

    until(reached)
    until(marker.exists)


def run(client: WorkerClient, case: dict[str, Volume] | None = None, **options: object) -> list[Event]:
    """All events of one segmentation; checks that it has one last event, and what follows it is silence."""
    client.segment(case or small_case(), PATIENT, Request(**options))  # type: ignore[arg-type]
    return rest(client)


def rest(client: WorkerClient, wait_s: float = WAIT_S) -> list[Event]:
    """The events from now to the last one."""
    events: list[Event] = []

    def ended() -> bool:
        events.extend(client.poll())
        return not client.running

    until(ended, wait_s)
    time.sleep(0.05)
    assert client.poll() == []
    assert all(isinstance(event, Progress) for event in events[:-1])
    assert isinstance(events[-1], Finished | Failed)
    return events


def finished(events: list[Event]) -> Finished:
    """The last event, which must be a success with the right labels."""
    last = events[-1]
    assert isinstance(last, Finished), last
    np.testing.assert_array_equal(last.segmentation.label_volume.voxels, expected_labels(small_case()))
    return last


def failed(events: list[Event], kind: str) -> Failed:
    """The last event, which must be a failure of this kind that names no patient outside of its sentence."""
    last = events[-1]
    assert isinstance(last, Failed), last
    assert last.kind == kind, last
    assert PATIENT not in last.log_tail
    return last


def alive(pid: int) -> bool:
    """Whether a process is there; a zombie counts as there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def children(pid: int) -> list[int]:
    """The processes below a process, zombies included."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(status.parent.name)
            found += [child, *children(child)]
    return found
