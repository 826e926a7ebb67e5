"""Arrays in .npy and .npz files from outside: no larger than was agreed, whole, of plain numbers, and never unpickled.

numpy allocates what a header promises before it looks for the values, and unpacks whatever an archive holds. Here the promise
is compared with what is there, and with a bound, first.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import IO

import numpy as np

from .images.regular_file import check_regular_file

_MOST_ARRAYS = 10_000
_PLAIN = "biufc"
"""Kinds of numbers that are taken: truth values, whole numbers with and without sign, floating point, complex."""


def read_npy(path: Path, most_bytes: int) -> np.ndarray:
    """Read an array from a .npy file.

    Args:
        path: The file.
        most_bytes: What its values may take.

    Returns:
        The array, of any shape and kind of number.

    Raises:
        InputError: `check_regular_file` refuses the path.
        ValueError: It is no .npy file, holds something else than numbers, or is not as long as it says.
        OSError: It cannot be read.
    """
    check_regular_file(path)
    with path.open("rb") as file:
        return _array(file, path.stat().st_size, most_bytes)


def read_npz(content: bytes, most_bytes: int) -> list[np.ndarray]:
    """Read the arrays of a .npz archive.

    Args:
        content: The archive.
        most_bytes: What all values may take together.

    Returns:
        The arrays, in the order of their names.

    Raises:
        ValueError: It is no .npz archive, an array is not as long as it says or holds something else than numbers, or the
            arrays are larger than `most_bytes`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = sorted(archive.infolist(), key=lambda entry: entry.filename)
            if len(entries) > _MOST_ARRAYS or sum(entry.file_size for entry in entries) > most_bytes:
                raise ValueError(f"the arrays take more than {most_bytes} bytes")
            arrays = []
            for entry in entries:
                with archive.open(entry) as file:
                    arrays.append(_array(file, entry.file_size, most_bytes))
            return arrays
    except ValueError:
        raise
    except Exception as error:  # zipfile, zlib, bz2 and lzma have many of their own
        raise ValueError("the archive is damaged") from error


def _array(file: IO[bytes], size_bytes: int, most_bytes: int) -> np.ndarray:
    """The array of an open .npy file of so many bytes. Raises ValueError."""
    version = np.lib.format.read_magic(file)
    if version not in ((1, 0), (2, 0)):
        raise ValueError(f"its version is {version}")
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, fortran_order, dtype = read_header(file)
    except Exception as error:  # the header is a Python literal, and may be malformed in any way
        raise ValueError("its header is damaged") from error
    if dtype.kind not in _PLAIN:
        raise ValueError("it holds no numbers")
    if len(shape) > 8 or any(length < 0 for length in shape):
        raise ValueError("its shape is none")
    count = 1
    for length in shape:
        count *= length
    promised = count * dtype.itemsize
    if promised > most_bytes or promised != size_bytes - file.tell():
        raise ValueError(f"it promises {promised} bytes, and holds {size_bytes - file.tell()}")
    content = file.read(promised)
    if len(content) != promised:
        raise ValueError("it is cut short")
    # A copy: what is read from bytes cannot be changed.
    return np.frombuffer(content, dtype).reshape(shape, order="F" if fortran_order else "C").copy(order="K")
