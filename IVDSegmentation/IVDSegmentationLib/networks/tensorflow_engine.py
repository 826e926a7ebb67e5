"""The networks on TensorFlow, with Keras: the reference, what they are trained with, and what a GPU computes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ModelError
from .architectures import build_network
from .tensorflow_setup import import_tensorflow

if TYPE_CHECKING:
    import keras

CPU = "/CPU:0"
KEPT = 16
"""Shapes of batches for which a graph is kept: a localizer meets few, a segmenter as many as cases have numbers of discs."""
TENSOR_CORES = 7
"""Compute capability from which NVIDIA's cards multiply half precision faster (Volta)."""


class TensorFlowEngine:
    """TensorFlow on a GPU where it sees one, else on the CPU with oneDNN.

    Attributes:
        name: As a report gives it.
        version: Of TensorFlow.
        device: `cpu` or `gpu`, where it computes now: after a GPU's memory did not suffice, it is `cpu`.
        left_gpu: Whether it computes on the CPU because the memory of the GPU did not suffice.
        place: The device by TensorFlow's name.
        half: `float16` where the GPU is faster in it, else `float32`.
    """

    name = "TensorFlow"

    def __init__(self, device: str = "auto") -> None:
        """Load TensorFlow.

        Args:
            device: `auto`: a GPU where TensorFlow sees one. `cpu`, `gpu`.

        Raises:
            ImportError: It is missing or broken.
            ModelError: There is no GPU, and one was asked for.
        """
        self.version = str(import_tensorflow().__version__)
        self.left_gpu = False
        gpu = None if device == "cpu" else _first_gpu()
        if device == "gpu" and gpu is None:
            raise ModelError("TensorFlow sees no GPU: choose the device auto or cpu")
        if device == "cpu":
            _hide_gpus()
        self.device = "gpu" if gpu else "cpu"
        self.place = gpu or CPU
        self.half = "float16" if gpu and _computes_in_half(gpu) else "float32"

    def network(
        self, architecture: str, parameters: Mapping[str, Any], weights: Sequence[np.ndarray], half: bool = False
    ) -> TensorFlowNetwork:
        """Make a network.

        Args:
            architecture: Its name, as in `architectures.build_network`.
            parameters: Of the architecture.
            weights: Arrays in Keras' order, float32.
            half: Whether it may compute in 16 bits where the machine is faster in them.

        Returns:
            The network.

        Raises:
            ValueError: There is no such architecture, or the weights do not fit it.
        """

        def build() -> keras.Model:
            policy = "mixed_float16" if half and self.half == "float16" else "float32"
            made = build_network(architecture, policy, **parameters)
            made.set_weights(list(weights))
            return made

        return TensorFlowNetwork(self, build)

    def fall_back(self) -> None:
        """Compute on the CPU from now on."""
        self.device, self.place, self.half = "cpu", CPU, "float32"
        self.left_gpu = True


class TensorFlowNetwork:
    """A Keras network where its engine computes, as one graph for each shape of a batch: nothing is traced twice."""

    def __init__(self, engine: TensorFlowEngine, build: Callable[[], keras.Model]) -> None:
        """The network that `build` makes.

        Args:
            engine: Says where to compute.
            build: Makes the Keras network, in the precision that its engine has by then.

        Raises:
            ValueError: The weights do not fit.
        """
        self._engine, self._build = engine, build
        self._make()

    def _make(self) -> None:
        self._place = self._engine.place
        self._graphs: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        with import_tensorflow().device(self._place):
            self._network = self._build()

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        """Compute a batch; on the CPU where the memory of the GPU does not suffice.

        Args:
            batch: float32 [sample, x, y, z, channel].

        Returns:
            float32 [sample, x, y, z, map], or [sample, class] of a classifier.
        """
        tf = import_tensorflow()
        if self._place != self._engine.place:  # another network of the engine fell back
            self._make()
        try:
            return self._computed(batch)
        except tf.errors.ResourceExhaustedError:
            if self._engine.device == "cpu":
                raise
        self._engine.fall_back()
        self._make()
        return self._computed(batch)

    def _computed(self, batch: np.ndarray) -> np.ndarray:
        graph = self._graphs.get(batch.shape)
        if graph is None:
            graph = self._traced(batch.shape)
            while len(self._graphs) >= KEPT:
                self._graphs.popitem(last=False)
            self._graphs[batch.shape] = graph
        self._graphs.move_to_end(batch.shape)
        tf = import_tensorflow()
        with tf.device(self._place):
            return np.asarray(graph(tf.constant(batch, tf.float32)), np.float32)

    def _traced(self, shape: tuple[int, ...]) -> Any:
        """The network's graph for batches of this shape."""
        tf = import_tensorflow()
        network, place = self._network, self._place

        @tf.function
        def compute(batch: Any) -> Any:
            with tf.device(place):
                return network(batch, training=False)

        return compute.get_concrete_function(tf.TensorSpec(shape, tf.float32))


def _first_gpu() -> str | None:
    """The first GPU that TensorFlow sees, which then takes memory as it needs it; None where there is none."""
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    for gpu in gpus:
        with suppress(RuntimeError):  # whoever began to use it in this process has chosen
            tf.config.experimental.set_memory_growth(gpu, True)
    return "/GPU:0" if gpus else None


def _hide_gpus() -> None:
    with suppress(RuntimeError):  # they are in use in this process already; ours stays on the CPU all the same
        import_tensorflow().config.set_visible_devices([], "GPU")


def _computes_in_half(gpu: str) -> bool:
    """Whether a GPU is faster in half precision."""
    tf = import_tensorflow()
    device = tf.config.list_physical_devices("GPU")[int(gpu.rpartition(":")[2])]
    capability = tf.config.experimental.get_device_details(device).get("compute_capability", (0, 0))
    return bool(capability[0] >= TENSOR_CORES)
