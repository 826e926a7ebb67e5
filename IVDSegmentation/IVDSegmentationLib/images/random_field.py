"""Smooth random fields: texture, bias and displacements of images that are made rather than scanned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SIGMA_PER_SCALE = 0.6 / 2**0.5
"""Standard deviation of the interpolating Gaussians, as a share of scale_mm: white noise that is smoothed by a Gaussian of
this standard deviation looks like the field."""


def smooth_field(rng: np.random.Generator, size: Sequence[int], spacing_mm: Sequence[float], scale_mm: float) -> np.ndarray:
    """A smooth Gaussian random field: white noise on a coarse grid, interpolated by Gaussians.

    Args:
        rng: Generator of the noise.
        size: Voxels along each axis.
        spacing_mm: Voxel size along each axis; 1 to give scale_mm in voxels.
        scale_mm: Size of the structures.

    Returns:
        float32 of shape `size`; its expectation is 0, its standard deviation 1 in every voxel.
    """
    matrices = []
    for n, step in zip(size, spacing_mm, strict=True):
        knots = int(np.ceil(n * step / scale_mm)) + 2
        position = np.arange(n)[:, None] * (step / scale_mm) + 0.5
        weights = np.exp(-(((position - np.arange(knots)) / 0.6) ** 2))
        matrices.append((weights / np.linalg.norm(weights, axis=1, keepdims=True)).astype(np.float32))
    field = rng.standard_normal([matrix.shape[1] for matrix in matrices], dtype=np.float32)
    for axis, matrix in enumerate(matrices):
        field = np.moveaxis(np.tensordot(matrix, field, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(field)
