"""`make soak`: run after run on one small case by clicks, with the real segmentation process where a model is installed.

Run in .venv-slicer: python -m slicer_harness.soak [RUNS] (from Testing/). In the first half every tenth run is followed by
one that is cancelled; in the second half one segmentation process stays warm. Ends with an error where memory (of this
process and of the other), processes, files, nodes, observers or wrappers grow after that part's first tenth of the runs.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "IVDSegmentation")]
GROWTH_MB = 64
"""Memory that the allocators may hold on to over all runs."""


def main(runs: int) -> None:
    """Prints what is held at intervals; raises SystemExit where it grows."""
    with tempfile.TemporaryDirectory(prefix="ivdseg-soak-") as own:
        tempfile.tempdir = own  # other programs write to the common folder, too
        _soak(runs)


def _soak(runs: int) -> None:
    from IVDSegmentationLib.slicer import setup as slicer_setup

    from .boot import MODULE_PATH
    from .person import Person

    person = Person()
    person.load("water", "fat")
    person.click(person.ui.findButton)
    real = (ROOT / "IVDSegmentation" / "IVDSegmentationLib" / "Resources" / "Models" / "default" / "card.json").exists()
    print("with the real segmentation process" if real else "no model is installed: with a worker that knows the answer")
    if real:
        person.logic.job_runner.worker = slicer_setup.make_worker(MODULE_PATH.parent)
    step = max(runs // 10, 3)
    settled: dict[str, int] = {}
    held: dict[str, int] = {}
    start_s = time.monotonic()
    for run in range(1, runs + 1):
        person.segment()
        if person.boxes:
            raise SystemExit(f"run {run}: {person.boxes[-1]}")
        held = _held(person)
        if run == step:
            settled = held
        if run == runs // 2 + step:  # the process that is warm from here on has settled
            settled |= {name: count for name, count in held.items() if name.startswith("worker_")}
        if run % step == 0 or run == runs:
            listed = "  ".join(f"{name} {count}" for name, count in held.items())
            print(f"{run:4d} {time.monotonic() - start_s:5.0f} s  {listed}", flush=True)
        if run % 10 == 3 and run <= runs // 2:
            person.click(person.ui.segmentButton)
            person.cancel()
    person.logic.close()
    slack = {name: GROWTH_MB if name.endswith("memory_mb") else 0 for name in held}
    grown = [name for name in held if held[name] > settled[name] + slack[name]]
    if grown:
        raise SystemExit(f"grown over {runs} runs: " + ", ".join(f"{n} {settled[n]} -> {held[n]}" for n in grown))
    left = _children() + os.listdir(tempfile.gettempdir())
    left.remove(next(name for name in left if name.startswith("slicer-harness-")))
    if left:
        raise SystemExit(f"left after the end: {', '.join(left)}")
    print(f"{runs} runs passed: nothing grew, nothing is left")


def _held(person: Any) -> dict[str, int]:
    """How much of everything that could grow there is now."""
    import slicer

    children = _children()
    scene = slicer.mrmlScene
    files = sum(len(names) for _, _, names in os.walk(tempfile.gettempdir()))
    return {
        "memory_mb": _memory_mb("self"),
        "worker_memory_mb": sum(_memory_mb(child) for child in children),
        "processes": len(children),
        "open_files": len(os.listdir("/proc/self/fd")),
        "worker_open_files": sum(len(os.listdir(f"/proc/{child}/fd")) for child in children),
        "temporary_files": files,
        "nodes": scene.GetNumberOfNodes(),
        "items": len(slicer.util.getSubjectHierarchyItemChildren(recursive=True)),
        "observations": len(person.logic.Observations) + len(person.panel.Observations),
        "wrappers": wrappers_kept(),
    }


def wrappers_kept() -> int:
    """How many wrappers of parameter nodes there are, with all their observers."""
    gc.collect()
    return sum(type(one).__name__ == "IVDSegmentationParameterNode" for one in gc.get_objects())


def _memory_mb(process: str) -> int:
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def _children(process: str = "self") -> list[str]:
    """The processes below this one, those below a launcher included."""
    found = []
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in children.read_text(encoding="ascii").split():
            found += [child, *_children(child)]
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
