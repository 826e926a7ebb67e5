"""A disc's own frame: its fitted mid-plane, and its height over every point of that plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..images import Grid

_FIT_STEP_MM = 2.0
"""Distance of the columns the mid-plane is fitted to; each voxel of the working grid is crossed by one."""
_FIT_ROUNDS = 2
"""Rounds of the fit; a third changes the normal by less than 0.01 degrees."""
_THINNEST_MM = 0.75
"""A column of less disc than this lies outside the disc's section."""
_FEWEST_COLUMNS = 12
"""Columns a mid-plane takes: 12 of 2 x 2 mm are a disc of 8 mm across."""
_ROUND = 0.05
"""Elongation of the section, (widest - narrowest) / sum of its second moments, that turns the frame half-way."""


@dataclass(frozen=True)
class DiscFrame:
    """A disc's own coordinates: a to its left, b to its back, c up, in mm from its centre.

    Attributes:
        center_mm: LPS, (3,).
        axes: The unit vectors along a, b, c as rows, LPS, right-handed, (3, 3).
    """

    center_mm: np.ndarray
    axes: np.ndarray

    def from_mm(self, points_mm: np.ndarray) -> np.ndarray:
        """Patient positions to the disc's frame.

        Args:
            points_mm: LPS, (..., 3).

        Returns:
            a, b, c in mm, (..., 3).
        """
        return (np.asarray(points_mm, float) - self.center_mm) @ self.axes.T

    def to_mm(self, points_abc: np.ndarray) -> np.ndarray:
        """Positions in the disc's frame to the patient; the inverse of `from_mm`.

        Args:
            points_abc: a, b, c in mm, (..., 3).

        Returns:
            LPS, (..., 3).
        """
        return np.asarray(points_abc, float) @ self.axes + self.center_mm

    @property
    def tilt_deg(self) -> float:
        """Inclination of the mid-plane in the sagittal plane, positive where its front hangs down, -90..90."""
        return float(np.degrees(np.arctan2(-self.axes[2, 1], self.axes[2, 2])))

    @property
    def lateral_tilt_deg(self) -> float:
        """Inclination of the mid-plane in the coronal plane, positive where its left side hangs down, -90..90."""
        return float(np.degrees(np.arctan2(self.axes[2, 0], self.axes[2, 2])))


class DiscField:
    """The occupancy of a disc on a grid, to be integrated along any direction.

    Attributes:
        occupancy: Share of each voxel that is disc, float32 [x, y, z], 0..1.
        grid: Its grid.
        points_ijk: The voxels with any of it, (n, 3).
        weights: Their occupancy, (n,).
        points_mm: Their centres, LPS, (n, 3).
    """

    def __init__(self, occupancy: np.ndarray, grid: Grid) -> None:
        """A field of an occupancy.

        Args:
            occupancy: float32 [x, y, z], 0..1.
            grid: Its grid.
        """
        self.occupancy = occupancy
        self.grid = grid
        self.points_ijk = np.argwhere(occupancy > 0)
        self.weights = occupancy[occupancy > 0].astype(float)
        self.points_mm = grid.to_mm(self.points_ijk)

    def columns(self, frame: DiscFrame, a_mm: np.ndarray, b_mm: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Height of the disc along the normal of a frame.

        The height is the integral of the occupancy, so that a disc of exact occupancy has its exact height, averaged over about
        a voxel.

        Args:
            frame: The frame.
            a_mm: Positions to the left, any shape.
            b_mm: Positions to the back, of the same shape.

        Returns:
            Height in mm, and the c of its centre of mass (NaN where the height is 0), of the same shape.
        """
        from scipy.ndimage import map_coordinates

        near = self._reached(frame, a_mm, b_mm)
        height, middle = np.zeros(a_mm.shape), np.full(a_mm.shape, np.nan)
        a_mm, b_mm = a_mm[near], b_mm[near]
        reach = np.abs(self._extent(frame)[:, 2]).max()
        step = min(self.grid.spacing_mm) / 2
        c_mm = np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step
        # Positions are affine in a, b and c: three products are quicker than one over all points.
        basis = (self.grid.to_ijk(frame.axes + frame.center_mm) - self.grid.to_ijk(frame.center_mm)).T
        origin = self.grid.to_ijk(frame.center_mm)
        plane = np.multiply.outer(basis[:, 0], a_mm) + np.multiply.outer(basis[:, 1], b_mm)
        plane += origin[:, None]
        positions = plane[..., None] + np.multiply.outer(basis[:, 2], c_mm)[:, None]
        share = map_coordinates(self.occupancy, positions, order=1, mode="constant")
        height[near] = share.sum(axis=-1, dtype=float)
        with np.errstate(invalid="ignore"):
            middle[near] = (share @ c_mm) / height[near]
        return height * step, middle

    def reach_mm(self, frame: DiscFrame) -> tuple[float, float]:
        """How far the disc reaches from the centre of a frame.

        Args:
            frame: The frame.

        Returns:
            Along a and b, one voxel included.
        """
        first, last = self._extent(frame)
        a, b, _ = np.maximum(-first, last)
        return float(a), float(b)

    def _reached(self, frame: DiscFrame, a_mm: np.ndarray, b_mm: np.ndarray) -> np.ndarray:
        """Which columns the linear interpolation of the occupancy may reach: the height of all others is 0."""
        own = frame.from_mm(self.points_mm)[:, :2]
        reach = (np.abs(frame.axes @ np.asarray(self.grid.direction)) @ self.grid.spacing_mm)[:2]
        (first_a, first_b), (last_a, last_b) = own.min(axis=0) - reach, own.max(axis=0) + reach
        return (a_mm >= first_a) & (a_mm <= last_a) & (b_mm >= first_b) & (b_mm <= last_b)

    def _extent(self, frame: DiscFrame) -> np.ndarray:
        own = frame.from_mm(self.points_mm)
        margin = max(self.grid.spacing_mm)
        return np.stack([own.min(axis=0) - margin, own.max(axis=0) + margin])


def fit_frame(field: DiscField) -> DiscFrame | None:
    """The frame of a disc: its origin is the centre of mass, c is normal to the mid-plane.

    The mid-plane is the least-squares plane through the middles of the disc's height, every 2 x 2 mm counted alike, starting
    from the plane of largest extent (principal axes). The left axis is the section's longest principal axis, turned back to
    the patient's left as far as the section is round and has none.

    Args:
        field: Occupancy of the disc.

    Returns:
        The frame; None where the disc is less than about 8 mm across.
    """
    from scipy.ndimage import maximum_filter

    center_mm = np.average(field.points_mm, axis=0, weights=field.weights)
    offsets = field.points_mm - center_mm
    moments = (offsets * field.weights[:, None]).T @ offsets
    normal = np.linalg.eigh(moments)[1][:, 0]
    frame = DiscFrame(center_mm, _axes(normal))
    for _ in range(_FIT_ROUNDS):
        reach_a, reach_b = field.reach_mm(frame)
        a, b = np.meshgrid(_line(reach_a), _line(reach_b), indexing="ij")
        height, middle = field.columns(frame, a, b)
        # Half the height of the highest neighbour: a column that the blur of the edge made is not the disc's.
        inside = height >= np.maximum(maximum_filter(height, 3) / 2, _THINNEST_MM)
        if np.count_nonzero(inside) < _FEWEST_COLUMNS:
            return None
        a, b = a[inside], b[inside]
        design = np.stack([np.ones_like(a), a, b], axis=1)
        slopes, _, rank, _ = np.linalg.lstsq(design, middle[inside], rcond=None)
        if rank < 3:
            return None
        normal = np.array([-slopes[1], -slopes[2], 1.0]) @ frame.axes
        section_mm = frame.to_mm(np.stack([a, b, np.zeros_like(a)], axis=1))
        frame = DiscFrame(center_mm, _turned(_axes(normal), section_mm))
    return frame


def _line(reach_mm: float) -> np.ndarray:
    steps = np.ceil(reach_mm / _FIT_STEP_MM)
    return np.arange(-steps, steps + 1) * _FIT_STEP_MM


def _axes(normal: np.ndarray) -> np.ndarray:
    """Unit vectors (rows) to the left, to the back and along the normal, which is turned to point up."""
    up = normal / np.linalg.norm(normal) * (1 if normal[2] >= 0 else -1)
    left = np.array([1.0, 0.0, 0.0])
    if abs(up[0]) > 0.9:
        left = np.array([0.0, 0.0, -np.sign(up[0])])
    left -= up * (left @ up)
    left /= np.linalg.norm(left)
    return np.stack([left, np.cross(up, left), up])


def _turned(axes: np.ndarray, section_mm: np.ndarray) -> np.ndarray:
    """The axes turned about the normal to the principal axes of the section's points (n, 3)."""
    (aa, ab), (_, bb) = np.cov((section_mm @ axes[:2].T).T)
    angle = 0.5 * np.arctan2(2 * ab, max(aa - bb, 0.0) + _ROUND * (aa + bb))
    left = np.cos(angle) * axes[0] + np.sin(angle) * axes[1]
    return np.stack([left, np.cross(axes[2], left), axes[2]])
