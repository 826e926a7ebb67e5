"""A run under a main loop that keeps Python's lock, as Slicer's does: nothing that must go on starves."""

import sys
import threading
import time

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")
if not sys.platform.startswith("linux"):
    pytest.skip("the loop of the harness is that of Linux", allow_module_level=True)

from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.session import Callbacks
from slicer_harness.main_loop import Loop
from slicer_harness.person import person_with_case
from worker_cases import command, small_case


def counted_in(run):
    """How far another thread counts meanwhile, which lets go of Python's lock each time, as one that reads does."""
    counted, stop = [0], threading.Event()

    def count():
        while not stop.is_set():
            counted[0] += 1
            time.sleep(0)

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    run()
    stop.set()
    thread.join()
    return counted[0]


def test_another_thread_starves_under_the_loop():
    person_with_case()
    loop, end_s = Loop(), time.monotonic() + 0.5
    starved = counted_in(lambda: loop.run(lambda: time.monotonic() > end_s))
    free = counted_in(lambda: time.sleep(0.5))
    assert starved < free / 5, (starved, free)


def test_a_result_comes_out_under_the_loop(tmp_path):
    person, came = person_with_case(), []
    with WorkerClient(command("none", "none", tmp_path / "marker")) as worker:
        runner = person.logic.job_runner
        runner.worker = worker
        person.logic._timer.interval = 100
        runner.begin(small_case(), "case", Request(), came.append, Callbacks())
        Loop().run(lambda: not runner.running, limit_s=120)
    (result,) = came
    assert result.label_volume.voxels.any()
