"""What the image shows where the next disc below the lowest one found would lie."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np

from ..images import Grid
from .likelihood import DiscShape

_DISTANCES_MM = (30.0, 33.0, 36.0, 39.0, 42.0)
_BENDS_DEG = (3.0, 12.0, 21.0)
"""Directions to the next centre, from this disc's normal toward the back."""
_TURNS_DEG = (0.0, 10.0, 20.0, 30.0)
"""Tilts of the next disc, from this disc's."""
_LEFT_MM = np.linspace(-10, 10, 5)
_BACK_MM = np.linspace(-11, 11, 8)
_INSIDE_MM = (-1.5, 0.0, 1.5)
_OUTSIDE_MM = (-14.0, -11.0, 11.0, 14.0)
"""Layers along the normal that lie in a disc, and in the bodies next to it."""
_SEEN = 0.9
"""Share of the sampled points that must lie in the field of view."""
_APART_MM = 12.0
"""A place nearer than this to something that was found there is that."""


def disc_below(water: np.ndarray, grid: Grid, discs: Sequence[DiscShape], below: Sequence[DiscShape] = ()) -> float | None:
    """How disc-like the image is below the lowest disc, best over the places that a next disc may take.

    About 1 above an undetected disc (0.6 to 1.3 in 29 of 34 water volumes of MyoSegmenTUM, lower where it is degenerated or
    at the edge), at most 0.35 below L5-S1 there.

    Args:
        water: Water channel [x, y, z].
        grid: Its grid.
        discs: The discs, caudal to cranial.
        below: Other structures found below; their places are left out.

    Returns:
        Contrast to the bodies, as a share of the median contrast of the lowest four discs. None where no such place is in
        the field of view, or the discs are dark.
    """
    own = [_contrasts(water, grid, np.array([disc.center_mm]), np.array([disc.tilt_deg]))[0] for disc in discs[:4]]
    typical = float(np.nanmedian(own)) if np.isfinite(own).any() else 0.0
    if typical <= 0:
        return None
    places = np.array(list(product(_DISTANCES_MM, _BENDS_DEG, _TURNS_DEG)))
    chord = np.deg2rad(discs[0].tilt_deg + places[:, 1])
    up = np.stack([np.zeros_like(chord), -np.sin(chord), np.cos(chord)], axis=1)
    centers = np.asarray(discs[0].center_mm) - places[:, :1] * up
    free = np.all([np.linalg.norm(centers - s.center_mm, axis=1) >= _APART_MM for s in below], axis=0) if below else slice(None)
    contrasts = _contrasts(water, grid, centers[free], (discs[0].tilt_deg + places[:, 2])[free])
    return float(np.nanmax(contrasts)) / typical if np.isfinite(contrasts).any() else None


def _contrasts(water: np.ndarray, grid: Grid, centers_mm: np.ndarray, tilts_deg: np.ndarray) -> np.ndarray:
    """Mean inside less mean outside of discs at centers_mm (n, 3) with these tilts (n,); NaN outside the field of view."""
    from scipy.ndimage import map_coordinates

    tilt = np.deg2rad(tilts_deg)
    back = np.stack([np.zeros_like(tilt), np.cos(tilt), np.sin(tilt)], axis=1)
    up = np.stack([np.zeros_like(tilt), -np.sin(tilt), np.cos(tilt)], axis=1)
    left, behind, above = np.meshgrid(_LEFT_MM, _BACK_MM, (*_INSIDE_MM, *_OUTSIDE_MM), indexing="ij")
    points = centers_mm[:, None, None, None] + left[..., None] * np.array([1.0, 0.0, 0.0])
    points = points + behind[..., None] * back[:, None, None, None] + above[..., None] * up[:, None, None, None]
    ijk = grid.to_ijk(points)
    seen = ((ijk >= -0.5) & (ijk <= np.asarray(grid.size) - 0.5)).all(axis=-1)
    values = map_coordinates(water, np.moveaxis(ijk, -1, 0), order=1, mode="nearest")
    inner = values[..., : len(_INSIDE_MM)].mean(axis=(1, 2, 3))
    outer = values[..., len(_INSIDE_MM) :].mean(axis=(1, 2, 3))
    return np.where(seen.mean(axis=(1, 2, 3)) >= _SEEN, inner - outer, np.nan)
