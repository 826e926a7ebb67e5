"""Geometric augmentations: random transforms, applied by one resampling, and cut fields of view."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..images.random_field import SIGMA_PER_SCALE, smooth_field
from .augmentation import Augmentation

if TYPE_CHECKING:
    import SimpleITK as sitk

_NODES_PER_SIGMA = 2.0
"""Nodes of the elastic deformation in one elastic_sigma_mm."""

SLAB_MM, SLAB_OFF_MM = (10.0, 44.0), 10.0
"""Widths of sagittal slabs, and how far their middle lies from that of the spine."""


def random_transform(
    change: Augmentation, size: Sequence[int], spacing_mm: Sequence[float], rng: np.random.Generator
) -> sitk.Transform:
    """A random composition of flip, shift, rotation, scaling and elastic deformation.

    They come in random order, each about the middle of the grid, each left out at random.

    Args:
        change: How far each of them goes.
        size: Voxels of the grid along x, y, z.
        spacing_mm: Voxel size along x, y, z.
        rng: Generator.

    Returns:
        A transform that maps output to input points, in mm, of a grid with zero origin and identity direction.
    """
    import SimpleITK as sitk

    extent_mm = (np.asarray(size) - 1) * np.asarray(spacing_mm)
    middle = tuple(extent_mm / 2)
    parts: list[sitk.Transform] = []

    def affine(matrix: np.ndarray) -> None:
        transform = sitk.AffineTransform(3)
        transform.SetMatrix([float(m) for m in matrix.ravel()])
        transform.SetCenter(middle)
        parts.append(transform)

    def flip() -> None:
        signs = [-1.0 if rng.random() < p else 1.0 for p in change.flip_probability]
        affine(np.diag(signs))

    def shift() -> None:
        parts.append(
            sitk.TranslationTransform(
                3, [float(v) for v in rng.uniform(-1, 1, 3) * change.shift_voxels * np.asarray(spacing_mm)]
            )
        )

    def rotate() -> None:
        angles = np.deg2rad(rng.uniform(-1, 1, 3) * np.asarray(change.rotation_degrees))
        transform = sitk.Euler3DTransform(middle, *(float(a) for a in angles))
        parts.append(transform)

    def scale() -> None:
        common = rng.uniform(-1, 1) * change.scale
        affine(np.diag(1 + common + rng.uniform(-0.3, 0.3, 3) * change.scale))

    def elastic() -> None:
        parts.append(_elastic(change, size, spacing_mm, rng))

    for step in rng.permutation(np.array([flip, shift, rotate, scale, elastic], dtype=object)):
        if rng.random() < change.probability:
            step()
    return sitk.CompositeTransform(parts) if parts else sitk.Transform(3, sitk.sitkIdentity)


def _elastic(
    change: Augmentation, size: Sequence[int], spacing_mm: Sequence[float], rng: np.random.Generator
) -> sitk.Transform:
    """Random displacements, smooth over elastic_sigma_mm and scaled to at most elastic_mm.

    They are held on a grid half as fine as their smoothness needs; ITK interpolates between its nodes.
    """
    import SimpleITK as sitk

    step_mm = change.elastic_sigma_mm / _NODES_PER_SIGMA
    nodes = tuple(int((n - 1) * s / step_mm) + 4 for n, s in zip(size, spacing_mm, strict=True))
    field = np.stack([smooth_field(rng, nodes[::-1], (1, 1, 1), _NODES_PER_SIGMA / SIGMA_PER_SCALE) for _ in range(3)], -1)
    field *= rng.uniform(0, change.elastic_mm) / (np.abs(field).max() + 1e-6)
    image = sitk.GetImageFromArray(field.astype(np.float64), isVector=True)
    image.SetSpacing([step_mm] * 3)
    image.SetOrigin([-step_mm] * 3)
    return sitk.DisplacementFieldTransform(image)


def resample(
    volume: np.ndarray,
    transform: sitk.Transform,
    size: Sequence[int],
    spacing_mm: Sequence[float],
    *,
    offset_mm: Sequence[float] = (0.0, 0.0, 0.0),
    extend: bool = False,
) -> np.ndarray:
    """An image seen through a transform, interpolated linearly.

    Args:
        volume: [x, y, z] or [x, y, z, channel].
        transform: From output to input points, in mm (`random_transform`).
        size: Voxels of the output along x, y, z.
        spacing_mm: Voxel size of input and output.
        offset_mm: Where the output's first voxel lies in the input.
        extend: Whether voxels outside the input take the nearest voxel's value rather than 0.

    Returns:
        float32, [*size] or [*size, channel].
    """
    import SimpleITK as sitk

    channels = volume.ndim == 4
    axes = (2, 1, 0, 3) if channels else (2, 1, 0)
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.transpose(axes), np.float32), isVector=channels)
    image.SetSpacing([float(s) for s in spacing_mm])
    image.SetOrigin([-float(o) for o in offset_mm])
    resampler = sitk.ResampleImageFilter()
    resampler.SetSize([int(n) for n in size])
    resampler.SetOutputSpacing([float(s) for s in spacing_mm])
    resampler.SetTransform(transform)
    resampler.SetInterpolator(sitk.sitkLinear)
    resampler.SetUseNearestNeighborExtrapolator(extend)
    resampler.SetNumberOfThreads(1)
    return sitk.GetArrayFromImage(resampler.Execute(image)).transpose(axes)


def cut_field_of_view(stacked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """End the field of view near the middle of a box, above or below, as the first or last disc of a scan is cut.

    Args:
        stacked: [x, y, z, map], channels and label maps.
        rng: Generator of the side and of the plane, 2 voxels short of the middle to 8 voxels past it.

    Returns:
        A copy with zeros in all maps beyond the plane.
    """
    cut = stacked.copy()
    past = int(rng.integers(-2, 9))
    middle = stacked.shape[2] // 2
    if rng.random() < 0.5:
        cut[:, :, middle + past + 1 :] = 0
    else:
        cut[:, :, : max(middle - past, 0)] = 0
    return cut


def narrow_field_of_view(stacked: np.ndarray, spacing_mm: float, rng: np.random.Generator) -> np.ndarray:
    """Keep a slab of random width and place from left to right, as sagittal examinations are.

    Args:
        stacked: [x, y, z, map], channels and label maps.
        spacing_mm: Voxel size from left to right.
        rng: Generator of the width, SLAB_MM, and of the place, up to SLAB_OFF_MM from the middle of what is there.

    Returns:
        A copy with zeros in all maps beside the slab.
    """
    there = np.flatnonzero(stacked.any((1, 2, 3)))
    if not len(there):
        return stacked
    width = max(2, round(rng.uniform(*SLAB_MM) / spacing_mm))
    middle = (there[0] + there[-1]) / 2 + rng.uniform(-1, 1) * SLAB_OFF_MM / spacing_mm
    first = max(round(middle - width / 2), 0)
    slab = np.zeros_like(stacked)
    slab[first : first + width] = stacked[first : first + width]
    return slab
