"""The paper's augmentations, in random order and combination, and changes of intensity. One resampling per sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .synthesis import smooth_field

if TYPE_CHECKING:
    import SimpleITK as sitk


@dataclass(frozen=True)
class Augmentation:
    """How far each change goes; each geometric one is applied with its own probability.

    probability: of each geometric change. shift_voxels, rotation_degrees, scale (relative), elastic_mm (largest displacement,
    the paper's alpha) and elastic_sigma_mm (its smoothness): ranges about the identity. flip_probability: of each
    axis, x, y, z, once a flip is drawn.
    gain, gamma, bias, noise, blur: of the intensities (blur in voxels, noise relative to the 99th percentile); 0 = none.
    cut: probability that the field of view ends above or below the middle of a box, or just short of it.
    degeneration: probability of each disc to lose signal, as degenerated ones have.
    """

    probability: float = 0.5
    shift_voxels: float = 4.0
    rotation_degrees: tuple[float, float, float] = (15.0, 10.0, 10.0)
    scale: float = 0.15
    elastic_mm: float = 4.0
    elastic_sigma_mm: float = 12.0
    flip_probability: tuple[float, float, float] = (0.5, 0.0, 0.0)
    gain: float = 0.0
    gamma: float = 0.0
    bias: float = 0.0
    noise: float = 0.0
    blur: float = 0.0
    cut: float = 0.0
    degeneration: float = 0.0


LARGEST_LOSS = 0.65
"""Of a healthy disc's signal: more leaves less than the marrow of the bodies has."""

PAPER_AUGMENTATION = Augmentation(flip_probability=(0.5, 0.5, 0.5))
# Front to back is flipped now and then, too: files with a wrong header are common, and a disc is nearly symmetric so.
MODERATE_AUGMENTATION = Augmentation(
    probability=0.5, flip_probability=(0.5, 0.3, 0.0), rotation_degrees=(12.0, 8.0, 8.0), scale=0.12,
    elastic_mm=3.0, elastic_sigma_mm=12.0,
    gain=0.1, gamma=0.3, bias=0.2, noise=0.04, blur=0.5,
)  # fmt: skip
# The water volumes' labelled discs are nearly level and well inside the field of view; L5-S1 and the uppermost discs are not.
WATER_AUGMENTATION = replace(MODERATE_AUGMENTATION, rotation_degrees=(30.0, 8.0, 8.0), cut=0.15)
STRONG_AUGMENTATION = Augmentation(
    probability=0.7, flip_probability=(0.5, 0.15, 0.0), rotation_degrees=(30.0, 12.0, 12.0), scale=0.2,
    elastic_mm=5.0, elastic_sigma_mm=10.0,
    gain=0.1, gamma=0.3, bias=0.2, noise=0.05, blur=0.8, degeneration=0.25,
)  # fmt: skip


def random_transform(
    change: Augmentation, size: Sequence[int], spacing_mm: Sequence[float], rng: np.random.Generator
) -> sitk.Transform:
    """A random composition of flip, shift, rotation, scaling and elastic deformation about the grid's middle, in random
    order, each left out at random. Maps output to input points of a grid with zero origin and identity direction."""
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
    """Random displacements smoothed by a Gaussian and scaled to at most elastic_mm, held on a grid half as fine as their
    smoothness needs (ITK interpolates between its nodes)."""
    import SimpleITK as sitk

    step_mm = change.elastic_sigma_mm / 2
    nodes = tuple(int((n - 1) * s / step_mm) + 4 for n, s in zip(size, spacing_mm, strict=True))
    field = np.stack([smooth_field(nodes[::-1], 2.0, rng) for _ in range(3)], -1)
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
    """volume [x, y, z(, channel)] of the given spacing, seen through transform on a grid of the given size; linear.

    offset_mm: where the output's first voxel lies in the input. Outside the input: zero, or the nearest voxel (extend).
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


def change_intensities(stacked: np.ndarray, change: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """Random gain per channel, gamma, smooth bias, noise and blur on [x, y, z, channel] >= 0; absent (all-zero) channels
    stay zero, and so do voxels outside the scan (zero in all channels)."""
    from scipy import ndimage

    scale = max(float(np.percentile(stacked[..., i], 99)) for i in range(stacked.shape[-1]))
    if scale <= 0:
        return stacked
    x = stacked / scale
    outside = ~np.any(x, axis=-1)
    if change.blur and rng.random() < 0.2:
        x = ndimage.gaussian_filter(x, (*rng.uniform(0, change.blur, 3), 0))
    if change.gamma and rng.random() < 0.4:
        x = x ** np.exp(rng.uniform(-1, 1) * change.gamma)
    if change.bias and rng.random() < 0.6:
        field = smooth_field(x.shape[:3], min(x.shape[:3]) * rng.uniform(0.3, 0.8), rng)
        x = x * np.exp(change.bias * rng.uniform(0, 1) * field)[..., None]
    if change.noise and rng.random() < 0.4:
        x = np.abs(x + rng.uniform(0, change.noise) * rng.standard_normal(x.shape).astype(np.float32))
    if change.gain:
        x = x * np.exp(rng.uniform(-1, 1, x.shape[-1]) * change.gain)
    present = np.any(stacked, axis=(0, 1, 2))
    x = np.where(np.logical_or(outside[..., None], ~present), 0, x)
    return (x * scale).astype(np.float32)


def degenerate_discs(stacked: np.ndarray, discs: np.ndarray, probability: float, rng: np.random.Generator) -> np.ndarray:
    """channels [x, y, z, channel] in which each disc of the map discs [x, y, z] (0..1, interpolated) has lost up to
    LARGEST_LOSS of its signal with the given probability. A disc is a component of the map. Returns a new array."""
    from scipy import ndimage

    components, count = ndimage.label(discs >= 0.5)
    loss = np.zeros(count + 1, np.float32)
    loss[1:] = rng.uniform(0, LARGEST_LOSS, count) * (rng.random(count) < probability)
    # The voxels that a disc fills in part have the label of the disc next to them.
    grown = ndimage.grey_dilation(components, size=3)
    return np.asarray(stacked * (1 - loss[grown] * discs)[..., None], np.float32)


def cut_field_of_view(stacked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Zeros in all maps of [x, y, z, map] beyond a plane across z, 2 voxels short of the middle to 8 voxels past it, above or
    below; the scan ended there. Returns a new array."""
    cut = stacked.copy()
    past = int(rng.integers(-2, 9))
    middle = stacked.shape[2] // 2
    if rng.random() < 0.5:
        cut[:, :, middle + past + 1 :] = 0
    else:
        cut[:, :, : max(middle - past, 0)] = 0
    return cut
