"""What resampling along an image's axes takes, as products of matrices and by ITK: `python benchmarks/resampling.py`.

Each case is done three times in a process of its own: seconds of the processor, the best of three, and the memory that it
takes beside the image. On Linux.
"""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np

CASES = {
    "whole body, coarse copy": ((224, 174, 370), (2.23, 2.23, 3.0)),
    "sampled down": ((160, 400, 400), (0.5, 0.6, 0.6)),
    "sampled up": ((40, 356, 356), (3.3, 0.9, 0.9)),
}
"""Name -> size and spacing, mm."""
WAYS = ("products", "ITK")


def main() -> None:
    """Measure one case, or all of them in Markdown."""
    if sys.argv[1:]:
        print(measured(*sys.argv[1:]))
        return
    print("| | " + " | ".join(f"{way}: s, MB" for way in WAYS) + " |\n|---|---|---|")
    for case in CASES:
        cells = [
            subprocess.run([sys.executable, __file__, case, way], check=True, capture_output=True, text=True) for way in WAYS
        ]
        print(f"| {case} | {' | '.join(done.stdout.strip() for done in cells)} |")


def measured(case: str, way: str) -> str:
    """Seconds and megabytes of a case."""
    import resource

    import SimpleITK  # noqa: F401
    from IVDSegmentationLib.dixon.case import SEARCH_SPACING_MM
    from IVDSegmentationLib.images import Grid, Volume, resampling, to_working_grid, working_grid_of
    from IVDSegmentationLib.images.grid import grid_over
    from scipy import ndimage  # noqa: F401  imported before memory is measured

    size, spacing_mm = CASES[case]
    volume = Volume(np.random.default_rng(0).random(size, np.float32), Grid(size, spacing_mm, (0.0, 0.0, 0.0)))
    grid, resample = working_grid_of(volume.grid), to_working_grid
    if case.endswith("coarse copy"):
        grid, resample = grid_over(grid, SEARCH_SPACING_MM), resampling.coarse_copy
    if way == "ITK":
        resampling._same_axes = lambda one, other: False  # the way of images whose axes run otherwise
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds = []
    for _ in range(3):
        begin = time.process_time()
        resample(volume, grid)
        seconds.append(time.process_time() - begin)
        megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return f"{min(seconds):.2f}, {megabytes:.0f}"


if __name__ == "__main__":
    main()
