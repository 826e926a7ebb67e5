"""Metrics of masks and channels: absolute Weber contrast, Dice, volume difference, distances between surfaces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class WeberContrast:
    """Absolute Weber contrast of one channel, and what it is computed from, in the channel's intensities.

    Attributes:
        channel: Name of the channel.
        derived: Whether the channel was computed, not given.
        disc_mean: Mean over the discs.
        disc_sd: Standard deviation over the discs, of the population.
        background_mean: Mean over everything else; None where the discs fill the volume.
        background_sd: Its standard deviation; None where the discs fill the volume.
        contrast: |disc_mean - background_mean| / background_mean; None where the background's mean is missing or not above 0.
    """

    channel: str
    derived: bool
    disc_mean: float
    disc_sd: float
    background_mean: float | None
    background_sd: float | None
    contrast: float | None


def weber_contrasts(
    channels: Mapping[str, np.ndarray], discs: np.ndarray, derived: Iterable[str] = ()
) -> tuple[WeberContrast, ...]:
    """Absolute Weber contrast |I - Ib| / Ib of each channel (the paper's Table I).

    I and Ib are the channel's means over the voxels of all discs, and over all others of the volume, air included.

    Args:
        channels: Name -> [x, y, z].
        discs: Label map or mask of that shape, 0 for background.
        derived: The channels that were computed.

    Returns:
        One contrast a channel, in their order.

    Raises:
        InputError: There is no disc, or the shapes differ.
    """
    mask = np.asarray(discs) > 0
    count, others = int(np.count_nonzero(mask)), int(mask.size - np.count_nonzero(mask))
    if not count:
        raise InputError("the discs hold no voxel: there is no contrast to compute")
    contrasts = []
    for name, voxels in channels.items():
        if voxels.shape != mask.shape:
            raise InputError(f"{name} has {_times(voxels.shape)} voxels, the discs {_times(mask.shape)}: use one grid")
        inside = voxels[mask].astype(float)
        total = float(voxels.sum(dtype=float))
        squares = float(np.einsum("i,i->", *[voxels.ravel().astype(float)] * 2))
        background = (total - float(inside.sum())) / others if others else None
        spread = None
        if background is not None:
            spread = float(np.sqrt(max((squares - float(inside @ inside)) / others - background**2, 0.0)))
        disc = float(inside.mean())
        contrast = abs(disc - background) / background if background is not None and background > 0 else None
        contrasts.append(WeberContrast(name, name in set(derived), disc, float(inside.std()), background, spread, contrast))
    return tuple(contrasts)


def dice(predicted: np.ndarray, reference: np.ndarray) -> float | None:
    """Dice coefficient of two masks: 2 |P and R| / (|P| + |R|).

    Args:
        predicted: Mask, any shape.
        reference: Mask of the same shape.

    Returns:
        0..1; None where both are empty.

    Raises:
        InputError: The shapes differ.
    """
    _check_shapes(predicted, reference)
    both = np.count_nonzero(predicted) + np.count_nonzero(reference)
    if both == 0:
        return None
    return float(2 * np.count_nonzero(np.logical_and(predicted, reference)) / both)


def volume_difference(predicted: np.ndarray, reference: np.ndarray, voxel_mm3: float) -> tuple[float, float | None]:
    """Signed difference of two masks' volumes, predicted minus reference.

    Args:
        predicted: Mask, any shape.
        reference: Mask of the same shape.
        voxel_mm3: Volume of a voxel.

    Returns:
        In mm3, and in per cent of the reference (None where that is empty).

    Raises:
        InputError: The shapes differ.
    """
    _check_shapes(predicted, reference)
    counts = int(np.count_nonzero(predicted)), int(np.count_nonzero(reference))
    difference = counts[0] - counts[1]
    return difference * voxel_mm3, 100.0 * difference / counts[1] if counts[1] else None


def _check_shapes(predicted: np.ndarray, reference: np.ndarray) -> None:
    if predicted.shape != reference.shape:
        raise InputError(f"prediction has {_times(predicted.shape)} voxels, reference {_times(reference.shape)}: use one grid")


def _times(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))


def surface_distances(predicted: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> tuple[float, float, float]:
    """Distances between the surfaces of two masks, both ways (pymeshmetrics, on meshes weighted by area).

    Args:
        predicted: Mask [x, y, z], not empty.
        reference: Mask of the same shape, not empty.
        spacing_mm: Voxel size along x, y, z.

    Returns:
        Average symmetric surface distance, 95th percentile and maximum (Hausdorff distance), mm.
    """
    import SimpleITK as sitk
    from meshmetrics import compute_metrics

    held = np.nonzero(predicted | reference)
    box = tuple(slice(int(line.min()), int(line.max()) + 1) for line in held)
    images = []
    for mask in (reference, predicted):
        image = sitk.GetImageFromArray(np.ascontiguousarray(mask[box].T, np.uint8))
        image.SetSpacing([float(s) for s in spacing_mm])
        images.append(image)
    found = compute_metrics(*images, percentiles=(100, 95), metrics=("hd", "assd"), verbose=False)
    return float(found["ASSD"]), float(found["HD_95"]), float(found["HD_100"])
