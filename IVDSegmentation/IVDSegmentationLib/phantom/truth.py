"""The exact facts of the phantom's discs, from their closed forms."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..levels.labelling import LABELS, LEVELS
from .disc import PhantomDisc


@dataclass(frozen=True)
class DiscTruth:
    """Exact facts of one disc, of its whole shape even where the field of view cuts it.

    Attributes:
        level: Name counted from the sacrum.
        label: Value in the label map.
        anatomical: The name in this person's own anatomy, other than `level` where the anatomy is transitional.
        center_mm: Centre of mass, LPS.
        normal: Unit vector of the mid-plane, upward, LPS.
        volume_mm3: Volume.
        height_mm: Mean height, volume / area of the section.
        anterior_height_mm: Height along the normal on the disc's midline at 10 % of its depth, front to back.
        middle_height_mm: The same at 50 %.
        posterior_height_mm: The same at 90 %.
        depth_mm: Front to back, on the midline.
        width_mm: Left to right.
        wedge_deg: Angle between the endplates, positive where the front is taller.
        tilt_deg: Inclination of the mid-plane in the sagittal plane, positive where its front hangs down.
        degeneration: 0 (healthy) to 1.
        visible_fraction: Share of the volume inside the field of view.
        cut: Whether that is less than all of it.
    """

    level: str
    label: int
    anatomical: str
    center_mm: tuple[float, float, float]
    normal: tuple[float, float, float]
    volume_mm3: float
    height_mm: float
    anterior_height_mm: float
    middle_height_mm: float
    posterior_height_mm: float
    depth_mm: float
    width_mm: float
    wedge_deg: float
    tilt_deg: float
    degeneration: float
    visible_fraction: float = 1.0
    cut: bool = field(default=False)


def exact_truth(disc: PhantomDisc, anatomical: str) -> DiscTruth:
    """The measures of a disc's closed form.

    Integrated over the section in steps of 0.2 mm; the error of the volume is under 0.1 %.

    Args:
        disc: The disc.
        anatomical: Its name in this person's own anatomy.

    Returns:
        The measures of the whole disc, whatever the field of view.
    """
    step = 0.2
    a, b = np.meshgrid(
        np.arange(-disc.half_width_mm + step / 2, disc.half_width_mm, step),
        np.arange(-disc.half_depth_mm + step / 2, disc.half_depth_mm, step),
        indexing="ij",
    )
    inside = disc.section(a, b) <= 1
    a, b = a[inside], b[inside]
    upper, lower = disc.upper(a, b), disc.lower(a, b)
    height = upper - lower
    volume = float(height.sum()) * step**2
    moment = np.array([(a * height).sum(), (b * height).sum(), ((upper**2 - lower**2) / 2).sum()]) / height.sum()
    center = disc.center_mm + moment @ disc.axes
    back = disc.half_depth_mm / (1 + disc.hollow_mm / disc.half_depth_mm)
    depth = disc.half_depth_mm + back
    midline = -disc.half_depth_mm + depth * np.array([0.1, 0.5, 0.9])
    heights = disc.upper(np.zeros(3), midline) - disc.lower(np.zeros(3), midline)
    normal = disc.axes[2]
    return DiscTruth(
        level=disc.level,
        label=LABELS[disc.level],
        anatomical=anatomical,
        center_mm=(float(center[0]), float(center[1]), float(center[2])),
        normal=(float(normal[0]), float(normal[1]), float(normal[2])),
        volume_mm3=volume,
        height_mm=volume / (len(a) * step**2),
        anterior_height_mm=float(heights[0]),
        middle_height_mm=float(heights[1]),
        posterior_height_mm=float(heights[2]),
        depth_mm=float(depth),
        width_mm=2 * disc.half_width_mm,
        wedge_deg=disc.wedge_deg,
        tilt_deg=float(np.degrees(np.arctan2(-normal[1], normal[2]))),
        degeneration=disc.degeneration,
    )


def visible_fraction(disc: PhantomDisc, extent_mm: np.ndarray) -> float:
    """Share of a disc's volume inside a field of view, sampled every 0.6 mm.

    Args:
        disc: The disc.
        extent_mm: Size of the field of view along x, y, z, (3,); it is centred on the origin.

    Returns:
        0..1.
    """
    a, b, t = np.meshgrid(
        np.arange(-disc.half_width_mm, disc.half_width_mm + 0.3, 0.6),
        np.arange(-disc.half_depth_mm, disc.half_depth_mm + 0.3, 0.6),
        np.linspace(0, 1, 9),
        indexing="ij",
    )
    within = disc.section(a, b) <= 1
    a, b, t = a[within], b[within], t[within]
    upper, lower = disc.upper(a, b), disc.lower(a, b)
    points = np.stack([a, b, lower + t * (upper - lower)], axis=-1) @ disc.axes + disc.center_mm
    seen = (np.abs(points) <= extent_mm / 2).all(axis=-1)
    return float(((upper - lower) * seen).sum() / (upper - lower).sum())


def anatomical_name(level: str, transitional: str | None) -> str:
    """A disc's name in a person with six or four lumbar-type bodies, whose lowest disc is S1-S2 or L4-L5.

    Args:
        level: The name counted from the sacrum.
        transitional: One of TRANSITIONS, or None.

    Returns:
        The name in this person's own anatomy; `level` where the anatomy is not transitional.
    """
    names = ("S1-S2", *LEVELS)
    shift = {None: 1, "lumbarised_s1": 0, "sacralised_l5": 2}[transitional]
    return names[min(LEVELS.index(level) + shift, len(names) - 1)]
