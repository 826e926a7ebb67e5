"""A Dixon phantom of the lumbar spine: four consistent channels, exact labels, exact measures of each disc."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..images import Grid
from ..levels.labelling import LABELS
from .anatomy import Anatomy, DiscTruth, anatomical_name, build_spine, exact_truth, visible_fraction
from .body import Surroundings
from .tissue import Canvas, Signals, paint_body, paint_disc, smooth_field

__all__ = ["Anatomy", "DiscTruth", "Phantom", "make_phantom", "write_phantom_case"]

_SMALLEST_EXTENT_MM = 40.0
_WHOLE = 1 - 1e-4
"""Visible share of a disc from which it counts as whole."""


@dataclass(frozen=True)
class Phantom:
    """One phantom examination.

    channels: fat, in_phase, opposed_phase, water -> int16 [x, y, z], scanner units of a random gain.
    labels: uint8 [x, y, z], the disc (levels.LABELS) that fills at least half of a voxel; 0 elsewhere.
    tissue: uint8 [x, y, z], the classes of phantom_tissue. grid: LPS, the image of all of them.
    truth: the discs with at least one labelled voxel, caudal to cranial.
    """

    seed: int
    channels: dict[str, np.ndarray]
    labels: np.ndarray
    tissue: np.ndarray
    grid: Grid
    truth: tuple[DiscTruth, ...]


def make_phantom(
    seed: int,
    size: tuple[int, int, int] = (36, 256, 256),
    spacing_mm: tuple[float, float, float] = (2.0, 1.25, 1.25),
    *,
    anatomy: Anatomy | None = None,
) -> Phantom:
    """The phantom of this seed: the same seed, size, spacing and anatomy give the same arrays.

    size: voxels left-right, antero-posterior, caudal-cranial. Raises InputError for a field of view under 40 mm.
    """
    if min(n * step for n, step in zip(size, spacing_mm, strict=True)) < _SMALLEST_EXTENT_MM:
        raise InputError(f"phantom: {size} voxels of {spacing_mm} mm hold no disc; choose 40 mm or more along every axis")
    anatomy = anatomy or Anatomy()
    rng = np.random.default_rng(seed)
    canvas = Canvas(size, spacing_mm)
    signals = Signals.draw(rng)
    spine = build_spine(rng, anatomy, canvas.extent_mm)
    labels = np.zeros(size, np.uint8)

    surroundings = Surroundings(canvas, spine, signals, rng)
    surroundings.paint()
    for below, above in itertools.pairwise(spine):
        paint_body(canvas, below, above, signals=signals, texture=surroundings.fine, rng=rng)
    for disc in spine:
        paint_disc(canvas, disc, labels, signals=signals, texture=surroundings.fine, rng=rng)

    shift = rng.uniform(-60, 60, 3).round(3)
    truth = []
    for disc in spine:
        if disc.kind == "disc" and (labels == LABELS[disc.level]).any():
            facts = exact_truth(disc, anatomical_name(disc.level, anatomy.transitional))
            seen = visible_fraction(disc, canvas.extent_mm)
            x, y, z = (float(value) for value in np.asarray(facts.center_mm) + shift)
            truth.append(replace(facts, center_mm=(x, y, z), visible_fraction=seen, cut=seen < _WHOLE))
    corner = shift - (canvas.extent_mm - canvas.spacing_mm) / 2
    return Phantom(
        seed=seed,
        channels=_acquire(canvas, rng),
        labels=labels,
        tissue=canvas.tissue,
        grid=Grid(size, spacing_mm, (float(corner[0]), float(corner[1]), float(corner[2]))),
        truth=tuple(truth),
    )


def _acquire(canvas: Canvas, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Two-point Dixon: in- and opposed-phase images with complex noise, water and fat from their sum and difference.

    Blur of the acquisition, chemical shift of fat along one axis, the coil's falling sensitivity, smooth bias,
    a little T2* decay between the echoes.
    """
    water, fat = canvas.water, canvas.fat
    for axis in range(3):
        weight = rng.uniform(0, 0.2)
        _blur(water, axis, weight)
        _blur(fat, axis, weight)
    fat = _shifted(fat, int(rng.integers(1, 3)), rng.uniform(-0.7, 0.7))
    bias = _sensitivity(canvas, rng)
    water *= bias
    fat *= bias

    decay = rng.uniform(0.93, 1.0)
    noise = np.exp(rng.uniform(np.log(0.02), np.log(0.14)))
    correlated = [rng.uniform(0, 0.2) if rng.random() < 0.5 else 0.0 for _ in range(3)]

    def noise_field() -> np.ndarray:
        field = rng.standard_normal(canvas.size, dtype=np.float32)
        for axis, weight in enumerate(correlated):
            _blur(field, axis, weight)
        return field * np.float32(noise)

    in_real, in_imaginary = (water + fat) * np.float32(decay) + noise_field(), noise_field()
    out_real, out_imaginary = water - fat + noise_field(), noise_field()
    gain = np.float32(np.exp(rng.uniform(np.log(60), np.log(700))))
    pairs = {
        "fat": (in_real - out_real, in_imaginary - out_imaginary, gain / 2),
        "in_phase": (in_real, in_imaginary, gain),
        "opposed_phase": (out_real, out_imaginary, gain),
        "water": (in_real + out_real, in_imaginary + out_imaginary, gain / 2),
    }
    return {
        name: np.rint(np.minimum(np.hypot(real, imaginary) * scale, 32767)).astype(np.int16)
        for name, (real, imaginary, scale) in pairs.items()
    }


def _sensitivity(canvas: Canvas, rng: np.random.Generator) -> np.ndarray:
    """Positive gain map: strongest at the back where the spine coil lies, falling at the ends, with a smooth bias."""
    x, y, z = canvas.axes_mm
    smooth = smooth_field(rng, canvas.size, canvas.spacing_mm.tolist(), 150.0)
    back = np.exp(np.clip(rng.uniform(0, 1.0) * y / 100, -2, 0.8))
    ends = 1 - rng.uniform(0, 0.6) * np.abs(z / (canvas.extent_mm[2] / 2)) ** rng.uniform(3, 8)
    sides = 1 - rng.uniform(0, 0.2) * (x / (canvas.extent_mm[0] / 2)) ** 2
    field = np.exp(np.float32(rng.uniform(0, 0.12)) * smooth)
    field *= (back[None, :, None] * ends[None, None, :] * sides[:, None, None]).astype(np.float32)
    return field


def _blur(field: np.ndarray, axis: int, weight: float) -> None:
    """In place, the kernel (weight, 1 - 2 weight, weight) along an axis; the ends keep their values."""
    if weight == 0:
        return
    moved = np.moveaxis(field, axis, 0)
    moved[1:-1] += np.float32(weight) * (moved[2:] + moved[:-2] - 2 * moved[1:-1])


def _shifted(field: np.ndarray, axis: int, voxels: float) -> np.ndarray:
    """Moved by a fraction of a voxel along an axis, linearly interpolated."""
    neighbour = np.roll(field, 1 if voxels > 0 else -1, axis)
    return field + np.float32(abs(voxels)) * (neighbour - field)


def write_phantom_case(phantom: Phantom, folder: str | Path) -> None:
    """Write fat, in_phase, opposed_phase, water and reference (the exact labels) as .nii.gz; makes the folder.

    Raises OutputError where the folder cannot be written.
    """
    import SimpleITK as sitk

    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}): choose another folder") from error
    for name, voxels in {**phantom.channels, "reference": phantom.labels}.items():
        image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.transpose(2, 1, 0)))
        image.SetSpacing(phantom.grid.spacing_mm)
        image.SetOrigin(phantom.grid.origin_mm)
        image.SetDirection([value for row in phantom.grid.direction for value in row])
        path = folder / f"{name}.nii.gz"
        try:
            sitk.WriteImage(image, str(path))
        except RuntimeError as error:
            raise OutputError(f"{path}: cannot be written: check the folder's space and permissions") from error
