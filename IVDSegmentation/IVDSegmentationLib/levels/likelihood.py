"""The likelihood of levels: how tilt, spacing, width and depth run along the spine, and what the field of view would show.

Tables by level start at the rudimentary disc S1-S2 (index 0), then L5-S1 (1), L4-L5 (2) and so on upward. Means are those
of 32 lumbar water volumes of MyoSegmenTUM (Burian et al., BMC Musculoskelet Disord 20:152, 2019) and of 600 phantom
spines, each half; of the phantoms alone for S1-S2 and above T12-L1. Spreads were fitted to both, then widened by hand.
Depths up to T9-T10, and the width of L5-S1 against that of L4-L5, are those of the 49 boxes of IVDM3Seg (experts'
outlines). Set by hand: depths of S1-S2 and above T9-T10, the width of S1-S2 (which networks outline wider than the phantoms'
is), the spreads of both, and all chances but GAP; with what they were tried on, docs/experiments.md says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..images import Grid

_TILT_DEG = np.array([
    43.0, 30.8, 12.3, 0.9, -6.1, -10.3, -11.7, -10.0, -7.5, -4.2,
    -1.0, 2.0, 3.5, 5.0, 6.0, 6.5, 7.0, 7.0,
])  # fmt: skip
_STEP_MM = np.array([
    32.2, 36.4, 37.2, 37.1, 35.9, 34.5, 31.9, 29.6, 27.8, 26.4,
    25.4, 24.6, 23.8, 22.9, 22.1, 21.2, 20.3,
])  # fmt: skip
_WIDTH_MM = np.array([
    36.0, 49.0, 55.0, 54.5, 52.5, 49.5, 46.0, 43.0, 40.0, 38.0,
    36.0, 35.0, 34.0, 33.0, 32.0, 31.0, 30.0, 29.0,
])  # fmt: skip
_DEPTH_MM = np.array([
    22.0, 36.7, 37.2, 37.0, 37.2, 35.9, 34.0, 32.6, 31.5, 29.0,
    28.0, 27.0, 26.5, 26.0, 25.5, 25.0, 24.5, 24.0,
])  # fmt: skip
LEVEL_COUNT = len(_TILT_DEG)

POSE_DEG = 3.0
LORDOSIS = 0.17
CURVE_DEG, CURVE_KEPT = 3.5, 0.5
TILT_DEG, CUT_TILT_DEG = 2.0, 20.0
"""Spread of the tilts: common to all; of the lordosis as a factor; of the curve, and its correlation from level to level;
of each disc (and of measuring it), and of what the field of view leaves of one."""
SIZE, STEP = 0.08, 0.045
BREADTH, WIDTH, RUDIMENT_WIDTH = 0.08, 0.08, 0.25
DEPTH_COMMON, DEPTH, RUDIMENT_DEPTH = 0.10, 0.13, 0.18
"""Relative spread of the steps, common and of each; of the widths, common, of each, and of the rudimentary disc; the same of
the depths."""

MISSED, DARK = 0.1, 0.5
"""Chance that a disc inside the field of view was not found, where the lower neighbours' were not either (L5-S1 in 2 of 34
water volumes); how many of these are as dark as bone."""
IN_PART = 0.1
"""Chance that only a part of the lowest disc was outlined: degenerated, or at the edge of the field of view."""
GAP = 0.03
"""Chance that a disc between two found ones was not found."""
EXTRA = 0.003
"""Chance that something found is no disc of the chain."""
CUT_SHORT = 0.1
"""How often a field of view ends above L5-S1, at any particular level, against those that show it."""
RUDIMENT = 0.03
"""How often the rudimentary disc S1-S2 is found."""
_STRAY_TILTS_DEG, _STRAY_WIDTHS, _STRAY_STEPS, _STRAY_DEPTHS = 120.0, 1.9, 1.5, 1.9
"""Ranges of what is no disc: of its tilt, and of the logarithms of width, step and depth."""
_UNSEEN = 1e-3
_SMALLEST_WIDTH_MM = 4.0
"""Two voxels: also a speck has a width."""

_SHARE_SACRUM, _SHARE_DISC, _SHARE_SPREAD, _SHARE_ODD = 0.15, 1.0, 0.25, 0.12
_ANY_SHARE = 0.5
"""How disc-like the image is above the sacrum and above a disc that was not found; in one case of eight anything, evenly
over two units (bright S1-S2, degenerated discs)."""


@dataclass(frozen=True)
class DiscShape:
    """What a disc is named by.

    Attributes:
        center_mm: Centre, LPS.
        tilt_deg: Inclination of its mid-plane in the sagittal plane, positive where its front hangs down.
        width_mm: Left to right.
        depth_mm: Front to back; None where it says nothing.
        cut: Whether the field of view ends in it, so that its tilt is that of the rest.
    """

    center_mm: tuple[float, float, float]
    tilt_deg: float
    width_mm: float
    depth_mm: float | None = None
    cut: bool = False


def shape_of(points_mm: np.ndarray, cut: bool = False) -> DiscShape:
    """The shape of a disc, by the principal axes of its voxels.

    Width and depth are those of an ellipse of the same second moments.

    Args:
        points_mm: Centres of its voxels, LPS, (n, 3).
        cut: Whether the field of view ends in it; it has no depth then.

    Returns:
        The shape.
    """
    center = points_mm.mean(axis=0)
    offsets = points_mm - center
    spread, axes = np.linalg.eigh(offsets.T @ offsets / len(points_mm))
    up = axes[:, 0] * (1.0 if axes[2, 0] >= 0 else -1.0)
    sideways = 1 + int(np.argmax(np.abs(axes[0, 1:])))
    x, y, z = (float(c) for c in center)
    width_mm, depth_mm = (max(4 * float(np.sqrt(max(spread[n], 0.0))), _SMALLEST_WIDTH_MM) for n in (sideways, 3 - sideways))
    return DiscShape((x, y, z), float(np.degrees(np.arctan2(-up[1], up[2]))), width_mm, None if cut else depth_mm, cut)


def log_likelihood(discs: Sequence[DiscShape], levels: Sequence[int]) -> float:
    """Likelihood of the levels of some discs, given their shapes.

    Args:
        discs: Caudal to cranial.
        levels: Table index of each, rising.

    Returns:
        Natural logarithm of the density of tilts (degrees), and of the logarithms of steps, widths and depths (mm).
    """
    at = np.asarray(levels)
    tilts = np.array([disc.tilt_deg for disc in discs])
    cut = np.diag([CUT_TILT_DEG**2 if disc.cut else 0.0 for disc in discs])
    total = _normal(tilts - _TILT_DEG[at], _tilt_covariance(at) + cut) + _size_likelihood(discs, at)
    if len(at) < 2:
        return total
    steps = np.linalg.norm(np.diff([disc.center_mm for disc in discs], axis=0), axis=1)
    expected = [expected_step_mm(low, high) for low, high in pairwise(at)]
    return total + _normal(np.log(steps / expected), np.eye(len(steps)) * STEP**2 + SIZE**2)


def _size_likelihood(discs: Sequence[DiscShape], at: np.ndarray) -> float:
    """Logarithm of the density of widths and depths; the lowest disc may be outlined in part only, and of any size then."""
    whole = _widths_and_depths(discs, at)
    if at[0] == 0:
        return whole
    depth = 1.0 if discs[0].depth_mm is None else _STRAY_DEPTHS
    in_part = (_widths_and_depths(discs[1:], at[1:]) if len(at) > 1 else 0.0) - np.log(_STRAY_WIDTHS * depth)
    return float(np.logaddexp(np.log(1 - IN_PART) + whole, np.log(IN_PART) + in_part))


def _widths_and_depths(discs: Sequence[DiscShape], at: np.ndarray) -> float:
    """Logarithm of the density of widths and, where they are known, depths of discs outlined as a whole."""
    widths = np.log([disc.width_mm for disc in discs]) - np.log(_WIDTH_MM[at])
    spread = np.where(at == 0, RUDIMENT_WIDTH, WIDTH)
    total = _normal(widths, np.diag(spread**2) + BREADTH**2)
    known = np.array([disc.depth_mm is not None for disc in discs])
    if known.any():
        depths = np.log([disc.depth_mm for disc in discs if disc.depth_mm is not None]) - np.log(_DEPTH_MM[at[known]])
        spread = np.where(at[known] == 0, RUDIMENT_DEPTH, DEPTH)
        total += _normal(depths, np.diag(spread**2) + DEPTH_COMMON**2)
    return total


def expected_step_mm(lower: int, upper: int) -> float:
    """Mean distance between the centres of two discs.

    Args:
        lower: Table index of the lower disc.
        upper: Table index of the upper one.

    Returns:
        Distance along the spine, mm.
    """
    return float(_STEP_MM[lower:upper].sum())


def log_prior(discs: Sequence[DiscShape], levels: Sequence[int], grid: Grid, disc_below: float | None = None) -> float:
    """Prior probability that discs of these levels, and no others, were found.

    It counts the rudiment, the gaps, and the discs below the lowest one, which must have been missed where the field of view
    would show them.

    Args:
        discs: Caudal to cranial.
        levels: Table index of each, rising.
        grid: The working grid.
        disc_below: What the image shows below the lowest disc (`image_below.disc_below`), or None.

    Returns:
        Natural logarithm.
    """
    low = levels[0]
    sacrum, missed, outside = _image_densities(disc_below)
    missing = levels[-1] - low + 1 - len(levels)
    total = missing * np.log(GAP)
    if low == 0:
        return float(total + np.log(RUDIMENT * sacrum))
    if low == 1:
        return float(total + np.log(sacrum))
    center = np.asarray(discs[0].center_mm)
    offset = discs[0].tilt_deg - _TILT_DEG[low]
    for level in range(low - 1, 0, -1):
        chord = np.deg2rad((_TILT_DEG[level] + _TILT_DEG[level + 1]) / 2 + offset)
        center = center - _STEP_MM[level] * np.array([0.0, -np.sin(chord), np.cos(chord)])
        seen = _seen(center, grid)
        shown, elsewhere = (missed, CUT_SHORT * outside) if level == low - 1 else (1.0, 1.0)
        total += np.log((1 - seen) * elsewhere + seen * MISSED * shown)
        if seen < _UNSEEN:  # nor are those below it
            break
    return float(total)


def log_stray(structure: DiscShape) -> float:
    """Density of a structure that is no disc of the chain: any tilt, distance, width and depth.

    Args:
        structure: Its shape.

    Returns:
        Natural logarithm, to be compared with `log_likelihood`.
    """
    depth = 1.0 if structure.depth_mm is None else _STRAY_DEPTHS
    return float(np.log(EXTRA / (_STRAY_TILTS_DEG * _STRAY_WIDTHS * _STRAY_STEPS * depth)))


def _image_densities(disc_below: float | None) -> tuple[float, float, float]:
    """Density of level_image.disc_below above the sacrum, above a disc that was not found, and where the next disc lies
    outside the field of view; 1 each without one."""
    if disc_below is None:
        return 1.0, 1.0, 1.0

    def density(mean: float) -> float:
        peak = np.exp(-0.5 * ((disc_below - mean) / _SHARE_SPREAD) ** 2) / (_SHARE_SPREAD * np.sqrt(2 * np.pi))
        return float((1 - _SHARE_ODD) * peak + _SHARE_ODD * _ANY_SHARE)

    sacrum = density(_SHARE_SACRUM)
    return sacrum, DARK * sacrum + (1 - DARK) * density(_SHARE_DISC), _ANY_SHARE


def _seen(center_mm: np.ndarray, grid: Grid) -> float:
    """Chance, 0..1, that a disc expected here (give or take 6 mm) lies inside the field of view."""
    from scipy.special import ndtr

    ijk = grid.to_ijk(center_mm)
    edge_mm = np.minimum(ijk + 0.5, np.asarray(grid.size) - 0.5 - ijk) * np.asarray(grid.spacing_mm)
    return float(ndtr((edge_mm[1:].min() - 8.0) / 6.0))


def _tilt_covariance(at: np.ndarray) -> np.ndarray:
    """Covariance (deg^2) of the tilts at these table indices."""
    bend = LORDOSIS * (_TILT_DEG[at] - _TILT_DEG[1:8].mean())
    apart = np.abs(at[:, None] - at[None])
    smooth = CURVE_DEG**2 * CURVE_KEPT**apart
    return POSE_DEG**2 + np.outer(bend, bend) + smooth + np.eye(len(at)) * TILT_DEG**2


def _normal(residual: np.ndarray, covariance: np.ndarray) -> float:
    """Logarithm of the multivariate normal density."""
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, residual)
    return float(-0.5 * whitened @ whitened - np.log(np.diag(factor)).sum() - len(residual) / 2 * np.log(2 * np.pi))
