"""`make soak`: run after run on one small case, with the real segmentation process where a model is installed.

Run in .venv-slicer: python -m slicer_harness.soak [RUNS] (from Testing/). Ends with an error where memory, processes, files,
nodes or observers grow after the first tenth of the runs.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "IVDSegmentation")]
GROWTH_MB = 64
"""Memory that the allocators may hold on to over all runs."""


def main(runs: int) -> None:
    """Prints what is held at intervals; raises SystemExit where it grows."""
    import slicer
    from IVDSegmentationLib import slicer_setup

    from .person import Person

    person = Person()
    person.load("water", "fat")
    person.click(person.ui.findButton)
    real = (ROOT / "IVDSegmentation" / "Resources" / "Models" / "default" / "card.json").exists()
    print("with the real segmentation process" if real else "no model is installed: with a worker that knows the answer")
    if real:
        person.logic.segmenter.worker = slicer_setup.make_worker()
    settled: dict[str, int] = {}
    held: dict[str, int] = {}
    for run in range(1, runs + 1):
        person.segment()
        if person.boxes:
            raise SystemExit(f"run {run}: {person.boxes[-1]}")
        if run % 10 == 3:  # now and then one is cancelled
            person.click(person.ui.segmentButton)
            person.click(person.ui.segmentButton)
        held = {
            "memory_mb": _memory_mb(),
            "processes": len(_children()),
            "open_files": len(os.listdir("/proc/self/fd")),
            "temporary_files": len(os.listdir(tempfile.gettempdir())),
            "nodes": slicer.mrmlScene.GetNumberOfNodes(),
            "observations": len(person.logic.Observations) + len(person.panel.Observations),
        }
        if run == max(runs // 10, 3):
            settled = held
        if run % max(runs // 10, 1) == 0:
            print(f"{run:4d} " + "  ".join(f"{name} {count}" for name, count in held.items()), flush=True)
    person.logic.close()
    grown = [name for name in held if held[name] > settled[name] + (GROWTH_MB if name == "memory_mb" else 0)]
    if grown:
        raise SystemExit(f"grown over {runs} runs: " + ", ".join(f"{n} {settled[n]} -> {held[n]}" for n in grown))
    print(f"{runs} runs passed: nothing grew")


def _memory_mb() -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def _children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
