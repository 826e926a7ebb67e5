"""Where there is no disc beyond the labelled vertebrae, by these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..images import WORKING_SPACING_MM
from .scans import centers_of

MARGIN_MM, DRIFT, RECESS = 10.0, 0.4, 0.2
"""How far a spine may leave the line through its last two vertebrae: at once, and per millimetre along it. RECESS: by how
much per millimetre lordosis takes its front back below the last vertebra, at least."""

S1 = 26
"""VERSE code of the uppermost vertebra of the sacrum."""


def voxels_mm(shape: Sequence[int]) -> np.ndarray:
    """Positions of the voxels of a working grid.

    Args:
        shape: Voxels along x, y, z.

    Returns:
        float64 [x, y, z, 3], in mm from the first voxel along x, y, z.
    """
    lines = [np.arange(n) * s for n, s in zip(shape, WORKING_SPACING_MM, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1)


def vertebra_centroids_mm(vertebrae: np.ndarray) -> np.ndarray:
    """Centroids of labelled vertebrae.

    Args:
        vertebrae: uint8 [x, y, z], numbers rising from cranial to caudal, on the working grid.

    Returns:
        (n, 3), cranial to caudal, positions as those of `voxels_mm`.
    """
    return np.asarray(centers_of(vertebrae)) * WORKING_SPACING_MM


def far_from_spine(vertebrae: np.ndarray) -> np.ndarray:
    """Where there is no disc beyond the labelled vertebrae, since the spine cannot be there.

    The spine runs on along the line from the last vertebra but one to the last. In front of the last body's front, or
    to its sides, by MARGIN_MM and DRIFT of the way, there is no disc. Below, where lordosis turns the spine to the
    back, the front recedes by RECESS of the way. Bowel, vessels and muscle resemble discs now and then: these voxels
    teach a network that they are none.

    Args:
        vertebrae: uint8 [x, y, z], numbers rising from cranial to caudal; two of them or more.

    Returns:
        bool [x, y, z].
    """
    numbers = [int(n) for n in np.unique(vertebrae) if n]
    centroids, points = vertebra_centroids_mm(vertebrae), voxels_mm(vertebrae.shape)
    far = np.zeros(vertebrae.shape, bool)
    for end, neighbour in ((0, 1), (-1, -2)):
        along = centroids[end] - centroids[neighbour]
        along /= np.linalg.norm(along)
        front = np.array([0.0, -1.0, 0.0]) + along[1] * along
        front /= np.linalg.norm(front)
        body = np.argwhere(vertebrae == numbers[end]) * WORKING_SPACING_MM - centroids[end]
        half_depth, half_width = np.percentile(body @ front, 98), np.percentile(np.abs(body[:, 0]), 98)
        offset = points - centroids[end]
        beyond = offset @ along
        drift = DRIFT * np.maximum(beyond, 0)
        before = offset @ front > half_depth + MARGIN_MM + (drift if along[2] > 0 else -RECESS * beyond)
        aside = np.abs(offset[..., 0] - beyond * along[0]) > half_width + MARGIN_MM + drift
        far |= (beyond > 0) & (before | aside)
    return far


def below_sacrum(vertebrae: np.ndarray) -> np.ndarray:
    """Where there is no disc, since it lies below the uppermost vertebra of the sacrum.

    What lies between the sacrum's own vertebrae is no disc of the spine, and nothing in the pelvis is.

    Args:
        vertebrae: uint8 [x, y, z], VERSE codes.

    Returns:
        bool [x, y, z]: all that lies below the centroid of S1, along the line to it from L5; nothing where S1 is not
        labelled.
    """
    if not (vertebrae == S1).any():
        return np.zeros(vertebrae.shape, bool)
    l5, s1 = vertebra_centroids_mm(vertebrae)[-2:]
    return np.asarray((voxels_mm(vertebrae.shape) - s1) @ (s1 - l5) > 0)
