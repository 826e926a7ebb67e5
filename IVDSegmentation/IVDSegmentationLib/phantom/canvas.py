"""The phantom's images while it is painted: water, fat and tissue classes on a grid, with partial volume at every border."""

from __future__ import annotations

import numpy as np

AIR, FAT, MUSCLE, MARROW, CORTICAL, DISC, CSF, CORD, VESSEL, ORGAN, GAS, LIGAMENT, SKIN, REMNANT = range(14)
"""Tissue classes, the values of `Phantom.tissue`."""

Box = tuple[slice, slice, slice]
"""Slices along x, y, z."""


class Canvas:
    """The images that tissues are painted on, on a grid centred on the origin.

    Attributes:
        size: Voxels along x, y, z.
        spacing_mm: Voxel size, (3,).
        extent_mm: Size of the field of view, (3,).
        axes_mm: Positions of the voxels along x, y, z, three float32 lines.
        water: float32 [x, y, z], relative to the water of a healthy disc.
        fat: float32 [x, y, z], in the same unit.
        tissue: uint8 [x, y, z], the tissue classes of this file.
    """

    def __init__(self, size: tuple[int, int, int], spacing_mm: tuple[float, float, float]) -> None:
        """An empty canvas: air everywhere.

        Args:
            size: Voxels along x, y, z.
            spacing_mm: Voxel size along x, y, z.
        """
        self.size = size
        self.spacing_mm = np.asarray(spacing_mm, float)
        self.extent_mm = self.spacing_mm * size
        self.axes_mm = [
            ((np.arange(n) - (n - 1) / 2) * step).astype(np.float32) for n, step in zip(size, spacing_mm, strict=True)
        ]
        self.water = np.zeros(size, np.float32)
        self.fat = np.zeros(size, np.float32)
        self.tissue = np.zeros(size, np.uint8)

    def box(self, center_mm: np.ndarray, reach: np.ndarray) -> Box:
        """The voxels near a point.

        Args:
            center_mm: The point, (3,).
            reach: How far from it along each axis, mm, (3,).

        Returns:
            Three slices, cut at the edges of the grid; they may be empty.
        """
        first = np.ceil((center_mm - reach + self.extent_mm / 2) / self.spacing_mm - 0.5).astype(int)
        last = np.floor((center_mm + reach + self.extent_mm / 2) / self.spacing_mm - 0.5).astype(int) + 1
        first, last = np.clip(first, 0, self.size), np.clip(last, 0, self.size)
        return (slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2]))

    def coordinates(self, box: Box, per_voxel: int = 1) -> list[np.ndarray]:
        """The positions of points in a box.

        Args:
            box: Three slices.
            per_voxel: Evenly spread points along each axis of a voxel.

        Returns:
            Open grids x, y, z in mm, float32, that broadcast to the box.
        """
        offsets = (np.arange(per_voxel) + 0.5) / per_voxel - 0.5
        grids = []
        for axis, part in enumerate(box):
            points = self.axes_mm[axis][part][:, None] + offsets[None, :] * self.spacing_mm[axis]
            grids.append(points.astype(np.float32).reshape([-1 if i == axis else 1 for i in range(3)]))
        return grids

    def paint(self, box: Box, share: np.ndarray, tissue: int, water: float | np.ndarray, fat: float | np.ndarray) -> None:
        """Lay a tissue over what is there.

        Args:
            box: The voxels to paint, three slices.
            share: Share of each voxel that the tissue takes, 0..1, broadcast over the box.
            tissue: Its class; voxels get it where the share is a half or more.
            water: Its water signal, one value or one a voxel.
            fat: Its fat signal.
        """
        for canvas, value in ((self.water, water), (self.fat, fat)):
            part = canvas[box]
            part += share * (value - part)
        under = self.tissue[box]
        under[np.broadcast_to(share >= 0.5, under.shape)] = tissue


def ramp(distance_mm: np.ndarray, width_mm: float = 1.5) -> np.ndarray:
    """Share of a voxel inside a border.

    Args:
        distance_mm: Distance of voxels from the border, positive inside.
        width_mm: Over which distance the share goes from 0 to 1.

    Returns:
        0..1, 0.5 on the border; of the shape of distance_mm.
    """
    return np.clip(distance_mm * np.float32(1 / width_mm) + np.float32(0.5), 0, 1)
