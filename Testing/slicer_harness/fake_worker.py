"""A worker that knows the answer: same protocol as WorkerClient, no process, no networks, events when a test wants them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from IVDSegmentationLib.levels import LABELS
from IVDSegmentationLib.results import Disc
from IVDSegmentationLib.volumes import Volume
from IVDSegmentationLib.worker_protocol import Event, Failed, Finished, Progress, WorkerResult

STAGES = ("start", "load", "check", "localize", "segment", "assemble", "put back", "report", "hand over")


def result_of(labels: np.ndarray, volume: Volume, warnings: tuple[str, ...] = ()) -> WorkerResult:
    """The result that a worker would hand back for these labels [i, j, k] on the grid of a volume."""
    discs = []
    for level, label in LABELS.items():
        where = np.argwhere(labels == label)
        if len(where):
            x, y, z = (float(value) for value in volume.grid.to_mm(where.mean(axis=0)))
            discs.append(Disc(level, label, (x, y, z), (0.0, 0.0, 0.0), 0.9 + 0.01 * label))
    return WorkerResult(
        label_volume=Volume(labels.astype(np.uint8), volume.grid, "discs"),
        discs=tuple(discs),
        warnings=warnings,
        channels_given=("water",),
        channels_derived=(),
        timings_s={},
        model="fake",
        report={},
    )


class FakeWorker:
    """Answers every case with `labels`, in as many polls as there are stages; `fail_at` a stage with `failure`."""

    def __init__(self, labels: np.ndarray, warnings: tuple[str, ...] = ()) -> None:
        self.labels, self.warnings = labels, warnings
        self.failure: Failed | None = None
        self.fail_at = "segment"
        self.hold_at: str | None = None
        self.requests: list[dict[str, object]] = []
        self.cancelled = self.closed = 0
        self._waiting: list[Event] = []

    @property
    def running(self) -> bool:
        return bool(self._waiting)

    def segment(
        self,
        volumes: Mapping[str, Volume],
        *,
        name: str,
        reference: Volume | None = None,
        lowest_level: str | None = None,
        device: str = "auto",
    ) -> None:
        self.requests.append(
            {"volumes": dict(volumes), "name": name, "reference": reference, "lowest": lowest_level, "device": device}
        )
        order = ("water", "opposed_phase", "in_phase", "fat")
        grid_volume = volumes[next(channel for channel in order if channel in volumes)]
        events: list[Event] = [Progress(stage, index / len(STAGES)) for index, stage in enumerate(STAGES)]
        if self.failure is not None:
            self._waiting = [*events[: STAGES.index(self.fail_at) + 1], self.failure]
        else:
            self._waiting = [*events, Finished(result_of(self.labels, grid_volume, self.warnings))]

    def poll(self) -> list[Event]:
        """One event a call, and none past the stage `hold_at`."""
        if not self._waiting:
            return []
        if isinstance(self._waiting[0], Progress) and self._waiting[0].stage == self.hold_at:
            return [self._waiting[0]]
        return [self._waiting.pop(0)]

    def cancel(self) -> None:
        self.cancelled += 1
        self._waiting = []

    def close(self) -> None:
        self.closed += 1
        self._waiting = []
