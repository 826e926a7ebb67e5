"""What ITK's NIfTI reader passes over in silence: files cut short (filled with 0), NaN and infinity (made 0)."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np

from ..errors import InputError

_FLOATS = {16: "f4", 64: "f8", 32: "f4", 1792: "f8"}
"""Codes of the data types that can hold NaN -> their real component (complex ones as pairs)."""


def check_nifti(path: Path) -> None:
    """Raise InputError unless the file holds a NIfTI header and all the voxels it promises, none NaN or infinite.

    Positions in the header: NIfTI-1 and NIfTI-2 standards, nifti1.h and nifti2.h.
    """
    try:
        with gzip.open(path) if path.name.lower().endswith(".gz") else path.open("rb") as file:
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error
    for order in "<>":
        size = np.frombuffer(content[:4], f"{order}i4")
        if size.tolist() == [348] and len(content) >= 348:
            dim = np.frombuffer(content, f"{order}i2", 8, 40)
            datatype, bits = np.frombuffer(content, f"{order}i2", 2, 70)
            start = int(np.frombuffer(content, f"{order}f4", 1, 108)[0])
            break
        if size.tolist() == [540] and len(content) >= 540:
            dim = np.frombuffer(content, f"{order}i8", 8, 16)
            datatype, bits = np.frombuffer(content, f"{order}i2", 2, 12)
            start = int(np.frombuffer(content, f"{order}i8", 1, 168)[0])
            break
    else:
        raise InputError(f"{path.name} cannot be read: it is not NIfTI, as its name says; export it again")
    count = int(np.prod([max(int(length), 1) for length in dim[1 : int(dim[0]) + 1]], dtype=object))
    promised, present = count * int(bits) // 8, len(content) - start
    if present < promised:
        raise InputError(
            f"{path.name} cannot be read: it is cut short ({present} of {promised} bytes of voxels); copy it again"
        )
    if int(datatype) in _FLOATS:
        kind = np.dtype(order + _FLOATS[int(datatype)])
        wrong = np.count_nonzero(~np.isfinite(np.frombuffer(content, kind, promised // kind.itemsize, start)))
        if wrong:
            raise InputError(
                f"{path.name} has NaN or infinite values in {wrong} {'voxel' if wrong == 1 else 'voxels'}: export it again"
            )
