"""Folders to write in that do not outlive the process, however it ends.

A workplace lies beside what it is for, so that moving out of it is a rename on the same disk. A lock beside the workplace is
held as long as its process lives; the system lets go of it whatever ended the process, and the next process that works in the
same place removes what a dead one left. A lock, and not a process number: numbers are used again, and mean nothing to the other
machines and containers that share a disk.
"""

from __future__ import annotations

import os
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PREFIX = ".ivdseg-"
_LOCK = ".lock"
_MOVES = "moves"
"""File of a workplace that is there while outputs move: one line a move that may have been made, `source\\ttarget`."""
_MOST_MOVES_BYTES = 1 << 16

_held: dict[Path, list[Path]] = {}
"""Workplaces of this process, each with the folders that were made for it."""


@contextmanager
def workplace(folder: Path) -> Iterator[Path]:
    """A new folder inside `folder` for the block to write in; removed when it ends.

    What processes that have ended have left in `folder` is removed first; what belongs to living ones is not.

    Args:
        folder: An existing, writable folder.

    Yields:
        The new folder, empty.

    Raises:
        OSError: It cannot be made.
    """
    clear_dead(folder)
    place, lock = _locked(folder)
    _held[place] = []
    try:
        place.mkdir()
        yield place
    finally:
        _remove(place)
        os.close(lock)  # before it is removed, for Windows removes no open file
        with suppress(OSError):
            _lock_of(place).unlink()
        del _held[place]


def in_workplace(path: Path) -> bool:
    """Whether a file that is to be written lies in a workplace of this process, and is not there yet.

    Args:
        path: Of the file.

    Returns:
        False for a file that is there: half of a new one must not take its place.
    """
    return not _held.keys().isdisjoint(path.parents) and not os.path.lexists(path)


def made_for(place: Path, folders: list[Path]) -> None:
    """Note the folders that were made to hold a workplace, for `abandon`.

    Args:
        place: The workplace.
        folders: The innermost first. An empty list once they are to stay.
    """
    _held[place] = folders


def abandon() -> None:
    """Remove all that this process is still writing: the last thing that it does where a signal ends it."""
    for place, folders in list(_held.items()):
        undo_moves(place)
        _remove(place)
        with suppress(OSError):
            _lock_of(place).unlink()
        for folder in folders:
            with suppress(OSError):
                folder.rmdir()


def clear_dead(folder: Path) -> None:
    """Remove the workplaces in a folder whose processes have ended, and take back moves that they did not finish.

    Args:
        folder: An existing folder.
    """
    try:
        names = {entry.name for entry in os.scandir(folder) if entry.name.startswith(PREFIX)}
    except OSError:
        return
    for name in sorted({name.removesuffix(_LOCK) for name in names}):
        place = folder / name
        lock = _taken(_lock_of(place)) if _is_mine(place) and _is_mine(_lock_of(place)) else None
        if lock is None:
            continue
        undo_moves(place)
        _remove(place)
        if lock >= 0:
            os.close(lock)
            with suppress(OSError):
                _lock_of(place).unlink()


def start_moves(place: Path, moves: list[tuple[Path, Path]]) -> None:
    """Note the moves that are about to be made, so that `undo_moves` can take them back whatever happens.

    Args:
        place: The workplace.
        moves: From where, and to where; all relative to the folder that the workplace lies in.
    """
    (place / _MOVES).write_text("".join(f"{source}\t{target}\n" for source, target in moves), encoding="utf-8")


def end_moves(place: Path) -> None:
    """Note that all moves are made and are to stay.

    Args:
        place: The workplace.
    """
    (place / _MOVES).unlink()


def undo_moves(place: Path) -> None:
    """Take back, in reverse order, the moves of a workplace that were started and not ended.

    Args:
        place: The workplace; nothing happens where no moves were started.
    """
    moves = place / _MOVES
    try:
        if not stat.S_ISREG(os.lstat(moves).st_mode) or os.lstat(moves).st_size > _MOST_MOVES_BYTES:
            return
        lines = moves.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    folder = place.parent
    for line in reversed(lines):
        source, _, target = line.partition("\t")
        # Who planted a workplace in somebody's folder must not move files elsewhere.
        if not (_lies_in(folder, source) and _lies_in(folder, target)):
            continue
        # A move that was not made has its source where it was.
        if not os.path.lexists(folder / source) and os.path.lexists(folder / target):
            with suppress(OSError):
                (folder / source).parent.mkdir(parents=True, exist_ok=True)
                os.replace(folder / target, folder / source)
                if (folder / target).parent != folder:
                    (folder / target).parent.rmdir()  # where it is empty: a folder that was made for the move
    with suppress(OSError):
        moves.unlink()


def _lies_in(folder: Path, name: str) -> bool:
    """Whether a relative path leads to a place inside a folder, whatever links are on the way."""
    try:
        return name != "" and (folder / name).parent.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError):
        return False


def _is_mine(path: Path) -> bool:
    """Whether this user made a file or folder, or it is not there: in a folder for all, others may have planted it."""
    try:
        return not hasattr(os, "geteuid") or os.lstat(path).st_uid == os.geteuid()
    except OSError:
        return True


def _lock_of(place: Path) -> Path:
    return place.with_name(place.name + _LOCK)


def _locked(folder: Path) -> tuple[Path, int]:
    """A new name in a folder, and the open lock that stands for it."""
    while True:
        place = folder / f"{PREFIX}{os.urandom(16).hex()}"
        lock = os.open(_lock_of(place), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        _try_lock(lock)
        with suppress(OSError):
            # Another process may have taken it for that of a dead one before it was locked.
            if os.path.samestat(os.fstat(lock), os.stat(_lock_of(place))):
                return place, lock
        os.close(lock)


def _taken(path: Path) -> int | None:
    """The lock of a dead process, now this one's, open; None where its process lives, -1 where there is none."""
    try:
        lock = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return -1  # its process has just removed it, or an earlier version wrote without one
    except OSError:
        return None
    if _try_lock(lock):
        return lock
    os.close(lock)
    return None


def _try_lock(lock: int) -> bool:
    """Lock an open file for this process; False where another one holds it, or the disk knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _remove(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
