"""Where the real MRI is that some tests use: $IVDSEG_DATA, or shared/data beside the repository. Tests skip without it."""

import os
from pathlib import Path

import pytest

DATA = Path(os.environ.get("IVDSEG_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
BOXES = sorted(DATA.glob("ivdm3seg-patches/*/disc*"))
"""One folder a disc: fat, in_phase, opposed_phase and the expert's mask."""
WATERS = sorted(folder for folder in DATA.glob("myosegmentum-water/*") if folder.is_dir())
"""One folder a subject: water, discs, vertebrae."""

_ABSENT = f"{DATA.name} holds no {{}}: set IVDSEG_DATA to the folder of the real data"
needs_boxes = pytest.mark.skipif(not BOXES, reason=_ABSENT.format("ivdm3seg-patches"))
needs_waters = pytest.mark.skipif(not WATERS, reason=_ABSENT.format("myosegmentum-water"))
