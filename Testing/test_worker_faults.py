"""The worker when things go wrong: one clear failure each, nothing left behind, and the next case works."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from IVDSegmentationLib.errors import OutputError
from IVDSegmentationLib.worker.client import WorkerClient
from slicer_harness.launcher import write_launcher
from worker_cases import (
    PATIENT,
    STAGES,
    alive,
    children,
    command,
    failed,
    finished,
    rest,
    run,
    small_case,
    until,
    until_fault,
)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the faults are POSIX signals and /proc")


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where clients put their folders; empty again when the test ends, and no process, thread or descriptor is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    gc.collect()  # what an earlier test left behind must not go in the middle of this one
    before = held()
    yield folder
    until(lambda: list(folder.iterdir()) == [] and held() == before, 10)


def held() -> tuple[list[int], int, list[str]]:
    """What this process holds: children (zombies too), open descriptors, threads."""
    threads = sorted(thread.name for thread in threading.enumerate())
    return children(os.getpid()), len(os.listdir("/proc/self/fd")), threads


def fake(tmp_path: Path, fault: str, stage: str) -> WorkerClient:
    return WorkerClient(command(fault, stage, tmp_path / "marker"))


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_killed_at_any_stage_is_one_failure_and_the_next_case_works(tmp_path: Path, stage: str) -> None:
    with fake(tmp_path, "hang", stage) as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, stage, tmp_path / "marker")
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        assert "want of memory" in failed(rest(client), "crash").message
        finished(run(client))


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_any_stage_ends_the_worker_and_the_next_case_finds_a_warm_one(tmp_path: Path, stage: str) -> None:
    with fake(tmp_path, "hang", stage) as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, stage, tmp_path / "marker")
        old = client.pid
        client.cancel()
        assert not client.running
        assert client.poll() == []
        assert old is not None
        until(lambda: not alive(old), 5)
        warm = client.pid
        assert warm is not None
        finished(run(client))
        assert client.pid == warm


@pytest.mark.parametrize("stage", STAGES)
def test_a_worker_that_hangs_at_any_stage_is_one_failure(tmp_path: Path, stage: str) -> None:
    with fake(tmp_path, "hang", stage) as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, stage, tmp_path / "marker")
        client.hang_s = 2.0
        assert "no sign of life for 2 s" in failed(rest(client), "hang").message
        client.hang_s = 60.0  # starting can take seconds where the machine is busy
        finished(run(client))


def test_a_worker_that_is_stopped_hangs(tmp_path: Path) -> None:
    with fake(tmp_path, "stop", "segment") as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, "segment", tmp_path / "marker")
        client.hang_s = 2.0
        failed(rest(client), "hang")
        client.hang_s = 60.0
        finished(run(client))


def test_a_worker_that_says_nothing_from_the_first_hangs() -> None:
    with WorkerClient([sys.executable, "-c", "input(); input()"], hang_s=1.0) as client:
        failed(run(client), "hang")
        failed(run(client), "hang")


def test_a_worker_that_works_for_longer_than_the_limit_without_a_word_does_not_hang(tmp_path: Path) -> None:
    with fake(tmp_path, "spin", "segment") as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, "segment", tmp_path / "marker")
        client.hang_s = 3.0  # worker_fake.py spins for 5 s
        finished(rest(client))


@pytest.mark.parametrize("stage", STAGES)
def test_rubbish_at_any_stage_is_one_failure(tmp_path: Path, stage: str) -> None:
    with fake(tmp_path, "rubbish", stage) as client:
        failure = failed(run(client), "protocol")
        assert "tensorflow/core: rubbish" in failure.log_tail
        finished(run(client))


@pytest.mark.parametrize(
    "fault", ["other-json", "other-event", "other-version", "other-fields", "early-finish", "endless-line"]
)
def test_lines_of_another_protocol_are_rubbish(tmp_path: Path, fault: str) -> None:
    with fake(tmp_path, fault, "segment") as client:
        failed(run(client), "protocol")
        finished(run(client))


def test_a_result_of_another_kind_is_rubbish(tmp_path: Path) -> None:
    with fake(tmp_path, "wrong-labels", "none") as client:
        assert "labels are float32" in failed(run(client), "protocol").log_tail


@pytest.mark.parametrize("code", ["print('rubbish'); input()", "import os; os.write(1, b'{}\\n' * 10**6); input()"])
def test_a_command_that_is_no_worker_is_rubbish(code: str) -> None:
    with WorkerClient([sys.executable, "-c", code]) as client:
        failed(run(client), "protocol")
        failed(run(client), "protocol")


@pytest.mark.parametrize(
    ("fault", "words"), [("abort", "SIGABRT"), ("exit", "exit status 7"), ("out-of-memory", "want of memory")]
)
def test_a_crash_says_how_the_worker_ended(tmp_path: Path, fault: str, words: str) -> None:
    with fake(tmp_path, fault, "segment") as client:
        assert words in failed(run(client), "crash").message
        finished(run(client))


def test_a_command_that_ends_before_its_first_line_is_a_crash_with_its_log() -> None:
    with WorkerClient([sys.executable, "-c", "import no_such_module"]) as client:
        failure = failed(run(client), "crash")
        assert "exit status 1" in failure.message
        assert "No module named 'no_such_module'" in failure.log_tail


@pytest.mark.parametrize("stage", ["load", "segment", "put back", "report"])
def test_an_unexpected_error_is_one_sentence_with_the_end_of_the_log(tmp_path: Path, stage: str) -> None:
    with fake(tmp_path, "unexpected", stage) as client:
        failure = failed(run(client), "crash")
        assert "unexpected RuntimeError" in failure.message
        assert "second line" not in failure.message
        assert "Traceback" in failure.log_tail
        assert "made no sense" in failure.log_tail
        finished(run(client))


@pytest.mark.parametrize(
    ("fault", "stage", "kind", "words"),
    [
        ("input-error", "segment", "input", f"{PATIENT}: no intervertebral disc was found: load Dixon volumes"),
        ("model-error", "load", "model", "localizer.npz is not the released file: install it again"),
        ("no-engine", "none", "model", "Neither OpenVINO nor TensorFlow is installed in this Python"),
        ("memory-error", "segment", "crash", "There was not enough memory"),
        ("disk-full", "hand over", "output", "could not be written"),
    ],
)
def test_an_error_of_the_library_keeps_its_kind_and_sentence(
    tmp_path: Path, fault: str, stage: str, kind: str, words: str
) -> None:
    with fake(tmp_path, fault, stage) as client:
        assert failed(run(client), kind).message.startswith(words) or kind == "output"
        if fault == "disk-full":
            client.close()  # the limit that stands for a full disk lasts as long as its worker
        finished(run(client))


def test_a_disk_full_of_input_is_a_typed_error_that_leaves_nothing_but_the_warm_worker(
    tmp_path: Path, temporary_files: Path
) -> None:
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with fake(tmp_path, "none", "none") as client:
        finished(run(client))
        pid = client.pid
        before = sorted(path.name for path in temporary_files.rglob("*"))
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            with pytest.raises(OutputError, match="could not be written"):
                client.segment(small_case(), "case")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not client.running
        assert sorted(path.name for path in temporary_files.rglob("*")) == before
        finished(run(client))
        assert client.pid == pid


@pytest.mark.parametrize("end", ["cancel", "close", "kill the launcher", "kill the worker"])
def test_the_whole_tree_ends_below_a_launcher(tmp_path: Path, end: str) -> None:
    _, *below = command("breed", "segment", tmp_path / "marker")
    with WorkerClient([str(write_launcher(tmp_path)), *below]) as client:
        client.segment(small_case(), PATIENT)
        until_fault(client, "segment", tmp_path / "marker")
        assert client.pid is not None
        launcher = client.pid
        until(lambda: len(children(launcher)) == 2)
        tree = [launcher, *children(launcher)]
        if end == "cancel":
            client.cancel()
        elif end == "close":
            client.close()
        else:
            os.kill(tree[0 if end == "kill the launcher" else 1], signal.SIGKILL)
            assert "want of memory" in failed(rest(client), "crash").message
        # Orphans are reaped by the init process of the machine, which may take its time.
        until(lambda: not any(running(pid) for pid in tree))
        finished(run(client))


def running(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_worker_killed_while_idle_goes_unnoticed_and_leaves_nothing(tmp_path: Path, temporary_files: Path) -> None:
    before = children(os.getpid())  # other tests may have started a helper of multiprocessing, which stays
    with fake(tmp_path, "none", "none") as client:
        finished(run(client))
        assert client.pid is not None
        os.kill(client.pid, signal.SIGKILL)
        finished(run(client))  # at once: the client has not noticed yet
        os.kill(client.pid, signal.SIGKILL)
        until(lambda: list(temporary_files.iterdir()) == [] and children(os.getpid()) == before)
        finished(run(client))


@pytest.mark.parametrize("stage", ["none", "load", "segment", "hand over"])
def test_a_worker_whose_client_is_killed_ends_and_leaves_nothing(tmp_path: Path, temporary_files: Path, stage: str) -> None:
    below = command("hang", stage, tmp_path / "marker")
    code = f"""
import sys, tempfile, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
tempfile.tempdir = {str(temporary_files)!r}
from worker_cases import small_case
from IVDSegmentationLib.worker.client import WorkerClient
client = WorkerClient({below!r})
client.start()
if {stage!r} not in ("none", "load"):
    client.segment(small_case(), "case")
print(client.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        pid = int(client.stdout.readline())
        if stage == "none":
            until(lambda: list(temporary_files.iterdir()) != [])
        else:
            until((tmp_path / "marker").exists)
        assert running(pid)
        client.kill()
    until(lambda: not running(pid) and list(temporary_files.iterdir()) == [])


def test_many_runs_of_all_kinds_leave_no_process_thread_descriptor_or_file(tmp_path: Path, temporary_files: Path) -> None:
    others = children(os.getpid())
    with fake(tmp_path, "none", "none") as client:
        finished(run(client))
        before = held()[1:]
        for _ in range(5):
            finished(run(client))
            client.segment(small_case(), "case")
            client.cancel()
            finished(run(client))
            assert client.pid is not None
            client.segment(small_case(), "case")
            os.kill(client.pid, signal.SIGKILL)
            rest(client)
            finished(run(client))
            assert held()[1:] == before
            assert len(set(children(os.getpid())) - set(others)) == 1
            (folder,) = temporary_files.iterdir()
            assert [path.name for path in folder.iterdir()] == ["log"]
