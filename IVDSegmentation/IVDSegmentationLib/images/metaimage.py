"""MetaImage files. ITK squares their axes, and a header can make it end the process; here all of it must be sound.

The format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ..errors import InputError
from .bounds import NUMBER, check_header, check_voxel_count, three_dimensional
from .grid import grid_along
from .regular_file import check_data_file
from .volume import Volume
from .voxels import VoxelFile

_LONGEST_HEADER = 1 << 16
_KINDS = {
    **{"MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4"},
    **{"MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8"},
    **{"MET_FLOAT": "f4", "MET_DOUBLE": "f8"},
}
"""Element types with one number a voxel -> numpy's."""
_UNIT_LENGTH = 1e-3
"""How far the length of a row of TransformMatrix may lie from 1: the voxel sizes stand elsewhere."""


def read_metaimage(path: Path) -> Volume:
    """Read a MetaImage file, which must place its voxels beyond doubt and hold all that it promises.

    Args:
        path: A regular file that ends in .mha or .mhd.

    Returns:
        The volume: float32, on the grid that the header gives, as ITK and Slicer have it.

    Raises:
        InputError: It is not MetaImage; a field is missing or no number; it is not three-dimensional, or a voxel has several
            values; the axes are sheared or scaled; `check_header` refuses the geometry; the voxels are cut short, damaged, in
            several files, or in one that `check_data_file` refuses.
    """
    fields, header_bytes = _fields(path)
    size = _size(path, fields)
    dimension = len(size)
    channels = _integers(path, fields, "ElementNumberOfChannels", 1, 1.0)[0]
    check_voxel_count(path.name, [*size, channels])
    if channels > 1:
        raise InputError(f"{path.name} has {channels} values in each voxel: save one channel per file")
    lengths = three_dimensional(path.name, size)
    spacing_mm = _numbers(path, fields, ("ElementSpacing", "ElementSize"), dimension, 1.0)[:3]
    origin_mm = _numbers(path, fields, ("Offset", "Position", "Origin"), dimension, 0.0)[:3]
    identity = [float(row == column) for row in range(dimension) for column in range(dimension)]
    matrix = _numbers(path, fields, ("TransformMatrix", "Rotation", "Orientation"), dimension**2, identity)
    rows = [matrix[axis * dimension : axis * dimension + 3] for axis in range(3)]
    if any(not abs(math.hypot(*row) - 1) <= _UNIT_LENGTH for row in rows):
        raise InputError(f"{path.name} has a TransformMatrix that scales its axes: export it again with its true voxel sizes")
    check_header(path.name, lengths, spacing_mm, origin_mm, rows)
    kind = _kind(path, fields)
    place = _place_of_voxels(path, fields, header_bytes, math.prod(lengths) * kind.itemsize)
    voxels = place.read(path.name, kind, math.prod(lengths))
    return Volume(voxels.reshape(lengths, order="F"), grid_along(lengths, rows, origin_mm, spacing_mm), path.name)


def size_of_metaimage(path: Path) -> tuple[int, ...]:
    """The length of the axes that a MetaImage header gives, each one above 0.

    Args:
        path: As that of `read_metaimage`.

    Returns:
        Voxels along each axis.

    Raises:
        InputError: It has no such header, or they are more than can be read.
    """
    return tuple(_size(path, _fields(path)[0]))


def _size(path: Path, fields: dict[str, str]) -> list[int]:
    """Voxels along each axis, checked."""
    dimension = _integers(path, fields, "NDims", 1)[0]
    if not 1 <= dimension <= 4:
        raise InputError(f"{path.name} cannot be read: it says it has {dimension} dimensions; export it again")
    size = _integers(path, fields, "DimSize", dimension)
    check_voxel_count(path.name, size)
    return size


def _kind(path: Path, fields: dict[str, str]) -> np.dtype:
    """The type of the stored numbers, with their byte order."""
    name = _KINDS.get(fields.get("ElementType", ""))
    if name is None:
        shown = fields.get("ElementType", "")[:40]
        raise InputError(f"{path.name} has voxels of an unknown type {shown!r}: save it as MET_SHORT or MET_FLOAT")
    big = _is_true(fields, "BinaryDataByteOrderMSB") or _is_true(fields, "ElementByteOrderMSB")
    return np.dtype((">" if big else "<") + name)


def _is_true(fields: dict[str, str], name: str) -> bool:
    return fields.get(name, "").lower()[:1] in ("t", "1", "y")


def _place_of_voxels(path: Path, fields: dict[str, str], header_bytes: int, promised: int) -> VoxelFile:
    """Where so many bytes of voxels are."""
    named = fields["ElementDataFile"]
    if named.upper().startswith("LIST") or "%" in named:
        raise InputError(f"{path.name} has its voxels in several files: save it as one file")
    data, start = (path, header_bytes) if named.upper() == "LOCAL" else (check_data_file(path, named), 0)
    if fields.get("BinaryData", "True").lower()[:1] in ("f", "0", "n"):
        raise InputError(f"{path.name} has its voxels written as text: save it in binary form")
    packed = _is_true(fields, "CompressedData")
    skipped = _integers(path, fields, "HeaderSize", 1, 0.0)[0]
    if skipped == -1 and not packed:  # the voxels are the end of the file, whatever comes before them
        return VoxelFile(data, max(data.stat().st_size - promised, 0), packed)
    if skipped < 0:
        raise InputError(f"{path.name} has its voxels behind something else: export it again")
    return VoxelFile(data, start + skipped, packed)


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """The fields of the header by name, and the number of bytes up to the voxels. ElementDataFile is the last one."""
    fields: dict[str, str] = {}
    with path.open("rb") as file:
        while file.tell() < _LONGEST_HEADER:
            line = file.readline(_LONGEST_HEADER)
            name, equals, value = line.decode("utf-8", "replace").partition("=")
            if not equals:
                break
            if name.strip() in fields:
                raise InputError(f"{path.name} cannot be read: its header says {name.strip()[:40]!r} twice; export it again")
            fields[name.strip()] = value.strip()
            if name.strip() == "ElementDataFile":
                return fields, file.tell()
    raise InputError(f"{path.name} cannot be read: it is not MetaImage, as its name says; export it again")


def _integers(path: Path, fields: dict[str, str], name: str, count: int, default: float | None = None) -> list[int]:
    values = _numbers(path, fields, (name,), count, default)
    if not all(value.is_integer() for value in values):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return [int(value) for value in values]


def _numbers(
    path: Path, fields: dict[str, str], names: tuple[str, ...], count: int, default: float | list[float] | None = None
) -> list[float]:
    name = next((name for name in names if name in fields), None)
    if name is None:
        if default is None:
            raise InputError(f"{path.name} cannot be read: its header gives no {names[0]}; export it again")
        return default if isinstance(default, list) else [default] * count
    words = fields[name].split()
    values = [float(word) for word in words] if all(map(NUMBER.fullmatch, words)) else []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return values
