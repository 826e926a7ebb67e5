"""A worker that answers anything: each answer is one failure at once, the worker is gone, and so is its folder."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.dixon.case import DixonCase
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.measure.measured_case import MeasuredCase
from IVDSegmentationLib.measure.segmented import Disc
from IVDSegmentationLib.measure.surfaces import surface_of_arrays
from IVDSegmentationLib.pipeline.segmentation import Segmentation
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.exchange import read_segmentation, write_segmentation
from IVDSegmentationLib.worker.protocol import ProtocolError
from worker_cases import alive, failed, run, small_case, until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and sockets in the file system are POSIX")

ANSWER = """
import os, sys, time
sys.stdin.readline()
os.system(f"cp -a {sys.argv[1]}/. {sys.argv[-1]}/1/")
os.write(1, sys.argv[2].encode() + b"\\n")
time.sleep(600)
"""
"""A worker that hands over a prepared folder and says a prepared line, whatever it is asked."""
FINISHED = '{"protocol": 1, "event": "finished", "id": 1}'


@pytest.fixture
def answer(tmp_path):
    """The folder of a sound answer."""
    grid = small_case()["water"].grid
    labels = np.zeros(grid.size, np.uint8)
    maps = np.zeros((4, 5, 6), np.float32)
    disc = Disc("L5-S1", 1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.9)
    volume = Volume(labels, grid, "discs")
    folder = tmp_path / "answer"
    case = DixonCase("case", {}, frozenset(), Grid((4, 5, 6), (2.0, 1.25, 1.25), (0.0, 0.0, 0.0)), grid)
    corners = np.eye(4, 3, dtype=np.float32)
    faces = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    measured = MeasuredCase(discs={"L5-S1": {"level": "L5-S1", "volume_mm3": 1.0}}, flags={"L5-S1": ()})
    segmentation = Segmentation(case, (disc,), maps, maps.astype(np.uint8), volume)
    write_segmentation(folder, segmentation.given(measured, {"L5-S1": surface_of_arrays(corners, faces, corners)}))
    return folder


def refused(folder, line=FINISHED):
    """Have a worker give this answer; it must be a failure of the protocol, with nothing left."""
    with WorkerClient([sys.executable, "-c", ANSWER, str(folder), line]) as client:
        client.start()
        pid, shared = client.pid, client._process.folder
        failure = failed(run(client), "protocol")
        assert failure.message == "The segmentation process answered something else than its protocol: try again"
        until(lambda: not shared.exists() and not alive(pid), 5)


def test_the_prepared_answer_is_sound(answer):
    assert read_segmentation(answer).label_volume.grid.size == small_case()["water"].grid.size


@pytest.mark.parametrize(
    "line",
    [
        '{"protocol": 1, "event": "finished", "id": Infinity}',
        '{"protocol": 1, "event": "written", "id": -Infinity}',
        '{"protocol": 1, "event": "written", "id": 1}',
        '{"protocol": 1, "event": "failed", "id": Infinity, "kind": "input", "message": "x"}',
        '{"protocol": 1, "event": "failed", "id": NaN, "kind": [], "message": "x"}',
        '{"protocol": 1, "event": "hello", "pid": Infinity}',
        '{"protocol": 1, "event": "progress", "id": 1, "stage": "x", "fraction": NaN}',
        '{"protocol": 1, "event": "progress", "id": 1, "stage": "x", "fraction": 1e308}',
        '{"protocol": 1, "event": "finished", "id": 1' + "0" * 5000 + "}",
        '{"protocol": 1, "event": ' + "[" * 5000 + "]" * 5000 + "}",
    ],
)
def test_a_line_with_impossible_values_is_rubbish(answer, line):
    refused(answer, line)


def change(path, **fields):
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | fields))


RESULTS = {
    "infinite size": {"grid": {"size": [float("inf")] * 3, "spacing_mm": [1, 1, 1], "origin_mm": [0] * 3, "direction": []}},
    "no grid": {"grid": None},
    "discs that are none": {"found": 5},
    "an infinite label": {"found": [{"level": "L5-S1", "label": float("inf")}]},
    "a centre nowhere": {
        "found": [
            {"level": "L5-S1", "label": 1, "center_mm": [float("nan")] * 3, "center_ijk": [0] * 3, "confidence": 1, "flags": []}
        ]
    },
    "measurements that are none": {"measured": 7},
    "surfaces of no disc": {"surfaces": ["L4-L5"]},
    "a surface outside of the folder": {"surfaces": ["../L5-S1"]},
    "findings that are none": {"run_findings": [{"code": "cut", "levels": 7, "values": {}}]},
    "endless seconds": {"provenance": {"timings_s": {"load": "soon"}}},
}


@pytest.mark.parametrize("fields", RESULTS.values(), ids=RESULTS)
def test_a_result_with_impossible_fields_is_rubbish(answer, fields):
    change(answer / "segmentation.json", **fields)
    refused(answer)


def npy_header(shape, kind="|u1", count=0):
    header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(count)


ARRAYS = {
    "empty": b"",
    "zip": b"PK\x03\x04" + bytes(300),
    "larger than it is": npy_header((10**6, 10**6, 10**3)),
    "cut short": npy_header((20, 32, 32), count=100),
    "longer than it says": npy_header((20, 32, 32), count=20 * 32 * 32 + 1),
    "objects": npy_header((1,), "|O", 8),
    "negative": npy_header((-20, 32, 32), count=20 * 32 * 32),
    "no literal": npy_header("().__class__"),
    "deep": npy_header("(" * 3000 + ")" * 3000),
}


@pytest.mark.parametrize("content", ARRAYS.values(), ids=ARRAYS)
def test_an_array_that_is_none_is_rubbish(answer, content):
    (answer / "labels.npy").write_bytes(content)
    refused(answer)


@pytest.mark.parametrize(
    ("kind", "array"),
    [
        ("triangles", np.array([[0, 1, 4]])),
        ("triangles", np.array([[0, 1, -1]])),
        ("triangles", np.array([0, 1, 2])),
        ("points", np.full((4, 3), np.nan, np.float32)),
        ("points", np.zeros((4, 3), np.int64)),
        ("normals", np.zeros((3, 3), np.float32)),
    ],
)
def test_a_surface_that_is_none_is_rubbish(answer, kind, array):
    np.save(answer / f"surface_1_{kind}.npy", array)
    with pytest.raises(ProtocolError, match=r"segmentation\.json is not understood"):
        read_segmentation(answer)


@pytest.mark.parametrize("name", ["labels.npy", "segmentation.json"])
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_rubbish_and_never_opened(answer, name, kind):
    path = answer / name
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    refused(answer)


@pytest.mark.parametrize("content", ["", "{", "[]", "[" * 100_000, '{"grid": ' * 50_000, "\ud800"])
def test_a_result_that_is_no_json_is_rubbish(answer, content):
    (answer / "segmentation.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ProtocolError, match=r"segmentation\.json is not understood"):
        read_segmentation(answer)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_bytes_changed_in_an_answer_are_a_result_or_rubbish(answer, data):
    name = data.draw(st.sampled_from(sorted(path.name for path in answer.iterdir())))
    path = Path(answer, name)
    sound = path.read_bytes()
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 600) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content))
    try:
        result = read_segmentation(answer)
        assert result.label_volume.voxels.shape == result.label_volume.grid.size
    except ProtocolError:
        pass
    finally:
        path.write_bytes(sound)


def test_labels_that_lie_on_no_volume_are_rubbish(answer):
    grid = json.loads((answer / "segmentation.json").read_text())["grid"]
    change(answer / "segmentation.json", grid={**grid, "origin_mm": [99.0, 0.0, 0.0]})
    refused(answer)


def test_a_gpu_without_memory_again_and_again_is_rubbish(answer):
    line = '{"protocol": 1, "event": "failed", "id": 1, "kind": "gpu_memory", "message": "x"}'
    with WorkerClient([sys.executable, "-c", ANSWER, str(answer), line]) as client:
        failure = failed(run(client), "protocol")
        assert failure.message == "The segmentation process answered something else than its protocol: try again"
        assert not client.running


FLOOD = """
import os, sys
sys.stdin.readline()
line = b'{"protocol": 1, "event": "progress", "id": 1, "stage": "x", "fraction": 0.5}\\n' * 500
while True:
    os.write(1, line)
"""


def test_a_worker_that_answers_without_end_holds_nobody_up():
    with WorkerClient([sys.executable, "-c", FLOOD]) as client:
        client.segment(small_case(), "case")
        events = []
        until(lambda: events.extend(client.poll()) or len(events) > 2000, 30)
        pid = client.pid
        client.close()
        until(lambda: not alive(pid), 5)


def place(folder, kind):
    """A report of a worker that holds what no report does."""
    report = folder / "report"
    report.mkdir()
    if kind == "a pipe":
        os.mkfifo(report / "discs.nii.gz")
    elif kind == "a device":
        (report / "discs.nii.gz").symlink_to("/dev/zero")
    elif kind == "a link":
        (report / "report.json").symlink_to("/etc/passwd")
    elif kind == "another's name":
        (report / ".bashrc").write_text("x")
    else:
        (report / "surfaces" / "a").mkdir(parents=True)
        (report / "surfaces" / "a" / "b").write_text("x")


@pytest.mark.parametrize("kind", ["a pipe", "a device", "a link", "another's name", "a folder too many"])
def test_a_report_that_is_none_is_rubbish_and_nothing_of_it_is_copied(answer, tmp_path, kind):
    place(answer, kind)
    written = '{"protocol": 1, "event": "written", "id": 1}'
    out = tmp_path / "out"
    with WorkerClient([sys.executable, "-c", ANSWER, str(answer), written]) as client:
        client.report(small_case(), "case", read_segmentation(answer), out)
        events = []
        until(lambda: events.extend(client.poll()) or not client.running, 30)
        assert events[-1].kind == "protocol"
    assert not out.exists()
