"""NRRD files. ITK takes what it does not understand of a header as 1 or 0, and squares axes; here it must be understood.

The format: http://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from ..errors import InputError
from .bounds import NUMBER, check_header, check_voxel_count, three_dimensional
from .grid import Grid, grid_along
from .regular_file import check_data_file
from .volume import Volume
from .voxels import VoxelFile

_LONGEST_HEADER = 1 << 20
"""Bytes of a header; real ones have some hundred, with DICOM tags in it some thousand."""
_SPACES = {
    **dict.fromkeys(("lps", "left-posterior-superior"), (1, 1, 1)),
    **dict.fromkeys(("ras", "right-anterior-superior"), (-1, -1, 1)),
    **dict.fromkeys(("las", "left-anterior-superior"), (1, -1, 1)),
}
"""Names of spaces -> what brings their axes to LPS."""
_KINDS = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64"), "i8"),
    **dict.fromkeys(("int64_t",), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
"""Names of the types with one number a voxel -> numpy's."""
_PACKED = {"raw": False, "gzip": True, "gz": True}
"""Encodings -> whether the voxels are packed."""
_VECTOR = re.compile(r"\(([^()]*)\)|none")


def read_nrrd(path: Path) -> Volume:
    """Read a NRRD file, which must place its voxels beyond doubt and hold all that it promises.

    Args:
        path: A regular file that ends in .nrrd or .nhdr.

    Returns:
        The volume: float32, on the grid that the header gives, as ITK and Slicer have it.

    Raises:
        InputError: It is not NRRD; a field is missing, no number or contradicts another; it is not three-dimensional; the axes
            are sheared; the unit is not mm; `check_header` refuses the geometry; the voxels are cut short, damaged, or in a
            file that `check_data_file` refuses.
    """
    fields, header_bytes = _fields(path)
    sizes = _sizes(path, fields)
    dimension = len(sizes)
    # A list of values comes first; with one of them, or one frame, there are three axes left.
    kinds = fields.get("kinds", "").lower().split()
    first = 1 if dimension == 4 and kinds[:1] and kinds[0] not in ("domain", "space") else 0
    if first and sizes[0] > 1:
        several = (
            "complex pixels: save the magnitude"
            if kinds[0] == "complex"
            else (f"{sizes[0]} values in each voxel: save one channel per file")
        )
        raise InputError(f"{path.name} has {several}")
    lengths = three_dimensional(path.name, sizes[first:])
    grid = _grid(path, fields, lengths, dimension, first)
    place = _place_of_voxels(path, fields, header_bytes)
    kind = _kind(path, fields)
    voxels = place.read(path.name, kind, math.prod(lengths))
    return Volume(voxels.reshape(lengths, order="F"), grid, path.name)


def size_of_nrrd(path: Path) -> tuple[int, ...]:
    """The length of the axes that a NRRD header gives, each one above 0.

    Args:
        path: As that of `read_nrrd`.

    Returns:
        Voxels along each axis.

    Raises:
        InputError: It has no such header, or they are more than can be read.
    """
    return tuple(_sizes(path, _fields(path)[0]))


def _sizes(path: Path, fields: dict[str, str]) -> list[int]:
    """Voxels along each axis, checked."""
    dimension = _integers(path, fields, "dimension", 1)[0]
    sizes = _integers(path, fields, "sizes", dimension) if 1 <= dimension <= 16 else []
    if not sizes:
        raise InputError(f"{path.name} cannot be read: it says it has {dimension} dimensions; export it again")
    check_voxel_count(path.name, sizes)
    return sizes


def _grid(path: Path, fields: dict[str, str], lengths: tuple[int, int, int], dimension: int, first: int) -> Grid:
    """The grid that a header gives, checked; the axes of space begin with the axis `first`."""
    space = fields.get("space", "").lower()
    if space and space not in _SPACES:
        raise InputError(f"{path.name} is placed in a space called {space[:40]!r}: save it in LPS or RAS")
    units = fields.get("space units", fields.get("units", ""))
    if other := [unit for unit in re.findall(r'"([^"]*)"', units) if unit.strip().lower() not in ("", "mm", "none")]:
        raise InputError(f"{path.name} has its lengths in {other[0][:20]!r}: save it in millimetres")
    if "space directions" in fields:
        found = [match.group(1) for match in _VECTOR.finditer(fields["space directions"])]
        if len(found) != dimension:
            raise InputError(f"{path.name} has {len(found)} space directions for {dimension} axes: export it again")
        vectors = [None if text is None else _numbers(path, text, "space directions") for text in found]
        along = [vector for vector in vectors[first : first + 3] if vector is not None]
        if len(along) != 3 or any(len(vector) != 3 for vector in along):
            raise InputError(f"{path.name} gives no direction for one of its axes: export it again")
        spacing_mm = [math.hypot(*vector) for vector in along]
    else:
        along = [[float(axis == row) for row in range(3)] for axis in range(3)]
        given = _numbers(path, fields["spacings"], "spacings") if "spacings" in fields else [1.0] * dimension
        if len(given) != dimension:
            raise InputError(f"{path.name} has {len(given)} spacings for {dimension} axes: export it again")
        spacing_mm = given[first : first + 3]
    origin = _VECTOR.search(fields.get("space origin", "(0,0,0)"))
    origin_mm = _numbers(path, (origin and origin.group(1)) or "nan", "space origin")
    if len(origin_mm) != 3 or ("space origin" not in fields and "axis mins" in fields):
        raise InputError(f"{path.name} gives no valid space origin: export it again with its position in the patient")
    check_header(path.name, lengths, spacing_mm, origin_mm, along)
    sign = _SPACES.get(space, (1, 1, 1))
    lps = [[value * one for value, one in zip(vector, sign, strict=True)] for vector in (*along, origin_mm)]
    return grid_along(lengths, lps[:3], lps[3], spacing_mm)


def _kind(path: Path, fields: dict[str, str]) -> np.dtype:
    """The type of the stored numbers, with their byte order."""
    name = _KINDS.get(fields.get("type", "").lower())
    if name is None:
        shown = fields.get("type", "")[:40]
        raise InputError(f"{path.name} has voxels of an unknown type {shown!r}: save it as short or float")
    order = {"little": "<", "big": ">"}.get(fields.get("endian", "" if name[1] != "1" else "little").lower())
    if order is None:
        raise InputError(f"{path.name} does not say which byte of a number comes first (endian): export it again")
    return np.dtype(order + name)


def _place_of_voxels(path: Path, fields: dict[str, str], header_bytes: int) -> VoxelFile:
    """Where the voxels are."""
    data, start = path, header_bytes
    if named := fields.get("data file", fields.get("datafile", "")):
        if named.upper().startswith("LIST") or "%" in named:
            raise InputError(f"{path.name} has its voxels in several files: save it as one file")
        data, start = check_data_file(path, named), 0
    elif path.name.lower().endswith(".nhdr") and data.stat().st_size <= header_bytes:
        raise InputError(f"{path.name} names no file for its voxels: export it again")
    skipped = {name: fields.get(name, fields.get(name.replace(" ", ""), "0")) for name in ("line skip", "byte skip")}
    if skipped["line skip"] != "0" or not re.fullmatch(r"[0-9]{1,9}", skipped["byte skip"]):
        raise InputError(f"{path.name} has its voxels behind something else: export it again")
    packed = _PACKED.get(fields.get("encoding", "").lower())
    if packed is None or (packed and skipped["byte skip"] != "0"):
        shown = fields.get("encoding", "")[:20]
        raise InputError(f"{path.name} has its voxels in the encoding {shown!r}: save it as raw or gzip")
    return VoxelFile(data, start + int(skipped["byte skip"]), packed)


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields of the header by name, and the number of bytes up to the voxels."""
    with path.open("rb") as file:
        content = file.read(_LONGEST_HEADER)
    if not re.match(rb"NRRD000\d\r?\n", content):
        raise InputError(f"{path.name} cannot be read: it is not NRRD, as its name says; export it again")
    end = re.search(rb"\r?\n\r?\n", content)
    if end is None and len(content) == _LONGEST_HEADER:
        raise InputError(f"{path.name} cannot be read: its header does not end; export it again")
    text = content[: end.start() if end else len(content)].decode("utf-8", "replace")
    fields: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        name, colon, value = line.partition(": ")
        if colon and not line.startswith("#") and ":=" not in name:
            if name in fields:
                raise InputError(f"{path.name} cannot be read: its header says {name[:40]!r} twice; export it again")
            fields[name] = value.strip()
    return fields, end.end() if end else len(content)


def _integers(path: Path, fields: dict[str, str], name: str, count: int) -> list[int]:
    words = fields.get(name, "").split()
    if len(words) != count or not all(re.fullmatch(r"[0-9]{1,18}", word) for word in words):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return [int(word) for word in words]


def _numbers(path: Path, text: str, name: str) -> list[float]:
    words = re.split(r"[\s,]+", text.strip())
    if not all(map(NUMBER.fullmatch, words)):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return [float(word) for word in words]
