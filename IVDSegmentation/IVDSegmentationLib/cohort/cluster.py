"""Dask workers for a cohort: a local cluster that fills this machine's cores, or one that exists already."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from ..errors import InputError, WorkersLostError
from ..threads import usable_cores

if TYPE_CHECKING:
    from distributed import Client

WORKER_MEMORY_BYTES = 2_500_000_000
"""What a worker is given at least: the pipeline at 72 x 512 x 512 takes 2.5 GB at its peak (README)."""

LOST_AFTER_S = 600
"""How long workers may be away. One that was killed is started anew; on a busy machine that takes longer than Dask would wait
before it gives it up."""

_THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"),
    *("TF_NUM_INTRAOP_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"),
)
"""What the libraries that compute go by; Dask sets the first three to 1 otherwise."""

_CONFIGURATION = {
    "distributed.deploy.lost-worker-timeout": f"{LOST_AFTER_S} seconds",
    "distributed.comm.timeouts.connect": "2 minutes",
    # Whether a case is tried again is the driver's to say: Dask counts also those that only waited for a worker that died.
    "distributed.scheduler.allowed-failures": 0,
    # The networks stay in memory and cannot be spilled: a worker near its limit goes on, and one beyond it is ended.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
}

MOST_PER_CORE = 4
"""Local workers: each loads networks of its own, and ten thousand would stop the machine."""


def worker_count(cores: int, memory_bytes: int) -> int:
    """How many workers fill a machine.

    Args:
        cores: That may be used.
        memory_bytes: That there is.

    Returns:
        One a core, as far as each has WORKER_MEMORY_BYTES; at least one. Much of a case is done by one thread, so that many
        workers of one thread do more than one of many.
    """
    return max(1, min(cores, memory_bytes // WORKER_MEMORY_BYTES))


def shares(cores: list[int], workers: int) -> list[list[int]]:
    """Which cores belong to which worker.

    Args:
        cores: Their numbers.
        workers: How many workers there are.

    Returns:
        For each worker its cores: all are given out, and no worker is without one.
    """
    if workers >= len(cores):
        return [[cores[index % len(cores)]] for index in range(workers)]
    return [cores[index * len(cores) // workers : (index + 1) * len(cores) // workers] for index in range(workers)]


def keep_to_cores(mine: list[int]) -> None:
    """Keep this process, and the threads it starts from now on, on some cores.

    Args:
        mine: Numbers of the cores. What counts cores to choose its number of threads counts these.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, mine)


@contextmanager
def workers_of(address: str | None, workers: int | None, memory_limit: str) -> Iterator[Client]:
    """The client of the workers that a cohort runs on.

    Args:
        address: Of a Dask scheduler that exists; None for a local cluster, which is closed at the end.
        workers: Of the local cluster; None for as many as fill the machine.
        memory_limit: Of each local worker, as Dask takes it: `auto`, `4GB`, `0` for none.

    Yields:
        The client.

    Raises:
        WorkersLostError: The local workers cannot be started.
        InputError: There is no scheduler at the address, or more local workers are asked for than MOST_PER_CORE a core.
    """
    import dask
    import distributed

    if address is not None:
        try:
            client = distributed.Client(address, timeout="20s")
        except (OSError, ValueError) as error:
            raise InputError(f"there is no Dask scheduler at {address}: check the address and the network") from error
        with client:
            yield client
        return
    from distributed.system import MEMORY_LIMIT

    cores = usable_cores()
    if workers is not None and workers > MOST_PER_CORE * len(cores):
        raise InputError(
            f"--workers is {workers}, and this machine has {len(cores)} cores: use {MOST_PER_CORE * len(cores)} at most, "
            "or leave it out"
        )
    count = workers or worker_count(len(cores), MEMORY_LIMIT)
    mine = shares(cores, count)
    threads = dict.fromkeys(_THREAD_VARIABLES, str(max(len(own) for own in mine)))
    with ExitStack() as stack:
        stack.enter_context(dask.config.set({**_CONFIGURATION, "distributed.nanny.pre-spawn-environ": threads}))
        try:
            cluster = stack.enter_context(
                distributed.LocalCluster(
                    n_workers=count,
                    threads_per_worker=1,
                    processes=True,
                    host="127.0.0.1",  # who can reach the scheduler can run code
                    dashboard_address="127.0.0.1:0",
                    memory_limit=memory_limit,
                    silence_logs=50,
                )
            )
            client = stack.enter_context(distributed.Client(cluster))
        except (OSError, RuntimeError) as error:
            raise WorkersLostError(
                "the workers could not be started: give them more memory (--memory-limit), or start fewer (--workers)"
            ) from error
        from .cores import CoresOfWorker

        client.register_plugin(CoresOfWorker(mine))
        yield client
