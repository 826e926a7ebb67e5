"""Atomic writing: a file, or the outputs in a folder, are whole or as they were before.

Everything the project writes goes through one of the two functions here. Both write under another name beside the
target, on the same disk, and move at the end: `os.replace` is atomic on POSIX and on Windows.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from .errors import OutputError


@contextmanager
def atomic_file(path: Path, size_bytes: int = 0) -> Iterator[Path]:
    """Write a file under a temporary name, and move it onto `path` when the block ends without an error.

    The temporary name ends as that of `path` does, because writers choose the format by it. It begins with a dot.

    Args:
        path: The file to write; one that is there already is replaced.
        size_bytes: How much room the file needs at least.

    Yields:
        The temporary path, in the folder of `path`. The block creates it.

    Raises:
        OutputError: The folder is missing or not writable, the disk is full, or the block raised an OSError. Nothing of
            the file is left then, and a file that was there before is unchanged.
    """
    path = Path(path)
    # Asked beforehand, because the writers of ITK and vtk report on stderr, or not at all, that a write failed.
    if not path.parent.is_dir():
        raise OutputError(f"{path.name} could not be written: {path.parent.name} is not a folder")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.name} could not be written: the folder {path.parent.name} is not writable")
    if shutil.disk_usage(path.parent).free < size_bytes:
        raise OutputError(f"{path.name} could not be written: the disk is full")
    temporary = path.with_name(f".{uuid4().hex}{''.join(path.suffixes[-2:])}")
    try:
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path.name} could not be written: {_reason(error)}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_outputs(folder: Path, names: Sequence[str], *, keep: bool = True) -> Iterator[Path]:
    """Write several outputs of one folder so that all of them take their places, or none.

    Args:
        folder: Where the outputs belong; created with its parents where it is missing.
        names: The files and folders that are outputs. Those of an earlier run are replaced, or removed where the block
            wrote none of that name. Whatever else the folder holds is left alone.
        keep: False only tries whether the folder can be written: nothing is moved, and a folder that was created for it
            is removed.

    Yields:
        An empty folder inside `folder` for the block to write the outputs to.

    Raises:
        OutputError: The folder cannot be written, the disk is full, or the block raised an OSError. The folder is then
            as it was.
    """
    created = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    temporary = folder / f".ivdseg-{uuid4().hex}"
    done = False
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if keep:
            _replace_together(temporary, folder, names)
        done = keep
    except OSError as error:
        raise OutputError(f"{folder.name} could not be written ({_reason(error)}): choose another folder") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for parent in [] if done else created:
            if parent.is_dir():
                parent.rmdir()


def _replace_together(temporary: Path, folder: Path, names: Sequence[str]) -> None:
    """Move the new outputs into `folder`; where one cannot be moved, the earlier ones come back."""
    earlier = temporary / "earlier"
    earlier.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for name in names:
            for source, target in ((folder / name, earlier / name), (temporary / name, folder / name)):
                if source.exists():
                    os.replace(source, target)
                    moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            os.replace(target, source)
        raise


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error) or "not writable").lower()
