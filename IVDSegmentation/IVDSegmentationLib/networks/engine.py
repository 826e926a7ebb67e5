"""What computes the networks: one protocol, a batch of arrays in and a batch of maps out, and which of its two kinds."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..errors import ModelError

ENGINES = ("auto", "openvino", "tensorflow")
DEVICES = ("auto", "cpu", "gpu")
NEITHER = "Neither OpenVINO nor TensorFlow is installed in this Python: install one as the user guide says, then segment again"


class Network(Protocol):
    """A network with its weights. A Keras model is one, too."""

    def predict_on_batch(self, batch: np.ndarray, /) -> np.ndarray:
        """Compute a batch.

        Args:
            batch: float32 [sample, x, y, z, channel].

        Returns:
            float32 [sample, x, y, z, map], or [sample, class] of a classifier.
        """
        ...


class Engine(Protocol):
    """What makes networks of their architecture and weights.

    Attributes:
        name: As a report gives it.
        version: Of the package that computes.
        device: `cpu` or `gpu`, where it computes.
        left_gpu: Whether it computes on the CPU because the memory of the GPU did not suffice.
        half: What networks that may compute in 16 bits compute in: `bfloat16`, `float16`, or `float32` where neither is faster.
    """

    name: str
    version: str
    device: str
    left_gpu: bool
    half: str

    def network(
        self, architecture: str, parameters: Mapping[str, Any], weights: Sequence[np.ndarray], half: bool = False
    ) -> Network:
        """Make a network.

        Args:
            architecture: Its name, as in `architectures.build_network`.
            parameters: Of the architecture.
            weights: Arrays in Keras' order, float32.
            half: Whether it may compute in 16 bits where the machine is faster in them.

        Returns:
            The network.

        Raises:
            ValueError: The engine does not know the architecture, or the weights do not fit it.
        """
        ...


def choose_engine(engine: str = "auto", device: str = "auto") -> Engine:
    """Choose what computes the networks.

    Args:
        engine: One of ENGINES. `auto`: TensorFlow on a GPU that it sees, else OpenVINO where it is installed, else TensorFlow.
        device: One of DEVICES. A GPU is TensorFlow's.

    Returns:
        The engine, loaded.

    Raises:
        ModelError: The name is another, the engine is not installed, or there is no GPU where one is asked for.
    """
    if engine not in ENGINES:
        raise ModelError(f"engine is {engine!r}: it must be one of {', '.join(ENGINES)}")
    if device not in DEVICES:
        raise ModelError(f"device is {device!r}: it must be one of {', '.join(DEVICES)}")
    if engine == "openvino":
        if device == "gpu":
            raise ModelError("OpenVINO computes on the CPU: choose the engine tensorflow for a GPU, or the device cpu")
        return _openvino()
    if device == "gpu" and not _installed("tensorflow"):
        raise ModelError(
            "a GPU computes with TensorFlow, which is not installed in this Python: choose the device auto or cpu, or install "
            "TensorFlow"
        )
    if engine == "tensorflow" or device == "gpu":
        return _tensorflow(device)
    if device == "auto" and accelerator_present() and _installed("tensorflow"):
        tensorflow = _tensorflow(device)
        if tensorflow.device == "gpu" or not _installed("openvino"):
            return tensorflow
    if _installed("openvino"):
        try:
            return _openvino()
        except ModelError:  # damaged
            if not _installed("tensorflow"):
                raise
    if _installed("tensorflow"):
        return _tensorflow(device)
    raise ModelError(NEITHER)


def described(engine: Engine) -> dict[str, str]:
    """An engine in the words of report.json.

    Args:
        engine: The engine.

    Returns:
        Its `name`, `version` and `device`, and the `precision` of the segmenter.
    """
    return {"name": engine.name, "version": engine.version, "device": engine.device, "precision": engine.half}


def accelerator_present() -> bool:
    """Whether this machine may have a GPU that TensorFlow can use. Looks for drivers, and imports nothing.

    Returns:
        False where there is surely none: importing TensorFlow, which takes seconds, would not find one.
    """
    if os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    if sys.platform == "darwin":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return bool(version("tensorflow-metal"))
        except PackageNotFoundError:
            return False
    # NVIDIA, NVIDIA in Windows' Linux, AMD. TensorFlow for Windows itself has no GPU since 2.11.
    return sys.platform != "win32" and any(Path(f"/dev/{node}").exists() for node in ("nvidiactl", "dxg", "kfd"))


def _installed(package: str) -> bool:
    """Whether a package can be found. One that an import hook forbids counts as missing."""
    try:
        return importlib.util.find_spec(package) is not None
    except (ModuleNotFoundError, ValueError):  # ValueError: sys.modules holds None for it
        return False


def _openvino() -> Engine:
    from .openvino_engine import OpenVINOEngine

    try:
        return OpenVINOEngine()
    except ImportError as error:
        raise ModelError("OpenVINO is not installed in this Python: install it, or choose the engine tensorflow") from error


def _tensorflow(device: str) -> Engine:
    from .tensorflow_engine import TensorFlowEngine

    try:
        return TensorFlowEngine(device)
    except ImportError as error:
        raise ModelError("TensorFlow is not installed in this Python: install it, or choose the engine openvino") from error
