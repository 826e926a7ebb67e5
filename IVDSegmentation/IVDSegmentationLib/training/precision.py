"""What a training computes in: bfloat16 where this machine is faster in it, else float32. Weights are float32 in both."""

from __future__ import annotations

import time
from typing import Any

from ..networks.tensorflow_setup import import_tensorflow

PRECISIONS = ("auto", "bfloat16", "float32")

WORTHWHILE = 0.8
"""Time in bfloat16, as a share of that in float32, below which it is taken. Measured and not read from the CPU's flags: with
AVX512-BF16 alone TensorFlow's convolutions were slower in bfloat16 (1.6) than in float32, with AMX they take 0.3 to 0.4."""


def training_precision(choice: str) -> tuple[str, str]:
    """What to compute in on this machine.

    Args:
        choice: One of PRECISIONS; `auto` is measured.

    Returns:
        `bfloat16` or `float32`, and why, in words.
    """
    if choice != "auto":
        return choice, "as asked for"
    tf = import_tensorflow()
    try:
        share = _step_s("bfloat16") / _step_s("float32")
    except tf.errors.OpError:
        return "float32", "bfloat16 cannot be computed here"
    return ("bfloat16" if share < WORTHWHILE else "float32"), f"bfloat16 takes {share:.2g} times as long here"


def _step_s(dtype: str) -> float:
    """Seconds of a convolution and its gradients, as in the segmenter's finest layers; the best of three after a first."""
    tf = import_tensorflow()
    image = tf.cast(tf.random.stateless_normal((1, 24, 24, 24, 32), (1, 2)), dtype)
    kernel = tf.cast(tf.random.stateless_normal((3, 3, 3, 32, 32), (3, 4)), dtype)

    @tf.function
    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch((image, kernel))
            total = tf.reduce_sum(tf.square(tf.nn.conv3d(image, kernel, (1, 1, 1, 1, 1), "SAME")))
        return [tf.reduce_sum(gradient) for gradient in tape.gradient(total, (image, kernel))]

    return min(_timed_s(step) for _ in range(4))


def _timed_s(step: Any) -> float:
    start_s = time.perf_counter()
    for value in step():
        value.numpy()
    return time.perf_counter() - start_s
