"""NIfTI files, unpacked once and no further than their header promises.

ITK's reader accepts in silence files cut short (filled with 0), NaN and infinity (made 0), and headers that place the image in
two different ways. The voxels are taken here from the bytes that were checked, and the header must place them beyond doubt.
The format: https://nifti.nimh.nih.gov/nifti-1 (nifti1.h) and nifti2.h.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from ..errors import InputError
from .bounds import check_header, check_voxel_count, cut_short
from .grid import Grid

_SCALARS = {
    2: "u1", 4: "i2", 8: "i4", 16: "f4", 64: "f8", 256: "i1", 512: "u2", 768: "u4", 1024: "i8", 1280: "u8",
}  # fmt: skip
"""Codes of the data types with one real number a voxel."""
_SEVERAL = {32: 8, 128: 3, 1792: 16, 2304: 4}
"""Codes of the data types with several numbers a voxel (complex, RGB, RGBA) -> bytes of a voxel."""

_FIELDS: dict[str, list[Any]] = {
    "dim": [("i2", 8), ("i8", 8)], "datatype": ["i2", "i2"], "bitpix": ["i2", "i2"], "pixdim": [("f4", 8), ("f8", 8)],
    "vox_offset": ["f4", "i8"], "scl_slope": ["f4", "f8"], "scl_inter": ["f4", "f8"], "xyzt_units": ["u1", "i4"],
    "qform_code": ["i2", "i4"], "sform_code": ["i2", "i4"], "quatern": [("f4", 3), ("f8", 3)],
    "qoffset": [("f4", 3), ("f8", 3)], "srow": [("f4", (3, 4)), ("f8", (3, 4))], "magic": ["S4", "S4"],
}  # fmt: skip
"""The fields that are needed, with their types in versions 1 and 2; their names are the standard's."""
_OFFSETS = {
    348: [40, 70, 72, 76, 108, 112, 116, 123, 252, 254, 256, 268, 280, 344],
    540: [16, 12, 14, 104, 168, 176, 184, 500, 344, 348, 352, 376, 400, 4],
}
_KINDS = {
    size: np.dtype(
        {
            "names": list(_FIELDS),
            "formats": [kinds[version] for kinds in _FIELDS.values()],
            "offsets": offsets,
            "itemsize": size,
        }
    )
    for version, (size, offsets) in enumerate(_OFFSETS.items())
}
"""Size of the header -> its layout."""

_UNITS = {1: "metres", 3: "micrometres"}
"""Codes of xyzt_units for space, but millimetres (2) and unknown (0)."""
_TRAILING = 1 << 20
"""Bytes after the voxels that are read to check the end of a gzip stream; a longer rest is no NIfTI."""
_SAME_PLACE_VOXELS = 0.1
"""How far, in voxels, two ways to place the same voxel may lie apart: headers round to float32."""


@dataclass(frozen=True)
class Nifti:
    """What a NIfTI file holds.

    Attributes:
        voxels: float32 [i, j, k, ...], scaled by slope and intercept as ITK does it; None where a voxel has several numbers.
        affine: 4 x 4, from voxel positions to RAS mm, as nibabel and other readers of the standard have it: the sform where it
            is coded, else the qform; None where neither is.
    """

    voxels: np.ndarray | None
    affine: np.ndarray | None


@dataclass(frozen=True)
class _Header:
    """order: of the bytes, `<` or `>`. fields: as the standard names them. lengths: voxels along each axis."""

    order: str
    fields: np.void
    lengths: tuple[int, ...]


def read_nifti(path: Path) -> Nifti:
    """Read the voxels of a NIfTI file, which must hold all that its header promises, and where the header places them.

    Args:
        path: A regular file that ends in .nii or .nii.gz.

    Returns:
        Voxels and placement.

    Raises:
        InputError: The file is damaged or cut short, is not NIfTI, or unpacks to more than its header says; the header
            contradicts itself, places no voxels, or gives a geometry that `check_header` refuses; a voxel is NaN or infinite.
    """
    try:
        with path.open("rb") as raw:
            file: BinaryIO = gzip.GzipFile(fileobj=raw) if path.name.lower().endswith(".gz") else raw  # type: ignore[assignment]
            return _read(file, path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error


def same_place(affine: np.ndarray, grid: Grid) -> bool:
    """Whether an affine and a grid place every voxel alike.

    Args:
        affine: 4 x 4, voxel positions to RAS mm.
        grid: The same image as another reader places it, LPS.

    Returns:
        True where no corner of the grid lies further apart than a tenth of a voxel.
    """
    corners_ijk = grid.corners_ijk()
    ras_mm = corners_ijk @ affine[:3, :3].T + affine[:3, 3]
    apart_mm = np.linalg.norm(ras_mm * (-1, -1, 1) - grid.to_mm(corners_ijk), axis=1).max()
    return bool(apart_mm <= _SAME_PLACE_VOXELS * min(grid.spacing_mm))


def _read(file: BinaryIO, name: str) -> Nifti:
    header = _header(file, name)
    fields, order = header.fields, header.order
    affine = _affine(header, name)
    count = math.prod(header.lengths)
    code = int(fields["datatype"])
    kind = np.dtype(order + _SCALARS[code]) if code in _SCALARS else None
    each = kind.itemsize if kind else _SEVERAL.get(code)
    if each is None or each * 8 != int(fields["bitpix"]):
        bits = int(fields["bitpix"])
        raise InputError(f"{name} cannot be read: it says it has voxels of type {code} in {bits} bits; export it again")
    start = float(fields["vox_offset"])
    header_size = fields.dtype.itemsize
    if fields["magic"] not in (b"n+1", b"n+2") or not (math.isfinite(start) and header_size <= start < 1 << 24):
        raise InputError(f"{name} cannot be read: its voxels are not in the file, or not where it says; export it again")
    file.read(int(start) - header_size)
    content = file.read(count * each)
    if len(content) < count * each:
        raise cut_short(name, len(content), count * each)
    if isinstance(file, gzip.GzipFile) and len(file.read(_TRAILING + 1)) > _TRAILING:
        raise InputError(f"{name} cannot be read: it unpacks to more than its header says; export it again")
    if kind is None:
        return Nifti(None, affine)
    stored = np.frombuffer(content, kind)
    if kind.kind == "f" and (wrong := int(np.count_nonzero(~np.isfinite(stored)))):
        raise InputError(f"{name} has NaN or infinite values in {wrong} {'voxel' if wrong == 1 else 'voxels'}: export it again")
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    return Nifti(_scaled(stored, slope, intercept).reshape(header.lengths, order="F"), affine)


def _header(file: io.BufferedIOBase | BinaryIO, name: str) -> _Header:
    """The header that a file begins with, its geometry checked."""
    content = file.read(4)
    orders: tuple[Literal["<", ">"], ...] = ("<", ">")
    sizes = {order: int(np.frombuffer(content.ljust(4, b"\0"), f"{order}i4")[0]) for order in orders}
    found = next(((order, size) for order, size in sizes.items() if size in _KINDS), None)
    if found is None:
        raise InputError(f"{name} cannot be read: it is not NIfTI, as its name says; export it again")
    order, size = found
    content += file.read(size - 4)
    if len(content) < size:
        raise InputError(f"{name} cannot be read: it is cut short within its header; copy it again")
    fields = np.frombuffer(content, _KINDS[size].newbyteorder(order), 1)[0]
    dim = fields["dim"].tolist()
    if not 1 <= dim[0] <= 7 or any(length < 1 for length in dim[1 : dim[0] + 1]):
        shown = "x".join(map(str, dim[1 : max(dim[0], 0) + 1]))
        raise InputError(f"{name} holds no voxels: its header says {shown}; export it again")
    lengths = tuple(dim[1 : dim[0] + 1])
    check_voxel_count(name, lengths)
    if unit := _UNITS.get(int(fields["xyzt_units"]) & 7):
        raise InputError(f"{name} has its lengths in {unit}: save it in millimetres")
    return _Header(order, fields, lengths)


def _affine(header: _Header, name: str) -> np.ndarray | None:
    """Where the header places the voxels, checked: 4 x 4 to RAS mm; None where it does not."""
    fields = header.fields
    if len(header.lengths) < 3:
        return None  # refused, with a sentence of its own, by what reads the voxels
    spacing_mm = fields["pixdim"][1:4].astype(float)
    unplaced = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    check_header(name, header.lengths[:3], spacing_mm.tolist(), [0, 0, 0], unplaced)
    affine = np.eye(4)
    if fields["sform_code"] > 0:
        affine[:3] = fields["srow"].astype(float)
    elif fields["qform_code"] > 0:
        affine[:3, :3] = _rotation(fields["quatern"].astype(float), float(fields["pixdim"][0])) * spacing_mm
        affine[:3, 3] = fields["qoffset"].astype(float)
    else:
        return None
    along = affine[:3, :3].T
    lengths_mm = np.linalg.norm(along, axis=1)
    check_header(name, header.lengths[:3], lengths_mm.tolist(), affine[:3, 3].tolist(), along.tolist())
    if not np.allclose(lengths_mm, spacing_mm, rtol=0.01, atol=0):
        raise InputError(
            f"{name} contradicts itself: its sform has voxels of {_times(lengths_mm)} mm, its pixdim of "
            f"{_times(spacing_mm)} mm; export it again with its true voxel sizes"
        )
    return affine


def _rotation(quatern: np.ndarray, handedness: float) -> np.ndarray:
    """The qform as 3 x 3 rotation, its third axis reversed where handedness is negative (nifti1.h, METHOD 2)."""
    b, c, d = quatern
    a = math.sqrt(max(1.0 - float(quatern @ quatern), 0.0))
    rotation = np.array([
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ])  # fmt: skip
    return rotation * (1, 1, -1 if handedness < 0 else 1)


def _scaled(stored: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """The stored numbers as float32, scaled where the header asks for it. A slope of 0 or NaN is none, as ITK has it."""
    tiny = float(np.finfo(float).eps)
    slope = slope if np.isfinite(slope) and slope else 1.0
    intercept = intercept if np.isfinite(intercept) else 0.0
    if not (abs(slope) > tiny and (abs(slope - 1) > tiny or abs(intercept) > tiny)):
        return stored.astype(np.float32)
    single = stored if stored.dtype.kind == "f" else stored.astype(np.float32)  # integers go through it in ITK too
    return (single.astype(np.float64) * slope + intercept).astype(np.float32)


def _times(values: np.ndarray) -> str:
    return "x".join(f"{value:.4g}" for value in values)
