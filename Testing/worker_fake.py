"""A worker for the tests: the serving code of worker.py with a small pipeline that can go wrong at any stage, once.

python worker_fake.py FAULT STAGE MARKER --folder ... ; the fault happens where MARKER does not exist yet, and makes it.
"""

from __future__ import annotations

import ctypes
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from IVDSegmentationLib.dixon.case import DixonCase
from IVDSegmentationLib.errors import InputError, ModelError
from IVDSegmentationLib.findings import Finding, finding
from IVDSegmentationLib.images import Volume, put_back
from IVDSegmentationLib.measure.segmented import Disc
from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.pipeline.segmentation import Provenance, Segmentation
from IVDSegmentationLib.worker import server as worker

THRESHOLD = 100.0

_fault, _stage, _marker = sys.argv[1], sys.argv[2], Path(sys.argv[3])


class ResourceExhaustedError(Exception):
    """Named as TensorFlow's own."""


def protocol_fd() -> int:
    """The worker's private line to its client: the one pipe above the standard descriptors that can be written."""
    import fcntl

    for fd in range(3, 64):
        try:
            piped, mode = stat.S_ISFIFO(os.fstat(fd).st_mode), fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
        except OSError:
            continue
        if piped and mode == os.O_WRONLY:
            return fd
    raise AssertionError("the worker has no line to its client")


def _write_rubbish(line: bytes) -> None:
    os.write(protocol_fd(), line)
    time.sleep(600)


def _exhaust_files() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))


def _breed() -> None:
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    time.sleep(600)


def _spin() -> None:
    end_s = time.monotonic() + 5
    while time.monotonic() < end_s:
        pass


def _raise(error: Exception) -> None:
    raise error


FAULTS: dict[str, Callable[[str], Any]] = {
    "none": lambda name: None,
    "noise": lambda name: (print(name), os.write(1, b"\xff\x00{\n"), os.system("echo child; cat")),
    "abort": lambda name: os.abort(),
    "segfault": lambda name: ctypes.string_at(0),
    "exit": lambda name: os._exit(7),
    "out-of-memory": lambda name: os.kill(os.getpid(), 9),
    "stop": lambda name: os.kill(os.getpid(), 19),
    "hang": lambda name: time.sleep(600),
    "spin": lambda name: _spin(),
    "breed": lambda name: _breed(),
    "rubbish": lambda name: _write_rubbish(b"\x80 2026-11-22 I tensorflow/core: rubbish\n"),
    "other-json": lambda name: _write_rubbish(b"[1, 2]\n"),
    "other-event": lambda name: _write_rubbish(b'{"protocol": 1, "event": "lunch"}\n'),
    "other-version": lambda name: _write_rubbish(b'{"protocol": 2, "event": "hello"}\n'),
    "other-fields": lambda name: _write_rubbish(b'{"protocol": 1, "event": "progress", "id": 1, "stage": "x"}\n'),
    "early-finish": lambda name: _write_rubbish(b'{"protocol": 1, "event": "finished", "id": 1}\n'),
    "endless-line": lambda name: _write_rubbish(b"x" * (3 << 20)),
    "input-error": lambda name: _raise(InputError(f"{name}: no intervertebral disc was found: load Dixon volumes")),
    "model-error": lambda name: _raise(ModelError("localizer.npz is not the released file: install it again")),
    "no-engine": lambda name: None,
    "unexpected": lambda name: _raise(RuntimeError(f"{name} made no sense\nsecond line")),
    "memory-error": lambda name: _raise(MemoryError()),
    "gpu-memory": lambda name: _raise(ResourceExhaustedError("failed to allocate 3 GiB on GPU:0")),
    "disk-full": lambda name: _exhaust_files(),
    "wrong-labels": lambda name: None,
}


def reach(stage: str, name: str = "") -> None:
    """Let the fault happen if it belongs to this stage and has not happened yet."""
    if stage == _stage and not _marker.exists():
        _marker.touch()
        FAULTS[_fault](name)


class ThresholdPipeline:
    """Segments what is brighter than THRESHOLD in water, as one disc. loaded: how often one was made in this process."""

    loaded = 0

    def __init__(self, model: str, device: str, engine: str, loading: Callable[[str], None]) -> None:
        loading("engine")
        if _fault == "no-engine" and not _marker.exists():
            _marker.touch()
            sys.modules |= dict.fromkeys(("tensorflow", "openvino"))  # type: ignore[arg-type]  # what makes an import fail
            worker.load_pipeline(model, device, engine)
        loading("networks")
        reach("load")
        ThresholdPipeline.loaded += 1
        self.model = model
        self.engine = "TensorFlow" if engine == "tensorflow" else "OpenVINO"
        self.device = "cpu" if device == "cpu" or _fault != "gpu-memory" else "gpu"

    def _state(self, name: str) -> Finding:
        """What the tests want to know of this process, in a finding that holds free text."""
        return finding("no_reference", name=f"{name} on {self.device}, pid {os.getpid()}, loaded {self.loaded} times")

    def segment(
        self,
        case: DixonCase,
        request: Request | None = None,
        progress: Callable[[str, float], None] = lambda stage, fraction: None,
    ) -> Segmentation:
        for fraction, stage in enumerate(("localize", "segment", "assemble", "put back")):
            progress(stage, fraction / 4)
            reach(stage, case.name)
        if self.device == "gpu":
            FAULTS["gpu-memory"](case.name)
        labels = (case.channels["water"] > THRESHOLD).astype(np.uint8)
        center_ijk = tuple(float(i) for i in np.argwhere(labels).mean(axis=0))
        center_mm = tuple(float(c) for c in case.working_grid.to_mm(np.array(center_ijk)))
        voxels = put_back(labels.astype(np.float32), labels, case.working_grid, case.input_grid)
        if _fault == "wrong-labels":
            voxels = voxels.astype(np.float32)
        request = request or Request()
        return Segmentation(
            case=case,
            found=(Disc(request.lowest_level or "L5-S1", 1, center_mm, center_ijk, 0.75),),
            probability=labels.astype(np.float32),
            labels=labels,
            label_volume=Volume(voxels, case.input_grid, "discs"),
            run_findings=(*case.findings, self._state(case.name)),
            provenance=Provenance(
                channels_given=tuple(sorted(set(case.channels) - case.derived)),
                channels_derived=tuple(sorted(case.derived)),
                model=self.model,
                engine={"name": self.engine, "version": "2026.4.1", "device": self.device},
                timings_s={"localize": 0.5},
            ),
            reference=request.reference,
        )


def _reaching(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def reaching(*arguments: Any) -> Any:
        reach(stage)
        return function(*arguments)

    return reaching


if __name__ == "__main__":
    worker.compute = _reaching("report", worker.compute)
    worker.case_from_volumes = _reaching("check", worker.case_from_volumes)
    worker.write_segmentation = _reaching("hand over", worker.write_segmentation)
    worker.write_report = _reaching("write", worker.write_report)
    worker.main(sys.argv[4:], ThresholdPipeline)
