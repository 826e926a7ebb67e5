"""Faults and bad inputs by clicks, with the real segmentation process and networks: one box, nothing else, next run works."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.slicer import setup as slicer_setup
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.session import STAGES
from slicer_harness.boot import MODULE_PATH, boot
from slicer_harness.boxes import BOXES
from slicer_harness.person import PHANTOM, Person, result_nodes, scene_state
from worker_cases import children, until

MODULE = Path(__file__).parents[1] / "IVDSegmentation"
WEIGHTS = Path("IVDSegmentationLib", "Resources", "Models", "default")
pytestmark = [
    pytest.mark.skipif(
        not (MODULE / WEIGHTS / "card.json").exists(), reason="no model is installed in Resources/Models/default"
    ),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the faults are signals and limits of Linux"),
]
WORKER = "from IVDSegmentationLib.worker.server import main; main(sys.argv[1:])"
LIMIT_S = 300.0
"""Longer than a cold start takes on a machine that others keep busy."""


@pytest.fixture(scope="module")
def warm() -> Iterator[WorkerClient]:
    """One segmentation process for all tests that leave it sound."""
    boot()
    with slicer_setup.make_worker(MODULE_PATH.parent) as worker:
        yield worker


@pytest.fixture
def person(warm: WorkerClient) -> Person:
    return person_with(warm)


def person_with(worker: WorkerClient) -> Person:
    person = Person()
    person.logic.job_runner.worker = worker
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    return person


def segment(person: Person) -> None:
    person.click(person.ui.segmentButton)
    person.wait(lambda: not person.logic.running, LIMIT_S)


def fails(person: Person, before: dict[str, object]) -> str:
    """The text of the one box, of one sentence, of a run that has left the scene and the panel as they were."""
    person.wait(lambda: not person.logic.running, LIMIT_S)
    (text,) = person.boxes
    assert "\n" not in text
    assert ". " not in text
    assert scene_state() == before
    assert result_nodes() == []
    assert person.ui.segmentButton.text == "&Segment"
    assert person.ui.stageMessage.text in ("Not segmented.", "")
    assert not person.ui.progressBar.visible
    assert person.ui.inputsSection.enabled
    return text


def assert_next_run_works(person: Person) -> None:
    BOXES.shown.clear()
    segment(person)
    assert person.boxes == []
    (labelmap,) = [node for node in result_nodes() if node.IsA("vtkMRMLLabelMapVolumeNode")]
    found, true = slicer.util.arrayFromVolume(labelmap).T > 0, PHANTOM.labels > 0
    assert 2 * (found & true).sum() / (found.sum() + true.sum()) > 0.8


def test_a_disk_that_is_full_when_the_case_is_handed_over(person: Person, warm: WorkerClient) -> None:
    assert_next_run_works(person)  # a process that starts under the limit would keep it
    pid = warm.pid
    slicer.mrmlScene.Clear(0)
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    before, limits = scene_state(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        person.click(person.ui.segmentButton)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "could not be written" in fails(person, before)
    assert_next_run_works(person)
    assert warm.pid == pid  # the worker never learned of it


def test_a_disk_that_is_full_when_the_result_is_handed_back(person: Person, warm: WorkerClient) -> None:
    assert_next_run_works(person)
    slicer.mrmlScene.Clear(0)
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    before = scene_state()
    assert warm.pid is not None
    (worker,) = children(warm.pid)  # below PythonSlicer
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (256, limits[1]))
    segment(person)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    assert "could not be written" in fails(person, before)
    assert_next_run_works(person)


def test_a_model_file_changed_by_one_byte(tmp_path: Path) -> None:
    installed = tmp_path / "IVDSegmentation"
    shutil.copytree(MODULE / "IVDSegmentationLib", installed / "IVDSegmentationLib")
    code = f"import sys; sys.path.insert(0, {str(installed)!r}); {WORKER}"
    with WorkerClient([sys.executable, "-c", code]) as worker:
        person = person_with(worker)
        before = scene_state()
        for name in ("localizer.npz", "segmenter.npz"):
            weights = installed / WEIGHTS / name
            sound = weights.read_bytes()
            middle = len(sound) // 2
            weights.write_bytes(sound[:middle] + bytes([sound[middle] ^ 1]) + sound[middle + 1 :])
            BOXES.shown.clear()
            segment(person)
            assert fails(person, before).startswith(f"{name} of model default is not the released file")
            weights.write_bytes(sound)
        assert_next_run_works(person)


def test_every_engine_missing_in_the_process(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    missing.touch()
    code = f"""
import os, sys
class NotInstalled:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name in ("tensorflow", "openvino") and os.path.exists({str(missing)!r}):
            raise ModuleNotFoundError("No module named " + name, name=name)
sys.meta_path.insert(0, NotInstalled)
{WORKER}
"""
    with WorkerClient([sys.executable, "-c", code]) as worker:
        person = person_with(worker)
        before = scene_state()
        segment(person)
        assert fails(person, before).startswith("Neither OpenVINO nor TensorFlow is installed in this Python")
        missing.unlink()  # installed meanwhile
        assert_next_run_works(person)


def test_a_process_killed_at_work_and_then_as_it_starts(person: Person, warm: WorkerClient) -> None:
    before = scene_state()
    for stage in ("segment", "start"):
        BOXES.shown.clear()
        person.click(person.ui.segmentButton)
        words = f"{STAGES[stage]}..."
        person.wait(lambda words=words: person.ui.stageMessage.text == words, LIMIT_S)
        assert warm.pid is not None
        until(lambda: children(warm.pid) != [])
        os.kill(children(warm.pid)[0], signal.SIGKILL)  # the worker, below PythonSlicer
        assert "ended by the system" in fails(person, before)
    assert_next_run_works(person)


def spoil(person: Person, kind: str) -> None:
    """Turn the loaded water and fat into a bad input of a kind."""
    water, voxels = person.nodes["water"], slicer.util.arrayFromVolume(person.nodes["water"]).copy()
    if kind == "empty":
        slicer.util.updateVolumeFromArray(water, np.zeros_like(voxels))
    elif kind == "constant":
        slicer.util.updateVolumeFromArray(water, np.full_like(voxels, 7))
    elif kind in ("NaN", "infinite"):
        voxels = voxels.astype(np.float32)
        voxels[3, 4, 5] = np.nan if kind == "NaN" else np.inf
        slicer.util.updateVolumeFromArray(water, voxels)
    elif kind == "no overlap":
        person.nodes["fat"].SetOrigin(5000.0, 0.0, 0.0)
    elif kind == "small field of view":
        for node in person.nodes.values():
            slicer.util.updateVolumeFromArray(node, np.ascontiguousarray(slicer.util.arrayFromVolume(node)[:6]))
    elif kind == "no disc":
        for seed, node in enumerate(person.nodes.values()):
            level, noise = 205 - 150 * seed, np.random.default_rng(seed).normal(0, 1, voxels.shape)
            slicer.util.updateVolumeFromArray(node, (level + noise).astype(np.int16))
    elif kind == "reference elsewhere":
        reference = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "expert")
        slicer.util.updateVolumeFromArray(reference, np.zeros((8, 8, 8), np.uint8))
        person.ui.referenceSelector.choose(reference)


BAD = {
    "empty": "water has the same value (0) in every voxel",
    "constant": "water has the same value (7) in every voxel",
    "NaN": "water has NaN or infinite values in 1 voxel",
    "infinite": "water has NaN or infinite values in 1 voxel",
    "no overlap": "do not overlap: load volumes of one examination",
    "small field of view": "too little for one disc",
    "no disc": "no intervertebral disc was found",
    "reference elsewhere": "expert",
}


@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@pytest.mark.parametrize("kind", BAD)
def test_a_bad_input(person: Person, warm: WorkerClient, kind: str) -> None:
    spoil(person, kind)
    before = scene_state()
    segment(person)
    assert BAD[kind] in fails(person, before)
    pid = warm.pid
    slicer.mrmlScene.Clear(0)
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    assert_next_run_works(person)
    assert warm.pid == pid  # bad input is no reason to start another process


def test_fat_alone(person: Person) -> None:
    person.ui.waterSelector.choose(None)
    before = scene_state()
    assert not person.ui.segmentButton.enabled
    assert "fat alone" in person.ui.segmentButton.toolTip
    with pytest.raises(InputError, match="give water, in-phase or opposed-phase"):
        person.logic.segment(fat=person.nodes["fat"])
    assert scene_state() == before
    assert person.boxes == []
