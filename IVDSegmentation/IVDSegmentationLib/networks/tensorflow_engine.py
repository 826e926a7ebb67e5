"""The networks on TensorFlow, with Keras: the reference, what they are trained with, and what a GPU computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ModelError
from .architectures import build_network
from .tensorflow_setup import import_tensorflow


class TensorFlowEngine:
    """TensorFlow on a GPU where it sees one, else on the CPU with oneDNN.

    Attributes:
        name: As a report gives it.
        version: Of TensorFlow.
        device: `cpu` or `gpu`, where it computes.
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
        tf = import_tensorflow()
        self.version = str(tf.__version__)
        gpus = [] if device == "cpu" else tf.config.list_physical_devices("GPU")
        if device == "gpu" and not gpus:
            raise ModelError("TensorFlow sees no GPU: choose the device auto or cpu")
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        self.device = "gpu" if gpus else "cpu"

    def network(self, architecture: str, parameters: Mapping[str, Any], weights: Sequence[np.ndarray]) -> Any:
        """Make a network.

        Args:
            architecture: Its name, as in `architectures.build_network`.
            parameters: Of the architecture.
            weights: Arrays in Keras' order, float32.

        Returns:
            The network.

        Raises:
            ValueError: There is no such architecture, or the weights do not fit it.
        """
        network = build_network(architecture, **parameters)
        network.set_weights(list(weights))
        return network
