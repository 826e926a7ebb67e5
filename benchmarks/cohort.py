"""How fast a cohort is: `python benchmarks/cohort.py [--cases 200]`.

Phantoms are written to a temporary folder, and the same cases are segmented by the warm pipeline alone, by one worker and by
two. Then what resuming costs, what a killed worker costs, what a case takes of the disk, what 100,000 such cases would cost,
and how much memory the driver needs for the tables of 10,000.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SIZE = (36, 96, 176)
"""Voxels of a case: the spine of a lumbar examination and what lies around it."""
FAKE_CASES = 10_000


def write_cases(folder: Path, count: int) -> None:
    """Phantoms as cases; ten different ones, the rest links to them."""
    from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

    for index in range(count):
        case = folder / f"phantom-{index:04d}"
        if index < 10:
            write_phantom_case(make_phantom(3000 + index, SIZE), case)
            (case / "reference.nii.gz").unlink()
        else:
            case.mkdir()
            for path in (folder / f"phantom-{index % 10:04d}").iterdir():
                (case / path.name).hardlink_to(path)


def pipeline_alone(folder: Path, output: Path, count: int) -> float:
    """Cases per second of the task in one process, without Dask."""
    from IVDSegmentationLib.cohort.find import find_cases
    from IVDSegmentationLib.cohort.task import Settings, segment_case

    cases = find_cases(folder)[: count + 1]
    settings = Settings(output, "tables", device="cpu")
    segment_case(cases[0], settings)
    start = time.perf_counter()
    for case in cases[1:]:
        segment_case(case, settings)
    return (len(cases) - 1) / (time.perf_counter() - start)


def cohort(folder: Path, output: Path, workers: int, kill_after: int | None = None) -> dict[str, Any]:
    """A run of the command's own code: seconds, cases per second once all workers are warm, peak memory of a worker."""
    from IVDSegmentationLib.cohort.cluster import workers_of
    from IVDSegmentationLib.cohort.find import find_cases
    from IVDSegmentationLib.cohort.run import run_cases
    from IVDSegmentationLib.cohort.task import Settings

    cases = find_cases(folder)
    settings = Settings(output, "tables", device="cpu")
    times: list[float] = []
    start = time.perf_counter()
    with workers_of(None, workers, "auto") as client:

        def show(state: Any) -> None:
            times.append(time.perf_counter())
            if len(times) == kill_after:
                os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

        state = run_cases(client, cases, settings, show)
        peaks = client.run(lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    seconds = time.perf_counter() - start
    warm = 2 * workers  # the first cases of each worker load the networks
    rate = (len(times) - warm) / (times[-1] - times[warm - 1]) if len(times) > warm else None
    return {"seconds": seconds, "rate": rate, "failed": state.failed, "peak_mb": max(peaks.values())}


def disk_mb(folder: Path, output: Path) -> dict[str, float]:
    """What is written of a case -> MB of its folder."""
    from IVDSegmentationLib.cohort.find import find_cases
    from IVDSegmentationLib.cohort.task import ONLY, Settings, segment_case

    case = find_cases(folder)[0]
    used = {}
    for only in ONLY:
        segment_case(case, Settings(output / only, only, device="cpu"))
        files = [path for path in (output / only).rglob("*") if path.is_file()]
        used[only] = sum(path.stat().st_size for path in files) / 1e6
    return used


def driver_memory(output: Path) -> float:
    """MB that tables and page of FAKE_CASES cases of six discs add to a process."""
    code = (
        "import resource, sys; from pathlib import Path\n"
        "from IVDSegmentationLib.cohort.case import CohortCase\n"
        "from IVDSegmentationLib.cohort.tables import write_tables\n"
        "from IVDSegmentationLib.cohort.page import write_page\n"
        "import pyarrow.parquet, jinja2\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before = peak(); output = Path(sys.argv[1]); names = sorted(p.name for p in (output / 'cases').iterdir())\n"
        "write_page(output, write_tables(output, names)); print(peak() - before)"
    )
    row = {"status": "done", "sentence": "", "discs": 6, "lowest_level": "L5-S1", "highest_level": "T12-L1"}
    levels = ("L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1")
    figures = {f"figure_{index}_mm": 1.5 * index for index in range(25)}
    for index in range(FAKE_CASES):
        name = f"case-{index:05d}"
        discs = [{"case": name, "level": level, "volume_mm3": 9000.0 + index, "cut": False, **figures} for level in levels]
        folder = output / "cases" / name
        folder.mkdir(parents=True)
        content = {"format": 1, "fingerprint": "", "case": {"case": name, **row}, "discs": discs}
        (folder / "case.json").write_text(json.dumps(content))
    done = subprocess.run([sys.executable, "-c", code, str(output)], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_cases(folder / "in", options.cases)
        alone = pipeline_alone(folder / "in", folder / "alone", min(options.cases - 1, 50))
        print(f"warm pipeline alone: {alone:.2f} cases/s")
        for workers in (1, 2):
            ran = cohort(folder / "in", folder / f"out-{workers}", workers)
            share = f"{ran['rate']:.2f} cases/s warm, {ran['rate'] / alone:.2f} of the pipeline alone"
            print(f"{workers} workers: {share}; {ran['seconds']:.1f} s, peak {ran['peak_mb']:.0f} MB, {ran['failed']} failed")
        again = cohort(folder / "in", folder / "out-2", 2)
        print(f"the same again, all done already: {again['seconds']:.1f} s")
        killed = cohort(folder / "in", folder / "killed", 2, kill_after=options.cases // 2)
        print(f"2 workers, one killed half-way: {killed['seconds'] - ran['seconds']:+.1f} s, {killed['failed']} failed")
        used = disk_mb(folder / "in", folder / "disk")
        print("a case on disk: " + ", ".join(f"--only {only} {mb:.2f} MB" for only, mb in used.items()))
        disk = ", ".join(f"{mb * 100_000 / 1e3:.0f} GB with --only {only}" for only, mb in used.items())
        print(f"100,000 such cases, tables alone: {100_000 / alone / 3600:.0f} hours of the pipeline alone; {disk}")
        print(f"driver, tables and page of {FAKE_CASES} cases: {driver_memory(folder / 'fake'):+.0f} MB")


if __name__ == "__main__":
    main()
