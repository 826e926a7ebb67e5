"""DICOM files, opened no further than they are needed, and only where opening them costs little.

pydicom and GDCM read elements as long as there are any, and unpack a packed data set (Deflated Explicit VR Little Endian) into
memory as soon as they open it: a few kilobytes can hold gigabytes, and a file that goes on with zeros takes hours.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..printable import printable

if TYPE_CHECKING:
    import pydicom
    from pydicom.tag import BaseTag

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_HEAD_BYTES = 1 << 16
"""What comes before the data set, the transfer syntax in it, takes some hundred bytes."""
_MOST_BYTES = 1 << 28
"""Of a packed file, unpacked: the 64 million voxels of the largest field of view are more, and come in slices."""
_LONGEST_FILE = 1 << 29
_MOST_ELEMENTS = 100_000
"""Of a data set, not counting those in sequences; files of MR have some hundred."""
_PIXELS = 0x7FE00010


def read_data(
    path: Path, tags: Sequence[str] = (), *, pixels: bool = True, longest_value: int | None = None
) -> pydicom.Dataset:
    """Open a DICOM file, up to its pixels.

    Args:
        path: A file that `check_file` has passed.
        tags: Keywords of the elements to read; all where there are none.
        pixels: Whether the pixels are wanted, too.
        longest_value: Longer ones than so many bytes are left in the file until they are asked for.

    Returns:
        The data set.

    Raises:
        InputError: It has more elements than images have.
        Exception: It is damaged: pydicom raises whatever the value it was damaged in leads to.
    """
    from pydicom.filereader import read_partial
    from pydicom.tag import Tag

    seen = itertools.count(1)

    def is_past(tag: BaseTag, kind: str | None, length: int) -> bool:
        if next(seen) > _MOST_ELEMENTS:
            raise InputError(f"{printable(path.name)} cannot be read as DICOM: it is damaged; export it again")
        return tag > _PIXELS or (tag == _PIXELS and not pixels) or tag.group == 0

    with path.open("rb") as file:
        return read_partial(file, is_past, longest_value, specific_tags=[Tag(name) for name in tags] or None)


def check_file(path: Path) -> None:
    """Refuse a DICOM file that would take long or much memory to open.

    Args:
        path: A regular file.

    Raises:
        InputError: It is longer than any examination, what comes before its data set has no end, or it is packed and
            damaged, cut short or too large.
        OSError: It cannot be read.
    """
    if path.stat().st_size > _LONGEST_FILE:
        raise InputError(f"{printable(path.name)} is longer than {_LONGEST_FILE >> 20} MB: give the images of one examination")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        start = _end_of_meta(head) if head[128:132] == b"DICM" else 0
        # Elements of group 0 are for the network, and never in a file; pydicom would read them all before anything else.
        if start > len(head) or (start and head[start : start + 2] == b"\0\0"):
            raise InputError(f"{printable(path.name)} cannot be read as DICOM: it is damaged; export it again")
        if _DEFLATED not in head[:start]:
            return
        file.seek(start)
        stream = zlib.decompressobj(-zlib.MAX_WBITS)
        unpacked = 0
        try:
            while not stream.eof and unpacked <= _MOST_BYTES:
                packed = stream.unconsumed_tail or file.read(1 << 16)
                block = stream.decompress(packed, 1 << 20)
                unpacked += len(block)
                if not packed and not block:
                    raise InputError(f"{printable(path.name)} cannot be read as DICOM: it is cut short; export it again")
        except zlib.error as error:
            raise InputError(f"{printable(path.name)} cannot be read as DICOM: it is damaged; export it again") from error
    if unpacked > _MOST_BYTES:
        raise InputError(f"{printable(path.name)} unpacks to more than {_MOST_BYTES >> 20} MB: export it without compression")


def _end_of_meta(head: bytes) -> int:
    """Where the data set begins: after the elements of group 0002, little endian with explicit types (PS3.10, 7.1)."""
    at = 132
    while head[at : at + 2] == b"\x02\x00":
        long = head[at + 4 : at + 6] in (b"OB", b"OW", b"UN", b"UT", b"SQ")
        length = head[at + 8 : at + 12] if long else head[at + 6 : at + 8]
        at += (12 if long else 8) + int.from_bytes(length, "little")
    return at
