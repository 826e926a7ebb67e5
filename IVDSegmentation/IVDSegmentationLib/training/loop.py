"""Training one network: samples made in threads, checkpoints, resume after a kill, a progress bar, a CSV log."""

from __future__ import annotations

import csv
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError, TrainingError
from ..networks.architectures import build_network
from ..networks.tensorflow_setup import import_keras, our_keras_settings
from .precision import training_precision
from .presets import Preset

if TYPE_CHECKING:
    import keras

    from ..networks.engine import Network

STEPS_PER_EPOCH = 100
"""Of what Keras calls an epoch here: the interval of checkpoints and of lines in the log."""

POLICIES = {"bfloat16": "mixed_bfloat16", "float32": "float32"}
"""Precision -> what Keras calls it."""

DIVERGED = 1.15
"""Mean loss of the last three epochs, as a multiple of the lowest of any three, from which a training has diverged. Of 43
trainings of this project 42 ended below 1.08; the one that ended at 1.34 outlined discs 1.6 times as large."""


class Samples(Protocol):
    """A source of training samples."""

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The sample of a seed.

        Args:
            seed: >= 0.

        Returns:
            Input and target, float32.
        """
        ...


def train_network(
    samples: Samples,
    preset: Preset,
    folder: Path,
    seed: int = 0,
    *,
    start: keras.Model | None = None,
    progress: Callable[[int], None] | None = None,
) -> keras.Model:
    """Train the network of a preset.

    Args:
        samples: Where the samples come from.
        preset: Network, loss, optimisation.
        folder: Receives `log.csv`, `weights.npz`, `finished.json`, and a checkpoint from which the same call resumes after
            a kill. A finished training that is there is loaded, not repeated.
        seed: Of samples and initial weights.
        start: A network of the same kind whose weights are the initial ones; None for random ones.
        progress: Called with the number of steps done, first where the training begins or resumes; None for a bar of its own.

    Returns:
        The network, float32, with the averaged weights.

    Raises:
        TrainingError: The training diverged. No weights are left.
    """
    from ..networks.models import load_arrays, save_arrays

    finished = folder / "weights.npz"
    network = build_network(preset.architecture, **preset.parameters)
    if is_finished(folder):
        network.set_weights(load_arrays(finished))
        return network
    folder.mkdir(parents=True, exist_ok=True)
    precision, why = training_precision(preset.precision)
    if progress is None:
        print(f"{folder.name}: trains in {precision} ({why})", file=sys.stderr)
    keras: Any = import_keras()
    keras.utils.set_random_seed(seed)
    trained = build_network(preset.architecture, POLICIES[precision], **preset.parameters)
    if start is not None:
        trained.set_weights(start.get_weights())
    total = preset.steps
    epochs = math.ceil(total / STEPS_PER_EPOCH)
    data = _dataset(samples, preset.batch, min(total, STEPS_PER_EPOCH), seed)
    with our_keras_settings():
        trained.compile(optimizer=_optimizer(preset, total), loss=preset.loss)
        trained.fit(
            data,
            epochs=epochs,
            verbose=0,
            callbacks=[
                keras.callbacks.BackupAndRestore(str(folder / "checkpoint")),
                keras.callbacks.CSVLogger(str(folder / "log.csv"), append=True),
                _progress(epochs, folder.name, data, progress),
            ],
        )
    _check_converged(folder)
    network.set_weights(trained.get_weights())
    record = {
        "architecture": preset.architecture,
        "parameters": dict(preset.parameters),
        "steps": epochs * min(total, STEPS_PER_EPOCH),
        "batch": preset.batch,
        "seed": seed,
        "precision": precision,
    }
    with atomic_file(folder / "finished.json") as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")
    # Last: where they are, the training is finished.
    save_arrays(finished, network.get_weights())
    return network


def _check_converged(folder: Path) -> None:
    """Raise TrainingError where the log says that the loss rose again."""
    with (folder / "log.csv").open(newline="", encoding="utf-8") as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    means = np.convolve(losses, np.ones(3) / 3, "valid") if len(losses) > 3 else np.ones(1)
    if not means[-1] < DIVERGED * means.min():
        raise TrainingError(
            f"the training in {folder.name} diverged: its loss rose from {means.min():.3f} to {means[-1]:.3f}; train again "
            "in another folder with another --seed"
        )


def load_trained(folder: Path) -> keras.Model:
    """The network of a finished training, as a Keras model: to train it further, or of an architecture that OpenVINO lacks.

    Args:
        folder: Folder of the training.

    Returns:
        The network, float32.

    Raises:
        InputError: The folder holds no finished training.
    """
    from ..networks.models import load_arrays

    record = _record_of(folder)
    network = build_network(record["architecture"], **record["parameters"])
    network.set_weights(load_arrays(folder / "weights.npz"))
    return network


def trained_network(folder: Path) -> Network:
    """The network of a finished training, to judge it: on the engine that segments, several times as fast as Keras on a CPU.

    Args:
        folder: Folder of the training.

    Returns:
        The network.

    Raises:
        InputError: The folder holds no finished training.
        ModelError: No engine is installed.
    """
    from ..networks.engine import choose_engine
    from ..networks.models import load_arrays

    record = _record_of(folder)
    return choose_engine().network(record["architecture"], record["parameters"], load_arrays(folder / "weights.npz"))


def is_finished(folder: Path) -> bool:
    """Whether a training has finished.

    Args:
        folder: Folder of the training.

    Returns:
        Whether its weights are there, which are written last.
    """
    return (folder / "weights.npz").exists()


def _record_of(folder: Path) -> dict[str, Any]:
    """What a finished training recorded of itself. Raises InputError where there is none."""
    unfinished = InputError(f"{folder.name} in {folder.parent.name} holds no finished training: train it to its end")
    if not is_finished(folder):
        raise unfinished
    try:
        return dict(json.loads((folder / "finished.json").read_text(encoding="utf-8")))
    except OSError as error:
        raise unfinished from error


def _optimizer(preset: Preset, steps: int) -> Any:
    """AdamW with the preset's schedule and moving average."""
    keras: Any = import_keras()

    rate: Any = preset.learning_rate
    if preset.cosine:
        warm_up = min(50, steps // 4)
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=preset.learning_rate / 10,
            decay_steps=max(1, steps - warm_up),
            alpha=0.01,
            warmup_target=preset.learning_rate,
            warmup_steps=warm_up,
        )
    average = preset.average
    optimizer = keras.optimizers.AdamW(
        learning_rate=rate,
        weight_decay=preset.weight_decay,
        use_ema=average is not None,
        ema_momentum=average or 0.99,
        clipnorm=preset.clip_norm,
    )
    # Not for its scale, which bfloat16 does not need, but because it leaves out steps whose gradient is not finite: one in
    # some thousand windows is nearly empty, and instance normalisation then multiplies the gradient at every layer.
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=1.0, dynamic_growth_steps=10**9)


def _dataset(samples: Samples, batch: int, steps: int, seed: int) -> Any:
    keras: Any = import_keras()

    class Batches(keras.utils.PyDataset):
        """Batch `index` of epoch `epoch` depends on the seed and these two only."""

        epoch = 0

        def __len__(self) -> int:
            return steps

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            first = ((seed * 10_000 + self.epoch) * steps + index) * batch
            drawn = [samples.sample(first + i) for i in range(batch)]
            return np.stack([x for x, _ in drawn]), np.stack([y for _, y in drawn])

    return Batches(workers=2, use_multiprocessing=False, max_queue_size=6)


def _progress(epochs: int, title: str, data: Any, report: Callable[[int], None] | None) -> Any:
    from tqdm import tqdm

    keras: Any = import_keras()

    class Reports(keras.callbacks.Callback):
        """Tells another's bar how many steps are done."""

        begun = False

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            data.epoch = epoch
            if report is not None and not self.begun:
                report(epoch * len(data))
                self.begun = True

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if report is not None:
                report((epoch + 1) * len(data))

    class Progress(keras.callbacks.Callback):
        """A bar over the whole training, with the time left."""

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            data.epoch = epoch
            if not hasattr(self, "bar"):
                self.bar = tqdm(total=epochs, initial=epoch, desc=title, unit="epoch")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.bar.update()
            self.bar.set_postfix(loss=f"{logs['loss']:.3f}")

        def on_train_end(self, logs: Any = None) -> None:
            if hasattr(self, "bar"):
                self.bar.close()

    return Progress() if report is None else Reports()
