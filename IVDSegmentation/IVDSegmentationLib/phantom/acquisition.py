"""The Dixon acquisition of the phantom: from water and fat of the tissues to the four channels of a scanner."""

from __future__ import annotations

import numpy as np

from ..images.random_field import smooth_field
from .canvas import Canvas


def acquire(canvas: Canvas, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Acquire a two-point Dixon examination of what is on a canvas.

    In- and opposed-phase images have complex noise, and water and fat are computed from their sum and difference, as a
    scanner does (Dixon, Radiology 153:189, 1984). The acquisition blurs; fat is shifted chemically along one axis; the
    coil's sensitivity falls off, with a smooth bias; a little T2* decays between the echoes.

    Args:
        canvas: The painted phantom; its water and fat are changed.
        rng: The phantom's generator.

    Returns:
        fat, in_phase, opposed_phase, water -> int16 [x, y, z], in scanner units of a random gain.
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
