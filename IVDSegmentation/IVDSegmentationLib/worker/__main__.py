"""The worker process: `python -m IVDSegmentationLib.worker`, or this file as a script, which runs the copy it belongs to.

PythonSlicer puts its own site-packages before any PYTHONPATH, so that a copy installed there would win.
"""

import sys
from pathlib import Path

if __name__ == "__main__":
    here = Path(__file__).resolve()
    sys.path[:] = [str(here.parents[2]), *(folder for folder in sys.path if folder and Path(folder).resolve() != here.parent)]
    from IVDSegmentationLib.worker.server import main

    main()
