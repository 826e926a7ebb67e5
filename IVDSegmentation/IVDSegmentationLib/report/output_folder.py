"""The folder that results are written to: all of OUTPUTS take their places at once, or none of them."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from ..errors import OutputError

OUTPUTS = ("discs.nii.gz", "report.json", "measurements.csv", "report.html", "surfaces")


def check_output_folder(folder: Path) -> None:
    """Raise OutputError, before any work is done, where results could not be written to the folder."""
    with staging(Path(folder), keep=False):
        pass


def place_outputs(made: Path, folder: Path) -> None:
    """Copy the OUTPUTS in the folder `made` into `folder` (made where missing), in place of those of an earlier run.

    Raises OutputError for a folder that cannot be written or a full disk; it is then as it was.
    """
    with staging(Path(folder)) as beside:
        for source in sorted(made.rglob("*")):  # a folder comes before what is in it
            target = beside / source.relative_to(made)
            target.mkdir() if source.is_dir() else shutil.copyfile(source, target)


@contextmanager
def staging(folder: Path, keep: bool = True) -> Iterator[Path]:
    """A new folder inside `folder` whose content takes the place of OUTPUTS when the block ends well.

    keep: else nothing is moved, and a folder that was made is removed again. An OSError of the block becomes OutputError.
    """
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    beside = folder / f".ivdseg-{uuid4().hex}"
    done = False
    try:
        beside.mkdir(parents=True)
        yield beside
        if keep:
            _move_into_place(beside, folder)
        done = keep
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or "not writable").lower()
        raise OutputError(f"{folder.name} could not be written ({reason}): choose another folder") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        for parent in [] if done else made:
            if parent.is_dir():
                parent.rmdir()


def _move_into_place(beside: Path, folder: Path) -> None:
    """Swap the new outputs for those of an earlier run; where one cannot be moved, the earlier ones come back."""
    earlier = beside / "earlier"
    earlier.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for name in OUTPUTS:
            for source, target in ((folder / name, earlier / name), (beside / name, folder / name)):
                if source.exists():
                    os.replace(source, target)
                    moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            os.replace(target, source)
        raise
