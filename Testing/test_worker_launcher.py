"""The worker below PythonSlicer, a launcher: how its end is told, and how its answers are read although Slicer's main loop
keeps Python's lock."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.worker.client import WORKER, WorkerClient
from IVDSegmentationLib.worker.process import worker_status
from IVDSegmentationLib.worker.protocol import Failed, Finished
from slicer_harness.launcher import write_launcher
from worker_cases import children, command, failed, finished, rest, run, small_case, until, until_fault

MODULE = Path(__file__).parents[1] / "IVDSegmentation"
posix = pytest.mark.skipif(sys.platform == "win32", reason="the launcher of the tests is a script with a #! line")
KILLED = "error: [/opt/Slicer/bin/python-real] exit abnormally - Report the problem."


def below_launcher(tmp_path: Path, fault: str, stage: str) -> WorkerClient:
    _, *arguments = command(fault, stage, tmp_path / "marker")
    return WorkerClient([str(write_launcher(tmp_path)), *arguments])


@posix
def test_a_worker_killed_below_the_launcher_is_said_to_want_memory(tmp_path: Path) -> None:
    with below_launcher(tmp_path, "out-of-memory", "segment") as client:
        failure = failed(run(client), "crash")
        assert "want of memory" in failure.message
        assert "exit abnormally" in failure.log_tail
        finished(run(client))


@posix
def test_a_worker_killed_from_outside_below_the_launcher_is_said_to_want_memory(tmp_path: Path) -> None:
    with below_launcher(tmp_path, "hang", "load") as client:
        client.segment(small_case(), "case")
        until_fault(client, "load", tmp_path / "marker")
        assert client.pid is not None
        (worker,) = children(client.pid)
        os.kill(worker, signal.SIGKILL)
        assert "want of memory" in failed(rest(client), "crash").message


@posix
@pytest.mark.parametrize(("fault", "words"), [("abort", "SIGABRT"), ("segfault", "SIGSEGV"), ("exit", "exit status 7")])
def test_a_crash_below_the_launcher_says_which(tmp_path: Path, fault: str, words: str) -> None:
    with below_launcher(tmp_path, fault, "segment") as client:
        assert words in failed(run(client), "crash").message
        finished(run(client))


@pytest.mark.parametrize(
    ("status", "log", "own"),
    [
        (0, KILLED, 0),
        (1, "Traceback (most recent call last):", 1),
        (1, f"some line\n{KILLED}\n", -9),
        (1, "error: [C:/Slicer/bin/PythonSlicer.exe] exit abnormally - Report the problem.\r\n", -9),
        (1, f"Fatal Python error: Segmentation fault\n\nCurrent thread 0x1:\n{KILLED}", -signal.SIGSEGV),
        (1, f"Fatal Python error: Aborted\n{KILLED}", -signal.SIGABRT),
        (1, f"Windows fatal exception: access violation\r\n{KILLED}", -signal.SIGSEGV),
        (1, f"Fatal Python error: deallocating None\n{KILLED}", -signal.SIGABRT),
        (-9, "", -9),
        (137, KILLED, 137),
    ],
)
def test_the_status_of_the_worker_is_read_through_its_launcher(status: int, log: str, own: int) -> None:
    assert worker_status(status, log) == own


def test_the_default_worker_is_the_script_of_this_copy() -> None:
    assert (MODULE / WORKER).is_file()


@posix
def test_a_main_loop_that_keeps_pythons_lock_does_not_keep_a_result_waiting(tmp_path: Path) -> None:
    phantom = make_phantom(1)
    water = np.minimum(phantom.channels["water"], 90)
    water[15:21, 100:130, 60:68] = 200  # one disc, as large as a real one
    volumes = {"water": Volume(water, phantom.grid, "water")}
    result = None
    with WorkerClient(command("none", "none", tmp_path / "marker")) as client:
        finished(run(client))  # warm
        client.segment(volumes, "case")
        folder = next(path for path in client_folder(client).iterdir() if path.is_dir())
        # The folder is removed as soon as the answer is read, which may be sooner than this looks again.
        until(lambda: (folder / "segmentation.json").exists() or not folder.exists())
        keep_lock(0.3)  # and that the worker tells of it, meanwhile
        polls = 0
        while result is None:
            polls += 1
            result = next((event for event in client.poll() if isinstance(event, Finished)), None)
            keep_lock(0.1)
    assert result.segmentation.label_volume.voxels.shape == phantom.grid.size
    assert polls <= 2


def client_folder(client: WorkerClient) -> Path:
    assert client._process is not None
    return client._process.folder


def keep_lock(seconds: float) -> None:
    """Wait as Slicer's main loop does between two timers: in C, with Python's lock held."""
    ctypes.PyDLL(None).usleep(int(1e6 * seconds))


@posix
def test_keep_lock_starves_other_threads() -> None:
    """What the test above stands on: another thread hardly counts while the lock is kept, and counts while it is not."""
    counted = [0]
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            counted[0] += 1

    def during(wait: Callable[[float], None]) -> int:
        before = counted[0]
        wait(0.5)
        return counted[0] - before

    thread = threading.Thread(target=count)
    thread.start()
    try:
        assert during(keep_lock) < during(time.sleep) / 5
    finally:
        stop.set()
        thread.join()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is held is counted in /proc")
def test_kills_and_cancels_below_the_launcher_leave_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    before = held()
    ended = []
    with below_launcher(tmp_path, "none", "none") as client:
        for number in range(ROUNDS):
            client.segment(small_case(), "case")
            until(lambda: client.pid is not None and len(children(client.pid)) == 1)
            assert client.pid is not None
            ended += [client.pid, *children(client.pid)]
            if number % 2:
                client.cancel()
            else:
                os.kill(ended[-1], signal.SIGKILL)
                assert isinstance(rest(client)[-1], (Failed, Finished))
    until(lambda: held() == before and list(temporary.iterdir()) == [])
    until(lambda: not any(is_running(pid) for pid in ended))


ROUNDS = int(os.environ.get("IVDSEG_ROUNDS", "8"))
"""How many workers are ended in the test above; `make soak` ends 100."""


def held() -> tuple[list[int], int, int]:
    """Children, open descriptors and threads of this process."""
    return children(os.getpid()), len(os.listdir("/proc/self/fd")), threading.active_count()


def is_running(pid: int) -> bool:
    """Whether a process is there and no zombie, which only waits for the machine's init process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
