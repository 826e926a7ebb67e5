"""The run of a cohort on real Dask workers: resumed, refused, killed and hungry cases, a full disk, Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cohort_tasks
import pytest
from IVDSegmentationLib.cohort import cluster, run
from IVDSegmentationLib.cohort.case import CohortCase
from IVDSegmentationLib.cohort.run import IN_FLIGHT, done_already, run_cases
from IVDSegmentationLib.cohort.task import LOST, Settings, read_case_file
from IVDSegmentationLib.errors import InputError, OutputError, WorkersLostError
from IVDSegmentationLib.threads import usable_cores

pytest.importorskip("distributed", reason="Dask is not installed here: pip install -e '.[cohort]'")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers are killed and stopped by POSIX signals")

TESTING = Path(__file__).parent
LIBRARY_AND_TESTS = (str(TESTING), str(TESTING.parent / "IVDSegmentation"))


@pytest.fixture(scope="module")
def client():
    with cluster.workers_of(None, 2, "1GB") as client:
        yield client


def cases_of(folder, *names):
    cases = []
    for name in names:
        path = folder / f"{name}.nii.gz"
        path.write_bytes(b"x") if not path.exists() else None
        cases.append(CohortCase(name, {"water": path}))
    return cases


def statuses(output, cases):
    return {
        case.name: (read_case_file(output / "cases" / case.name) or {"case": {"status": None}})["case"]["status"]
        for case in cases
    }


def test_every_case_gets_a_row_and_what_is_refused_is_counted(client, tmp_path):
    cases = cases_of(tmp_path, "a", "b", "refused", "c")
    seen = []
    state = run_cases(client, cases, Settings(tmp_path), lambda s: seen.append((s.done, s.failed)), cohort_tasks.quick)
    assert (state.done, state.failed) == (4, 1) and [done for done, _ in seen] == [1, 2, 3, 4]
    assert statuses(tmp_path, cases) == {"a": "done", "b": "done", "refused": "failed", "c": "done"}


def test_what_is_done_or_refused_is_not_done_again_unless_it_changed(client, tmp_path):
    cases = cases_of(tmp_path, "a", "b", "refused")
    settings = Settings(tmp_path)
    run_cases(client, cases, settings, task=cohort_tasks.quick)
    (tmp_path / "b.nii.gz").write_bytes(b"changed")
    cases = cases_of(tmp_path, "a", "b", "refused", "new")
    state = run_cases(client, cases, settings, task=cohort_tasks.quick)
    assert (state.done, state.failed) == (4, 1)
    assert cohort_tasks.begun(tmp_path) == ["a", "b", "b", "new", "refused"]
    assert done_already(cases[0], Settings(tmp_path, only="tables")) is None
    assert done_already(cases[0], Settings(tmp_path, checksum="another model")) is None


def test_a_damaged_case_file_is_done_again(client, tmp_path):
    (case,) = cases_of(tmp_path, "a")
    settings = Settings(tmp_path)
    run_cases(client, [case], settings, task=cohort_tasks.quick)
    for content in (b"", b"[]", b'{"format": 1}', b"\xff", json.dumps({"format": 99, "case": {}, "discs": []}).encode()):
        (tmp_path / "cases" / "a" / "case.json").write_bytes(content)
        assert done_already(case, settings) is None
    run_cases(client, [case], settings, task=cohort_tasks.quick)
    assert done_already(case, settings)["status"] == "done"


def test_a_case_whose_worker_is_killed_is_tried_once_more_and_no_other_pays_for_it(client, tmp_path):
    cases = cases_of(tmp_path, "deadly", "unlucky", *(f"n{index}" for index in range(8)))
    state = run_cases(client, cases, Settings(tmp_path), task=cohort_tasks.deadly)
    assert (state.done, state.failed) == (10, 1)
    assert statuses(tmp_path, cases) == {case.name: LOST if case.name == "deadly" else "done" for case in cases}
    begun = cohort_tasks.begun(tmp_path)
    assert begun.count("deadly") == 2
    assert begun.count("unlucky") >= 2, "more often where `deadly` ends the worker that holds its row before that was fetched"
    row = read_case_file(tmp_path / "cases" / "deadly")["case"]
    assert row["sentence"].startswith("its process was ended twice, most likely for want of memory")
    # What was lost is tried again in the next run.
    assert done_already(cases[0], Settings(tmp_path)) is None


def test_a_case_without_enough_memory_is_tried_once_more_too(client, tmp_path):
    cases = cases_of(tmp_path, "hungry", "peckish", "a")
    state = run_cases(client, cases, Settings(tmp_path), task=cohort_tasks.hungry)
    assert (state.done, state.failed) == (3, 1)
    assert statuses(tmp_path, cases) == {"hungry": LOST, "peckish": "done", "a": "done"}
    assert cohort_tasks.begun(tmp_path).count("hungry") == 2


def test_a_full_disk_ends_the_run(client, tmp_path):
    with pytest.raises(OutputError, match="the disk is full"):
        run_cases(client, cases_of(tmp_path, "a", "b"), Settings(tmp_path), task=cohort_tasks.full_disk)


@pytest.mark.parametrize(
    ("loss", "message"), [("workers", "no worker was left"), ("scheduler", "the connection to the scheduler was lost")]
)
def test_a_run_that_loses_all_its_workers_ends_with_rows_and_goes_on_later(client, tmp_path, monkeypatch, loss, message):
    import distributed

    monkeypatch.setattr(run, "LOST_AFTER_S", 2.0)
    cases = cases_of(tmp_path, *(f"case-{index}" for index in range(9)))
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as own,
        distributed.Client(own) as lost,
        pytest.raises(WorkersLostError, match=message),
    ):
        end = (lambda: own.scale(0)) if loss == "workers" else own.close
        run_cases(lost, cases, Settings(tmp_path), lambda state: end() if state.done == 1 else None, cohort_tasks.slow)
    found = statuses(tmp_path, cases)
    assert found.pop("case-0") == "done" and LOST in found.values()
    sentences = [read_case_file(tmp_path / "cases" / name)["case"]["sentence"] for name in found if found[name] == LOST]
    assert set(sentences) == {"all workers were lost while it was under way: run the cohort again"}
    state = run_cases(client, cases, Settings(tmp_path), task=cohort_tasks.quick)
    assert (state.done, state.failed) == (9, 0) and set(statuses(tmp_path, cases).values()) == {"done"}


def test_dask_knows_of_a_few_cases_at_a_time(client, tmp_path, monkeypatch):
    client.wait_for_workers(2, timeout=300)
    known, most = [0], [0]
    submit = client.submit

    def counting(*arguments, **options):
        known[0] += 1
        most[0] = max(most[0], known[0])
        return submit(*arguments, **options)

    monkeypatch.setattr(client, "submit", counting)
    cases = cases_of(tmp_path, *(f"n{index}" for index in range(20)))

    def finished(state):
        known[0] -= 1

    run_cases(client, cases, Settings(tmp_path), finished, cohort_tasks.quick)
    assert most[0] == IN_FLIGHT * 2


def test_a_cluster_that_exists_is_used_and_left_running(client, tmp_path):
    cases = cases_of(tmp_path, "a", "b")
    with cluster.workers_of(client.scheduler.address, None, "auto") as other:
        assert other.id != client.id
        assert run_cases(other, cases, Settings(tmp_path), task=cohort_tasks.quick).done == 2
    assert client.submit(sum, [1, 2]).result() == 3


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="this system does not say which cores a process has")
def test_each_worker_keeps_to_cores_of_its_own(client):
    client.wait_for_workers(2, timeout=300)
    expected = cluster.shares(usable_cores(), 2)
    kept = client.run(lambda dask_worker: (int(dask_worker.name), sorted(os.sched_getaffinity(0))))
    assert sorted(kept.values()) == [(index, own) for index, own in enumerate(expected)]


@pytest.mark.parametrize(("cores", "workers"), [(8, 3), (2, 2), (16, 1), (1, 4), (5, 5)])
def test_all_cores_are_given_out_and_no_worker_is_without(cores, workers):
    mine = cluster.shares(list(range(cores)), workers)
    assert len(mine) == workers and all(mine)
    assert {core for own in mine for core in own} == set(range(cores)) if workers <= cores else True


def test_workers_are_as_many_as_cores_and_memory_allow():
    assert cluster.worker_count(16, 64 * 10**9) == 16
    assert cluster.worker_count(16, 8 * 10**9) == 3
    assert cluster.worker_count(4, 10**9) == 1


def test_more_workers_than_a_machine_can_hold_are_refused_before_any_starts():
    with (
        pytest.raises(InputError, match=r"--workers is 10000, and this machine has [0-9]+ cores: use [0-9]+ at most"),
        cluster.workers_of(None, 10_000, "auto"),
    ):
        pass


def test_an_address_without_a_scheduler_is_refused(monkeypatch):
    import distributed

    def nobody(*_, **__):
        raise OSError("nobody answers")

    monkeypatch.setattr(distributed, "Client", nobody)
    with (
        pytest.raises(InputError, match=r"there is no Dask scheduler at tcp://127.0.0.1:1"),
        cluster.workers_of("tcp://127.0.0.1:1", None, "auto"),
    ):
        pass


def test_workers_that_cannot_be_started_are_one_sentence(monkeypatch):
    import distributed

    def failing(**_):
        raise RuntimeError("Nanny failed to start.")

    monkeypatch.setattr(distributed, "LocalCluster", failing)
    with pytest.raises(WorkersLostError, match="the workers could not be started"), cluster.workers_of(None, 1, "auto"):
        pass


STOPPED = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[2:]
import cohort_tasks
from IVDSegmentationLib.cohort import cluster, run
from IVDSegmentationLib.cohort.case import CohortCase
from IVDSegmentationLib.cohort.command import _stopped_by_an_exception
from IVDSegmentationLib.cohort.run import run_cases
from IVDSegmentationLib.cohort.task import Settings
from IVDSegmentationLib.cli.boundary import catch_signals
if __name__ == "__main__":
    out = Path(sys.argv[1])
    cases = [CohortCase(f"case-{index}", {"water": out / "absent"}) for index in range(6)]
    catch_signals()
    try:
        with _stopped_by_an_exception(), cluster.workers_of(None, 2, "1GB") as client:
            print(*client.run(lambda: __import__("os").getpid()).values(), flush=True)
            run_cases(client, cases, Settings(out), task=cohort_tasks.slow)
    except KeyboardInterrupt:
        print("stopped", flush=True)
"""


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_ctrl_c_ends_it_with_its_workers_and_keeps_what_is_done(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(STOPPED)
    command = [sys.executable, str(script), str(tmp_path), *LIBRARY_AND_TESTS]
    # A terminal sends Ctrl-C to all processes of the group.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        workers = [int(pid) for pid in process.stdout.readline().split()]
        while len(cohort_tasks.begun(tmp_path)) < 3 and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        printed, _ = process.communicate(timeout=120)
    assert process.returncode == 0 and printed.split() == ["stopped"]
    assert len(workers) == 2 and not any(alive(pid) for pid in workers)
    assert read_case_file(tmp_path / "cases" / "case-0")["case"]["status"] == "done"
    assert read_case_file(tmp_path / "cases" / "case-1") is None
