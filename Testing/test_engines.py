"""What computes the networks: which engine is taken, that both give the same, and that neither talks to anyone."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import case_from_volumes, load_case
from IVDSegmentationLib.errors import ModelError
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.networks import engine as engines
from IVDSegmentationLib.networks.engine import accelerator_present, choose_engine
from IVDSegmentationLib.networks.models import load_model
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.segment import Pipeline

SUBSETS = {1000: ("fat", "in_phase", "opposed_phase", "water"), 1003: ("water",)}


@pytest.fixture(scope="module")
def openvino():
    pytest.importorskip("openvino", reason="this is about OpenVINO")
    return Pipeline(engine="openvino")


@pytest.fixture(scope="module")
def tensorflow():
    pytest.importorskip("tensorflow", reason="this compares with TensorFlow")
    return Pipeline(engine="tensorflow")


def codes(findings):
    return [(one.code, one.levels) for one in findings]


def assert_same(case, one, other):
    """Names and flags alike, labels and probabilities in all but 1 voxel of 10,000."""
    first, second = one.segment(case), other.segment(case)
    assert [disc.level for disc in first.discs] == [disc.level for disc in second.discs]
    assert [codes(disc.flags) for disc in first.discs] == [codes(disc.flags) for disc in second.discs]
    assert codes(first.findings) == codes(second.findings)
    assert np.mean(first.label_volume.voxels != second.label_volume.voxels) <= 1e-4
    assert np.mean(np.abs(first.probability - second.probability) > 0.05) <= 1e-4
    for mine, theirs in zip(first.discs, second.discs, strict=True):
        assert mine.confidence == pytest.approx(theirs.confidence, abs=0.002)


@pytest.mark.parametrize(
    ("capabilities", "variables", "expected"),
    [
        (["BF16", "FP32", "INT8"], {}, "bfloat16"),
        (["FP32", "INT8"], {}, "float32"),
        (["BF16", "FP32"], {"ONEDNN_MAX_CPU_ISA": "AVX2"}, "float32"),
        (["BF16", "FP32"], {"DNNL_MAX_CPU_ISA": "AVX512_CORE"}, "float32"),
        (["BF16", "FP32"], {"ONEDNN_MAX_CPU_ISA": ""}, "bfloat16"),
    ],
)
def test_the_segmenter_alone_computes_in_16_bits_and_where_the_cpu_multiplies_in_them(
    monkeypatch, capabilities, variables, expected
):
    pytest.importorskip("openvino", reason="this is about OpenVINO")
    from IVDSegmentationLib.networks import openvino_engine

    class Core:
        def get_property(self, device, name):
            assert (device, name) == ("CPU", "OPTIMIZATION_CAPABILITIES")
            return capabilities

    monkeypatch.setattr(openvino_engine, "only_core", Core)
    for name in ("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    engine = openvino_engine.OpenVINOEngine()
    assert engine.half == expected
    asked = {
        role: network._precision  # what OpenVINO is told
        for role, network in load_model(engine=engine).networks.items()
    }
    assert asked == {"localizer": "f32", "segmenter": {"float32": "f32", "bfloat16": "bf16"}[expected], "levels": "f32"}


@pytest.mark.parametrize("seed", SUBSETS)
def test_both_engines_segment_a_phantom_alike(openvino, tensorflow, seed):
    phantom = make_phantom(seed)
    volumes = {name: Volume(phantom.channels[name], phantom.grid, name) for name in SUBSETS[seed]}
    assert_same(case_from_volumes(volumes, "phantom"), openvino, tensorflow)


@pytest.mark.parametrize(
    "case", ["ivdm3seg-patches/A/disc2", "ivdm3seg-patches/F/disc6", "myosegmentum-water/02", "myosegmentum-water/35"]
)
def test_both_engines_segment_a_real_case_alike(openvino, tensorflow, data_folder, case):
    folder = data_folder / case
    if not folder.exists():
        pytest.skip(f"{case} is not in the data")
    only = {"water": folder / "water.nii.gz"} if "water" in case else {}
    assert_same(load_case(folder, **only), openvino, tensorflow)


def made_weights(rng, shape):
    """Kernels that keep the size of what goes through them; biases, scales and variances of any size, above 0."""
    if len(shape) == 1:
        return rng.uniform(0.5, 1.0, shape).astype(np.float32)
    return (rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[:-1]))).astype(np.float32)


@pytest.mark.parametrize("architecture", ["unet", "level_classifier"])
def test_every_architecture_is_the_same_on_both_whatever_its_weights(architecture):
    pytest.importorskip("openvino")
    pytest.importorskip("tensorflow")
    from IVDSegmentationLib.networks.architectures import build_network
    from IVDSegmentationLib.networks.openvino_engine import OpenVINOEngine

    parameters = {
        "unet": {"features": [4, 6, 8], "dropout": 0.1, "outputs": 2},
        "level_classifier": {"features": [4, 6, 8, 5], "channels": 4, "patch_size": [8, 16, 32], "outputs": 7},
    }[architecture]
    keras_network = build_network(architecture, **parameters)
    rng = np.random.default_rng(0)
    weights = [made_weights(rng, array.shape) for array in keras_network.get_weights()]
    keras_network.set_weights(weights)
    batch = rng.normal(size=(3, *parameters.get("patch_size", (8, 12, 16)), 4)).astype(np.float32)
    ours = OpenVINOEngine().network(architecture, parameters, weights).predict_on_batch(batch)
    np.testing.assert_allclose(ours, keras_network.predict_on_batch(batch), atol=1e-4)
    assert ours.std() > 0.01, "an output that is all 0 or all 1 would compare nothing"


def test_a_classifier_of_an_image_is_the_same_as_keras():
    """The head that a network which names levels has: global average, dense, softmax."""
    pytest.importorskip("openvino")
    pytest.importorskip("tensorflow")
    from IVDSegmentationLib.networks import openvino_engine
    from IVDSegmentationLib.networks.tensorflow_setup import import_keras

    keras = import_keras()
    layers = keras.layers
    inputs = keras.Input((8, 8, 8, 2))
    x = layers.MaxPooling3D(2)(layers.LeakyReLU(0.01)(layers.Conv3D(5, 3, padding="same")(inputs)))
    network = keras.Model(inputs, layers.Dense(3, activation="softmax")(layers.GlobalAveragePooling3D()(x)))

    def graph(made, image):
        y = made.max_pool(made.leaky_relu(made.conv(image, 5, 3)))
        return made.softmax(made.dense(made.global_average(y), 3))

    core = openvino_engine.only_core()
    ours = openvino_engine.OpenVINONetwork(core, graph, {"channels": 2}, network.get_weights())
    batch = np.random.default_rng(0).normal(size=(2, 8, 8, 8, 2)).astype(np.float32)
    np.testing.assert_allclose(ours.predict_on_batch(batch), network.predict_on_batch(batch), atol=1e-5)


def test_a_graph_that_gave_its_memory_back_computes_again(monkeypatch, openvino):
    from IVDSegmentationLib.networks import openvino_engine

    network = openvino.model.networks["segmenter"]
    batch = np.random.default_rng(0).random((1, 36, 36, 28, 4), np.float32)
    kept = network.predict_on_batch(batch)
    monkeypatch.setattr(openvino_engine, "LARGE", 1000)
    for _ in range(2):
        np.testing.assert_array_equal(network.predict_on_batch(batch), kept)


def test_weights_of_another_shape_too_few_and_too_many_are_refused():
    pytest.importorskip("openvino")
    from IVDSegmentationLib.networks.openvino_engine import OpenVINOEngine

    engine = OpenVINOEngine()
    with pytest.raises(ValueError, match="array 1 of the weights is"):
        engine.network("unet", {"features": [2, 4]}, [np.zeros((3, 3, 3, 4, 3), np.float32)])
    with pytest.raises(ValueError, match="0 arrays of weights, and the network has more"):
        engine.network("unet", {"features": [2, 4]}, [])
    with pytest.raises(ValueError, match="architecture is 'vnet'"):
        engine.network("vnet", {}, [])


# --- which one is taken -----------------------------------------------------------------------------------------------------


class Fake:
    version = "1"

    def __init__(self, name, device="cpu"):
        self.name, self.device = name, device


@pytest.fixture
def machine(monkeypatch):
    """Says what is installed and whether there is a GPU: machine(installed, accelerator, sees_gpu)."""
    asked = []

    def describe(installed, accelerator=False, sees_gpu=False):
        def tensorflow(device):
            asked.append("tensorflow")
            return Fake("TensorFlow", "gpu" if sees_gpu and device != "cpu" else "cpu")

        monkeypatch.setattr(engines, "_installed", lambda package: package in installed)
        monkeypatch.setattr(engines, "accelerator_present", lambda: accelerator)
        monkeypatch.setattr(engines, "_openvino", lambda: Fake("OpenVINO"))
        monkeypatch.setattr(engines, "_tensorflow", tensorflow)
        return asked

    return describe


BOTH = ("openvino", "tensorflow")


@pytest.mark.parametrize(
    ("installed", "gpu", "device", "expected"),
    [
        (BOTH, {}, "auto", "OpenVINO"),
        (BOTH, {"accelerator": True}, "auto", "OpenVINO"),
        (BOTH, {"accelerator": True, "sees_gpu": True}, "auto", "TensorFlow"),
        (BOTH, {"accelerator": True, "sees_gpu": True}, "cpu", "OpenVINO"),
        (BOTH, {"accelerator": True, "sees_gpu": True}, "gpu", "TensorFlow"),
        (("openvino",), {"accelerator": True}, "auto", "OpenVINO"),
        (("tensorflow",), {}, "auto", "TensorFlow"),
        (("tensorflow",), {"accelerator": True}, "auto", "TensorFlow"),
    ],
)
def test_auto_is_a_gpu_then_openvino_then_tensorflow(machine, installed, gpu, device, expected):
    machine(installed, **gpu)
    assert choose_engine("auto", device).name == expected


def test_tensorflow_is_not_loaded_where_nothing_could_be_a_gpu(machine):
    asked = machine(BOTH)
    choose_engine()
    assert asked == []


def test_a_gpu_without_tensorflow_is_one_sentence(machine):
    machine(("openvino",), accelerator=True)
    with pytest.raises(ModelError, match="a GPU computes with TensorFlow, which is not installed in this Python"):
        choose_engine("auto", "gpu")


def test_neither_engine_installed_is_one_sentence(machine):
    machine(())
    with pytest.raises(ModelError, match="Neither OpenVINO nor TensorFlow is installed"):
        choose_engine()


@pytest.mark.parametrize("engine", BOTH)
def test_an_engine_that_is_asked_for_and_not_installed_is_named(monkeypatch, engine):
    monkeypatch.setitem(sys.modules, engine, None)
    with pytest.raises(ModelError, match=f"(?i){engine} is not installed in this Python"):
        choose_engine(engine)


def test_a_damaged_openvino_leaves_the_work_to_tensorflow(monkeypatch):
    pytest.importorskip("openvino")
    pytest.importorskip("tensorflow")
    monkeypatch.setattr("IVDSegmentationLib.networks.openvino_engine.import_openvino", _broken)
    assert choose_engine().name == "TensorFlow"


def _broken():
    raise ImportError("libopenvino.so: cannot open shared object file")


def test_an_unknown_engine_or_device_and_a_missing_gpu_are_said():
    with pytest.raises(ModelError, match="engine is 'abacus': it must be one of auto, openvino, tensorflow"):
        Pipeline(engine="abacus")
    with pytest.raises(ModelError, match="device is 'tpu'"):
        Pipeline(device="tpu")
    with pytest.raises(ModelError, match="OpenVINO computes on the CPU"):
        Pipeline(device="gpu", engine="openvino")
    tf = pytest.importorskip("tensorflow", reason="GPUs are TensorFlow's")
    if not tf.config.list_physical_devices("GPU"):
        with pytest.raises(ModelError, match="sees no GPU"):
            Pipeline(device="gpu")


@pytest.mark.parametrize("hidden", ["", "-1", " -1 "])
def test_a_gpu_that_the_environment_hides_is_none(monkeypatch, hidden):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
    assert not accelerator_present()


def test_the_result_says_what_computed_it(openvino):
    import openvino as package

    model = load_model(engine=openvino.model.engine)
    assert model.engine is openvino.model.engine
    phantom = make_phantom(1000)
    result = Pipeline(model).segment(
        case_from_volumes({"water": Volume(phantom.channels["water"], phantom.grid, "water")}, "x")
    )
    assert result.provenance.engine == {
        "name": "OpenVINO",
        "version": package.__version__.split("-")[0],
        "device": "cpu",
        "precision": model.engine.half,
    }


# --- a process of its own ---------------------------------------------------------------------------------------------------

ALONE = """
import builtins, json, socket, sys
calls = []
def refuse(*arguments, **options):
    calls.append(str(arguments))
    raise OSError("no network here")
socket.socket.connect = refuse
socket.getaddrinfo = refuse
from IVDSegmentationLib.networks.models import load_model
import numpy as np, time
model = load_model()
maps = model.networks["segmenter"].predict_on_batch(np.ones((1, 36, 36, 28, 4), np.float32))
time.sleep(1.0)
print(json.dumps({"engine": model.engine.name, "shape": maps.shape, "calls": calls,
                  "tensorflow": "tensorflow" in sys.modules or "keras" in sys.modules,
                  "telemetry": sorted(m for m in sys.modules if "telemetry" in m)}))
"""


def test_openvino_computes_without_tensorflow_and_reports_to_nobody(tmp_path):
    """Its package has a module that tells its maker of every import."""
    pytest.importorskip("openvino")
    environment = os.environ | {"HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": "", "CI": ""}
    done = subprocess.run([sys.executable, "-c", ALONE], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    expected = {"engine": "OpenVINO", "shape": [1, 36, 36, 28, 1], "calls": [], "tensorflow": False, "telemetry": []}
    assert answer == expected
    assert list(tmp_path.rglob("*")) == [], "nothing is written into a user's home"


SIGNALLED = """
import gc, signal
from IVDSegmentationLib.networks.engine import choose_engine
from IVDSegmentationLib.networks.models import load_model
seen = []
signal.signal(signal.SIGINT, lambda number, frame: seen.append(number))
first = load_model("default", choose_engine("openvino"))
second = load_model("default", choose_engine("openvino"))
del first
gc.collect()
del second
gc.collect()
signal.raise_signal(signal.SIGINT)
assert seen == [signal.SIGINT]
"""


def test_a_signal_after_pipelines_have_come_and_gone_does_not_end_python():
    """OpenVINO's plugin leaves the stack of signal handlers as it found it, which may be one that another plugin has freed."""
    pytest.importorskip("openvino", reason="this is about OpenVINO")
    done = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
