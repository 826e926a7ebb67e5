"""Whatever goes wrong during a run: one message, the scene as it was, and the next run works."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from IVDSegmentationLib.errors import Cancelled, InputError, ModelError, OutputError
from IVDSegmentationLib.slicer import result_nodes as module_of_nodes
from IVDSegmentationLib.worker.protocol import Failed
from IVDSegmentationLib.worker.session import WorkerFailed
from slicer_harness.boxes import BOXES
from slicer_harness.fake_worker import STAGES
from slicer_harness.person import PHANTOM, person_with_case, result_nodes, scene_state

KINDS = {
    "input": InputError,
    "model": ModelError,
    "output": OutputError,
    "crash": WorkerFailed,
    "hang": WorkerFailed,
    "protocol": WorkerFailed,
}


@pytest.fixture
def person():
    return person_with_case()


def assert_next_run_works(person):
    person.worker.failure = person.worker.hold_at = None
    person.segment()
    assert len([node for node in result_nodes() if node.IsA("vtkMRMLModelNode")]) == len(
        np.unique(PHANTOM.labels[PHANTOM.labels > 0])
    )
    assert person.ui.segmentButton.text == "&Segment"


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_failure_is_one_box_and_an_unchanged_scene(person, kind, stage):
    before = scene_state()
    person.worker.failure = Failed("the sentence of the failure", "the end of the log", kind)
    person.worker.fail_at = stage
    person.segment()
    assert person.boxes == ["the sentence of the failure"]
    has_log = KINDS[kind] is WorkerFailed
    assert BOXES.shown[0]["detailed"] == ("the end of the log" if has_log else "")
    assert scene_state() == before
    assert not person.ui.progressBar.visible
    assert person.ui.inputsSection.enabled
    if stage == STAGES[-1]:
        assert_next_run_works(person)


@pytest.mark.parametrize("kind", KINDS)
def test_the_console_gets_the_failure_as_an_exception(person, kind):
    person.worker.failure = Failed("the sentence of the failure", "the end of the log", kind)
    with pytest.raises(KINDS[kind], match="the sentence of the failure"):
        person.logic.segment(person.nodes["water"])
    assert person.boxes == []


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_at_every_stage_leaves_the_scene_as_it_was(person, stage):
    before = scene_state()
    person.worker.hold_at = stage
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    assert person.ui.segmentButton.text == "&Cancel"
    assert "Stop" in person.ui.segmentButton.toolTip
    person.cancel()
    assert not person.logic.running
    assert person.worker.cancelled == 1
    assert person.boxes == []
    assert person.ui.stageMessage.text == "Cancelled."
    assert scene_state() == before
    assert_next_run_works(person)


def test_a_blocking_call_that_is_cancelled_raises(person):
    person.worker.hold_at = "segment"

    def cancel_then(stage, fraction):
        if "Segmenting" in stage:
            person.logic.cancel()

    with pytest.raises(Cancelled):
        person.logic.segment(person.nodes["water"], onProgress=cancel_then)
    assert not person.logic.running


def test_closing_the_scene_ends_the_run_quietly(person):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    slicer.mrmlScene.Clear(0)
    assert not person.logic.running
    assert person.worker.cancelled == 1
    assert person.boxes == []
    assert result_nodes() == []
    assert not person.ui.segmentButton.enabled
    person.load("water", "fat")
    person.click(person.ui.findButton)
    assert_next_run_works(person)


@pytest.mark.parametrize("stage", STAGES)
def test_deleting_an_input_ends_the_run_with_one_box(person, stage):
    person.worker.hold_at = stage
    person.click(person.ui.segmentButton)
    person.wait_until_held()
    slicer.mrmlScene.RemoveNode(person.nodes["fat"])
    assert not person.logic.running
    assert person.boxes == ["fat was deleted while it was being segmented: load it again"]
    assert result_nodes() == []
    assert_next_run_works(person)


def test_an_input_that_changes_its_size_gets_no_result(person):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    slicer.util.updateVolumeFromArray(person.nodes["water"], np.ones((4, 5, 6), np.int16))
    before = scene_state()
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    assert person.boxes == ["water was changed while it was being segmented: segment it again"]
    assert scene_state() == before


@pytest.mark.parametrize("step", ["_add_labelmap", "_add_segmentation", "add_models", "add_centers", "add_tables", "add_plot"])
def test_an_error_while_the_result_is_placed_takes_all_of_it_back(person, monkeypatch, step):
    person.segment()
    before = scene_state()
    real = getattr(module_of_nodes, step)

    def fails_after(*arguments):
        real(*arguments)
        raise MemoryError("no memory is left")

    with monkeypatch.context() as patch:
        patch.setattr(module_of_nodes, step, fails_after)
        person.segment()
    assert person.boxes == ["no memory is left"]
    assert scene_state() == before
    assert_next_run_works(person)


def test_a_second_run_is_refused_while_one_is_under_way(person):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    with pytest.raises(InputError, match="under way"):
        person.logic.segment(person.nodes["water"])
    assert person.logic.running
    person.worker.hold_at = None
    person.wait(lambda: not person.logic.running)
    assert len(person.worker.requests) == 1
    assert result_nodes()


def test_a_double_click_starts_one_run_that_a_later_click_cancels(person):
    before = scene_state()
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    person.click(person.ui.segmentButton)
    assert person.logic.running
    assert (len(person.worker.requests), person.worker.cancelled) == (1, 0)
    person.take_time()
    person.click(person.ui.segmentButton)
    assert not person.logic.running
    assert person.worker.cancelled == 1
    assert scene_state() == before
    assert_next_run_works(person)


def test_inputs_cannot_be_changed_during_a_run(person):
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    with pytest.raises(AssertionError, match="disabled"):
        person.ui.waterSelector.choose(None)
    person.logic.cancel()
    person.ui.waterSelector.choose(None)


def test_reloading_the_module_ends_the_run_and_the_worker(person):
    before, old = scene_state(), person.logic
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    slicer.util.reloadScriptedModule("IVDSegmentation")
    assert person.logic is not old
    assert not old.running
    assert person.worker.closed == 1
    assert scene_state() == before
    person.logic.job_runner.worker = person.worker
    assert person.ui.waterSelector.currentNode() is person.nodes["water"]
    assert_next_run_works(person)


def test_nothing_is_observed_once_a_run_is_over(person):
    person.segment()
    assert person.logic.Observations == []
    person.worker.hold_at = "segment"
    person.click(person.ui.segmentButton)
    assert person.logic.Observations != []
    person.cancel()
    assert person.logic.Observations == []
