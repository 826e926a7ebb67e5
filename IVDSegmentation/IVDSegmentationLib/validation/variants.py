"""The forms that one examination comes in: other stacks, headers, voxels, noise, positions and fields of view."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..dixon.channels import CHANNELS
from ..images import WORKING_SPACING_MM, Grid, Volume
from ..images.grid import three
from ..training.intensities import standard_field
from ..training.scans import Scan
from ..training.true_levels import VERTEBRAE

TILT_DEG, LEAN_DEG = 15.0, 12.0
NOISE = 0.12
"""Standard deviation of the noise, as a share of the 98th percentile."""
GHOST, GHOST_SHIFT = 0.08, 0.3
"""Strength of a ghost, and how far it is shifted along the phase-encoding axis, as a share of the field of view."""
BIAS = 0.35
"""Standard deviation of the logarithm of the coil's sensitivity."""
GAMMA = 1.4
SCALE = 1e-6


@dataclass(frozen=True)
class Exam:
    """One form of a scan.

    Attributes:
        volumes: Channel -> volume, all on one grid.
        to_scan: 4 x 4, from voxels of that grid to those of the scan.
    """

    volumes: Mapping[str, Volume]
    to_scan: np.ndarray


Variant = Callable[[Scan, np.random.Generator], Exam | None]
"""Makes an exam of a scan; None where the scan has no such form, as where its field of view is no larger."""


def _channels(scan: Scan) -> dict[str, np.ndarray]:
    return {name: scan.channels[..., n] for n, name in enumerate(CHANNELS) if scan.available[n]}


def _exam(scan: Scan, grid: Grid, to_scan: np.ndarray, channels: Mapping[str, np.ndarray]) -> Exam:
    return Exam({name: Volume(voxels, grid, name) for name, voxels in channels.items()}, to_scan)


def _grid(size: tuple[int, ...], spacing_mm: tuple[float, ...], direction: np.ndarray | None = None) -> Grid:
    rows = np.eye(3) if direction is None else direction
    return Grid(three(size, int), three(spacing_mm, float), (0.0, 0.0, 0.0), tuple(three(row, float) for row in rows))


def _as_stored(scan: Scan, rng: np.random.Generator) -> Exam:
    """The scan as it is."""
    return _exam(scan, _grid(scan.discs.shape, WORKING_SPACING_MM), np.eye(4), _channels(scan))


def _stacked_along(axes: tuple[int, int, int]) -> Variant:
    """The same voxels stored in another order of the axes, with a header that says so."""

    def make(scan: Scan, rng: np.random.Generator) -> Exam:
        to_scan = np.zeros((4, 4))
        to_scan[3, 3] = 1
        for new, old in enumerate(axes):
            to_scan[old, new] = 1
        shape = tuple(scan.discs.shape[a] for a in axes)
        spacing = tuple(WORKING_SPACING_MM[a] for a in axes)
        channels = {name: np.ascontiguousarray(voxels.transpose(axes)) for name, voxels in _channels(scan).items()}
        return _exam(scan, _grid(shape, spacing, to_scan[:3, :3]), to_scan, channels)

    return make


def _exchanged(scan: Scan, rng: np.random.Generator) -> Exam:
    """The same voxels with a header that exchanges front and back, left and right, as those of the challenge's files do."""
    grid = _grid(scan.discs.shape, WORKING_SPACING_MM, np.diag([-1.0, -1.0, 1.0]))
    return _exam(scan, grid, np.eye(4), _channels(scan))


def _upside_down(scan: Scan, rng: np.random.Generator) -> Exam:
    """The same voxels with a header that exchanges head and feet, front and back."""
    grid = _grid(scan.discs.shape, WORKING_SPACING_MM, np.diag([1.0, -1.0, -1.0]))
    return _exam(scan, grid, np.eye(4), _channels(scan))


def _resampled(scan: Scan, to_scan: np.ndarray, size: tuple[int, ...], spacing_mm: tuple[float, ...]) -> Exam:
    """A scan on another grid, interpolated linearly; averaged before along axes that become coarser; 0 outside."""
    from scipy import ndimage

    coarser = np.linalg.norm(to_scan[:3, :3], axis=0)  # scan voxels in one of the new ones, where axes keep their order
    channels = {}
    for name, voxels in _channels(scan).items():
        smooth = voxels
        for axis, factor in enumerate(coarser):
            if factor > 1.2:
                smooth = ndimage.gaussian_filter1d(smooth, 0.4 * np.sqrt(factor**2 - 1), axis)
        channels[name] = ndimage.affine_transform(smooth, to_scan[:3, :3], to_scan[:3, 3], tuple(size), order=1)
    return _exam(scan, _grid(size, spacing_mm), to_scan, channels)


def _voxels_of(spacing_mm: tuple[float, float, float]) -> Variant:
    """The scan in voxels of another size."""

    def make(scan: Scan, rng: np.random.Generator) -> Exam:
        factor = np.asarray(spacing_mm) / WORKING_SPACING_MM
        size = tuple(max(1, int(n / f)) for n, f in zip(scan.discs.shape, factor, strict=True))
        to_scan = np.eye(4)
        to_scan[:3, :3] = np.diag(factor)
        to_scan[:3, 3] = (factor - 1) / 2
        return _resampled(scan, to_scan, size, spacing_mm)

    return make


def _turned(axis: int, degrees: float) -> Variant:
    """The person turned within the field of view, about the axis through its middle."""

    def make(scan: Scan, rng: np.random.Generator) -> Exam:
        angle = np.deg2rad(degrees)
        a, b = (n for n in range(3) if n != axis)
        turn = np.eye(3)
        turn[a, a] = turn[b, b] = np.cos(angle)
        turn[a, b], turn[b, a] = -np.sin(angle), np.sin(angle)
        spacing = np.asarray(WORKING_SPACING_MM)
        to_scan = np.eye(4)
        to_scan[:3, :3] = turn * spacing[None] / spacing[:, None]
        middle = (np.asarray(scan.discs.shape) - 1) / 2
        to_scan[:3, 3] = middle - to_scan[:3, :3] @ middle
        return _resampled(scan, to_scan, scan.discs.shape, WORKING_SPACING_MM)

    return make


def _changed(change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Variant:
    """The scan with other intensities."""

    def make(scan: Scan, rng: np.random.Generator) -> Exam:
        channels = {name: change(voxels.astype(np.float32), rng) for name, voxels in _channels(scan).items()}
        return _exam(scan, _grid(scan.discs.shape, WORKING_SPACING_MM), np.eye(4), channels)

    return make


def _noisy(voxels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rician noise."""
    sigma = NOISE * float(np.percentile(voxels, 98))
    real, imaginary = (sigma * rng.standard_normal(voxels.shape) for _ in range(2))
    return np.hypot(voxels + real, imaginary).astype(np.float32)


def _coil_bias(voxels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(voxels * np.exp(BIAS * standard_field(rng, voxels.shape, 0.4 * min(voxels.shape[1:]))), np.float32)


def _ghost(voxels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(voxels + GHOST * np.roll(voxels, int(GHOST_SHIFT * voxels.shape[1]), axis=1), np.float32)


def _gamma(voxels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    top = float(voxels.max())
    return np.asarray(top * np.power(np.clip(voxels, 0, None) / top, GAMMA), np.float32)


def _scaled(voxels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return voxels * np.float32(SCALE)


def _part(scan: Scan, box: tuple[slice, slice, slice]) -> Exam:
    channels = {name: np.ascontiguousarray(voxels[box]) for name, voxels in _channels(scan).items()}
    to_scan = np.eye(4)
    to_scan[:3, 3] = [s.start or 0 for s in box]
    shape = next(iter(channels.values())).shape
    return _exam(scan, _grid(shape, WORKING_SPACING_MM), to_scan, channels)


def _ending_in(place: str, above: bool = False) -> Variant:
    """The field of view ends in a disc or, where `place` is none of the levels, in that vertebra, at its lower edge.

    above: It ends there at its upper edge. None where the place is not known.
    """

    def make(scan: Scan, rng: np.random.Generator) -> Exam | None:
        at = _height_of(scan, place)
        if at is None:
            return None
        kept = slice(0, round(at)) if above else slice(round(at), scan.discs.shape[2])
        return _part(scan, (slice(0, scan.discs.shape[0]), slice(0, scan.discs.shape[1]), kept))

    return make


def _height_of(scan: Scan, place: str) -> float | None:
    """Along z, the centre of a disc or of a vertebra: labelled, or half way between the discs above and below it."""
    heights = {level: center[2] for level, center in zip(scan.levels, scan.centers_ijk, strict=True) if level}
    if place in heights:
        return heights[place]
    codes = [code for code, name in VERTEBRAE.items() if name == place]
    if scan.vertebrae is not None and codes and (scan.vertebrae == codes[0]).any():
        return float(np.argwhere(scan.vertebrae == codes[0])[:, 2].mean())
    beside = [height for level, height in heights.items() if place in level.split("-")]
    return float(np.mean(beside)) if len(beside) == 2 else None


def _width_of(width_mm: float) -> Variant:
    """A sagittal slab about the spine. None where the scan is no wider."""

    def make(scan: Scan, rng: np.random.Generator) -> Exam | None:
        count = round(width_mm / WORKING_SPACING_MM[0])
        if count >= scan.discs.shape[0]:
            return None
        middle = float(np.mean([center[0] for center in scan.centers_ijk]))
        start = int(np.clip(round(middle - count / 2), 0, scan.discs.shape[0] - count))
        return _part(scan, (slice(start, start + count), slice(0, scan.discs.shape[1]), slice(0, scan.discs.shape[2])))

    return make


VARIANTS: Mapping[str, Variant] = {
    "as stored": _as_stored,
    "axial stack": _stacked_along((0, 1, 2)),
    "sagittal stack": _stacked_along((1, 2, 0)),
    "coronal stack": _stacked_along((0, 2, 1)),
    "header exchanged": _exchanged,
    "upside down": _upside_down,
    "4 mm slices of 0.7 mm pixels": _voxels_of((4.0, 0.7, 0.7)),
    "1 mm isotropic": _voxels_of((1.0, 1.0, 1.0)),
    "3 x 2 x 2 mm": _voxels_of((3.0, 2.0, 2.0)),
    "noise": _changed(_noisy),
    "coil bias": _changed(_coil_bias),
    "ghost": _changed(_ghost),
    "gamma": _changed(_gamma),
    "scaled by 1e-6": _changed(_scaled),
    "tilted +15": _turned(0, TILT_DEG),
    "tilted -15": _turned(0, -TILT_DEG),
    "leaning 12": _turned(1, LEAN_DEG),
    "44 mm wide": _width_of(44.0),
    "20 mm wide": _width_of(20.0),
    "ends above L2-L3": _ending_in("L2", above=True),
    "ends in L5": _ending_in("L5"),
    "ends in L4-L5": _ending_in("L4-L5"),
}
"""Name -> what makes it. The last two show no sacrum."""
