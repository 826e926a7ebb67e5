"""The header of NRRD files, checked before ITK reads them: ITK takes what it does not understand as 1 or 0, and squares axes.

The format: http://teem.sourceforge.net/nrrd/format.html
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from ..errors import InputError
from .bounds import check_header, check_voxel_count, cut_short
from .regular_file import check_data_file

_LONGEST_HEADER = 1 << 20
"""Bytes of a header; real ones have some hundred, with DICOM tags in it some thousand."""
_SPACES = {"ras", "las", "lps", "right-anterior-superior", "left-anterior-superior", "left-posterior-superior"}
_BYTES = {
    **dict.fromkeys(("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"), 1),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), 2),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), 2),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"), 4),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64"), 8),
    **dict.fromkeys(("int64_t", "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), 8),
    "double": 8,
}
"""Names of the types with one number a voxel -> bytes of a voxel."""
_VECTOR = re.compile(r"\(([^()]*)\)|none")


def check_nrrd(path: Path) -> None:
    """Refuse an NRRD file that does not place its voxels beyond doubt, or whose voxels are not there.

    Args:
        path: A regular file that ends in .nrrd or .nhdr.

    Raises:
        InputError: It is not NRRD; a field is missing, no number or contradicts another; the axes are sheared; the unit is not
            mm; `check_header` refuses the geometry; the voxels are cut short, or in a file that `check_data_file` refuses.
    """
    fields, header_bytes = _fields(path)
    dimension = _integers(path, fields, "dimension", 1)[0]
    sizes = _integers(path, fields, "sizes", dimension) if 1 <= dimension <= 16 else []
    if not sizes:
        raise InputError(f"{path.name} cannot be read: it says it has {dimension} dimensions; export it again")
    space = fields.get("space", "").lower()
    if space and space not in _SPACES:
        raise InputError(f"{path.name} is placed in a space called {space[:40]!r}: save it in LPS or RAS")
    units = fields.get("space units", fields.get("units", ""))
    if other := [unit for unit in re.findall(r'"([^"]*)"', units) if unit.strip().lower() not in ("", "mm", "none")]:
        raise InputError(f"{path.name} has its lengths in {other[0][:20]!r}: save it in millimetres")
    spatial = dimension if dimension <= 3 else 3
    if "space directions" in fields:
        found = [match.group(1) for match in _VECTOR.finditer(fields["space directions"])]
        if len(found) != dimension:
            raise InputError(f"{path.name} has {len(found)} space directions for {dimension} axes: export it again")
        vectors = [None if text is None else _numbers(path, text, "space directions") for text in found]
        along = [vector for vector in vectors[:spatial] if vector is not None]
        if len(along) != spatial or any(len(vector) != 3 for vector in along):
            raise InputError(f"{path.name} gives no direction for one of its axes: export it again")
        spacing_mm = [math.sqrt(sum(value * value for value in vector)) for vector in along]
    else:
        along = [[float(axis == row) for row in range(3)] for axis in range(spatial)]
        spacing_mm = _numbers(path, fields["spacings"], "spacings")[:spatial] if "spacings" in fields else [1.0] * spatial
    origin = _VECTOR.search(fields.get("space origin", "(0,0,0)"))
    origin_mm = _numbers(path, (origin and origin.group(1)) or "nan", "space origin")
    check_voxel_count(path.name, sizes)
    # Axes beyond the third, and files of fewer, are refused by what reads the voxels, with a sentence of its own.
    if dimension >= 3:
        check_header(path.name, sizes[:3], spacing_mm, origin_mm, along)
    _check_voxels_there(path, fields, header_bytes, math.prod(sizes))


def _check_voxels_there(path: Path, fields: dict[str, str], header_bytes: int, count: int) -> None:
    data, start = path, header_bytes
    if named := fields.get("data file", fields.get("datafile", "")):
        if named.upper().startswith("LIST") or "%" in named:
            raise InputError(f"{path.name} has its voxels in several files: save it as one file")
        data, start = check_data_file(path, named), 0
    elif path.name.lower().endswith(".nhdr") and data.stat().st_size <= header_bytes:
        raise InputError(f"{path.name} names no file for its voxels: export it again")
    each = _BYTES.get(fields.get("type", "").lower())
    if each is None:
        shown = fields.get("type", "")[:40]
        raise InputError(f"{path.name} has voxels of an unknown type {shown!r}: save it as short or float")
    if fields.get("encoding", "").lower() == "raw" and data.stat().st_size - start < count * each:
        present = max(data.stat().st_size - start, 0)
        raise cut_short(path.name, present, count * each)


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
    if len(words) != count or not all(re.fullmatch(r"\d{1,18}", word) for word in words):
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again")
    return [int(word) for word in words]


def _numbers(path: Path, text: str, name: str) -> list[float]:
    try:
        return [float(word) for word in re.split(r"[\s,]+", text.strip())]
    except ValueError as error:
        raise InputError(f"{path.name} cannot be read: its header gives no valid {name}; export it again") from error
