"""Files from outside are opened only if they are files: no pipe, socket or device, which can block or never end."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ..errors import InputError
from ..printable import printable


def check_regular_file(path: Path) -> None:
    """Refuse what cannot be read as a file, before it is opened.

    Args:
        path: A path named by the user or found in a folder of theirs.

    Raises:
        InputError: It does not exist, is no regular file, may not be read, or its name cannot be handed to the libraries that
            read images (they take UTF-8 alone, and some of them end the process otherwise).
    """
    try:
        str(path.resolve()).encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError(
            f"{printable(path.name)} has a name, or a folder, with characters that are not valid: rename it in plain letters"
        ) from error
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links: RuntimeError up to Python 3.12, then OSError
        reason = "its name is too long" if getattr(error, "errno", 0) == errno.ENAMETOOLONG else "its links lead in a circle"
        raise InputError(f"{printable(path.name)} cannot be found: {reason}") from error
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise InputError(f"{printable(path.name)} does not exist: check the name and the folder") from error
    except OSError as error:
        raise InputError(f"{printable(path.name)} cannot be read: {(error.strerror or 'not a file').lower()}") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else "no file but a device, pipe or socket"
        raise InputError(f"{printable(path.name)} is {kind}: give an image file")
    if not os.access(path, os.R_OK):
        raise InputError(f"{printable(path.name)} may not be read: check its permissions")


def check_data_file(header: Path, named: str) -> Path:
    """The file with the voxels that a header names, which must lie beside the header or below it.

    Args:
        header: The file with the header.
        named: What it says of the other file, relative to its own folder.

    Returns:
        The path of the other file.

    Raises:
        InputError: It lies elsewhere, or `check_regular_file` refuses it.
    """
    folder = header.parent.resolve()
    data = folder / named
    try:
        inside = data.resolve().is_relative_to(folder)
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"{header.name} names a file for its voxels that cannot be found: export it again") from error
    if not inside:
        raise InputError(f"{header.name} names a file outside its folder for its voxels: put both into one folder")
    check_regular_file(data)
    return data
