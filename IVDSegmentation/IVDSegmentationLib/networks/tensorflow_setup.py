"""The one place that imports TensorFlow and Keras: set up for speed, silent, whatever the user's own settings are."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from ..errors import ModelError


def import_tensorflow() -> ModuleType:
    """Import TensorFlow with oneDNN on and with standard error held back.

    TensorFlow leaves oneDNN off on CPUs without AVX-512 VNNI, and is half as fast there. It writes its start-up lines to
    descriptor 2 whatever its log level is, and an error should stay the one line that it is. What it wrote is shown where
    the import fails.

    Returns:
        The module.

    Raises:
        ImportError: TensorFlow is missing or broken.
    """
    import tempfile

    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    os.environ["KERAS_BACKEND"] = "tensorflow"  # TensorFlow imports Keras
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    shown = os.dup(2)
    try:
        with tempfile.TemporaryFile() as held_back:
            os.dup2(held_back.fileno(), 2)
            try:
                import tensorflow
            except BaseException:
                held_back.seek(0)
                os.write(shown, held_back.read())
                raise
            finally:
                os.dup2(shown, 2)
    finally:
        os.close(shown)
    return tensorflow


def import_keras() -> Any:
    """Import Keras on TensorFlow, whatever KERAS_BACKEND or keras.json say.

    Returns:
        The module.

    Raises:
        ImportError: TensorFlow or Keras is missing.
        ModelError: This process uses Keras on another backend already.
    """
    import_tensorflow()
    import keras

    if keras.config.backend() != "tensorflow":
        raise ModelError(
            f"Keras runs on {keras.config.backend()} in this process: import IVDSegmentationLib's networks before Keras, "
            "or use a process of their own"
        )
    return keras


@contextmanager
def our_keras_settings(precision: str = "float32") -> Iterator[None]:
    """Build layers with the project's settings within the block; afterwards Keras has the user's again.

    Args:
        precision: Dtype policy of the layers: `float32` or `mixed_bfloat16`. They are channels-last.

    Yields:
        Nothing.
    """
    config = import_keras().config
    before = config.floatx(), config.image_data_format(), config.dtype_policy()
    config.set_floatx("float32")
    config.set_image_data_format("channels_last")
    config.set_dtype_policy(precision)
    try:
        yield
    finally:
        config.set_floatx(before[0])
        config.set_image_data_format(before[1])
        config.set_dtype_policy(before[2])
