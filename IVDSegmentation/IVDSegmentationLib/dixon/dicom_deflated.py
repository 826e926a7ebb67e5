"""DICOM files whose data set is packed (Deflated Explicit VR Little Endian): how much they unpack to, without unpacking them.

pydicom and GDCM unpack all of it into memory as soon as they open the file, and a few kilobytes can hold gigabytes.
"""

from __future__ import annotations

import zlib
from pathlib import Path

from ..errors import InputError
from ..printable import printable

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META_BYTES = 4096
"""What comes before the data set, the transfer syntax in it, takes some hundred bytes."""
_MOST_BYTES = 1 << 28
"""Of one file: the 64 million voxels of the largest field of view are more, and come in slices."""


def check_deflated(path: Path) -> None:
    """Refuse a packed DICOM file that ends early or unpacks to more than any slice or examination has.

    Args:
        path: A regular file; one that is not packed is left alone.

    Raises:
        InputError: It is packed, and damaged, cut short or too large.
        OSError: It cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_META_BYTES)
        if _DEFLATED not in head:
            return
        start = _end_of_meta(head)
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
