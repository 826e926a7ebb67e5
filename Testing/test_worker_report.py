"""The worker's second request, a report: its files are those of the command line, placed whole or not at all."""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import OutputError
from IVDSegmentationLib.images import Volume, read_volume
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from IVDSegmentationLib.report.files import write_outputs
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.protocol import Event, Progress, Written
from made_results import files_below, result_of_phantom
from worker_cases import PATIENT, command, failed, finished, rest, run, until, until_fault

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the faults are POSIX signals and limits")


@pytest.fixture(scope="module")
def result() -> Segmentation:
    return result_of_phantom(3)


@pytest.fixture(scope="module")
def volumes(result: Segmentation) -> dict[str, Volume]:
    grid = result.case.input_grid
    return {channel: Volume(voxels, grid, f"{PATIENT} {channel}") for channel, voxels in result.case.channels.items()}


@pytest.fixture(scope="module")
def answer(result: Segmentation) -> Segmentation:
    return replace(result, reference=result.label_volume)


@pytest.fixture
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where clients put their folders; empty again when the test ends."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    yield folder
    until(lambda: list(folder.iterdir()) == [], 10)


def fake(tmp_path: Path, fault: str = "none", stage: str = "none") -> WorkerClient:
    return WorkerClient(command(fault, stage, tmp_path / "marker"))


def ended(client: WorkerClient) -> Event:
    """The last event; those before it must be of a progress that rises."""
    events: list[Event] = []
    until(lambda: events.extend(client.poll()) or not client.running)
    steps = [event for event in events[:-1] if isinstance(event, Progress)]
    assert len(steps) == len(events) - 1
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
    return events[-1]


def test_the_files_are_those_of_the_command_line(
    tmp_path: Path, temporary_files: Path, result: Segmentation, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    write_outputs(answer, tmp_path / "expected")
    with fake(tmp_path) as client:
        client.report(volumes, PATIENT, answer, tmp_path / "new" / "out")
        assert ended(client) == Written(tmp_path / "new" / "out")
    out, expected = tmp_path / "new" / "out", tmp_path / "expected"
    assert files_below(out) == files_below(expected)
    assert len(files_below(out)) > 8
    for name in files_below(out):
        if name.endswith((".vtp", ".csv", ".nii.gz")):
            assert (out / name).read_bytes() == (expected / name).read_bytes(), name
    ours, theirs = (json.loads((folder / "report.json").read_text()) for folder in (out, expected))
    for report in (ours, theirs):
        assert report.pop("timings_s")["report"] >= 0
    assert ours == theirs
    pages = [(folder / "report.html").read_text(encoding="utf-8").split("Seconds: ")[0] for folder in (out, expected)]
    assert pages[0] == pages[1]
    assert PATIENT.encode() not in b"".join((out / name).read_bytes() for name in files_below(out))


def test_a_renamed_result_is_saved_under_its_new_names(
    tmp_path: Path, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    write_outputs(answer, tmp_path / "out")
    assert (tmp_path / "out" / "surfaces" / "L5-S1.vtp").exists()
    named = answer.renamed("L4-L5")
    with fake(tmp_path) as client:
        client.report(volumes, PATIENT, named, tmp_path / "out")
        ended(client)
    levels = [disc.level for disc in named.discs]
    assert levels[0] == "L4-L5"
    assert sorted(path.stem for path in (tmp_path / "out" / "surfaces").iterdir()) == sorted(levels)
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert [disc["level"] for disc in report["discs"]] == levels
    found = read_volume(tmp_path / "out" / "discs.nii.gz").voxels
    assert np.array_equal(found, named.label_volume.voxels)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "L5-S1" not in page.split("Agreement with the reference")[0].replace("L5-S1 and L1-L2", "")


def test_a_report_needs_no_other_process_than_the_segmentation(
    tmp_path: Path, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    with fake(tmp_path) as client:
        finished(run(client, device="cpu"))
        pid = client.pid
        client.report(volumes, "case", answer, tmp_path / "out")
        assert isinstance(ended(client), Written)
        finished(run(client, device="cpu"))
        assert client.pid == pid


@pytest.mark.parametrize("how", ["cancel", "kill", "close"])
def test_a_report_that_is_stopped_leaves_the_folder_as_it_was(
    tmp_path: Path, temporary_files: Path, volumes: dict[str, Volume], answer: Segmentation, how: str
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "report.json").write_text("earlier")
    with fake(tmp_path, "hang", "write") as client:
        client.report(volumes, "case", answer, out)
        until_fault(client, "write", tmp_path / "marker")
        if how == "cancel":
            client.cancel()
        elif how == "close":
            client.close()
        else:
            assert client.pid is not None
            os.kill(client.pid, signal.SIGKILL)
            failed(rest(client), "crash")
        assert not client.running
        assert files_below(out) == ["report.json"]
        assert (out / "report.json").read_text() == "earlier"
        finished(run(client))


def test_a_folder_that_cannot_be_written_is_one_sentence_and_the_worker_stays(
    tmp_path: Path, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    (tmp_path / "file").write_text("in the way")
    with fake(tmp_path) as client:
        finished(run(client))
        pid = client.pid
        client.report(volumes, "case", answer, tmp_path / "file")
        assert failed([ended(client)], "output").message.startswith("file could not be written (")
        assert (tmp_path / "file").read_text() == "in the way"
        finished(run(client))
        assert client.pid == pid


def test_a_disk_full_in_the_worker_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, temporary_files: Path, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    with fake(tmp_path, "disk-full", "write") as client:
        client.report(volumes, "case", answer, tmp_path / "out")
        assert "could not be written" in failed([ended(client)], "output").message
    assert not (tmp_path / "out").exists()


def test_a_disk_full_of_the_request_is_a_typed_error_that_leaves_nothing_but_the_warm_worker(
    tmp_path: Path, temporary_files: Path, volumes: dict[str, Volume], answer: Segmentation
) -> None:
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with fake(tmp_path) as client:
        finished(run(client))
        pid = client.pid
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
        try:
            with pytest.raises(OutputError, match="could not be written"):
                client.report(volumes, "case", answer, tmp_path / "out")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert not client.running
        assert client.pid == pid
        assert [path.name for path in temporary_files.glob("*/*")] == ["log"]
        finished(run(client))


def test_volumes_that_changed_since_are_refused(tmp_path: Path, volumes: dict[str, Volume], answer: Segmentation) -> None:
    grid = volumes["water"].grid
    moved = {c: replace(v, grid=replace(grid, origin_mm=(7.0, 0.0, 0.0))) for c, v in volumes.items()}
    with fake(tmp_path) as client:
        client.report(moved, "case", answer, tmp_path / "out")
        assert "changed since they were segmented" in failed([ended(client)], "input").message
    assert not (tmp_path / "out").exists()
