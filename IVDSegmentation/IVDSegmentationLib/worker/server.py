"""The pipeline in a process of its own: `python -m IVDSegmentationLib.worker`, speaking `protocol.py`."""

from __future__ import annotations

import argparse
import faulthandler
import os
import queue
import shutil
import sys
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO, NoReturn, Protocol

from ..dixon.case import DixonCase, case_from_volumes, case_on
from ..errors import InputError, IVDSegmentationError, ModelError, OutputError
from ..images import same_grid
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from .exchange import read_job, read_segmentation, write_segmentation
from .protocol import GPU_MEMORY, NO_REQUEST, REPORT, ProtocolError, decode_line, encode_line

IDLE_S = 900.0
"""A worker without a request for so long ends itself and gives its memory back."""

ABANDON_WAIT_S = 5.0
"""How long a worker whose client is gone waits for its own writing to end."""

HEARTBEAT_S = 1.0
LEAST_WORK_S = 0.001
"""Processor time without which a busy worker counts as stuck: it then sends no heartbeat, and its client notices."""


class Segmenting(Protocol):
    """What the worker needs of segmentation.Pipeline. device: the one in use, `cpu` or `gpu`."""

    @property
    def device(self) -> str:
        """The device in use, `cpu` or `gpu`."""

    def segment(
        self, case: DixonCase, request: Request | None = ..., progress: Callable[[str, float], None] = ...
    ) -> Segmentation:
        """Segment a case.

        Args:
            case: The case.
            request: What is asked for.
            progress: Called with each stage and the fraction done.

        Returns:
            The segmentation.
        """


_KINDS: tuple[tuple[type[Exception], str], ...] = (
    (ModelError, "model"),
    (OutputError, "output"),
    (IVDSegmentationError, "input"),
)
"""The first that fits names the kind of a typed error."""

PipelineFactory = Callable[[str, str, str, Callable[[str], None]], Segmenting]
"""Called with model, device and engine, all as of `Request`, and with what is to be told which stage of loading begins."""

_LOADING = {"engine": 0.02, "networks": 0.06}
"""Stage of the first loading -> fraction of the whole run done when it begins."""


def load_pipeline(
    model: str, device: str, engine: str = Request.engine, loading: Callable[[str], None] = lambda stage: None
) -> Segmenting:
    """Load the pipeline.

    Args:
        model: Name of a model, or its folder.
        device: `auto`, `cpu` or `gpu`.
        engine: What computes the networks, one of networks.engine.ENGINES.
        loading: Called with each stage of it, `engine` and `networks`.

    Returns:
        The pipeline.

    Raises:
        ModelError: Weights are missing or altered, or the engine is not installed.
    """
    loading("engine")
    from ..networks.engine import choose_engine
    from ..networks.models import load_model
    from ..pipeline.segment import Pipeline

    chosen = choose_engine(engine, device)
    loading("networks")
    return Pipeline(load_model(model, chosen), device)


def compute(segmentation: Segmentation) -> None:
    """Measure a segmentation and draw its surfaces, which both travel with it.

    Args:
        segmentation: The segmentation.

    Raises:
        InputError: The reference holds no disc, or values that are no labels.
    """
    _ = segmentation.measured, segmentation.surfaces


def write_report(case: DixonCase, segmentation: Segmentation, folder: Path) -> None:
    """Write the files of a segmentation that was handed back, with the names it has now, into a new folder.

    Args:
        case: The case that was segmented.
        segmentation: As it was handed back.
        folder: Where to; created.

    Raises:
        InputError: The case has another grid than the one that was segmented.
        OutputError: The disk is full.
    """
    from ..report.files import build_report, write_files

    grid = segmentation.case.working_grid
    if case.given:
        case = case_on(case, grid)
    if not same_grid(case.working_grid, grid) or not same_grid(case.input_grid, segmentation.label_volume.grid):
        raise InputError("the volumes have changed since they were segmented: segment them again")
    try:
        folder.mkdir()
        write_files(segmentation.with_case(case), build_report(segmentation), folder)
    except OSError as error:
        raise OutputError(f"the report could not be written ({error.strerror}): make room for temporary files") from error


class Server:
    """Answers requests one after the other with a pipeline that stays loaded between them."""

    def __init__(self, factory: PipelineFactory, requests: BinaryIO, events_fd: int, folder: Path, idle_s: float) -> None:
        """Prepare to serve.

        Args:
            factory: Makes the pipeline.
            requests: Lines come from here; its end means that the client is gone.
            events_fd: Descriptor that answers go to.
            folder: Shared with the client.
            idle_s: After so long without a request it ends.
        """
        self._factory = factory
        self._requests = requests
        self._events_fd = events_fd
        self._folder = folder
        self._idle_s = idle_s
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._busy = False
        self._emitting = threading.Lock()
        self._using_folder = threading.RLock()
        self._loaded: tuple[str, str, str] | None = None
        self._pipeline: Segmenting | None = None

    def serve(self) -> int:
        """Serve until idle for too long, or until an unexpected error.

        Where the client goes away, the process ends from within, whatever is under way.

        Returns:
            Exit status, 0 or, after an error, 1.
        """
        self._emit(event="hello", pid=os.getpid())
        for task in (self._listen, self._beat):
            threading.Thread(target=task, daemon=True).start()
        while True:
            try:
                line = self._lines.get(timeout=self._idle_s)
            except queue.Empty:
                return 0
            self._busy = True
            sound = self._answer(line)
            self._busy = False
            if not sound:
                return 1

    def _listen(self) -> None:
        for line in self._requests:
            self._lines.put(line)
        self._abandon()

    def _beat(self) -> None:
        """A sign of life every second of work: a process that is stopped, dead-locked or starved gives none."""
        before_s = time.process_time()
        while True:
            time.sleep(HEARTBEAT_S)
            now_s = time.process_time()
            if self._busy and now_s - before_s >= LEAST_WORK_S:
                self._emit(event="heartbeat")
            before_s = now_s

    def _emit(self, **fields: Any) -> None:
        line = encode_line(**fields)
        try:
            with self._emitting:
                while line:
                    line = line[os.write(self._events_fd, line) :]
        except OSError:
            self._abandon()

    def _abandon(self) -> NoReturn:
        """The client is gone: remove what it shared with us and end, without a word more to anyone."""
        # Who writes into the folder would create it again meanwhile; who hangs in writing must not keep us alive.
        self._using_folder.acquire(timeout=ABANDON_WAIT_S)
        # The log lies in the folder, and Windows removes no open file.
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(0)

    def _answer(self, line: bytes) -> bool:
        """Answer one request; False after an error that leaves the process in doubt, so that it had better end."""
        number = NO_REQUEST
        try:
            fields = decode_line(line)
            if fields.get("request") == "warm":
                self._warm(str(fields["model"]), str(fields["device"]))
            elif fields.get("request") in ("segment", "report"):
                number = int(fields["id"])
                (self._segment if fields["request"] == "segment" else self._report)(number)
            else:
                raise ProtocolError(f"unknown request {fields.get('request')!r}")
        except Exception as error:
            kind, message = self._failure(error)
            sound = isinstance(error, IVDSegmentationError)
            if not sound:
                traceback.print_exc()  # before the answer, for the client reads the log when it comes
            self._emit(event="failed", id=number, kind=kind, message=message)
            return sound
        return True

    def _warm(self, model: str, device: str) -> None:
        """Load the pipeline ahead of time. What fails is logged only: the next segmentation meets and reports it."""
        try:
            self._load(model, device, Request.engine)
        except Exception:
            traceback.print_exc()

    def _load(self, model: str, device: str, engine: str, loading: Callable[[str], None] = lambda stage: None) -> Segmenting:
        if self._pipeline is None or self._loaded != (model, device, engine):
            self._pipeline = None  # gives its memory back before the next one takes its own
            self._pipeline = self._factory(model, device, engine, loading)
            self._loaded = (model, device, engine)
        return self._pipeline

    def _segment(self, number: int) -> None:
        folder = self._folder / str(number)
        start_s = time.perf_counter()
        self._progress(number, "load", 0.0)
        job = read_job(folder)
        asked = job.request
        pipeline = self._load(
            asked.model, asked.device, asked.engine, lambda stage: self._progress(number, stage, _LOADING[stage])
        )
        loaded_s = time.perf_counter()
        self._progress(number, "check", 0.1)
        case = case_from_volumes(job.volumes, job.name)
        checked_s = time.perf_counter()
        segmentation = pipeline.segment(
            case, job.request, lambda stage, fraction: self._progress(number, stage, 0.15 + 0.75 * fraction)
        )
        self._progress(number, "report", 0.92)
        before = {"load": loaded_s - start_s, "check": checked_s - loaded_s}
        provenance = replace(segmentation.provenance, timings_s={**before, **segmentation.provenance.timings_s})
        segmentation = replace(segmentation, provenance=provenance)
        compute(segmentation)
        self._progress(number, "hand over", 0.98)
        with self._using_folder:
            write_segmentation(folder, segmentation)
        self._emit(event="finished", id=number)

    def _report(self, number: int) -> None:
        folder = self._folder / str(number)
        self._progress(number, "check", 0.05)
        job, segmentation = read_job(folder), read_segmentation(folder)
        case = case_from_volumes(job.volumes, job.name)
        self._progress(number, "write", 0.3)
        with self._using_folder:
            write_report(case, segmentation, folder / REPORT)
        self._emit(event="written", id=number)

    def _progress(self, number: int, stage: str, fraction: float) -> None:
        self._emit(event="progress", id=number, stage=stage, fraction=min(max(fraction, 0.0), 1.0))

    def _failure(self, error: Exception) -> tuple[str, str]:
        """The kind of a failure and its sentence."""
        for known, kind in _KINDS:
            if isinstance(error, known):
                return kind, str(error)
        text = str(error).strip()
        if isinstance(error, ProtocolError):
            return "protocol", f"The segmentation process did not understand its client ({text}): restart Slicer"
        exhausted = type(error).__name__ == "ResourceExhaustedError" or "out of memory" in text.lower().replace("_", " ")
        # While the networks load, the device is not known yet: a try on the CPU then costs one more start.
        if exhausted and (self._pipeline is None or self._pipeline.device == "gpu"):
            return GPU_MEMORY, "The memory of the GPU did not suffice"
        if exhausted or isinstance(error, MemoryError):
            return "crash", "There was not enough memory: close other programs and segment again"
        reason = text.splitlines()[0][:200] if text else "no reason given"
        return "crash", f"The segmentation stopped at an unexpected {type(error).__name__} ({reason})"


def _claim_stdio() -> tuple[BinaryIO, int]:
    """Take private duplicates of stdin and stdout.

    Descriptor 0 becomes the null device and 1 the log, so that nothing TensorFlow, C code or a child process reads or prints
    can spoil the protocol.
    """
    requests, events_fd = os.fdopen(os.dup(0), "rb"), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return requests, events_fd


def main(arguments: Sequence[str] | None = None, factory: PipelineFactory = load_pipeline) -> NoReturn:
    """Serve on stdin and stdout until done, then end the process.

    Args:
        arguments: Those of the command line.
        factory: Makes the pipeline.
    """
    parser = argparse.ArgumentParser(prog="python -m IVDSegmentationLib.worker.server", description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="folder shared with the client")
    parser.add_argument("--idle-s", type=float, default=IDLE_S, help="seconds without a request until it ends itself")
    options = parser.parse_args(arguments)
    os.environ["KERAS_HOME"] = str(options.folder / "keras")  # not the user's settings, which may be any
    # Of a crash the log tells the first line; `worker_status` of the client looks for it.
    faulthandler.enable(sys.stderr, all_threads=False)
    requests, events_fd = _claim_stdio()
    status = Server(factory, requests, events_fd, options.folder, options.idle_s).serve()
    sys.stderr.flush()
    # An ordinary exit would wait for TensorFlow's threads, and trip over ours that waits for a line.
    os._exit(status)
