"""A worker that answers anything: each answer is one failure at once, the worker is gone, and so is its folder."""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.pipeline.result import Disc
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.protocol import ProtocolError, WorkerResult, read_result, write_result
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
SHORT_S = 20.0
"""Far below the time after which a silent worker counts as hanging."""


@pytest.fixture
def answer(tmp_path):
    """The folder of a sound answer."""
    grid = small_case()["water"].grid
    labels = np.zeros(grid.size, np.uint8)
    maps = np.zeros((4, 5, 6), np.float32)
    disc = Disc("L5-S1", 1, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0), 0.9)
    volume = Volume(labels, grid, "discs")
    folder = tmp_path / "answer"
    write_result(folder, WorkerResult(volume, (disc,), (), ("water",), (), {}, "default", {}, maps, maps.astype(np.uint8)))
    return folder


def refused(folder, line=FINISHED):
    """Have a worker give this answer; it must be a failure of the protocol, at once, with nothing left."""
    with WorkerClient([sys.executable, "-c", ANSWER, str(folder), line]) as client:
        start = time.monotonic()
        client.start()
        pid, shared = client.pid, client._process.folder
        failure = failed(run(client), "protocol")
        assert time.monotonic() - start < SHORT_S
        assert failure.message == "The segmentation process answered something else than its protocol: try again"
        until(lambda: not shared.exists() and not alive(pid), 5)


def test_the_prepared_answer_is_sound(answer):
    assert read_result(answer).label_volume.grid.size == small_case()["water"].grid.size


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
    "discs that are none": {"discs": 5},
    "an infinite label": {"discs": [{"level": "L5-S1", "label": float("inf")}]},
    "a centre nowhere": {
        "discs": [
            {"level": "L5-S1", "label": 1, "center_mm": [float("nan")] * 3, "center_ijk": [0] * 3, "confidence": 1, "flags": []}
        ]
    },
    "a report that is none": {"report": 7},
    "infinite seconds": {"timings_s": {"load": "soon"}},
}


@pytest.mark.parametrize("fields", RESULTS.values(), ids=RESULTS)
def test_a_result_with_impossible_fields_is_rubbish(answer, fields):
    change(answer / "result.json", **fields)
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


@pytest.mark.parametrize("name", ["labels.npy", "result.json"])
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
    (answer / "result.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    with pytest.raises(ProtocolError, match=r"result\.json is not understood"):
        read_result(answer)


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
        result = read_result(answer)
        assert result.label_volume.voxels.shape == result.label_volume.grid.size
    except ProtocolError:
        pass
    finally:
        path.write_bytes(sound)
