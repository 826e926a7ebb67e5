"""How long a training takes, beside another version: `python benchmarks/training.py --against CHECKOUT --data DATA`.

Each version trains the segmenter's default preset for --steps steps by its own command, in a process of its own; timed is the
training itself, from the making of the network to its weights on disk, without the reading of the sources and the making of
phantoms. CHECKOUT is made by `git worktree add CHECKOUT REVISION`. docs/performance.md says with which environment variables a
CPU without AVX-512 is imitated.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TRAIN = """
import importlib, json, pathlib, runpy, sys, time
loop = importlib.import_module("IVDSegmentationLib.training.loop")
train, took, *arguments = loop.train_network, *sys.argv[1:]
def timed(*positional, **named):
    begin_s = time.perf_counter()
    network = train(*positional, **named)
    pathlib.Path(took).write_text(json.dumps(time.perf_counter() - begin_s))
    return network
loop.train_network = timed  # before those are imported that take it by its name
sys.argv = ["ivdseg", *arguments]
runpy.run_module("IVDSegmentationLib.cli", run_name="__main__")
"""


def main() -> None:
    """Measure, and print seconds and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, required=True, metavar="CHECKOUT", help="the other version")
    parser.add_argument("--data", type=Path, required=True, help="folder of the sources")
    parser.add_argument("--steps", type=int, default=60)
    options = parser.parse_args()
    this_s = training_s(ROOT, options.data.resolve(), options.steps)
    other_s = training_s(options.against.resolve(), options.data.resolve(), options.steps)
    print(f"{options.steps} steps: this {this_s:.0f} s, other {other_s:.0f} s, ratio {this_s / other_s:.3f}")


def training_s(checkout: Path, data: Path, steps: int) -> float:
    """Seconds that a training takes with the version of a checkout."""
    environment = {**os.environ, "PYTHONPATH": str(checkout / "IVDSegmentation")}
    with tempfile.TemporaryDirectory() as folder:
        arguments = ["train", "segmenter", "--data", str(data), "--steps", str(steps), "-o", f"{folder}/run"]
        took = Path(folder, "seconds.json")
        command = [sys.executable, "-c", TRAIN, str(took), *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode or not took.exists():
            raise SystemExit(f"the training in {checkout} failed: {done.stderr[-2000:]}")
        return float(json.loads(took.read_text()))


if __name__ == "__main__":
    main()
