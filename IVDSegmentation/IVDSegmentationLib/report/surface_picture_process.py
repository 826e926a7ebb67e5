"""`python surface_picture_process.py FOLDER`: what surface_picture.py runs in a process of its own, wherever the library is."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from IVDSegmentationLib.report.surface_picture import render_folder

    render_folder(Path(sys.argv[1]))
