"""`python -m IVDSegmentationLib.worker`: the worker process."""

from .server import main

if __name__ == "__main__":
    main()
