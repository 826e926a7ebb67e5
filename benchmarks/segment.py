"""How fast and how large: `python benchmarks/segment.py [--against CHECKOUT]`, or with --growth, --large or --peers.

Every engine that is installed, and with --against another version of the project (`git worktree add CHECKOUT REVISION`), take
turns in one run, each in a process that stays loaded, on a phantom of 36 x 256 x 256 voxels with four channels. Printed are
medians with their spread, and the median of the ratios within the turns, which holds where the machine's speed drifts:

- warm, by stage; of the networks, the share of the speed of a matrix product that is measured next to them;
- the whole cold command with its report, and its peak memory.

Instead of these, with the first engine: --growth, time and memory of larger fields of view, all of them anatomy; --large, a
whole body of 224 x 174 x 370 voxels; --peers, for scale, what networks of other methods compute on the same field of view,
with random weights.

Seconds of the processor are printed beside those of the clock: on a machine that others use, too, they say more.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SEED = 2026
USUAL = (36, 256, 256)
GROWTH = ((36, 256, 256), (36, 512, 512), (72, 512, 512))
WHOLE_BODY = {"size": (224, 174, 370), "spacing_mm": (2.23, 2.23, 3.0)}
STAGES = ("localize", "segment", "assemble", "put back")
NNUNET_FEATURES = (32, 64, 128, 256, 320, 320)
"""Of nnU-Net's full-resolution 3D network (Isensee et al., Nat Methods 18:203, 2021)."""
TILE = (64, 96, 96)
"""Voxels of which a peer's network is timed; the time of a field of view is in proportion."""

Rows = dict[str, dict[str, list[float]]]


class Child:
    """A process of benchmarks/variant.py."""

    def __init__(self, name: str, library: Path, case: Path, engine: str | None) -> None:
        self.name, self.library, self.engine = name, library, engine
        command = [
            sys.executable,
            str(ROOT / "benchmarks" / "variant.py"),
            str(case),
            *(["--engine", engine] if engine else []),
        ]
        self._process = subprocess.Popen(
            command,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    @property
    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": str(self.library), "TF_CPP_MIN_LOG_LEVEL": "3"}

    def ask(self, what: str) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        print(what, file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.name} ended in {what}")
        return json.loads(line)

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait()


def engines() -> list[str]:
    return [name for name in ("openvino", "tensorflow") if importlib.util.find_spec(name)]


@contextmanager
def children(case: Path, against: Path | None, chosen: Sequence[str]) -> Iterator[list[Child]]:
    """The variants, loaded and each run once."""
    with ExitStack() as stack:
        started = [Child(engine, ROOT / "IVDSegmentation", case, engine) for engine in chosen]
        if against is not None:
            started.append(Child(f"{against.name}", against.resolve() / "IVDSegmentation", case, None))
        for child in started:
            stack.callback(child.close)
            for what in ("segment", "write"):
                child.ask(what)
        yield started


def write_case(folder: Path, **phantom: Any) -> Path:
    # In a process of its own: Linux hands the peak of a process on to those that it starts, which would show in theirs.
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_write_case, (folder,), phantom)


def _write_case(folder: Path, **phantom: Any) -> Path:
    from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

    write_phantom_case(make_phantom(SEED, **phantom), folder)
    (folder / "reference.nii.gz").unlink()
    return folder


def warm(variants: Sequence[Child], rounds: int) -> Rows:
    """Name of a figure -> variant -> its values, one a round; the order turns with every round."""
    rows: Rows = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for child in variants if number % 2 else variants[::-1]:
            product = child.ask("product")["gflops"]
            read, segmented, written = (child.ask(what) for what in ("read", "segment", "write"))
            product = max(product, child.ask("product")["gflops"])
            networks_s = segmented["networks_s"]
            figures = {
                "read the files": read["wall_s"],
                **{stage: segmented["stages_s"][stage] for stage in STAGES},
                "of these, the networks": networks_s,
                "warm, channels to labels": segmented["wall_s"],
                "measurements, surfaces, all files": written["wall_s"],
                "everything but the networks": read["wall_s"] + segmented["wall_s"] + written["wall_s"] - networks_s,
                "processor: read the files": read["cpu_s"],
                "processor: channels to labels": segmented["cpu_s"],
                "processor: measurements, surfaces, all files": written["cpu_s"],
                "networks, share of the matrix product's speed": networks_gflop(segmented["discs"]) / networks_s / product,
            }
            for name, value in figures.items():
                rows[name][child.name].append(value)
    for child in variants:
        rows["peak memory, GB"][child.name].append(child.ask("peak")["peak_gb"])
    return rows


def networks_gflop(discs: int) -> float:
    """Operations of all convolutions of both networks on the usual case, in 1e9, two a multiplication: of the networks as
    they are defined, however an engine computes them."""
    from IVDSegmentationLib.networks import DEFAULT_MODEL
    from IVDSegmentationLib.networks.models import MODELS_FOLDER, load_card
    from IVDSegmentationLib.pipeline.crop import PATCH_SIZE

    card = load_card(MODELS_FOLDER / DEFAULT_MODEL)
    coarse = [-(-n // 2 // 8) * 8 for n in USUAL]
    voxels = {"localizer": float(np.prod(coarse)), "segmenter": float(discs * np.prod(PATCH_SIZE))}
    return sum(unet_gflop(card[role]["parameters"]["features"], count) for role, count in voxels.items())


def unet_gflop(features: Sequence[int], voxels: float, channels: int = 4) -> float:
    """Operations of architectures.unet on so many voxels."""
    total, before = 0.0, channels
    for level, width in enumerate(features):
        total += 27 * (before + width) * width * voxels / 8**level
        before = width
    for level, width in enumerate(features[:-1]):
        total += (features[level + 1] * width / 8 + 27 * (2 * width + width) * width) * voxels / 8**level
    return 2 * (total + features[0] * voxels) / 1e9


def cold(variants: Sequence[Child], case: Path, rounds: int) -> Rows:
    """The whole command, process start included."""
    rows: Rows = defaultdict(lambda: defaultdict(list))
    for number in range(rounds):
        for child in variants if number % 2 else variants[::-1]:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "IVDSegmentationLib.cli", "segment", str(case), "-o", f"{folder}/out"]
                command += ["--engine", child.engine] if child.engine else []
                start = time.perf_counter()
                quiet = subprocess.DEVNULL
                process = subprocess.Popen(command, env=child.environment, stdout=quiet, stderr=quiet)
                _, status, usage = os.wait4(process.pid, 0)
                if status:
                    raise SystemExit(f"ivdseg segment failed with {child.name}")
                rows["cold command with report"][child.name].append(time.perf_counter() - start)
            rows["processor: cold command with report"][child.name].append(usage.ru_utime + usage.ru_stime)
            rows["peak memory of it, GB"][child.name].append(usage.ru_maxrss / 2**20)
    return rows


def show(rows: Rows, names: Sequence[str]) -> None:
    """A line a figure: median of each variant with the lowest and the highest, and the ratio to the last variant."""
    print(f"{'':46}" + "".join(f"{name:>26}" for name in names) + "".join(f"{f'{n}/{names[-1]}':>22}" for n in names[:-1]))
    for figure, values in rows.items():
        cells = [f"{statistics.median(values[n]):.3f} ({min(values[n]):.3f}-{max(values[n]):.3f})" for n in names]
        ratios = [statistics.median(a / b for a, b in zip(values[n], values[names[-1]], strict=True)) for n in names[:-1]]
        print(f"{figure:46}" + "".join(f"{cell:>26}" for cell in cells) + "".join(f"{ratio:>22.2f}" for ratio in ratios))


def grow(sizes: Sequence[dict[str, Any]], engine: str, rounds: int) -> None:
    """Warm time and peak memory by the number of voxels, each size in a process of its own."""
    first: tuple[float, float, float] | None = None
    for phantom in sizes:
        with tempfile.TemporaryDirectory() as folder:
            case = write_case(Path(folder) / "case", **phantom)
            with children(case, None, [engine]) as (child,):
                runs = [child.ask("segment") for _ in range(rounds)]
                wall_s, cpu_s = (statistics.median(run[key] for run in runs) for key in ("wall_s", "cpu_s"))
                got = float(np.prod(phantom["size"])), cpu_s, child.ask("peak")["peak_gb"]
        first = first or got
        times = ", ".join(f"{a / b:.1f}" for a, b in zip(got, first, strict=True))
        name = "x".join(map(str, phantom["size"]))
        print(
            f"{engine}, {name}: {runs[0]['discs']} discs, {wall_s:.2f} s, processor {cpu_s:.2f} s, peak {got[2]:.2f} GB; "
            f"voxels, processor time and memory are {times} times the first's"
        )


def peers(rounds: int) -> None:
    """Seconds of other methods' networks on the usual field of view: nnU-Net's at 1 mm, once and without the overlap of its
    tiles; the conventional 3D U-Net on all of the volume."""
    field_mm = np.multiply(USUAL, (2.0, 1.25, 1.25))
    rng = np.random.default_rng(0)
    tile = rng.random((1, *TILE, 4), np.float32)
    made = {}
    if "openvino" in engines():
        from IVDSegmentationLib.networks.openvino_engine import OpenVINOEngine

        weights = _random_unet(NNUNET_FEATURES, rng)
        network = OpenVINOEngine().network("unet", {"features": list(NNUNET_FEATURES), "patch_size": list(TILE)}, weights)
        made["network of nnU-Net's size at 1 mm, openvino"] = network, float(np.prod(field_mm))
    if "tensorflow" in engines():
        from IVDSegmentationLib.networks.paper_architectures import conventional_unet

        made["conventional 3D U-Net on the whole volume, tensorflow"] = conventional_unet(4), float(np.prod(USUAL))
    for name, (network, voxels) in made.items():
        network.predict_on_batch(tile)
        taken = []
        for _ in range(rounds):
            start = time.perf_counter()
            network.predict_on_batch(tile)
            taken.append(time.perf_counter() - start)
        print(f"{name}: {statistics.median(taken) * voxels / np.prod(TILE):.1f} s for {voxels / 1e6:.1f} million voxels")


def _random_unet(features: Sequence[int], rng: np.random.Generator) -> list[np.ndarray]:
    """Random weights of architectures.unet, in Keras' order."""
    shapes: list[tuple[int, ...]] = []

    def conv(before: int, width: int) -> None:
        shapes.extend([(3, 3, 3, before, width), (width,), (width,)])

    before = 4
    for width in features:
        conv(before, width)
        conv(width, width)
        before = width
    for width in features[-2::-1]:
        shapes.extend([(1, 1, 1, before, width), (width,)])
        conv(2 * width, width)
        conv(width, width)
        before = width
    shapes.extend([(1, 1, 1, before, 1), (1,)])
    return [rng.normal(0, 0.05, shape).astype(np.float32) for shape in shapes]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--engines", nargs="+", choices=("openvino", "tensorflow"), default=engines())
    parser.add_argument("--against", type=Path, metavar="CHECKOUT", help="another checkout of the project, to compare with")
    for name, text in (("growth", "larger fields of view"), ("large", "a whole body"), ("peers", "other methods' networks")):
        parser.add_argument(f"--{name}", action="store_true", help=text)
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "IVDSegmentation"))
    print(f"{os.cpu_count()} CPUs, load {os.getloadavg()[0] if hasattr(os, 'getloadavg') else float('nan'):.1f}")
    if options.growth:
        grow([{"size": size, "whole_body": size != USUAL} for size in GROWTH], options.engines[0], options.rounds)
    if options.large:
        grow([{"size": USUAL}, {**WHOLE_BODY, "whole_body": True}], options.engines[0], options.rounds)
    if options.peers:
        peers(options.rounds)
    if not (options.growth or options.large or options.peers):
        compare(options.engines, options.against, options.rounds)


def compare(chosen: Sequence[str], against: Path | None, rounds: int) -> None:
    """Engines and versions in turn, warm and cold."""
    with tempfile.TemporaryDirectory() as folder:
        case = write_case(Path(folder) / "case")
        with children(case, against, chosen) as variants:
            names = [child.name for child in variants]
            show(warm(variants, rounds), names)
            show(cold(variants, case, rounds), names)


if __name__ == "__main__":
    main()
