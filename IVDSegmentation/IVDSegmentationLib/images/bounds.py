"""What the header of an image may say, checked before any of its voxels are read.

A header costs a few bytes and can promise terabytes, metres or no volume at all. Whatever reads an image asks here first.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

import numpy as np

from ..errors import InputError
from .grid import WORKING_SPACING_MM

MOST_VOXELS = 2**26
"""Of an image: 512 x 512 x 256, a quarter of a gigabyte a channel. The whole-body Dixon volumes of the UK Biobank and the NAKO
have 14 million."""

MOST_VOXELS_OF_ALL = 2**27
"""Of all channels of an examination, half a gigabyte: more than twice those of the UK Biobank and the NAKO."""

MOST_FIELD_VOXELS = 2**27
"""Of an image's field of view on the working grid, which is never held as a whole where it is large (dixon.case): twice that of
the whole-body Dixon volumes of the UK Biobank and the NAKO, 500 x 390 x 1110 mm."""

LARGEST_FIELD_MM = 2000.0
"""Along any axis: taller than the whole-body field of view of any scanner table (UK Biobank: 1.1 m)."""

LARGEST_VOXEL_MM = 10.0
"""Along any axis: three of these fill the height of the paper's box around a disc (31 mm), and a disc is a third of the box."""

NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|inf|infinity)", re.IGNORECASE)
"""A number as a header writes it. Python reads `1_0` as ten, too, and the digits of every alphabet; others do not."""

_PERPENDICULAR = 1e-3
"""How far the scalar products of the axes' directions may lie from those of perpendicular unit vectors: 0.06 degrees, less than
half a millimetre over the field of view of a lumbar spine. Headers round to 1e-6."""


def check_header(
    name: str,
    size: Sequence[int],
    spacing_mm: Sequence[float],
    origin_mm: Sequence[float],
    directions: Sequence[Sequence[float]],
) -> None:
    """Refuse a geometry that no examination of the spine has.

    Args:
        name: The file or series, for the message.
        size: Number of voxels along each axis.
        spacing_mm: Voxel size along each axis.
        origin_mm: Position of the first voxel, LPS or RAS.
        directions: For each axis, the vector along it; its length does not matter.

    Raises:
        InputError: More than MOST_VOXELS voxels, or than MOST_FIELD_VOXELS on the working grid, a voxel size that is not a
            positive number or above LARGEST_VOXEL_MM, a field of view above LARGEST_FIELD_MM, a position or direction that is
            no number, or axes that are not perpendicular.
    """
    check_voxel_count(name, size)
    for length in spacing_mm:
        if not (math.isfinite(length) and length > 0):
            raise InputError(f"{name} has a voxel size of {length:g} mm: export it again with its true voxel sizes")
        if length > LARGEST_VOXEL_MM:
            raise InputError(
                f"{name} has voxels of {length:g} mm, and no disc shows in voxels of more than {LARGEST_VOXEL_MM:g} mm: "
                "check its unit of length, or give the original images"
            )
    field_mm = np.multiply(size, spacing_mm, dtype=float)
    if field_mm.max() > LARGEST_FIELD_MM:
        raise InputError(
            f"{name} covers {field_mm.max():.0f} mm along one axis, and {LARGEST_FIELD_MM:.0f} mm is the most: "
            "check its unit of length"
        )
    if float(np.prod(field_mm)) / math.prod(WORKING_SPACING_MM) > MOST_FIELD_VOXELS:
        raise InputError(f"{name} covers {'x'.join(f'{mm:.0f}' for mm in field_mm)} mm: crop it to the spine")
    if not np.isfinite(np.asarray(origin_mm, float)).all():
        raise InputError(f"{name} has a position that is no number: export it again")
    check_directions(name, directions)


def check_voxel_count(name: str, size: Sequence[int]) -> None:
    """Refuse more voxels than are read.

    Args:
        name: The file or series, for the message.
        size: Number of voxels along each axis, and of values in a voxel.

    Raises:
        InputError: A length below 1, or more than MOST_VOXELS in all.
    """
    shown = "x".join(map(str, size))
    if any(length < 1 for length in size):
        raise InputError(f"{name} says it has {shown} voxels: export it again")
    if math.prod(size) > MOST_VOXELS:
        raise InputError(
            f"{name} has {shown} voxels, more than the {MOST_VOXELS // 10**6} million that can be read: crop it to the spine"
        )


def check_all_voxels(counts: Mapping[str, int]) -> None:
    """Refuse channels that are too many voxels together.

    Args:
        counts: Name of each file or series -> its voxels.

    Raises:
        InputError: More than MOST_VOXELS_OF_ALL.
    """
    if sum(counts.values()) > MOST_VOXELS_OF_ALL:
        raise InputError(
            f"{' and '.join(counts)} have {sum(counts.values()) // 10**6} million voxels together, more than the "
            f"{MOST_VOXELS_OF_ALL // 10**6} million that can be read: crop them to the spine"
        )


def three_dimensional(name: str, size: Sequence[int]) -> tuple[int, int, int]:
    """The size of an image without what follows the third axis.

    Args:
        name: The file, for the message.
        size: Number of voxels along each axis.

    Returns:
        The first three; further axes have one voxel.

    Raises:
        InputError: There are fewer axes, several frames, or a single slice.
    """
    lengths = list(size)
    while len(lengths) > 3 and lengths[-1] == 1:
        lengths.pop()
    if len(lengths) != 3 or 1 in lengths:
        raise InputError(
            f"{name} is not three-dimensional ({'x'.join(map(str, lengths))} voxels): give one volume of several slices"
        )
    return lengths[0], lengths[1], lengths[2]


def cut_short(name: str, present: int, promised: int) -> InputError:
    """The error for a file that ends before its voxels do.

    Args:
        name: The file.
        present: Bytes of voxels in it.
        promised: Bytes of voxels that its header says it has.

    Returns:
        The error, to be raised.
    """
    return InputError(f"{name} cannot be read: it is cut short ({present} of {promised} bytes of voxels); copy it again")


def check_directions(name: str, directions: Sequence[Sequence[float]]) -> None:
    """Refuse axes that are not perpendicular to one another.

    Args:
        name: The file or series, for the message.
        directions: For each axis, the vector along it; its length does not matter.

    Raises:
        InputError: A component is no number, a vector has no length, or two of them are not perpendicular.
    """
    vectors = np.asarray(directions, float)
    lengths = np.linalg.norm(vectors, axis=1) if np.isfinite(vectors).all() else np.zeros(1)
    if not lengths.all():
        raise InputError(f"{name} has an axis without a direction: export it again")
    unit = vectors / lengths[:, None]
    if np.abs(unit @ unit.T - np.eye(len(unit))).max() > _PERPENDICULAR:
        raise InputError(
            f"{name} cannot be read: its axes are not perpendicular to one another; resample it to a grid without shear"
        )
