"""NIfTI files, unpacked once and no further than their header promises.

ITK's reader accepts in silence files cut short (filled with 0), NaN and infinity (made 0), and headers that place the image in
two different ways, or not at all; then programs show it in different places. Here the header must place the image beyond doubt.
The format: https://nifti.nimh.nih.gov/nifti-1 (nifti1.h) and nifti2.h.
"""

from __future__ import annotations

import gzip
import io
import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np

from ..errors import InputError
from .bounds import check_header, check_voxel_count, cut_short, three_dimensional
from .grid import Grid, grid_along
from .volume import Volume
from .voxels import read_voxels

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

_LINE_ENDS = b"\r\n\x1a\n"
"""In the header of version 2, so that it shows where a program took the file for a text."""
_COMPLEX = (32, 1792)
_LAST_CODE = 5
"""The last code that says in which space a qform or sform places the image."""
_ROUNDING = 1e-5
"""How far float32 may bring the length of a quaternion above 1."""
_QUATERNION_ROUNDING = 2e-7
"""How far float32 may move the numbers of a quaternion: three times its epsilon at numbers below 1."""
_HALF_TURN = 1e-3
"""First number of a quaternion below which its sign may be lost."""
_UNITS = {1: "metres", 3: "micrometres"}
"""Codes of xyzt_units for space, but millimetres (2) and unknown (0)."""
_TRAILING = 1 << 20
"""Bytes after the voxels that are read to check the end of a gzip stream; a longer rest is no NIfTI."""
_SAME_PLACE_VOXELS = 0.1
"""How far, in voxels, two ways to place the same voxel may lie apart: headers round to float32."""


@dataclass(frozen=True)
class _Header:
    """order: of the bytes, `<` or `>`. fields: as the standard names them. lengths: voxels along each axis."""

    order: str
    fields: np.void
    lengths: tuple[int, ...]


def read_nifti(path: Path) -> Volume:
    """Read a NIfTI file, which must hold all that its header promises.

    Args:
        path: A regular file that ends in .nii or .nii.gz.

    Returns:
        The volume: float32, scaled by slope and intercept as ITK does it, on the grid of the sform where it is coded, else of
        the qform, as nibabel and Slicer have it.

    Raises:
        InputError: The file is damaged or cut short, is not NIfTI, or unpacks to more than its header says; it is not
            three-dimensional, or a voxel has several numbers; the header contradicts itself, says nothing of where the image
            lies, or gives a geometry that `check_header` refuses.
    """
    try:
        with path.open("rb") as raw, np.errstate(invalid="ignore"):  # NaN of a header is refused where it matters
            if path.name.lower().endswith(".gz"):
                return _read(gzip.GzipFile(fileobj=raw), path.name, None)  # type: ignore[arg-type]
            return _read(raw, path.name, path.stat().st_size)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error


def size_of_nifti(path: Path) -> tuple[int, ...]:
    """The length of the axes that a NIfTI header gives, each one above 0.

    Args:
        path: As that of `read_nifti`.

    Returns:
        Voxels along each axis.

    Raises:
        InputError: It has no such header, or they are more than can be read.
    """
    try:
        with path.open("rb") as raw:
            packed = path.name.lower().endswith(".gz")
            return _header(gzip.GzipFile(fileobj=raw) if packed else raw, path.name).lengths
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path.name} cannot be read: it is damaged or cut short; copy or export it again") from error


def _read(file: BinaryIO, name: str, size_bytes: int | None) -> Volume:
    """The volume in an open file of so many bytes, where that is known."""
    header = _header(file, name)
    fields, order = header.fields, header.order
    code = int(fields["datatype"])
    kind = np.dtype(order + _SCALARS[code]) if code in _SCALARS else None
    each = kind.itemsize if kind else _SEVERAL.get(code)
    if each is None or each * 8 != int(fields["bitpix"]):
        bits = int(fields["bitpix"])
        raise InputError(f"{name} cannot be read: it says it has voxels of type {code} in {bits} bits; export it again")
    if kind is None:
        what = "complex pixels: save the magnitude" if code in _COMPLEX else "colours: save one channel per file"
        raise InputError(f"{name} has {what}")
    values = math.prod(header.lengths[4:5])  # the fifth axis is that of a voxel's values
    if values > 1:
        raise InputError(f"{name} has {values} values in each voxel: save one channel per file")
    lengths = three_dimensional(name, header.lengths)
    affine = _affine(header, name)
    start = float(fields["vox_offset"])
    header_size = fields.dtype.itemsize  # four bytes follow that tell of extensions
    if fields["magic"] not in (b"n+1", b"n+2") or not (math.isfinite(start) and header_size + 4 <= start < 1 << 24):
        raise InputError(f"{name} cannot be read: its voxels are not in the file, or not where it says; export it again")
    count = math.prod(lengths)
    if size_bytes is not None and size_bytes - int(start) < count * each:
        raise cut_short(name, max(size_bytes - int(start), 0), count * each)
    file.read(int(start) - header_size)
    slope, intercept = float(fields["scl_slope"]), float(fields["scl_inter"])
    if math.isfinite(slope) and slope and not math.isfinite(intercept):  # some programs take it as 0, others refuse it
        raise InputError(f"{name} cannot be read: it adds {intercept} to its intensities (scl_inter); export it again")
    voxels = read_voxels(file.read, name, kind, count, lambda stored: _scaled(stored, slope, intercept))
    if isinstance(file, gzip.GzipFile) and len(file.read(_TRAILING + 1)) > _TRAILING:
        raise InputError(f"{name} cannot be read: it unpacks to more than its header says; export it again")
    return Volume(voxels.reshape(lengths, order="F"), _grid(affine, lengths, fields["pixdim"][1:4]), name)


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
    if size == 540 and content[8:12] not in (_LINE_ENDS, bytes(4)):
        raise InputError(f"{name} cannot be read: its bytes were changed as if it were a text; copy it again")
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


def _affine(header: _Header, name: str) -> np.ndarray:
    """Where the header places the voxels, checked: 4 x 4, from voxel positions to RAS mm."""
    fields, lengths = header.fields, header.lengths[:3]
    spacing_mm = fields["pixdim"][1:4].astype(float)
    check_header(name, lengths, spacing_mm.tolist(), [0, 0, 0], np.eye(3).tolist())
    if not all(0 <= fields[code] <= _LAST_CODE for code in ("qform_code", "sform_code")):  # nibabel takes others as 0
        raise InputError(f"{name} cannot be read: its qform or sform has a code that NIfTI does not know; export it again")
    placed = []
    if fields["sform_code"] > 0:
        placed.append(np.vstack([fields["srow"].astype(float), [0, 0, 0, 1]]))
    if fields["qform_code"] > 0:
        affine = np.eye(4)
        affine[:3, :3] = _rotation(fields["quatern"].astype(float), float(fields["pixdim"][0]), name) * spacing_mm
        affine[:3, 3] = fields["qoffset"].astype(float)
        placed.append(affine)
    if not placed:
        raise InputError(
            f"{name} does not say where it lies (its qform and sform have the code 0), and programs differ in what they take "
            "then: export it again with its position in the patient"
        )
    for affine in placed:
        along = affine[:3, :3].T
        lengths_mm = np.linalg.norm(along, axis=1)
        check_header(name, lengths, lengths_mm.tolist(), affine[:3, 3].tolist(), along.tolist())
        if (np.abs(lengths_mm - spacing_mm) * lengths > _SAME_PLACE_VOXELS * spacing_mm).any():
            raise InputError(
                f"{name} contradicts itself: its sform has voxels of {_times(lengths_mm)} mm, its pixdim of "
                f"{_times(spacing_mm)} mm; export it again with its true voxel sizes"
            )
    corners_ijk = _grid(placed[0], lengths, spacing_mm).corners_ijk()
    difference = placed[0] - placed[-1]
    apart_mm = np.linalg.norm(corners_ijk @ difference[:3, :3].T + difference[:3, 3], axis=1)
    if apart_mm.max() > _SAME_PLACE_VOXELS * spacing_mm.min() and not _is_rounded(placed[0], placed[-1], fields):
        raise InputError(
            f"{name} contradicts itself: its qform and sform place the image differently, and programs differ in "
            "which they take; export it again with one of them"
        )
    return placed[0]


def _is_rounded(sform: np.ndarray, qform: np.ndarray, fields: np.void) -> bool:
    """Whether a qform is the sform but for its quaternion's rounding: near a half turn, float32 holds the angle to 1e-3."""
    from scipy.spatial.transform import Rotation

    axes = sform[:3, :3] / np.linalg.norm(sform[:3, :3], axis=0)
    axes[:, 2] *= -1 if fields["pixdim"][0] < 0 else 1
    if (sform[:3, 3] != qform[:3, 3]).any() or np.linalg.det(axes) <= 0:
        return False
    quaternion = Rotation.from_matrix(axes).as_quat()
    signs = (1, -1) if abs(quaternion[3]) < _HALF_TURN else (1,) if quaternion[3] > 0 else (-1,)
    return any(np.abs(sign * quaternion[:3] - fields["quatern"]).max() <= _QUATERNION_ROUNDING for sign in signs)


def _grid(affine: np.ndarray, lengths: Sequence[int], spacing_mm: np.ndarray) -> Grid:
    """The grid of an affine to RAS mm."""
    lps = np.diag([-1.0, -1.0, 1.0]) @ affine[:3]
    return grid_along(lengths, lps[:, :3].T.tolist(), lps[:, 3].tolist(), spacing_mm.tolist())


def _rotation(quatern: np.ndarray, handedness: float, name: str) -> np.ndarray:
    """The qform as 3 x 3 rotation, its third axis reversed where handedness is negative (nifti1.h, METHOD 2)."""
    if not (quatern @ quatern <= 1 + _ROUNDING and handedness in (-1, 0, 1)):
        raise InputError(f"{name} cannot be read: its qform is no rotation; export it again")
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
