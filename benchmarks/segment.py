"""How fast and how large: `python benchmarks/segment.py`. A 36 x 256 x 256 four-channel phantom, then larger fields of view.

Prints the warm time by stage, the cold time of the whole command, the peak memory of a process of its own per size, and
what fraction of the machine's measured matrix-product speed the networks reach.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SIZES = ((36, 256, 256), (36, 512, 512), (72, 512, 512))
SEED = 2026


def tiled_case(size: tuple[int, int, int]):
    """A four-channel case of the given size, in memory: the phantom, surrounded by air where it is smaller."""
    from IVDSegmentationLib.dixon.case import case_from_volumes
    from IVDSegmentationLib.images import Grid, Volume
    from IVDSegmentationLib.phantom import make_phantom

    phantom = make_phantom(SEED)
    volumes = {}
    for name, voxels in phantom.channels.items():
        wide = np.zeros(size, np.float32)
        wide[tuple(slice(0, n) for n in voxels.shape)] = voxels
        volumes[name] = Volume(wide, Grid(size, phantom.grid.spacing_mm, phantom.grid.origin_mm), name)
    return case_from_volumes(volumes, "phantom")


def measure_one(size: tuple[int, int, int], runs: int) -> dict:
    """Warm times by stage (best of `runs`), and this process's peak memory."""
    from IVDSegmentationLib.pipeline.segment import Pipeline

    pipeline = Pipeline()
    case = tiled_case(size)
    pipeline.segment(case)
    totals, stages = [], []
    for _ in range(runs):
        start = time.perf_counter()
        result = pipeline.segment(tiled_case(size) if size == SIZES[0] else case)
        totals.append(time.perf_counter() - start)
        stages.append(result.timings_s)
    best = stages[int(np.argmin([sum(s.values()) for s in stages]))]
    networks = {"localizer": pipeline.model.localizer, "segmenter": pipeline.model.segmenter}
    return {
        "size": size,
        "discs": len(result.discs),
        "warm_s": sum(best.values()),
        "stages_s": best,
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
        "gflop": _gflop(networks, size, len(result.discs)),
    }


def _gflop(networks: dict, size: tuple[int, int, int], discs: int) -> float:
    """Floating-point operations of all convolutions, in units of 1e9: two a multiplication, counted from the layers."""
    import keras
    from IVDSegmentationLib.networks.inputs import COARSE_STEP
    from IVDSegmentationLib.pipeline.crop import PATCH_SIZE

    coarse = [-(-(n // s) // 8) * 8 for n, s in zip(size, COARSE_STEP, strict=True)]
    total = 0.0
    for network, shape, count in ((networks["localizer"], coarse, 1), (networks["segmenter"], PATCH_SIZE, discs)):
        sized = keras.Model(network.inputs, network.outputs)
        for layer in sized.layers:
            if isinstance(layer, keras.layers.Conv3D):
                depth = _depth(sized, layer)
                voxels = np.prod(shape) / 8**depth
                total += 2.0 * count * voxels * np.prod(layer.kernel.shape)
    return total / 1e9


def _depth(network, layer) -> int:
    """How many poolings, less up-samplings, lie between the input and a layer."""
    import keras

    depth, here = 0, layer.input
    while True:
        history = here._keras_history
        operation = history.operation
        if isinstance(operation, keras.layers.InputLayer):
            return depth
        depth += isinstance(operation, keras.layers.MaxPooling3D) - isinstance(operation, keras.layers.UpSampling3D)
        inputs = operation.input
        here = inputs[0] if isinstance(inputs, list) else inputs


def matrix_product_gflops() -> float:
    """The machine's best speed on a 3000 x 3000 single-precision product in TensorFlow, in 1e9 operations a second."""
    import tensorflow as tf

    a = tf.random.normal((3000, 3000))
    best = min(_timed(lambda: tf.matmul(a, a).numpy()) for _ in range(6))
    return 2 * 3000**3 / best / 1e9


def _timed(work) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_own_process(*arguments: str) -> dict:
    """This script with other arguments, in a process of its own, so that peaks of memory do not mix."""
    command = [sys.executable, __file__, *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])


def cold_command() -> tuple[float, float]:
    """Seconds and peak GB of `ivdseg segment` on a phantom written as files, process start included."""
    from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

    with tempfile.TemporaryDirectory() as folder:
        write_phantom_case(make_phantom(SEED), Path(folder) / "case")
        command = [sys.executable, "-m", "IVDSegmentationLib.cli", "segment", f"{folder}/case", "-o", f"{folder}/out"]
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        if status:
            raise SystemExit("ivdseg segment failed")
        return time.perf_counter() - start, usage.ru_maxrss / 2**20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, nargs=3, help="measure this size alone, as JSON")
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if options.size:
        print(json.dumps(measure_one(tuple(options.size), options.runs)))
        return
    speed = matrix_product_gflops()
    print(f"matrix product {speed:.0f} Gflop/s on {os.cpu_count()} CPUs")
    for size in SIZES:
        got = in_own_process("--size", *map(str, size), "--runs", str(options.runs))
        networks_s = got["stages_s"]["localize"] + got["stages_s"]["segment"]
        shares = ", ".join(f"{stage} {seconds:.2f}" for stage, seconds in got["stages_s"].items())
        name = "x".join(map(str, size))
        print(f"{name}: {got['discs']} discs, warm {got['warm_s']:.2f} s ({shares}), peak {got['peak_gb']:.2f} GB")
        share = got["gflop"] / networks_s / speed
        print(f"  networks: {got['gflop']:.0f} Gflop at {share:.0%} of the matrix product's speed")
    seconds, peak_gb = cold_command()
    print(f"cold command with report {seconds:.1f} s, peak {peak_gb:.2f} GB")


if __name__ == "__main__":
    main()
