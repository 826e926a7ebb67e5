"""Folders that runs of this program write to: all outputs take their places at once, or none of them.

What is there already is replaced only where an earlier run of this program wrote it: a record among the outputs lists the
others with their checksums, so that a label map that an expert has corrected since is nobody's to replace either.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from .atomic import atomic_outputs
from .errors import InputError, OutputError
from .images.regular_file import check_regular_file
from .printable import printable

_LONGEST_RECORD = 1 << 24


@contextmanager
def owned_outputs(folder: Path, record: str, *, overwrite: bool = False) -> Iterator[Path]:
    """Write the outputs of a run so that all of them take their places, or none.

    Args:
        folder: Where they belong; created with its parents where it is missing.
        record: Name of the JSON file among the outputs that lists the others: `files`, of `checksums_of`, and in `versions`
            that of `ivdseg`.
        overwrite: Replace files of the same names, whoever wrote them.

    Yields:
        An empty folder for the block to write them to, the record with them.

    Raises:
        OutputError: A file of the same name is there that no earlier run wrote, the folder cannot be written, the disk is full,
            or the block raised an OSError. The folder is then as it was.
    """
    with atomic_outputs(Path(folder), lambda made: _replaced(Path(folder), made, record, overwrite)) as beside:
        yield beside


def check_place(folder: Path, record: str, expected: Sequence[Path], *, overwrite: bool = False) -> None:
    """Refuse, before any work is done, a folder that outputs could not be written to.

    Args:
        folder: The folder; it need not exist.
        record: As that of `owned_outputs`.
        expected: The outputs that a run may write, relative to the folder.
        overwrite: As that of `owned_outputs`.

    Raises:
        OutputError: The folder cannot be written or created, or holds one of these files that no earlier run wrote.
    """
    with atomic_outputs(Path(folder), lambda made: (), keep=False):
        _replaced(Path(folder), expected, record, overwrite)


def checksums_of(folder: Path, record: str) -> dict[str, str]:
    """The checksums by which a later run knows the files of this one.

    Args:
        folder: Holds outputs.
        record: As that of `owned_outputs`; it is left out.

    Returns:
        Path of each file relative to the folder, with slashes -> SHA-256, hexadecimal.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _checksum(path) for name, path in named.items() if name != record}


def _replaced(folder: Path, made: Sequence[Path], record: str, overwrite: bool) -> list[Path]:
    """What goes from a folder when these files take their places in it; raises OutputError for what is not to go."""
    ours = _of_earlier_run(folder, record)
    gone = []
    for path in made:
        for parent in [parent for parent in path.parents if parent != Path()]:
            in_the_way = folder / parent
            if os.path.lexists(in_the_way) and (in_the_way.is_symlink() or not in_the_way.is_dir()) and parent not in gone:
                _check_may_go(folder, parent, overwrite)
                gone.append(parent)
        if os.path.lexists(folder / path) and not any(parent in gone for parent in path.parents):
            if (folder / path).is_dir() and not (folder / path).is_symlink():
                raise OutputError(f"{path.name} in {printable(folder.name)} is a folder: choose another folder for the results")
            if path not in ours:
                _check_may_go(folder, path, overwrite)
            gone.append(path)
    return gone + [path for path in ours if path not in gone]


def _check_may_go(folder: Path, path: Path, overwrite: bool) -> None:
    if not overwrite:
        raise OutputError(
            f"{path.as_posix()} in {printable(folder.name)} is not as an earlier run of this program wrote it: choose another "
            "folder, or have it replaced (ivdseg: --overwrite)"
        )


def _of_earlier_run(folder: Path, record: str) -> list[Path]:
    """The files in a folder that are as an earlier run wrote them, by its record; none where there is no such record."""
    try:
        check_regular_file(folder / record)
        if (folder / record).is_symlink() or (folder / record).stat().st_size > _LONGEST_RECORD:
            return []
        said = json.loads((folder / record).read_text(encoding="utf-8"))
        listed = dict(said["files"]) if isinstance(said["versions"]["ivdseg"], str) else {}
    except (OSError, InputError, ValueError, KeyError, TypeError, RecursionError):
        return []
    ours = [Path(record)]
    for name, checksum in listed.items():
        path = PurePosixPath(name) if isinstance(name, str) and re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name) else None
        if path is None or ".." in path.parts or name == record:
            continue
        found = folder / path
        if any(part.is_symlink() for part in (found, found.parent) if part != folder) or not found.is_file():
            continue
        if _checksum(found) == checksum:
            ours.append(Path(path))
    return ours


def _checksum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
