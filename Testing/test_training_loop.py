"""The training loop: it learns, logs, goes on after a kill, and refuses what diverged. A few steps only."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.errors import TrainingError
from IVDSegmentationLib.training.augmentation import Augmentation


class CountingSamples:
    """Hands out fixed samples and remembers the seeds asked for."""

    def __init__(self):
        self.seeds = []

    def sample(self, seed):
        self.seeds.append(seed)
        rng = np.random.default_rng(seed)
        x = rng.random((8, 8, 8, 4), np.float32)
        truth = (x[..., :1] > 0.5).astype(np.float32)
        return x, np.concatenate([truth, np.ones_like(truth)], -1)


def made_preset(**changes):
    """The preset of a network small enough to be trained in a second."""
    from IVDSegmentationLib.training.losses import dice_and_cross_entropy
    from IVDSegmentationLib.training.presets import Preset

    preset = Preset(
        architecture="unet",
        parameters={"features": (4, 8)},
        loss=dice_and_cross_entropy,
        augmentation=Augmentation(),
        steps=40,
        batch=2,
        learning_rate=1e-2,
        shares={},
        average=0.9,
    )
    return replace(preset, **changes)


@pytest.fixture
def small_preset():
    pytest.importorskip("tensorflow", reason="training needs TensorFlow")
    return made_preset()


def test_training_learns_logs_and_is_not_repeated(small_preset, tmp_path, monkeypatch):
    import csv

    from IVDSegmentationLib.training import loop

    monkeypatch.setattr(loop, "STEPS_PER_EPOCH", 20)
    first = loop.train_network(CountingSamples(), small_preset, tmp_path / "run", seed=3)
    rows = list(csv.DictReader((tmp_path / "run" / "log.csv").open()))
    assert len(rows) == 2 and float(rows[1]["loss"]) < float(rows[0]["loss"])
    again = CountingSamples()
    second = loop.train_network(again, small_preset, tmp_path / "run", seed=3)
    assert not again.seeds, "a finished training is loaded"
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_a_training_that_diverged_is_an_error_and_leaves_no_weights(small_preset, tmp_path, monkeypatch):
    from IVDSegmentationLib.training import loop

    class Poisoned(CountingSamples):
        """From the fourth epoch on the truth is the other way about, so that the loss rises."""

        def sample(self, seed):
            x, target = super().sample(seed)
            if seed >= 3 * 20 * 2:
                target[..., 0] = 1 - target[..., 0]
            return x, target

    monkeypatch.setattr(loop, "STEPS_PER_EPOCH", 20)
    with pytest.raises(TrainingError, match=r"run diverged: its loss rose from .* another --seed"):
        loop.train_network(Poisoned(), replace(small_preset, steps=120), tmp_path / "run")
    assert not (tmp_path / "run" / "weights.npz").exists() and not (tmp_path / "run" / "finished.json").exists()


def test_a_killed_training_goes_on_where_it_was(small_preset, tmp_path, monkeypatch):
    import tensorflow as tf
    from IVDSegmentationLib.training import loop

    monkeypatch.setattr(loop, "STEPS_PER_EPOCH", 20)

    class Killed(CountingSamples):
        def sample(self, seed):
            if len(self.seeds) > 60:
                raise RuntimeError("killed")
            return super().sample(seed)

    killed = Killed()
    with pytest.raises(tf.errors.OpError, match="killed"):  # TensorFlow's wrapping of what the sample raised
        loop.train_network(killed, small_preset, tmp_path / "run", seed=1)
    assert not (tmp_path / "run" / "weights.npz").exists()
    resumed = CountingSamples()
    loop.train_network(resumed, small_preset, tmp_path / "run", seed=1)
    whole = CountingSamples()
    loop.train_network(whole, small_preset, tmp_path / "whole", seed=1)
    assert set(resumed.seeds) <= set(whole.seeds), "it sees the samples it would have seen"
    assert 40 <= len(resumed.seeds) < 80, "the first epoch is not trained again"
    assert (tmp_path / "run" / "weights.npz").exists()
