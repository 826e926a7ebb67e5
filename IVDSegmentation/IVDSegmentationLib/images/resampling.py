"""From an image's own grid to the working grid, and from the working grid back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .grid import Grid, axis_order, reordered, same_grid
from .itk import image_of
from .volume import Volume, contiguous

_REACH_MM = 3.0
"""How far from a labelled voxel of the working grid a voxel of the input can be labelled."""
_SIDE = 0.02
"""Put back, a working voxel stays on its side of 0.5 by this much, so that its label, not its probability, decides."""
_MARGIN = 6
"""Voxels around a part that smoothing and interpolation may reach."""
_SAMPLED_DOWN = 1.4
"""Ratio of new to old spacing from which an axis is smoothed first."""
_PARALLEL = 1e-4
"""How far the cosines of two axes may differ that run the same way: a tenth of a millimetre over a metre."""
_LINES = 32
"""Lines of a product that are computed at a time."""
_LEAST_WEIGHT = 1e-7
"""A weight below this changes no float32."""
_FWHM_PER_SIGMA = 2.3548
"""Full width at half maximum of a Gaussian of standard deviation 1: 2 sqrt(2 ln 2)."""


def to_working_grid(volume: Volume, working_grid: Grid) -> np.ndarray:
    """Bring an image onto a working grid.

    Where the image's grid is the working grid in another order of axes, voxels are moved and none is changed. Otherwise
    they are interpolated linearly. Axes that are sampled down are smoothed first by a Gaussian whose full width at half
    maximum is sqrt(new^2 - old^2) (Cardoso et al., MICCAI 2015).

    Args:
        volume: The image on its own grid.
        working_grid: A grid whose axes run near left, posterior, superior (`working_grid_of`).

    Returns:
        float32 [x, y, z], C-contiguous; 0 outside the image's field of view.
    """
    if same_grid(reordered(volume.grid), working_grid):
        return contiguous(axis_order(volume.grid).apply(volume.voxels), np.float32)
    order, own = axis_order(volume.grid), reordered(volume.grid)
    if _same_axes(own, working_grid):
        return _along_axes(order.apply(volume.voxels), own, working_grid, _linear)
    from scipy.ndimage import gaussian_filter1d

    voxels = volume.voxels.astype(np.float32)
    for target_axis, axis in enumerate(axis_order(volume.grid, working_grid).axes):
        old_mm, new_mm = volume.grid.spacing_mm[axis], working_grid.spacing_mm[target_axis]
        if new_mm > _SAMPLED_DOWN * old_mm:
            sigma = np.sqrt(new_mm**2 - old_mm**2) / _FWHM_PER_SIGMA / old_mm
            voxels = gaussian_filter1d(voxels, sigma, axis=axis, mode="nearest")
    return _resampled(Volume(voxels, volume.grid), working_grid, nearest=False)


def part_on_grid(volume: Volume, grid: Grid) -> np.ndarray:
    """Bring the part of an image that a grid covers onto that grid, without working on the rest.

    Args:
        volume: The image on its own grid.
        grid: As that of `to_working_grid`, smaller than the image's field of view.

    Returns:
        As `to_working_grid`; voxels are only moved where the grid is a part of the image's own in another order of axes.
    """
    corners_ijk = volume.grid.to_ijk(grid.to_mm(grid.corners_ijk()))
    for margin in (0, _MARGIN):
        first = np.maximum(np.rint(corners_ijk.min(axis=0)).astype(int) - margin, 0)
        last = np.minimum(np.rint(corners_ijk.max(axis=0)).astype(int) + margin, np.asarray(volume.grid.size) - 1)
        if (last < first).any():
            return np.zeros(grid.size, np.float32)
        box = tuple(slice(low, high + 1) for low, high in zip(first.tolist(), last.tolist(), strict=True))
        part = Volume(volume.voxels[box], volume.grid.part(box), volume.source)
        if same_grid(reordered(part.grid), grid):
            break
    return to_working_grid(part, grid)


def coarse_copy(volume: Volume, grid: Grid) -> np.ndarray:
    """Bring an image onto a grid of larger voxels, smoothed as in `to_working_grid`, in a small part of its time.

    Args:
        volume: The image on its own grid.
        grid: Its axes in any order; where they are no axes of the image, `to_working_grid` does the work.

    Returns:
        float32 [x, y, z]; 0 outside the image's field of view.
    """
    order, own = axis_order(volume.grid), reordered(volume.grid)
    if not _same_axes(own, grid):
        return to_working_grid(volume, grid)
    return _along_axes(order.apply(volume.voxels), own, grid, _gaussian)


def _same_axes(one: Grid, other: Grid) -> bool:
    """Whether the axes of two grids run the same way."""
    return bool(np.allclose(one.direction, other.direction, atol=_PARALLEL))


def _along_axes(voxels: np.ndarray, grid: Grid, new: Grid, weigh: Callable[[np.ndarray, int, float], np.ndarray]) -> np.ndarray:
    """Voxels [x, y, z] of a grid on another one with the same axes: one product of matrices along each.

    weigh: from continuous positions (n,) on a line, its number of voxels and the ratio of new to old spacing to the weights
    (n, voxels) of the voxels at each position.
    """
    start_ijk = grid.to_ijk(np.asarray(new.origin_mm))
    weights = []
    for start, old_size, size, old_mm, new_mm in zip(
        start_ijk, grid.size, new.size, grid.spacing_mm, new.spacing_mm, strict=True
    ):
        position = start + np.arange(size) * new_mm / old_mm
        of_axis = weigh(position, old_size, new_mm / old_mm)
        of_axis[(position < -0.5) | (position > old_size - 0.5)] = 0
        weights.append(of_axis.astype(np.float32))
    # Of a part of a large image, only the voxels that it is made of.
    held = [_held(of_axis) for of_axis in weights]
    voxels, weights = voxels[tuple(held)], [of_axis[:, near] for of_axis, near in zip(weights, held, strict=True)]
    # In the order of memory, from the axis whose voxels lie furthest apart: the first product copies nothing of a large image.
    reversed_axes = tuple(axis for axis in range(3) if voxels.strides[axis] < 0)
    for axis in reversed_axes:
        weights[axis] = weights[axis][:, ::-1]
    first, second, third = np.argsort(np.abs(voxels.strides))[::-1]
    stored = np.flip(voxels, reversed_axes).transpose(first, second, third)
    copy = _product(weights[first], stored.reshape(len(stored), -1)).reshape(-1, *stored.shape[1:])
    copy = _product_of_rows(weights[second] @ copy, weights[third])
    return contiguous(copy.transpose(np.argsort((first, second, third))))


def _product(weights: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """The product of weights (n, m), most of them 0 but near a diagonal, and lines (m, length)."""
    product = np.empty((len(weights), lines.shape[1]), np.float32)
    for start in range(0, len(weights), _LINES):
        rows = weights[start : start + _LINES]
        near = _held(rows)
        np.matmul(rows[:, near], lines[near], out=product[start : start + _LINES])
    return product


def _held(weights: np.ndarray) -> slice:
    """From the first to the last voxel that has a weight in (n, voxels)."""
    held = np.flatnonzero(weights.any(axis=0))
    return slice(int(held[0]), int(held[-1]) + 1) if len(held) else slice(0, 1)


def _product_of_rows(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The product of rows (..., m) and weights (n, m) as of `_product`, (..., n)."""
    flat = rows.reshape(-1, rows.shape[-1])
    product = np.empty((len(flat), len(weights)), np.float32)
    for start in range(0, len(weights), _LINES):
        part = weights[start : start + _LINES]
        near = _held(part)
        product[:, start : start + _LINES] = flat[:, near] @ part[:, near].T
    return product.reshape(*rows.shape[:-1], len(weights))


def _linear(position: np.ndarray, size: int, ratio: float) -> np.ndarray:
    """Weights of linear interpolation, after a Gaussian where the line is sampled down (`to_working_grid`)."""
    held = np.clip(position, 0, size - 1)
    weights = np.maximum(1 - np.abs(held[:, None] - np.arange(size)), 0)
    if ratio <= _SAMPLED_DOWN:
        return weights
    from scipy.ndimage import gaussian_filter1d

    sigma = np.sqrt(ratio**2 - 1) / _FWHM_PER_SIGMA
    return np.asarray(weights @ gaussian_filter1d(np.eye(size), sigma, axis=0, mode="nearest"))


def _gaussian(position: np.ndarray, size: int, ratio: float) -> np.ndarray:
    """Weights of a Gaussian as wide as the change of spacing needs, half a voxel at least."""
    sigma = np.sqrt(max(ratio**2 - 1, 0)) / _FWHM_PER_SIGMA
    weights = np.exp(-0.5 * ((position[:, None] - np.arange(size)) / max(sigma, 0.5)) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.where(weights > _LEAST_WEIGHT, weights, 0)


def put_back(probability: np.ndarray, labels: np.ndarray, working_grid: Grid, input_grid: Grid) -> np.ndarray:
    """Bring labels from the working grid back onto the grid of the input, with smooth surfaces.

    The surface is where the linearly interpolated probability crosses 0.5; the label is that of the nearest labelled
    working voxel. A working voxel that the labels leave out, or fill, stays so whatever its probability. Where the two
    grids are one up to the order of axes, the result is exactly `labels`.

    Args:
        probability: [x, y, z], 0..1, of any disc.
        labels: uint8 [x, y, z], on the working grid.
        working_grid: The grid of the two.
        input_grid: The grid of the input.

    Returns:
        uint8 [i, j, k] on the grid of the input; 0 further than 3 mm from a labelled working voxel.
    """
    from scipy.ndimage import distance_transform_edt

    if same_grid(reordered(input_grid), working_grid):
        return np.ascontiguousarray(axis_order(input_grid).undo(labels))
    on_input = np.zeros(input_grid.size, np.uint8)
    if not labels.any():
        return on_input
    own = reordered(input_grid)
    start = np.rint(own.to_ijk(np.asarray(working_grid.origin_mm))).astype(int).tolist()
    inside = tuple(slice(first, first + size) for first, size in zip(start, working_grid.size, strict=True))
    if min(start) >= 0 and same_grid(own.part(inside), working_grid):
        axis_order(input_grid).apply(on_input)[inside] = labels
        return on_input
    box = _box(labels > 0, np.ceil(_REACH_MM / np.asarray(working_grid.spacing_mm)).astype(int) + 1)
    labels, probability, grid = labels[box], probability[box], working_grid.part(box)
    labelled = labels > 0
    distance_mm, nearest = distance_transform_edt(~labelled, sampling=grid.spacing_mm, return_indices=True)
    grown = np.where(distance_mm <= _REACH_MM, labels[tuple(nearest)], 0).astype(np.uint8)
    sided = np.where(labelled, np.maximum(probability, 0.5 + _SIDE), np.minimum(probability, 0.5 - _SIDE))

    corners_ijk = input_grid.to_ijk(grid.to_mm(grid.corners_ijk(margin=0.5)))
    first = np.clip(np.floor(corners_ijk.min(0)), 0, np.asarray(input_grid.size) - 1).astype(int)
    last = np.clip(np.ceil(corners_ijk.max(0)), 0, np.asarray(input_grid.size) - 1).astype(int)
    target = tuple(slice(int(start), int(stop) + 1) for start, stop in zip(first, last, strict=True))
    part = input_grid.part(target)
    disc = _resampled(Volume(sided.astype(np.float32), grid), part, nearest=False) >= 0.5
    on_input[target] = np.where(disc, _resampled(Volume(grown, grid), part, nearest=True), 0)
    return on_input


def _box(mask: np.ndarray, margin: np.ndarray) -> tuple[slice, ...]:
    """The bounding box of a mask, widened by `margin` voxels along each axis as far as the array goes."""
    box = []
    for axis in range(3):
        held = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(int(held[0] - margin[axis]), 0), min(int(held[-1] + margin[axis]) + 1, mask.shape[axis])))
    return tuple(box)


def _resampled(volume: Volume, grid: Grid, nearest: bool) -> np.ndarray:
    """The volume at the voxel centres of another grid; 0 outside."""
    import SimpleITK as sitk

    image = image_of(volume)
    interpolator = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    resampled = sitk.Resample(
        image,
        grid.size,
        sitk.Transform(),
        interpolator,
        grid.origin_mm,
        grid.spacing_mm,
        [cosine for row in grid.direction for cosine in row],
        0.0,
        image.GetPixelID(),
    )
    return contiguous(sitk.GetArrayViewFromImage(resampled).T, volume.voxels.dtype)
