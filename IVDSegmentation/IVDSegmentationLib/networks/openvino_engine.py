"""The networks on OpenVINO: built from the same weights and card as Keras' ones, without TensorFlow, for CPUs."""

from __future__ import annotations

import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..threads import cores
from .openvino_layers import Layers

_ANY_SIZE = 16

LARGE = 500_000
"""Voxels of an input from which a graph gives back what it computed in after use, 0.2 GB and more. The localizer's input of a
usual field of view has 0.4 million."""
KEPT = 4
"""Sizes of input for which a compiled graph is kept: a large field takes three, and a case two."""


def import_openvino() -> Any:
    """Import OpenVINO without its model converter, which reports every import to a server of its maker.

    Returns:
        The module.

    Raises:
        ImportError: OpenVINO is missing or broken.
    """
    if sys.modules.get("openvino") is not None:
        return sys.modules["openvino"]
    converter = "openvino.tools.ovc"
    sys.modules[converter] = None  # type: ignore[assignment]  # what makes its import fail, which OpenVINO allows for
    try:
        import openvino
    finally:
        del sys.modules[converter]
    return openvino


@cache
def only_core() -> Any:
    """The one core of this process, never let go of.

    Each loads the CPU plugin, which sets a stack for signal handlers and puts back the one before it when it goes. Of two
    that go in the order in which they came, the second puts back what the first has freed, and the next signal, as of Ctrl+C,
    ends Python.

    Returns:
        openvino.Core.

    Raises:
        ImportError: OpenVINO is missing or broken.
    """
    return import_openvino().Core()


class OpenVINOEngine:
    """OpenVINO on the CPU, on all its cores.

    Attributes:
        name: As a report gives it.
        version: Of OpenVINO.
        device: `cpu`.
        left_gpu: False.
        half: `bfloat16` where the CPU multiplies in it, else `float32`.
    """

    name = "OpenVINO"
    device = "cpu"
    left_gpu = False

    def __init__(self) -> None:
        """Load OpenVINO.

        Raises:
            ImportError: It is missing or broken.
        """
        openvino = import_openvino()
        self.version = str(openvino.__version__).split("-", maxsplit=1)[0]
        self._core = only_core()
        self.half = "bfloat16" if self._has_bfloat16() else "float32"

    def _has_bfloat16(self) -> bool:
        """Whether the CPU multiplies in it, and nobody keeps OpenVINO from it, which the capabilities do not say."""
        limited = any(os.environ.get(name) for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"))
        return not limited and "BF16" in list(self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"))

    def network(
        self, architecture: str, parameters: Mapping[str, Any], weights: Sequence[np.ndarray], half: bool = False
    ) -> OpenVINONetwork:
        """Make a network.

        Args:
            architecture: Its name, as in `architectures.build_network`.
            parameters: Of the architecture.
            weights: Arrays in Keras' order, float32.
            half: Whether it may compute in 16 bits where the machine is faster in them.

        Returns:
            The network.

        Raises:
            ValueError: OpenVINO does not have the architecture, or the weights do not fit it.
        """
        if architecture not in GRAPHS:
            raise ValueError(f"architecture is {architecture!r}: OpenVINO has {', '.join(GRAPHS)}; TensorFlow may have it")
        return OpenVINONetwork(self._core, GRAPHS[architecture], parameters, weights, self.half if half else "float32")


class OpenVINONetwork:
    """A network as compiled graphs, one for each size of input: a fixed size is faster than any size."""

    def __init__(
        self,
        core: Any,
        build: Callable[..., Any],
        parameters: Mapping[str, Any],
        weights: Sequence[np.ndarray],
        precision: str = "float32",
    ) -> None:
        """The network that `build` makes with these weights.

        Args:
            core: openvino.Core.
            build: One of GRAPHS.
            parameters: Of the architecture.
            weights: Arrays in Keras' order, float32.
            precision: What it computes in, `float32` or `bfloat16`.

        Raises:
            ValueError: The weights do not fit.
        """
        self._precision = {"float32": "f32", "bfloat16": "bf16"}[precision]
        self._core, self._build, self._parameters, self._weights = core, build, dict(parameters), list(weights)
        self._channels = int(self._parameters.pop("channels", 4))
        sizes = [int(n or _ANY_SIZE) for n in self._parameters.pop("patch_size", (None, None, None))]
        self._parameters.pop("dropout", None)  # is for training
        self._compiled: OrderedDict[tuple[int, ...], Any] = OrderedDict()
        self._graph((1, *sizes, self._channels))  # whether the weights fit

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        """Compute a batch, sample by sample: the graph of one sample serves any number of them.

        Args:
            batch: float32 [sample, x, y, z, channel].

        Returns:
            float32 [sample, x, y, z, map], or [sample, class] of a classifier.
        """
        batch = np.ascontiguousarray(batch, np.float32)
        compiled = self._compile((1, *batch.shape[1:]))
        request = compiled.create_infer_request()
        maps = []
        for sample in batch:
            request.infer([sample[None]], share_inputs=True)
            maps.append(request.get_output_tensor(0).data[0].copy())
        del request
        if np.prod(batch.shape[1:4]) > LARGE:
            compiled.release_memory()
        return np.stack(maps)

    def _compile(self, shape: tuple[int, ...]) -> Any:
        """The compiled graph for an input of this shape, (1, x, y, z, channel)."""
        if shape in self._compiled:
            self._compiled.move_to_end(shape)
            return self._compiled[shape]
        while len(self._compiled) >= KEPT:
            self._compiled.popitem(last=False)
        compiled = self._core.compile_model(
            self._graph(shape),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": self._precision,
                "NUM_STREAMS": 1,
                "INFERENCE_NUM_THREADS": cores(),
                "ENABLE_HYPER_THREADING": True,  # of a virtual machine, the cores are threads
                "ENABLE_CPU_PINNING": False,  # others may be at work on a core
            },
        )
        self._compiled[shape] = compiled
        return compiled

    def _graph(self, shape: tuple[int, ...]) -> Any:
        layers = Layers(self._weights)
        parameter, image = layers.image(shape)
        result = self._build(layers, image, **self._parameters)
        layers.check_all_used()
        return import_openvino().Model([result], [parameter], "network")


def _unet(layers: Layers, x: Any, features: Sequence[int] = (16, 32, 64, 128), outputs: int = 1) -> Any:
    """architectures.unet."""

    def normalised(x: Any) -> Any:
        return layers.leaky_relu(layers.instance_norm(x))

    def pair(x: Any, width: int) -> Any:
        for _ in range(2):
            x = normalised(layers.conv(x, width, 3, bias=False))
        return x

    skips = []
    for width in features[:-1]:
        x = pair(x, width)
        skips.append(x)
        x = layers.max_pool(x)
    x = pair(x, features[-1])
    for width, skip in zip(features[-2::-1], skips[::-1], strict=True):
        x = layers.conv(x, width, 1)
        x = normalised(layers.conv_of_skip_and_upsampled(skip, x, width))
        x = normalised(layers.conv(x, width, 3, bias=False))
    return layers.maps(layers.sigmoid(layers.conv(x, outputs, 1)))


def _level_classifier(layers: Layers, x: Any, features: Sequence[int] = (8, 24, 48, 64), outputs: int = 10) -> Any:
    """architectures.level_classifier."""

    def normalised(x: Any) -> Any:
        return layers.leaky_relu(layers.instance_norm(x))

    x = normalised(layers.halving_conv(x, features[0]))
    x = layers.max_pool(normalised(layers.conv(x, features[0], 3, bias=False)), (1, 2, 2))
    for width in features[1:-1]:
        for _ in range(2):
            x = normalised(layers.conv(x, width, 3, bias=False))
        x = layers.max_pool(x)
    x = layers.global_average(layers.leaky_relu(layers.conv_of_all(x, features[-1])))
    return layers.dense(x, outputs)


GRAPHS: Mapping[str, Callable[..., Any]] = {"unet": _unet, "level_classifier": _level_classifier}
"""Architecture of a released network, as in `architectures.build_network` -> what makes its output of layers, an image and its
parameters."""
