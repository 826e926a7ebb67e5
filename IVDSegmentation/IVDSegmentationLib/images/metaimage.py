"""The header of MetaImage files, checked before ITK reads them: ITK squares axes, and can end the process.

The format: https://itk.org/Wiki/ITK/MetaIO/Documentation
"""

from __future__ import annotations

import math
from pathlib import Path

from ..errors import InputError
from .bounds import check_header, check_voxel_count, cut_short
from .regular_file import check_data_file

_LONGEST_HEADER = 1 << 16
_BYTES = {
    **dict.fromkeys(("MET_CHAR", "MET_UCHAR"), 1),
    **dict.fromkeys(("MET_SHORT", "MET_USHORT"), 2),
    **dict.fromkeys(("MET_INT", "MET_UINT", "MET_FLOAT", "MET_LONG", "MET_ULONG"), 4),
    **dict.fromkeys(("MET_LONG_LONG", "MET_ULONG_LONG", "MET_DOUBLE"), 8),
}
"""Element types with one number a voxel -> bytes of a voxel."""
_UNIT_LENGTH = 1e-3
"""How far the length of a row of TransformMatrix may lie from 1: the voxel sizes stand elsewhere."""


def check_metaimage(path: Path) -> None:
    """Refuse a MetaImage file that does not place its voxels beyond doubt, or whose voxels are not there.

    Args:
        path: A regular file that ends in .mha or .mhd.

    Raises:
        InputError: It is not MetaImage; a field is missing or no number; the axes are sheared or scaled; `check_header` refuses
            the geometry; the voxels are cut short, in several files, or in one that `check_data_file` refuses.
    """
    fields, header_bytes = _fields(path)
    dimension = int(_numbers(path, fields, ("NDims",), 1)[0])
    if not 1 <= dimension <= 4:
        raise InputError(f"{path.name} cannot be read: it says it has {dimension} dimensions; export it again")
    size = [int(length) for length in _numbers(path, fields, ("DimSize",), dimension)]
    spacing_mm = _numbers(path, fields, ("ElementSpacing", "ElementSize"), dimension, 1.0)
    origin_mm = _numbers(path, fields, ("Offset", "Position", "Origin"), dimension, 0.0)
    identity = [float(row == column) for row in range(dimension) for column in range(dimension)]
    matrix = _numbers(path, fields, ("TransformMatrix", "Rotation", "Orientation"), dimension**2, identity)
    rows = [matrix[axis * dimension : (axis + 1) * dimension] for axis in range(dimension)]
    if any(not abs(math.hypot(*row) - 1) <= _UNIT_LENGTH for row in rows):
        raise InputError(f"{path.name} has a TransformMatrix that scales its axes: export it again with its true voxel sizes")
    # Files of other dimensions are refused by what reads the voxels, with a sentence of its own.
    if dimension >= 3:
        check_header(path.name, size[:3], spacing_mm[:3], origin_mm[:3], [row[:3] for row in rows[:3]])
    channels = int(_numbers(path, fields, ("ElementNumberOfChannels",), 1, 1.0)[0])
    each = _BYTES.get(fields.get("ElementType", ""))
    if each is None:
        shown = fields.get("ElementType", "")[:40]
        raise InputError(f"{path.name} has voxels of an unknown type {shown!r}: save it as MET_SHORT or MET_FLOAT")
    check_voxel_count(path.name, [*size, channels])
    _check_voxels_there(path, fields, header_bytes, math.prod(size) * channels * each)


def _check_voxels_there(path: Path, fields: dict[str, str], header_bytes: int, promised: int) -> None:
    named = fields["ElementDataFile"]
    if named.upper().startswith("LIST") or "%" in named:
        raise InputError(f"{path.name} has its voxels in several files: save it as one file")
    data, start = (path, header_bytes) if named.upper() == "LOCAL" else (check_data_file(path, named), 0)
    compressed = fields.get("CompressedData", "False").lower() in ("true", "1")
    ascii_text = fields.get("BinaryData", "True").lower() in ("false", "0")
    present = max(data.stat().st_size - start, 0)
    if not compressed and not ascii_text and present < promised:
        raise cut_short(path.name, present, promised)


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


def _numbers(
    path: Path, fields: dict[str, str], names: tuple[str, ...], count: int, default: float | list[float] | None = None
) -> list[float]:
    name = next((name for name in names if name in fields), None)
    if name is None:
        if default is None:
            raise InputError(f"{path.name} cannot be read: its header gives no {names[0]}; export it again")
        return default if isinstance(default, list) else [default] * count
    try:
        values = [float(word) for word in fields[name].split()]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return values
