"""NIfTI files, unpacked once: the voxels are taken from the bytes that were checked for what ITK's reader accepts in silence,
files cut short (filled with 0), NaN and infinity (made 0)."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import InputError

_SCALARS = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
"""Codes of the data types with one real number a voxel."""
_COMPLEX = {32: "f4", 1792: "f8"}
"""Codes of complex data types -> their real component."""


_FIELDS = ["dim", "datatype", "bitpix", "vox_offset", "scl_slope", "scl_inter", "magic"]
_KINDS = {
    348: np.dtype({
        "names": _FIELDS,
        "formats": [("i2", 8), "i2", "i2", "f4", "f4", "f4", "S4"],
        "offsets": [40, 70, 72, 108, 112, 116, 344],
        "itemsize": 348,
    }),
    540: np.dtype({
        "names": _FIELDS,
        "formats": [("i8", 8), "i2", "i2", "i8", "f8", "f8", "S4"],
        "offsets": [16, 12, 14, 168, 176, 184, 4],
        "itemsize": 540,
    }),
}  # fmt: skip
"""Size of the header -> the fields of it that are needed, with their names in the standards: nifti1.h, nifti2.h."""


@dataclass(frozen=True)
class _Header:
    """order: of the bytes, `<` or `>`. lengths: voxels along each axis. datatype: its code. bits: of a voxel. start: first
    byte of the voxels. slope, intercept: value = slope x stored + intercept. one_file: the voxels follow in this file."""

    order: str
    lengths: tuple[int, ...]
    datatype: int
    bits: int
    start: int
    slope: float
    intercept: float
    one_file: bool


def read_nifti(path: Path) -> np.ndarray | None:
    """Read the voxels of a NIfTI file, which must hold all that its header promises.

    Args:
        path: File that ends in .nii or .nii.gz.

    Returns:
        float32 [i, j, k, ...], scaled by slope and intercept as ITK does it; None where the file is whole but of a kind
        that is left to ITK: several numbers a voxel, or voxels in a second file.

    Raises:
        InputError: The file is damaged or cut short, is not NIfTI, or holds NaN or infinite values.
    """
    try:
        content = path.read_bytes()
        if path.name.lower().endswith(".gz"):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error
    header = _header(content)
    if header is None:
        raise InputError(f"{path.name} cannot be read: it is not NIfTI, as its name says; export it again")
    count = int(np.prod(header.lengths, dtype=object))
    promised, present = count * header.bits // 8, len(content) - header.start
    if present < promised:
        raise InputError(
            f"{path.name} cannot be read: it is cut short ({present} of {promised} bytes of voxels); copy it again"
        )
    component = {**_SCALARS, **_COMPLEX}.get(header.datatype)
    if component is None:
        return None
    kind = np.dtype(header.order + component)
    stored = np.frombuffer(content, kind, promised // kind.itemsize, max(header.start, 0))
    if kind.kind == "f" and (wrong := int(np.count_nonzero(~np.isfinite(stored)))):
        raise InputError(
            f"{path.name} has NaN or infinite values in {wrong} {'voxel' if wrong == 1 else 'voxels'}: export it again"
        )
    if not header.one_file or len(stored) != count:
        return None
    return _scaled(stored, header).reshape(header.lengths, order="F")


def _header(content: bytes) -> _Header | None:
    """The header that the bytes begin with; None where there is none."""
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    for order in orders:
        (size,) = np.frombuffer(content[:4].ljust(4, b"\0"), f"{order}i4").tolist()
        if size not in _KINDS or len(content) < size:
            continue
        found = np.frombuffer(content, _KINDS[size].newbyteorder(order), 1)[0]
        dim = found["dim"].tolist()
        start = int(found["vox_offset"])
        return _Header(
            order=order,
            lengths=tuple(max(length, 1) for length in dim[1 : dim[0] + 1]),
            datatype=int(found["datatype"]),
            bits=int(found["bitpix"]),
            start=start,
            slope=float(found["scl_slope"]),
            intercept=float(found["scl_inter"]),
            one_file=found["magic"] in (b"n+1", b"n+2") and start >= size + 4,
        )
    return None


def _scaled(stored: np.ndarray, header: _Header) -> np.ndarray:
    """The stored numbers as float32, scaled where the header asks for it. A slope of 0 or NaN is none, as ITK has it."""
    tiny = float(np.finfo(float).eps)
    slope = header.slope if np.isfinite(header.slope) and header.slope else 1.0
    intercept = header.intercept if np.isfinite(header.intercept) else 0.0
    if not (abs(slope) > tiny and (abs(slope - 1) > tiny or abs(intercept) > tiny)):
        return stored.astype(np.float32)
    single = stored if stored.dtype.kind == "f" else stored.astype(np.float32)  # integers go through it in ITK too
    return (single.astype(np.float64) * slope + intercept).astype(np.float32)
