"""What ITK's NIfTI reader accepts in silence: files cut short (filled with 0), NaN and infinity (made 0)."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError

_FLOATS = {16: "f4", 64: "f8", 32: "f4", 1792: "f8"}
"""Codes of the data types that can hold NaN -> their real component (complex ones as pairs)."""


@dataclass(frozen=True)
class _Header:
    """What is needed of a NIfTI header. start: of the voxels, in bytes."""

    order: str
    dim: np.ndarray
    datatype: int
    bits: int
    start: int


def check_nifti(path: Path) -> None:
    """Refuse a NIfTI file that does not hold the voxels its header promises.

    Positions in the header are those of nifti1.h and nifti2.h of the NIfTI-1 and NIfTI-2 standards.

    Args:
        path: File that ends in .nii or .nii.gz.

    Raises:
        InputError: The file is damaged or cut short, is not NIfTI, or holds NaN or infinite values.
    """
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error
    header = _header_of(content)
    if header is None:
        raise InputError(f"{path.name} cannot be read: it is not NIfTI, as its name says; export it again")
    count = int(np.prod([max(int(length), 1) for length in header.dim[1 : int(header.dim[0]) + 1]], dtype=object))
    promised, present = count * header.bits // 8, len(content) - header.start
    if present < promised:
        raise InputError(
            f"{path.name} cannot be read: it is cut short ({present} of {promised} bytes of voxels); copy it again"
        )
    if header.datatype in _FLOATS:
        kind = np.dtype(header.order + _FLOATS[header.datatype])
        wrong = np.count_nonzero(~np.isfinite(np.frombuffer(content, kind, promised // kind.itemsize, header.start)))
        if wrong:
            raise InputError(
                f"{path.name} has NaN or infinite values in {wrong} {'voxel' if wrong == 1 else 'voxels'}: export it again"
            )


def _header_of(content: bytes) -> _Header | None:
    """The header at the beginning of a file, of either version and byte order; None where there is none."""
    for order in "<>":
        size = np.frombuffer(content[:4], f"{order}i4").tolist()
        if size == [348] and len(content) >= 348:
            dim = np.frombuffer(content, f"{order}i2", 8, 40)
            datatype, bits = np.frombuffer(content, f"{order}i2", 2, 70)
            start = np.frombuffer(content, f"{order}f4", 1, 108)[0]
        elif size == [540] and len(content) >= 540:
            dim = np.frombuffer(content, f"{order}i8", 8, 16)
            datatype, bits = np.frombuffer(content, f"{order}i2", 2, 12)
            start = np.frombuffer(content, f"{order}i8", 1, 168)[0]
        else:
            continue
        return _Header(order, dim, int(datatype), int(bits), int(start))
    return None
