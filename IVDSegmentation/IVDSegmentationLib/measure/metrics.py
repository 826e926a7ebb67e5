"""Figures of masks and channels: absolute Weber contrast, Dice, volume difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class WeberContrast:
    """Absolute Weber contrast of one channel, and what it is made of, in the channel's intensities.

    contrast: |disc_mean - background_mean| / background_mean; None where the background is empty or its mean not above 0.
    background_mean, background_sd: None where the discs fill the volume. derived: the channel was computed, not loaded.
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

    I and Ib: the channel's mean over the voxels of all discs, and over all others of the volume, air included. SD is
    that of the population. channels: name -> [x, y, z]; discs: label map or mask of that shape, 0 is background.
    Raises InputError: no disc, shapes that differ.
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
    """Dice coefficient 2 |P and R| / (|P| + |R|) of two masks of one shape, 0..1; None where both are empty.

    Raises InputError for shapes that differ.
    """
    _check_shapes(predicted, reference)
    both = np.count_nonzero(predicted) + np.count_nonzero(reference)
    if both == 0:
        return None
    return float(2 * np.count_nonzero(np.logical_and(predicted, reference)) / both)


def volume_difference(predicted: np.ndarray, reference: np.ndarray, voxel_mm3: float) -> tuple[float, float | None]:
    """Signed difference of two masks' volumes: in mm3, predicted minus reference, and in per cent of the reference.

    Counted in voxels of voxel_mm3. Per cent: None where the reference is empty. Raises InputError for shapes that differ.
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
