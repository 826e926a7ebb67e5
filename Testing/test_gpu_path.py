"""TensorFlow on a GPU, without one: a second virtual CPU of TensorFlow stands for it, and the faults of a card are injected.

What a real card would do, how fast it is and how much memory it takes, nobody has measured.
"""

import json
import os
import subprocess
import sys

import pytest

pytest.importorskip("tensorflow", reason="GPUs are TensorFlow's")

SCRIPT = """
import json, sys
import numpy as np
from IVDSegmentationLib.networks import tensorflow_engine as engines
from IVDSegmentationLib.networks.models import MODELS_FOLDER, load_arrays, load_card, load_model
from IVDSegmentationLib.networks.tensorflow_setup import import_tensorflow

tf = import_tensorflow()
processor = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
engines._first_gpu = lambda: "/CPU:1"
engines._computes_in_half = lambda gpu: {half}
card = load_card(MODELS_FOLDER / "default")
weights = load_arrays(MODELS_FOLDER / "default" / "segmenter.npz")

def network_of(engine):
    return engine.network("unet", card["segmenter"]["parameters"], weights, half=True)

rng = np.random.default_rng(0)
boxes = {{count: rng.random((count, 36, 36, 28, 4), np.float32) for count in (1, 2, 3)}}
expected = network_of(engines.TensorFlowEngine("cpu")).predict_on_batch(boxes[2])
{body}
print(json.dumps(answer))
"""


def run(body, half=False):
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1"}
    script = SCRIPT.format(half=half, body=body)
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_networks_lie_and_compute_on_the_gpu_and_each_number_of_boxes_is_traced_once():
    answer = run("""
engine = engines.TensorFlowEngine("auto")
network = network_of(engine)
traced = []
tracing = network._traced
network._traced = lambda shape: traced.append(shape[0]) or tracing(shape)
for count in (2, 3, 2, 1, 3, 2):
    maps = network.predict_on_batch(boxes[count])
answer = {"device": engine.device, "left": engine.left_gpu, "traced": traced,
          "places": sorted({v.value.device.rpartition("/")[2] for v in network._network.weights}),
          "difference": float(np.abs(maps - expected).max())}
""")
    assert answer["device"] == "gpu" and not answer["left"]
    assert answer["traced"] == [2, 3, 1]
    assert answer["places"] == ["device:CPU:1"]
    assert answer["difference"] < 1e-4


def test_a_gpu_whose_memory_does_not_suffice_leaves_the_rest_to_the_cpu_and_says_so():
    answer = run("""
engine = engines.TensorFlowEngine("gpu")
networks = [network_of(engine), network_of(engine)]
places = []
computing = engines.TensorFlowNetwork._computed
def computed(network, batch):
    places.append(network._place)
    if network._place != engines.CPU and len(batch) > 1:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor on GPU:0")
    return computing(network, batch)
engines.TensorFlowNetwork._computed = computed
networks[0].predict_on_batch(boxes[1])
before = engine.device, engine.left_gpu
maps = [network.predict_on_batch(boxes[2]) for network in networks]
answer = {"before": before, "after": [engine.device, engine.left_gpu], "places": places,
          "weights": sorted({v.value.device.rpartition("/")[2] for v in networks[1]._network.weights}),
          "difference": max(float(np.abs(m - expected).max()) for m in maps)}
""")
    assert answer["before"] == ["gpu", False]
    assert answer["after"] == ["cpu", True]
    assert answer["places"] == ["/CPU:1", "/CPU:1", "/CPU:0", "/CPU:0"]
    assert answer["weights"] == ["device:CPU:0"]
    assert answer["difference"] < 1e-4


def test_memory_that_does_not_suffice_on_the_cpu_is_an_error():
    answer = run("""
network = network_of(engines.TensorFlowEngine("cpu"))
def exhausted(batch):
    raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor")
network._computed = exhausted
try:
    network.predict_on_batch(boxes[1])
    answer = "computed"
except tf.errors.ResourceExhaustedError:
    answer = "raised"
""")
    assert answer == "raised"


def test_the_result_of_a_case_that_left_the_gpu_says_so(tmp_path):
    answer = run("""
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.segment import Pipeline
computing = engines.TensorFlowNetwork._computed
def computed(network, batch):
    if network._place != engines.CPU and len(batch) > 1:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor on GPU:0")
    return computing(network, batch)
engines.TensorFlowNetwork._computed = computed
phantom = make_phantom(1000, (36, 112, 176))
case = case_from_volumes({"water": Volume(phantom.channels["water"], phantom.grid, "water")}, "phantom")
pipeline = Pipeline(load_model("default", engines.TensorFlowEngine("gpu")))
result = pipeline.segment(case)
codes = [finding.code for finding in result.run_findings]
answer = {"findings": codes, "engine": result.provenance.engine, "discs": len(result.found)}
""")
    assert "gpu_memory" in answer["findings"]
    assert answer["engine"]["device"] == "cpu" and answer["discs"] > 2


def test_half_precision_outlines_the_same_within_the_tolerance_of_the_engines():
    """Compiled by XLA, since TensorFlow itself has no pooling in half precision for a CPU."""
    answer = run(
        """
from IVDSegmentationLib.networks.architectures import build_network
from IVDSegmentationLib.networks.inputs import normalise, stack_channels
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.crop import PATCH_SIZE, box_start, crop, pad
engine = engines.TensorFlowEngine("gpu")
dtypes = sorted({str(layer.compute_dtype) for layer in network_of(engine)._network.layers})
phantom = make_phantom(1000, (36, 112, 176))
stacked = stack_channels({name: voxels.astype(np.float32) for name, voxels in phantom.channels.items()})
centers = [phantom.grid.to_ijk(np.array(disc.center_mm)) for disc in phantom.truth[1:3]]
patches = np.stack([pad(normalise(crop(stacked, box_start(c))), PATCH_SIZE) for c in centers])
full = network_of(engines.TensorFlowEngine("cpu")).predict_on_batch(patches)
half = build_network("unet", "mixed_float16", **card["segmenter"]["parameters"])
half.set_weights(weights)
half = np.asarray(tf.function(lambda batch: half(batch, training=False), jit_compile=True)(patches))
answer = {"policy": engine.half, "dtypes": dtypes, "different": int(np.sum((full >= 0.5) != (half >= 0.5))),
          "inside": int((full >= 0.5).sum())}
""",
        half=True,
    )
    assert answer["policy"] == "float16" and answer["dtypes"] == ["float16", "float32"]
    assert answer["inside"] > 2000
    # 1 voxel in 10,000 of a usual field of view, of whose nine discs these are two.
    assert answer["different"] <= 1e-4 * 36 * 256 * 256 * 2 / 9, answer
