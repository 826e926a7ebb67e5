"""How fast a cohort is: `python benchmarks/cohort.py [--cases 200] [--inputs FOLDER] [PART ...]`.

What a worker does with a case (read, segment, measure, write its tables) is done by one warm process alone, which may use all
cores, by one Dask worker, and by two. A share is the rate of the workers by the rate of that process, in the same run; each
rate is that of the cases after the first ones, with which networks are loaded and compiled. Other parts: what a resumed run and
a killed worker cost; whole bodies of UK Biobank's size, what they take of cores and disk, and what 100,000 would; and the
driver's memory for the tables of 10,000 cases.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

SIZE = (36, 96, 176)
"""Voxels of a case: the spine of a lumbar examination and what lies around it."""
WHOLE_BODY = {"size": (224, 174, 370), "spacing_mm": (2.23, 2.23, 3.0), "whole_body": True}
"""As UK Biobank's examinations from neck to knee, their stations joined."""
BODIES, TURNS = 3, 4
"""Different whole bodies, and how often each is segmented."""
FAKE_CASES = 10_000
MANY = 100_000
"""Examinations of UK Biobank's imaging study, whose cost is estimated."""
WARM = 2
"""Cases of a process that are left out of its rate."""
PARTS = ("inputs", "rate", "resume", "killed", "bodies", "driver")


def made_cases(folder: Path, count: int, **shape: Any) -> list[Any]:
    """The first cases of a folder: phantoms, those that are there already left alone."""
    from IVDSegmentationLib.cohort.find import find_cases
    from IVDSegmentationLib.phantom import make_phantom, write_phantom_case

    for index in range(count):
        case = folder / f"phantom-{index:04d}"
        if not (case / "reference.nii.gz").exists():
            write_phantom_case(make_phantom(3000 + index, **shape), case)
            (case / "reference.nii.gz").write_bytes(b"")  # is read by nobody, and says that the case is whole
    return find_cases(folder)[:count]


def pipeline_alone(cases: Iterable[Any], output: Path) -> float:
    """Cases per second of the task in this process, without Dask, on all cores."""
    from IVDSegmentationLib.cohort.task import Settings, segment_case

    settings = Settings(output, "tables", device="cpu")
    times = []
    for case in cases:
        segment_case(case, settings)
        times.append(time.perf_counter())
    return rate_of(times, 1)


def rate_of(times: list[float], workers: int) -> float:
    """Cases per second after the first ones of each worker."""
    begin = WARM * workers - 1
    return (len(times) - 1 - begin) / (times[-1] - times[begin])


def cohort(cases: list[Any], output: Path, workers: int, kill_after: int | None = None) -> dict[str, Any]:
    """A run of the command's own code: seconds, time of each case, peak memory of a worker."""
    from IVDSegmentationLib.cohort.cluster import workers_of
    from IVDSegmentationLib.cohort.run import run_cases
    from IVDSegmentationLib.cohort.task import Settings

    settings = Settings(output, "tables", device="cpu")
    times: list[float] = []
    start = time.perf_counter()
    with workers_of(None, workers, "auto") as client:
        ready = time.perf_counter()

        def show(state: Any) -> None:
            times.append(time.perf_counter())
            if len(times) == kill_after:
                os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

        state = run_cases(client, cases, settings, show)
        run = time.perf_counter() - ready
        peaks = client.run(peak_mb)
    seconds = time.perf_counter() - start
    return {
        **{"seconds": seconds, "ready": ready, "run": run, "times": times},
        **{"failed": state.failed, "peak_mb": max(peaks.values())},
    }


def peak_mb() -> float:
    """Peak memory of this process since it runs its own program; what getrusage says includes the parent's."""
    (line,) = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def disk_mb(case: Any, output: Path) -> dict[str, float]:
    """What is written of a case -> MB of its folder."""
    from IVDSegmentationLib.cohort.task import DONE, ONLY, Settings, segment_case

    used = {}
    for only in ONLY:
        row = segment_case(case, Settings(output / only, only, device="cpu"))
        assert row["status"] == DONE, row["sentence"]
        files = [path for path in (output / only).rglob("*") if path.is_file()]
        used[only] = sum(path.stat().st_size for path in files) / 1e6
    return used


def driver_memory(output: Path) -> float:
    """MB that tables and page of FAKE_CASES cases of six discs add to a process."""
    code = (
        "import sys; from pathlib import Path; from cohort import peak_mb\n"
        "from IVDSegmentationLib.cohort.case import CohortCase\n"
        "from IVDSegmentationLib.cohort.tables import write_tables\n"
        "from IVDSegmentationLib.cohort.page import write_page\n"
        "import pyarrow.parquet, jinja2\n"
        "before = peak_mb(); output = Path(sys.argv[1]); names = sorted(p.name for p in (output / 'cases').iterdir())\n"
        "write_page(output, write_tables(output, names)); print(peak_mb() - before)"
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
    command = [sys.executable, "-c", code, str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    return float(done.stdout)


def report_rates(cases: list[Any], folder: Path) -> None:
    """The rates of the process alone, of one worker and of two."""
    alone = pipeline_alone(cases, folder / "alone")
    print(f"one warm process, all cores: {alone:.3f} cases/s, {len(cases)} cases")
    for workers in (1, 2):
        ran = cohort(cases, folder / f"rate-{workers}", workers)
        rate = rate_of(ran["times"], workers)
        print(
            f"{workers} worker{'s' * (workers > 1)}: {rate:.3f} cases/s, share {rate / alone:.2f}; {ran['seconds']:.1f} s in"
            f" all, first case {ran['times'][0] - ran['ready']:.1f} s after the workers; peak {ran['peak_mb']:.0f} MB a worker;"
            f" {ran['failed']} failed",
            flush=True,
        )


def report_resume(cases: list[Any], folder: Path) -> None:
    """What it costs to find that all is done."""
    first = cohort(cases, folder / "resume", 2)
    again = cohort(cases, folder / "resume", 2)
    print(f"{len(cases)} cases on 2 workers: {first['run']:.1f} s; the same again: {again['run']:.2f} s")


def report_killed(cases: list[Any], folder: Path) -> None:
    """What a worker that is killed half-way costs."""
    whole = cohort(cases, folder / "whole", 2)
    killed = cohort(cases, folder / "killed", 2, kill_after=len(cases) // 2)
    print(
        f"{len(cases)} cases on 2 workers: {whole['run']:.1f} s; one killed half-way: {killed['run']:.1f} s,"
        f" {killed['run'] - whole['run']:+.1f} s, {killed['failed']} failed"
    )


def report_bodies(cases: list[Any], folder: Path) -> None:
    """What whole bodies cost on two workers, on the disk, and what MANY would."""
    turns = [replace(case, name=f"{case.name}-{turn}") for turn in range(TURNS) for case in cases]
    ran = cohort(turns, folder / "bodies", 2)
    rate, cores = rate_of(ran["times"], 2), len(os.sched_getaffinity(0))
    used = disk_mb(cases[0], folder / "disk")
    size = " x ".join(map(str, WHOLE_BODY["size"]))
    print(
        f"{len(turns)} whole bodies of {size} voxels on 2 workers: {rate:.3f} cases/s, peak"
        f" {ran['peak_mb']:.0f} MB a worker; {ran['failed']} failed"
    )
    print("one on disk: " + ", ".join(f"{mb:.2f} MB with --only {only}" for only, mb in used.items()))
    disk = ", ".join(f"{MANY * mb / 1e3:,.0f} GB with --only {only}" for only, mb in used.items())
    print(f"{MANY:,}: {MANY:,} x {cores} cores / {rate:.3f} cases/s = {MANY * cores / rate / 3600:,.0f} core hours; {disk}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS) + "; default: all")
    parser.add_argument("--cases", type=int, default=200, help="phantoms (default: 200)")
    parser.add_argument("--inputs", type=Path, metavar="FOLDER", help="where phantoms are kept")
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := set(parts) - set(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}: {', '.join(PARTS)}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        inputs = options.inputs or folder / "in"
        if set(parts) & {"inputs", "rate", "resume", "killed"}:
            cases = made_cases(inputs / "lumbar", options.cases, size=SIZE)
            for part, report in (("rate", report_rates), ("resume", report_resume), ("killed", report_killed)):
                if part in parts:
                    report(cases, folder)
        if set(parts) & {"inputs", "bodies"}:
            bodies = made_cases(inputs / "bodies", BODIES, **WHOLE_BODY)
            if "bodies" in parts:
                report_bodies(bodies, folder)
        if "driver" in parts:
            print(f"driver, tables and page of {FAKE_CASES:,} cases: {driver_memory(folder / 'fake'):+.0f} MB")


if __name__ == "__main__":
    main()
