"""What a training computes in follows from what the machine is faster in, and can be set."""

import json

import pytest

pytest.importorskip("tensorflow", reason="training needs TensorFlow")

from IVDSegmentationLib.training import precision
from IVDSegmentationLib.training.precision import training_precision
from IVDSegmentationLib.training.presets import PRESETS, with_changes


@pytest.mark.parametrize(
    ("bfloat16_s", "float32_s", "expected"), [(1.0, 4.0, "bfloat16"), (5.0, 1.0, "float32"), (1.0, 1.0, "float32")]
)
def test_bfloat16_is_taken_where_it_is_faster(monkeypatch, bfloat16_s, float32_s, expected):
    monkeypatch.setattr(precision, "_step_s", {"bfloat16": bfloat16_s, "float32": float32_s}.__getitem__)
    chosen, why = training_precision("auto")
    assert chosen == expected and f"{bfloat16_s / float32_s:.2g}" in why


def test_a_machine_that_refuses_bfloat16_trains_in_float32(monkeypatch):
    import tensorflow as tf

    def refuse(dtype):
        if dtype == "bfloat16":
            raise tf.errors.AbortedError(None, None, "could not create a primitive descriptor")
        return 1.0

    monkeypatch.setattr(precision, "_step_s", refuse)
    assert training_precision("auto") == ("float32", "bfloat16 cannot be computed here")


@pytest.mark.parametrize("asked", ["bfloat16", "float32"])
def test_what_is_asked_for_is_done_unmeasured(monkeypatch, asked):
    monkeypatch.setattr(precision, "_step_s", lambda dtype: pytest.fail("measured"))
    assert training_precision(asked)[0] == asked


def test_this_machine_is_measured_in_both():
    assert precision._step_s("float32") > 0
    assert training_precision("auto")[0] in ("bfloat16", "float32")


def test_both_rounds_of_a_preset_are_changed():
    changed = with_changes(PRESETS["localizer"]["default"], 7, "bfloat16")
    assert (changed.steps, changed.precision, changed.fine_tuning.steps, changed.fine_tuning.precision) == (7, "bfloat16") * 2
    assert with_changes(changed, None, None) == changed


@pytest.mark.parametrize("asked", ["bfloat16", "float32"])
def test_the_log_and_the_record_say_which(asked, tmp_path, capsys):
    from IVDSegmentationLib.training.loop import train_network
    from test_training_loop import CountingSamples, made_preset

    network = train_network(CountingSamples(), made_preset(precision=asked, steps=2), tmp_path / "run")
    assert f"run: trains in {asked} (as asked for)" in capsys.readouterr().err
    assert json.loads((tmp_path / "run" / "finished.json").read_text())["precision"] == asked
    assert {v.dtype for v in network.weights} == {"float32"}, "it predicts in float32 whatever it was trained in"
