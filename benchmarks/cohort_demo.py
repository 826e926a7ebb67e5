"""Twenty phantoms for `make cohort-demo`, most usual and some not, and a file that is none: `cohort_demo.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

from IVDSegmentationLib.phantom import Anatomy, make_phantom, write_phantom_case

SIZE = (36, 96, 176)
UNUSUAL = {
    3: Anatomy(missing_disc="L3-L4"),
    6: Anatomy(lowest_disc="L3-L4"),
    9: Anatomy(degeneration=1.0),
    12: Anatomy(cut="caudal"),
    15: Anatomy(scoliosis_deg=35.0),
    18: Anatomy(transitional="lumbarised_s1"),
}


def main(folder: Path) -> None:
    for index in range(20):
        case = folder / f"phantom-{index + 1:02d}"
        if not (case / "water.nii.gz").exists():
            write_phantom_case(make_phantom(5000 + index, SIZE, anatomy=UNUSUAL.get(index)), case)
            (case / "reference.nii.gz").unlink()
    (folder / "damaged").mkdir(exist_ok=True)
    (folder / "damaged" / "water.nii.gz").write_bytes(b"cut short")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
