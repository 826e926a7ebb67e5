"""How long each system takes for one examination on the machine at hand."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..networks.engine import Network
from ..pipeline.segment import Pipeline
from .inputs import Inputs
from .prediction import case_of, predict
from .spines import Spine
from .systems import System, Training

REPEATS = 3
"""After a first time, which builds the computation."""

RELEASED = "released"
"""Key of the released model, which has no training here."""


def measure_times(
    systems: Mapping[System, Mapping[Training, Network]], spine: Spine, slice_sizes: tuple[tuple[int, int], ...]
) -> dict[str, Any]:
    """Segment one examination with each system, and with the released model.

    Args:
        systems: System -> its trained networks.
        spine: The examination.
        slice_sizes: Rows and columns that slices along x, y and z are padded to.

    Returns:
        `machine`; `engine`, what computes the released model; `size`, voxels x, y, z; `seconds`, system's key or RELEASED ->
        median of REPEATS.
    """
    seconds = {}
    for system, networks in systems.items():
        seconds[system.key] = _median_s(lambda s=system, n=networks: predict(s, n, spine, slice_sizes))
    pipeline = Pipeline()
    case = case_of(spine, Inputs(1).images(spine.channels))
    seconds[RELEASED] = _median_s(lambda: pipeline.segment(case))
    engine = pipeline.model.engine.name if pipeline.model.engine else ""
    return {"machine": machine(), "engine": engine, "size": list(spine.discs.shape), "seconds": seconds}


def _median_s(call: Any) -> float:
    """Median time of REPEATS calls after a first."""
    taken = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken[1:]))


def machine() -> str:
    """The machine in words: processor, its threads, and GPUs.

    Returns:
        Without any name of a user or a host.
    """
    from ..networks.tensorflow_setup import import_tensorflow

    tf = import_tensorflow()
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", "GPU")
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return ", ".join([f"{processor()}, {os.cpu_count()} threads", *gpus])


def processor() -> str:
    """The processor in words.

    Returns:
        As the system calls it.
    """
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
