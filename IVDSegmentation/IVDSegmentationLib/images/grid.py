"""The geometry of an image: a regular grid of voxels in the patient, and the working grid that belongs to it.

Positions are LPS in mm (x towards left, y towards posterior, z towards superior), as in ITK and DICOM. Voxel positions
are continuous: (0, 0, 0) is the centre of the first voxel.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, TypeVar

import numpy as np

_Number = TypeVar("_Number", int, float)

WORKING_SPACING_MM = (2.0, 1.25, 1.25)
"""Voxel size of the working grid: left-right, antero-posterior, caudal-cranial. That of the IVDM3Seg volumes."""

_SAME_SPACING = 0.01
"""Relative difference of voxel sizes up to which voxels are not interpolated."""


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels in the patient.

    Attributes:
        size: Number of voxels along i, j, k.
        spacing_mm: Voxel size along i, j, k.
        origin_mm: Position of the centre of voxel (0, 0, 0), LPS.
        direction: 3 x 3, row by row. Column c is the unit vector (LPS) along voxel axis c, as in ITK.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def to_mm(self, points_ijk: np.ndarray) -> np.ndarray:
        """Voxel positions to patient positions.

        Args:
            points_ijk: Continuous voxel positions, (..., 3).

        Returns:
            LPS positions in mm, float64, (..., 3).
        """
        scaled = np.asarray(points_ijk, float) * np.asarray(self.spacing_mm)
        return scaled @ np.asarray(self.direction).T + np.asarray(self.origin_mm)

    def to_ijk(self, points_mm: np.ndarray) -> np.ndarray:
        """Patient positions to voxel positions; the inverse of `to_mm`.

        Args:
            points_mm: LPS positions in mm, (..., 3).

        Returns:
            Continuous voxel positions, float64, (..., 3).
        """
        shifted = np.asarray(points_mm, float) - np.asarray(self.origin_mm)
        return shifted @ np.linalg.inv(np.asarray(self.direction)).T / np.asarray(self.spacing_mm)

    def corners_ijk(self, margin: float = 0.0) -> np.ndarray:
        """The eight corners of the grid.

        Args:
            margin: How far outside the outermost voxel centres they lie, in voxels; 0.5 gives the field of view.

        Returns:
            Continuous voxel positions, float64, (8, 3).
        """
        ends = [(-margin, size - 1 + margin) for size in self.size]
        return np.array(np.meshgrid(*ends), float).reshape(3, -1).T

    def part(self, box: tuple[slice, ...]) -> Grid:
        """The grid of the voxels in a box.

        Args:
            box: Three slices with start and stop, along i, j, k.

        Returns:
            The grid of `voxels[box]`.
        """
        start = np.array([along.start for along in box])
        size = three([along.stop - along.start for along in box], int)
        return Grid(size, self.spacing_mm, three(self.to_mm(start), float), self.direction)


@dataclass(frozen=True)
class AxisOrder:
    """Which axis of an array becomes which, and which are reversed: a change of orientation without interpolation.

    Attributes:
        axes: For each new axis, the old one.
        flips: The new axes that run the other way.
    """

    axes: tuple[int, int, int]
    flips: tuple[int, ...]

    def apply(self, voxels: np.ndarray) -> np.ndarray:
        """Reorder an array.

        Args:
            voxels: Three-dimensional, in the old order.

        Returns:
            The same voxels in the new order; a view.
        """
        return np.flip(voxels.transpose(self.axes), self.flips)

    def undo(self, voxels: np.ndarray) -> np.ndarray:
        """Reorder an array back; the inverse of `apply`.

        Args:
            voxels: Three-dimensional, in the new order.

        Returns:
            The same voxels in the old order; a view.
        """
        return np.flip(voxels, self.flips).transpose(np.argsort(self.axes))


def axis_order(grid: Grid, towards: Grid | None = None) -> AxisOrder:
    """The order in which the axes of a grid come nearest those of another one.

    Args:
        grid: The grid to reorder.
        towards: The grid to come near; None for axes that run to the left, to posterior and to superior.

    Returns:
        The order that maximises the sum of the absolute cosines between the paired axes.
    """
    wanted = np.eye(3) if towards is None else np.asarray(towards.direction).T
    cosines = wanted @ np.asarray(grid.direction)
    best = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[row, axis]) for row, axis in enumerate(axes)))
    flips = tuple(row for row, axis in enumerate(best) if cosines[row, axis] < 0)
    return AxisOrder((best[0], best[1], best[2]), flips)


def reordered(grid: Grid) -> Grid:
    """A grid with its axes in the order that comes nearest left, posterior, superior.

    Args:
        grid: Any grid.

    Returns:
        The grid of the same voxels after `axis_order(grid).apply`.
    """
    order = axis_order(grid)
    corner = np.zeros(3)
    direction = np.asarray(grid.direction)[:, order.axes].copy()
    for row in order.flips:
        corner[order.axes[row]] = grid.size[order.axes[row]] - 1
        direction[:, row] *= -1
    return Grid(
        three([grid.size[axis] for axis in order.axes], int),
        three([grid.spacing_mm[axis] for axis in order.axes], float),
        three(grid.to_mm(corner), float),
        tuple(three(row, float) for row in direction),
    )


def turned_about_z(grid: Grid) -> Grid:
    """A grid turned by 180 degrees about the patient's z axis: what was left and back becomes right and front.

    Args:
        grid: Any grid.

    Returns:
        The grid of the same voxels, x and y of every position with the other sign.
    """
    x, y, z = grid.origin_mm
    right, front, up = grid.direction
    return Grid(
        grid.size,
        grid.spacing_mm,
        (-x, -y, z),
        (three([-n for n in right], float), three([-n for n in front], float), up),
    )


def working_grid_of(grid: Grid) -> Grid:
    """The grid that the networks see an image on.

    Args:
        grid: The image's own grid.

    Returns:
        A grid over the same field of view. Its axes are those of `grid`, reordered to come nearest left, posterior,
        superior. Its spacing is WORKING_SPACING_MM; where that of `grid` is the same within 1 %, it stays as it is,
        so that no voxel has to be interpolated.
    """
    own = reordered(grid)
    if np.allclose(own.spacing_mm, WORKING_SPACING_MM, rtol=_SAME_SPACING, atol=0):
        return own
    return grid_over(own, WORKING_SPACING_MM)


def grid_over(grid: Grid, spacing_mm: tuple[float, float, float]) -> Grid:
    """A grid over the same field of view with other voxels.

    Args:
        grid: Any grid.
        spacing_mm: Voxel size of the new one, along the same axes.

    Returns:
        As many voxels as cover the field of view of `grid`, centred on it.
    """
    extent_mm = np.multiply(grid.size, grid.spacing_mm)
    # Less than one voxel overhangs, so that every centre lies inside.
    size = np.maximum(np.ceil(extent_mm / spacing_mm - 1e-3), 1).astype(int)
    center_mm = grid.to_mm((np.asarray(grid.size) - 1) / 2)
    origin_mm = center_mm - np.asarray(grid.direction) @ ((size - 1) / 2 * spacing_mm)
    return Grid(three(size, int), spacing_mm, three(origin_mm, float), grid.direction)


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether the voxels of two grids coincide.

    Args:
        one: A grid.
        other: Another.

    Returns:
        True where both have the same size and no two corresponding voxels are further apart than a twentieth of a voxel.
    """
    if one.size != other.size:
        return False
    corners = one.corners_ijk()
    apart_mm = np.linalg.norm(one.to_mm(corners) - other.to_mm(corners), axis=1).max()
    return bool(apart_mm <= 0.05 * min(one.spacing_mm))


def grid_along(
    size: Sequence[int], along_mm: Sequence[Sequence[float]], origin_mm: Sequence[float], spacing_mm: Sequence[float]
) -> Grid:
    """The grid of axes that a header gives as vectors.

    Args:
        size: Number of voxels along i, j, k.
        along_mm: For each axis, a vector along it, LPS; perpendicular, of any length.
        origin_mm: Position of the centre of voxel (0, 0, 0), LPS.
        spacing_mm: Voxel size along i, j, k.

    Returns:
        The grid.
    """
    columns = np.asarray(along_mm, float).T
    direction = columns / np.linalg.norm(columns, axis=0)
    rows = tuple(three(row, float) for row in direction)
    return Grid(three(size, int), three(spacing_mm, float), three(origin_mm, float), rows)


def three(values: Iterable[Any], kind: Callable[[Any], _Number]) -> tuple[_Number, _Number, _Number]:
    """Three values as plain Python numbers, as a Grid holds them.

    Args:
        values: Three numbers, of numpy or of Python.
        kind: int or float.

    Returns:
        The three, converted.
    """
    first, second, third = (kind(value) for value in values)
    return first, second, third
