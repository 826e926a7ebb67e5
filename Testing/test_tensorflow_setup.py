"""TensorFlow as this project runs it: with oneDNN, in float32 and channels last, whatever the user's own settings are."""

import json
import os
import platform
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="this is about TensorFlow")

X86 = platform.machine().lower() in ("x86_64", "amd64")

RUN = """
import json, sys
import numpy as np
from IVDSegmentationLib.networks.architectures import build_network
network = build_network("unet", features=(4, 8))
out = network.predict_on_batch(np.ones((1, 8, 8, 12, 4), np.float32))
import keras
print(json.dumps({"shape": out.shape, "dtype": str(out.dtype), "weights": sorted({v.dtype for v in network.weights}),
                  "backend": keras.config.backend(), "floatx": keras.config.floatx(),
                  "format": keras.config.image_data_format()}))
"""


@pytest.fixture
def hostile_settings(tmp_path):
    """The environment of a user for whom Keras is float64, channels first, on another backend, and oneDNN is off."""
    settings = {"floatx": "float64", "epsilon": 1e-7, "backend": "jax", "image_data_format": "channels_first"}
    (tmp_path / "keras.json").write_text(json.dumps(settings))
    own = {"KERAS_HOME": str(tmp_path), "KERAS_BACKEND": "torch", "TF_ENABLE_ONEDNN_OPTS": "0"}
    return os.environ | own | {"ONEDNN_VERBOSE": "1"}


def run(code, environment):
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.skipif(not X86, reason="TensorFlow has oneDNN on x86 only")
def test_the_running_tensorflow_computes_its_convolutions_in_onednn(hostile_settings):
    """oneDNN's own log, of what it computed."""
    lines = run(RUN, hostile_settings)
    assert any(line.startswith("onednn_verbose") and ",exec,cpu,convolution" in line for line in lines), lines


def test_settings_of_the_users_keras_do_not_matter_and_are_left_as_they_were(hostile_settings):
    answer = json.loads(run(RUN, hostile_settings)[-1])
    assert answer["shape"] == [1, 8, 8, 12, 1]
    assert (answer["dtype"], answer["weights"]) == ("float32", ["float32"])
    assert answer["backend"] == "tensorflow"
    assert (answer["floatx"], answer["format"]) == ("float64", "channels_first")


def test_keras_on_another_backend_is_an_error_that_says_so(monkeypatch):
    import keras
    from IVDSegmentationLib.errors import ModelError
    from IVDSegmentationLib.networks.tensorflow_setup import import_keras

    monkeypatch.setattr(keras.config, "backend", lambda: "jax")
    with pytest.raises(ModelError, match="Keras runs on jax in this process"):
        import_keras()
