"""Atomic writing: a file, or the outputs in a folder, are whole or as they were before.

Everything the project writes goes through one of the two functions here. Both write in a workplace beside the target, on the
same disk, and move at the end: `os.replace` is atomic on POSIX and on Windows.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from .errors import OutputError
from .workplace import end_moves, in_workplace, made_for, start_moves, undo_moves, workplace

_MADE, _EARLIER = "made", "earlier"
"""Folders of a workplace: what the block writes, and what it replaces."""


@contextmanager
def atomic_file(path: Path, size_bytes: int = 0) -> Iterator[Path]:
    """Write a file elsewhere, and move it onto `path` when the block ends without an error.

    The temporary name ends as that of `path` does, because writers choose the format by it. A new file in a workplace of this
    process is written where it is: the workplace moves, or goes, as a whole.

    Args:
        path: The file to write; one that is there already is replaced.
        size_bytes: How much room the file needs at least.

    Yields:
        The temporary path, in a workplace in the folder of `path`. The block creates it.

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
    try:
        if in_workplace(path):
            with _removed_on_error(path):
                yield path
            return
        with workplace(path.parent) as place:
            temporary = place / f"file{''.join(path.suffixes[-2:])}"
            yield temporary
            os.replace(temporary, path)
    except OSError as error:
        raise OutputError(f"{path.name} could not be written: {_reason(error)}") from error


@contextmanager
def _removed_on_error(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


@contextmanager
def atomic_outputs(folder: Path, replaced: Callable[[Sequence[Path]], Sequence[Path]], *, keep: bool = True) -> Iterator[Path]:
    """Write several outputs of one folder so that all of them take their places, or none.

    Args:
        folder: Where the outputs belong; created with its parents where it is missing.
        replaced: Called with the files that are about to take their places; tells which files and folders of `folder` go for
            them. All paths are relative to `folder`. May refuse with a typed error.
        keep: False only tries whether the folder can be written: nothing is moved, and a folder that was created for it
            is removed.

    Yields:
        An empty folder for the block to write the outputs to, in files and folders.

    Raises:
        OutputError: The folder cannot be written, the disk is full, or the block raised an OSError. The folder is then
            as it was.
    """
    name = Path(folder).name
    try:
        # `new/../out` needs no folder `new`.
        folder = Path(folder).resolve()
        str(folder).encode("utf-8")  # the libraries that write images take no other names
    except UnicodeEncodeError as error:
        raise OutputError(f"{name} has a name, or lies in a folder, with characters that are not valid: rename it") from error
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{name} cannot be found: its links lead in a circle, or its name is too long") from error
    try:
        created = [parent for parent in (folder, *folder.parents) if not parent.exists()]
        done = False
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with workplace(folder) as place:
                made_for(place, created)
                made, earlier = place / _MADE, place / _EARLIER
                made.mkdir()
                earlier.mkdir()
                yield made
                if keep:
                    _move_together(folder, place, replaced)
                    made_for(place, [])
                    done = True
        finally:
            for parent in [] if done else created:
                with suppress(OSError):
                    parent.rmdir()
    except OSError as error:
        raise OutputError(f"{name} could not be written ({_reason(error)}): choose another folder") from error


def _move_together(folder: Path, place: Path, replaced: Callable[[Sequence[Path]], Sequence[Path]]) -> None:
    """Move the new outputs into `folder`; where one cannot be moved, the earlier ones come back."""
    made = place / _MADE
    files = sorted(path.relative_to(made) for path in made.rglob("*") if not path.is_dir())
    gone = replaced(files)
    inside = place.relative_to(folder)
    moves = [(path, inside / _EARLIER / path) for path in gone] + [(inside / _MADE / path, path) for path in files]
    with uninterrupted():
        start_moves(place, moves)
        try:
            for source, target in moves:
                (folder / target).parent.mkdir(parents=True, exist_ok=True)
                os.replace(folder / source, folder / target)
        except OSError:
            undo_moves(place)
            raise
        end_moves(place)
    for parent in {path.parent for path in gone} - {Path()}:
        with suppress(OSError):  # other files are in it
            (folder / parent).rmdir()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Within the block, signals that would end the process wait until it is over.

    Yields:
        Nothing.
    """
    waiting: list[int] = []

    def later(number: int, frame: FrameType | None) -> None:
        waiting.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    # Only the main thread can set handlers, and only it runs them.
    mine = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in numbers} if mine else {}
    before = {number: handler for number, handler in before.items() if callable(handler)}
    for number in before:
        signal.signal(number, later)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in waiting:
            signal.raise_signal(number)


def _reason(error: OSError) -> str:
    return "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or str(error) or "not writable").lower()
