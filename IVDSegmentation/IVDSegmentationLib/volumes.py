"""Volumes and their geometry: the grid, reading and writing, the working grid and the way back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WORKING_SPACING_MM = (2.0, 1.25, 1.25)
"""Voxel size of the working grid: left-right x antero-posterior x caudal-cranial."""


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels in the patient (LPS, mm).

    size: voxels along i, j, k. spacing_mm: voxel size along i, j, k. origin_mm: LPS position of the centre of
    voxel (0, 0, 0). direction: 3 x 3, row-major; column c is the LPS unit vector along voxel axis c (as ITK has it).
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def to_mm(self, points_ijk: np.ndarray) -> np.ndarray:
        """Continuous voxel positions (..., 3) -> LPS mm (..., 3)."""
        scaled = np.asarray(points_ijk, float) * np.asarray(self.spacing_mm)
        return scaled @ np.asarray(self.direction).T + np.asarray(self.origin_mm)

    def to_ijk(self, points_mm: np.ndarray) -> np.ndarray:
        """LPS mm (..., 3) -> continuous voxel positions (..., 3)."""
        shifted = np.asarray(points_mm, float) - np.asarray(self.origin_mm)
        return shifted @ np.linalg.inv(np.asarray(self.direction)).T / np.asarray(self.spacing_mm)


@dataclass(frozen=True)
class Volume:
    """Voxels indexed [i, j, k] on their grid; source is a file or node name for messages, never a patient's name."""

    voxels: np.ndarray
    grid: Grid
    source: str = ""
