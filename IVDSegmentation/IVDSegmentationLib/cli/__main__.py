"""`python -m IVDSegmentationLib.cli`: the same as `ivdseg`."""

from .commands import entry

if __name__ == "__main__":
    entry()
