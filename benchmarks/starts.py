"""How quick things start, beside another version: `python benchmarks/starts.py --against CHECKOUT`, in `.venv-slicer`.

The versions take turns in one run; each time is that of a process of its own: `make demo` (a phantom, then its segmentation
with the whole report), `ivdseg --help`, and the module on the harness, imported and then opened. CHECKOUT is made by
`git worktree add CHECKOUT REVISION`. Printed are medians with the lowest and highest of the clock and of the processor; what
the processor took says more on a machine that others use, too. Python keeps its compiled files, as it does for users: where
PYTHONDONTWRITEBYTECODE forbids it, each start would compile the library, and the version with fewer lines would win.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

MODULE = """
import json, time
from slicer_harness.boot import boot, load_module
boot()
import slicer
def since(begin):
    return time.perf_counter() - begin[0], time.process_time() - begin[1]
def now():
    return time.perf_counter(), time.process_time()
begin = now()
load_module()
times = {"importing the module": since(begin)}
begin = now()
slicer.util.getModuleWidget("IVDSegmentation").enter()
times["opening the panel"] = since(begin)
print("\\n" + json.dumps(times))
"""

Times = dict[str, tuple[float, float]]
"""What was done -> seconds of the clock and of the processor."""


def main() -> None:
    """Measure, and print the table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, required=True, metavar="CHECKOUT", help="the other version")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    versions = {"other": options.against.resolve(), "this": ROOT}
    found: dict[str, dict[str, list[tuple[float, float]]]] = {name: defaultdict(list) for name in versions}
    for turn in range(options.rounds + 1):
        for name in list(versions) if turn % 2 else list(versions)[::-1]:
            for what, times in one_turn(versions[name]).items():
                if turn:  # the first one fills the caches
                    found[name][what].append(times)
    print("| | other, clock s | this, clock s | other, processor s | this, processor s |\n|---|---|---|---|---|")
    for what in found["this"]:
        cells = [spread([times[kind] for times in found[name][what]]) for kind in (0, 1) for name in versions]
        print(f"| {what} | {' | '.join(cells)} |")


def one_turn(checkout: Path) -> Times:
    """Everything once, with the version of a checkout."""
    ivdseg = [sys.executable, "-m", "IVDSegmentationLib.cli"]
    with tempfile.TemporaryDirectory() as folder:
        phantom, _ = run([*ivdseg, "phantom", "case"], checkout, folder)
        segment, _ = run([*ivdseg, "segment", "case", "-o", "out", "--reference", "case/reference.nii.gz"], checkout, folder)
        usage, _ = run([*ivdseg, "--help"], checkout, folder)
        _, said = run([sys.executable, "-c", MODULE], checkout, folder)
    return {
        "make demo": (phantom[0] + segment[0], phantom[1] + segment[1]),
        "of it, segmentation with the report": segment,
        "ivdseg --help": usage,
        **{what: tuple(times) for what, times in json.loads(said.splitlines()[-1]).items()},
    }


def run(command: list[str], checkout: Path, folder: str) -> tuple[tuple[float, float], str]:
    """Run a command with the library of a checkout: seconds of the clock and of the processor, and what it printed."""
    path = os.pathsep.join(str(checkout / part) for part in ("IVDSegmentation", "Testing"))
    environment = {**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before, begin = os.times(), time.perf_counter()
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    took, after = time.perf_counter() - begin, os.times()
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} in {checkout} failed: {done.stderr.decode(errors='replace')[-2000:]}")
    processor = after.children_user + after.children_system - before.children_user - before.children_system
    return (took, processor), done.stdout.decode(errors="replace")


def spread(values: list[float]) -> str:
    """Median, and lowest and highest."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    main()
