"""Heights, depth, width and area of a disc in its own frame, finer than a voxel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .frame import DiscField, DiscFrame

HEIGHT_AT = (0.1, 0.5, 0.9)
"""Where anterior, middle and posterior height are taken: shares of the depth, from front to back."""

_STEP_MM = 0.5
_RAYS = 72
"""One every 5 degrees."""
_STRIP_MM = (-1.0, 0.0, 1.0)
"""The midline is a strip as thick as a sagittal slice: its profile is the mean of these columns."""
_INWARD = 5
"""Samples inside the edge (2.5 mm, more than a voxel of any direction) from where its partial volume no longer shows."""
_LEAST_MM = 0.3
"""No edge lies where the disc is thinner than this: a quarter of a voxel."""


@dataclass(frozen=True)
class DiscDimensions:
    """Dimensions of a disc in its own frame.

    Attributes:
        anterior_height_mm: Height along the normal of the mid-plane, on the midline at 10 % of its depth, front to back.
        middle_height_mm: The same at 50 %.
        posterior_height_mm: The same at 90 %.
        depth_mm: Of the midline, front to back.
        width_mm: Of the section's outline, left to right.
        area_mm2: Of the section.
    """

    anterior_height_mm: float
    middle_height_mm: float
    posterior_height_mm: float
    depth_mm: float
    width_mm: float
    area_mm2: float


def disc_dimensions(field: DiscField, frame: DiscFrame) -> DiscDimensions | None:
    """Measure a disc in its frame.

    The edge, on each ray from the centre, is the first point where the height falls to half of what its trend inside (a
    straight line through the heights 2.5 and 5 mm further in) predicts. Blur of the edge does not shift it.

    Args:
        field: Occupancy of the disc.
        frame: Its frame.

    Returns:
        The dimensions; None where the disc's outline does not enclose the frame's centre.
    """
    reach_a, reach_b = field.reach_mm(frame)
    # Past the disc's reach the height is 0, so every ray passes the edge.
    radius = np.arange(0, np.hypot(reach_a, reach_b) + 2 * _STEP_MM, _STEP_MM)
    angle = np.arange(_RAYS) * 2 * np.pi / _RAYS
    height, _ = field.columns(frame, np.outer(np.cos(angle), radius), np.outer(np.sin(angle), radius))
    outline = _edges(height)
    strip = np.asarray(_STRIP_MM)[:, None]
    behind = field.columns(frame, *np.broadcast_arrays(strip, radius[None, :]))[0].mean(axis=0)
    before = field.columns(frame, *np.broadcast_arrays(strip, -radius[None, :]))[0].mean(axis=0)
    back, front = _edges(np.stack([behind, before]))
    if min(outline.min(), back, front) <= 0:
        return None
    depth = back + front
    midline = np.concatenate([before[:0:-1], behind])
    position = np.concatenate([-radius[:0:-1], radius])
    anterior, middle, posterior = np.interp(-front + depth * np.asarray(HEIGHT_AT), position, midline)
    a = outline * np.cos(angle)
    return DiscDimensions(
        anterior_height_mm=float(anterior),
        middle_height_mm=float(middle),
        posterior_height_mm=float(posterior),
        depth_mm=float(depth),
        width_mm=float(a.max() - a.min()),
        area_mm2=float(0.5 * np.sin(2 * np.pi / _RAYS) * (outline * np.roll(outline, 1)).sum()),
    )


def _edges(height: np.ndarray) -> np.ndarray:
    """Distance (mm) of the edge on each ray, from heights [ray, sample] at steps of _STEP_MM; 0 where there is none.

    Near the centre, where there is no trend yet, the height there stands for it. The last sample must be 0.
    """
    trend = np.repeat(height[:, :1], height.shape[1], axis=1)
    trend[:, 2 * _INWARD :] = 2 * height[:, _INWARD:-_INWARD] - height[:, : -2 * _INWARD]
    above = height - np.maximum(trend / 2, _LEAST_MM)
    beyond = np.argmax(above < 0, axis=1)
    rays, inside = np.arange(len(height)), np.maximum(beyond - 1, 0)
    fall = above[rays, inside] - above[rays, beyond]
    share = np.divide(above[rays, inside], fall, out=np.zeros(len(height)), where=beyond > 0)
    return (inside + share) * _STEP_MM
