"""Importing TensorFlow without its start-up lines, which it writes to descriptor 2 whatever its log level is set to."""

from __future__ import annotations

import os
import sys
import tempfile
from types import ModuleType


def import_tensorflow() -> ModuleType:
    """TensorFlow, imported with standard error held back; what it wrote is shown where the import fails.

    So an error stays the one line that it should be. Raises ImportError where TensorFlow is missing or broken.
    """
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
