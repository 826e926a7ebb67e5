"""The worker and its client when all goes well, and the protocol between them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError, IVDSegmentationError
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.networks import DEFAULT_MODEL
from IVDSegmentationLib.networks.models import MODELS_FOLDER
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.report.files import build_report
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.exchange import Job, read_job, read_segmentation, with_names, write_job
from IVDSegmentationLib.worker.protocol import Finished, Progress, ProtocolError, decode_line, encode_line
from worker_cases import PATIENT, children, command, failed, finished, rest, run, small_case, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the faults are POSIX signals and /proc")


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where clients put their folders; empty again when the test ends, and no process of it is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    before = children(os.getpid())
    yield folder
    until(lambda: list(folder.iterdir()) == [] and children(os.getpid()) == before, 10)


def fake(tmp_path: Path, fault: str = "none", stage: str = "load", *options: str) -> WorkerClient:
    return WorkerClient(command(fault, stage, tmp_path / "marker", *options))


def test_a_case_comes_back_as_labels_on_its_own_oblique_grid_with_all_that_was_said(tmp_path: Path) -> None:
    case = small_case()
    with fake(tmp_path) as client:
        events = run(client, lowest_level="L4-L5", model="mine")
    result = finished(events).segmentation
    assert result.label_volume.grid == case["water"].grid
    assert result.label_volume.voxels.dtype == np.uint8
    (disc,) = result.discs
    center_mm = case["water"].grid.to_mm(np.array([9.5, 13.5, 13.5]))
    np.testing.assert_allclose(disc.center_mm, center_mm, atol=1e-6)
    assert (disc.level, disc.label, disc.confidence) == ("L4-L5", 1, 0.75)
    assert finding("low_confidence", "L4-L5", confidence=0.75) in disc.flags
    assert result.measured.discs["L4-L5"]["volume_mm3"] > 0
    assert set(result.surfaces) == {"L4-L5"}
    assert result.provenance.channels_given == ("opposed_phase", "water")
    assert result.provenance.model == "mine"
    assert {"load", "check", "localize"} <= set(result.provenance.timings_s)
    assert result.provenance.timings_s["localize"] == 0.5


def test_what_computed_the_networks_is_told_with_the_result_and_stands_in_its_report(tmp_path: Path) -> None:
    with fake(tmp_path) as client:
        segmentation = finished(run(client)).segmentation
    engine = {"name": "OpenVINO", "version": "2026.4.1", "device": "cpu"}
    assert segmentation.provenance.engine == engine
    assert build_report(segmentation)["engine"] == engine


def test_the_engine_that_is_asked_for_computes_whichever_was_loaded(tmp_path: Path) -> None:
    with fake(tmp_path) as client:
        names = [finished(run(client, engine=asked)).segmentation.provenance.engine["name"] for asked in ("auto", "tensorflow")]
    assert names == ["OpenVINO", "TensorFlow"]


def test_findings_name_no_node_and_the_reference_is_compared_with(tmp_path: Path) -> None:
    reference = replace(small_case()["water"], voxels=np.ones((4, 5, 6), np.uint8), source="mask of her")
    reference = replace(reference, grid=Grid((4, 5, 6), (1, 1, 1), (0, 0, 0)))
    with fake(tmp_path) as client:
        segmentation = finished(run(client, reference=reference)).segmentation
    assert segmentation.measured.metrics["missing"] == ["L5-S1"]
    assert finding("prediction_resampled") in segmentation.findings
    assert any(one.text().startswith("the case on cpu") for one in segmentation.findings)
    said = str([one.to_json() for one in segmentation.findings]) + str(build_report(segmentation))
    assert PATIENT not in said
    assert "mask of her" not in said


def test_progress_rises_from_start_to_hand_over(tmp_path: Path) -> None:
    with fake(tmp_path) as client:
        steps = [event for event in run(client) if isinstance(event, Progress)]
        again = [event.stage for event in run(client) if isinstance(event, Progress)]
    loading, stages = ["engine", "networks"], ["check", "localize", "segment", "assemble", "put back", "report", "hand over"]
    assert [step.stage for step in steps] == ["start", "load", *loading, *stages]
    assert again == ["start", "load", *stages]
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[0] == 0
    assert 0.9 < fractions[-1] < 1


def test_the_worker_stays_warm_between_cases_and_loads_its_networks_once(tmp_path: Path) -> None:
    with fake(tmp_path) as client:
        client.start()
        pid = client.pid
        first, second = finished(run(client)), finished(run(client))
        assert client.pid == pid
        assert f"pid {pid}, loaded 1 times" in first.segmentation.run_findings[-1].text()
        assert f"pid {pid}, loaded 1 times" in second.segmentation.run_findings[-1].text()


def test_neither_segment_nor_poll_waits_for_an_answer() -> None:
    """The worker never says a word: whatever waited for one would wait until the test is ended from outside."""
    with WorkerClient([sys.executable, "-c", "import sys; sys.stdin.read()"]) as client:
        client.segment(small_case(), "case")
        assert client.poll() == [Progress("start", 0.0)]
        assert [client.poll() for _ in range(100)] == [[]] * 100
        assert client.running


def test_what_anything_in_the_worker_prints_cannot_spoil_the_line(tmp_path: Path) -> None:
    with fake(tmp_path, "noise", "segment") as client:
        finished(run(client))


def test_a_second_request_while_one_is_under_way_is_refused(tmp_path: Path) -> None:
    with fake(tmp_path, "hang", "localize") as client:
        client.segment(small_case(), "one")
        with pytest.raises(RuntimeError, match="under way"):
            client.segment(small_case(), "two")
        assert client.running


def test_an_idle_worker_ends_by_itself_and_the_next_case_gets_another(tmp_path: Path, temporary_files: Path) -> None:
    before = children(os.getpid())
    with fake(tmp_path, "none", "load", "--idle-s", "0.5") as client:
        finished(run(client))
        pid = client.pid
        until(lambda: children(os.getpid()) == before and not list(temporary_files.iterdir()))
        finished(run(client))
        assert client.pid != pid


def test_out_of_gpu_memory_the_case_is_segmented_on_the_cpu_with_a_warning(tmp_path: Path) -> None:
    with fake(tmp_path, "gpu-memory", "none") as client:
        result = finished(run(client)).segmentation
        assert [one.code for one in result.findings].count("gpu_memory") == 1
        assert any(one.text().startswith("the case on cpu") for one in result.findings)
        assert finding("gpu_memory").to_json() in build_report(result)["findings"]


def test_a_device_that_is_no_longer_wanted_takes_its_worker_with_it(tmp_path: Path) -> None:
    with fake(tmp_path) as client:
        finished(run(client))
        pid = client.pid
        finished(run(client, device="cpu"))
        assert client.pid != pid


def test_bad_input_is_answered_with_the_sentence_of_the_library_and_the_worker_stays(tmp_path: Path) -> None:
    case = small_case()
    constant = replace(case["water"], voxels=np.zeros((20, 32, 32)))
    with fake(tmp_path) as client:
        failure = failed(run(client, {"water": constant}), "input")
        assert failure.message == f"{PATIENT} water has the same value (0) in every voxel: it holds no image"
        pid = client.pid
        assert "bone is not a Dixon channel" in failed(run(client, {"bone": case["water"]}), "input").message
        assert "only channel" in failed(run(client, {"fat": case["water"]}), "input").message
        finished(run(client))
        assert client.pid == pid


def test_voxels_that_are_no_numbers_are_refused_before_anything_is_sent(tmp_path: Path) -> None:
    water = small_case()["water"]
    with fake(tmp_path) as client:
        with pytest.raises(InputError, match="holds no numbers"):
            client.segment({"water": replace(water, voxels=water.voxels.astype(object))}, "case")
        with pytest.raises(InputError, match="not a Dixon channel"):
            client.segment({"../water": water}, "case")
        assert not client.running
        finished(run(client))


def test_a_command_that_cannot_run_is_a_typed_error() -> None:
    with (
        WorkerClient(["/nowhere/python"]) as client,
        pytest.raises(IVDSegmentationError, match="could not be started"),
    ):
        client.segment(small_case(), "case")


def test_closing_is_final_only_until_the_next_case(tmp_path: Path) -> None:
    client = fake(tmp_path)
    finished(run(client))
    client.close()
    client.close()
    assert client.pid is None
    finished(run(client))
    client.close()


@pytest.mark.parametrize("module", ["worker.server", "worker.client"])
def test_nothing_heavy_is_imported_before_the_first_line(module: str) -> None:
    heavy = "tensorflow keras SimpleITK scipy skimage vtk pydicom jinja2"
    code = f"import sys, IVDSegmentationLib.{module}; print([m for m in {heavy.split()!r} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", [np.int16, np.uint8, bool, np.float32, np.float64, ">i2"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_job_is_read_as_it_was_written(tmp_path: Path, dtype: str, order: str) -> None:
    voxels = np.asarray(np.random.default_rng(0).uniform(0, 200, (3, 4, 5)).astype(dtype), order=order)
    grid = Grid((3, 4, 5), (0.1, 1 / 3, 2.0), (1e-17, -7.1, 3.0), ((0.6, -0.8, 0.0), (0.8, 0.6, 0.0), (0.0, 0.0, 1.0)))
    job = Job({"water": Volume(voxels, grid, "Müller")}, "Ω", Request(lowest_level="L4-L5", device="cpu"))
    write_job(tmp_path / "1", job)
    back = read_job(tmp_path / "1")
    assert (back.name, back.request) == ("Ω", job.request)
    assert (back.volumes["water"].grid, back.volumes["water"].source) == (grid, "Müller")
    assert back.volumes["water"].voxels.dtype == voxels.dtype
    np.testing.assert_array_equal(back.volumes["water"].voxels, voxels)


def test_no_name_that_a_user_gave_is_written_for_the_worker(tmp_path: Path) -> None:
    job = Job(small_case(), PATIENT, Request(reference=small_case()["water"]))
    nameless, names = job.without_names()
    write_job(tmp_path / "1", nameless)
    written = b"".join(path.read_bytes() for path in (tmp_path / "1").iterdir())
    assert PATIENT.encode() not in written
    assert b"DOE" not in written
    assert with_names("{water} and {case}", names) == f"{PATIENT} water and {PATIENT}"


@pytest.mark.parametrize(
    "line", [b"", b"null", b"[1]", b'{"event": "hello"}', b'{"protocol": 2}', b"{" * 100_000, b"\xff\xfe", b"I tensorflow"]
)
def test_a_line_of_another_kind_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        decode_line(line)


def test_a_line_holds_no_line_break_whatever_is_in_it() -> None:
    line = encode_line(event="failed", message="one\ntwo\u2028three\r\0")
    assert line.count(b"\n") == 1
    assert line.endswith(b"\n")
    assert decode_line(line)["message"] == "one\ntwo\u2028three\r\0"


def test_a_result_that_leads_out_of_its_folder_or_holds_pickles_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "1"
    job = Job(small_case(), "case", Request())
    write_job(folder, job)
    content = json.loads((folder / "job.json").read_text())
    content["volumes"] = {"../secret": content["volumes"]["water"]}
    (folder / "job.json").write_text(json.dumps(content))
    with pytest.raises(ProtocolError, match="not the name of a volume"):
        read_job(folder)
    write_job(folder, job)
    np.save(folder / "water.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(ProtocolError, match="holds no numbers"):
        read_job(folder)
    with pytest.raises(ProtocolError, match=r"segmentation\.json"):
        read_segmentation(folder)


def test_the_real_pipeline_answers_a_second_click_from_the_same_warm_process() -> None:
    if not (MODELS_FOLDER / DEFAULT_MODEL / "card.json").is_file():
        pytest.skip(f"no model is installed in {MODELS_FOLDER.parent.name}/{MODELS_FOLDER.name}/{DEFAULT_MODEL} yet")
    phantom = make_phantom(3)
    volumes = {key: Volume(voxels, phantom.grid, key) for key, voxels in phantom.channels.items()}
    with WorkerClient() as client:
        client.start()
        pid = client.pid
        results = []
        for _ in range(2):
            client.segment(volumes, "phantom")
            last = rest(client, wait_s=600)[-1]
            assert isinstance(last, Finished), last
            results.append(last.segmentation)
            assert client.pid == pid
    assert results[0].label_volume.grid == phantom.grid
    found, truth = results[0].label_volume.voxels > 0, phantom.labels > 0
    assert 2 * (found & truth).sum() / (found.sum() + truth.sum()) > 0.6
    np.testing.assert_array_equal(results[0].labels, results[1].labels)
