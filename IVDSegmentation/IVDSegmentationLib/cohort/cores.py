"""The Dask plugin that keeps each local worker to its own cores. Imported where Dask is installed."""

from __future__ import annotations

from typing import Any

from distributed import WorkerPlugin

from .cluster import keep_to_cores


class CoresOfWorker(WorkerPlugin):
    """Keeps each worker of a local cluster to its own cores, also one that was started anew under the same name."""

    name = "ivdseg-cores"

    def __init__(self, mine: list[list[int]]) -> None:
        """The plugin.

        Args:
            mine: For each worker the numbers of its cores.
        """
        self._mine = mine

    def setup(self, worker: Any) -> None:
        """Keep a worker that starts to its cores.

        Args:
            worker: The Dask worker; its name is its number.
        """
        keep_to_cores(self._mine[int(worker.name) % len(self._mine)])
