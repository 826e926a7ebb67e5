"""The spine of the phantom: discs as closed forms, chained from the sacrum upward, with their exact measures.

Sizes, wedges and tilts follow what the expert masks of IVDM3Seg show (volumes 4-27 ml, depth 30-43 mm, width 36-60 mm,
L5-S1 tilted 20-40 degrees), spread a little wider. All positions are LPS mm: x to the left, y to the back, z up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InputError
from ..levels.labelling import LABELS, LEVELS

TRANSITIONS = ("lumbarised_s1", "sacralised_l5")
CUTS = ("caudal", "cranial", "lateral")

# By level, caudal to cranial; the last entry repeats for the levels above.
_HALF_DEPTH_MM = (18.3, 19.3, 19.3, 19.2, 18.7, 18.0, 17.3, 16.6, 16.0, 15.4, 15.0)
_HALF_WIDTH_MM = (25.5, 26.5, 26.0, 25.0, 23.5, 22.0, 20.5, 19.0, 18.0, 17.0, 16.5)
_HEIGHT_MM = (11.5, 12.8, 12.3, 11.4, 10.0, 8.2, 7.0, 6.3, 5.8, 5.4, 5.2)
_BODY_HEIGHT_MM = (26.5, 26.8, 26.8, 26.5, 26.0, 25.0, 23.5, 22.3, 21.3, 20.6, 20.0)
_TILT_DEG = (32.0, 14.0, 3.0, -4.0, -8.0, -10.0, -9.0, -7.0, -4.0, -1.0, 2.0)
_WEDGE_DEG = (13.0, 10.0, 7.5, 6.0, 4.5, 2.5, 1.5, 1.0, 0.5, 0.0, 0.0)
_SMALLEST_RIM_MM = 0.45
"""Half the height a disc keeps at its thinnest."""


@dataclass(frozen=True)
class Anatomy:
    """What to ask of the phantom's anatomy; None leaves it to the seed.

    lowest_disc: the most caudal level inside the field of view (the image is shifted up the spine).
    transitional: "lumbarised_s1" (six lumbar-type bodies) or "sacralised_l5" (four); levels count from the sacrum.
    missing_disc: a level whose bodies are fused: no disc, no label, its name stays unused.
    degeneration: 0 (healthy) .. 1 (dark, narrowed) for every disc.
    scoliosis_deg: Cobb-like angle between the most inclined discs, 0..40.
    cut: the edge of the image runs through the lowest disc ("caudal"), the highest ("cranial") or the discs' left
        sides ("lateral").
    Raises InputError for values outside these.
    """

    lowest_disc: str | None = None
    transitional: str | None = None
    missing_disc: str | None = None
    degeneration: float | None = None
    scoliosis_deg: float | None = None
    cut: str | None = None

    def __post_init__(self) -> None:
        for name, allowed in (
            ("lowest_disc", LEVELS[:12]),
            ("missing_disc", LEVELS),
            ("transitional", TRANSITIONS),
            ("cut", CUTS),
        ):
            value = getattr(self, name)
            if value is not None and value not in allowed:
                raise InputError(f"Anatomy: {name} is {value!r}; choose one of {', '.join(allowed)} or None")
        if self.degeneration is not None and not 0 <= self.degeneration <= 1:
            raise InputError(f"Anatomy: degeneration is {self.degeneration}; choose 0 (healthy) to 1 (degenerated)")
        if self.scoliosis_deg is not None and not 0 <= self.scoliosis_deg <= 40:
            raise InputError(f"Anatomy: scoliosis_deg is {self.scoliosis_deg}; choose 0 to 40 degrees")


@dataclass(frozen=True)
class DiscShape:
    """A disc: a rounded cross-section, hollowed behind, between two curved endplates.

    In its own frame (a to the left, b to the back, c up; mm; origin at center_mm; rows of axes are the unit vectors),
    with u = a / half_width and v = b / half_depth (moved by `hollow_mm` behind the midline, and by `skew` so that the
    disc is widest behind its middle), the section is the squircle u^2 + v^2 - s u^2 v^2 <= 1 of Fernandez-Guasti
    (Int J Math Educ 23:895, 1992) and the endplates are paraboloids inclined by half the wedge each.
    kind: disc, remnant (inside the sacrum) or fused (bone instead).
    """

    index: int
    level: str
    kind: str
    center_mm: np.ndarray
    axes: np.ndarray
    half_width_mm: float
    half_depth_mm: float
    height_mm: float
    wedge_deg: float
    squareness: float
    skew: float
    hollow_mm: float
    doming: tuple[float, float]
    apex_mm: float
    node: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 3.0)
    """Schmorl's node in the lower endplate of the body above: depth, a, b, radius in mm."""
    degeneration: float = 0.0

    def moved(self, shift_mm: np.ndarray) -> DiscShape:
        return DiscShape(**{**self.__dict__, "center_mm": self.center_mm + shift_mm})

    def section(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Squared relative radius of the cross-section: 0 on the axis, <= 1 inside."""
        u2 = (a / self.half_width_mm) ** 2
        near_midline = np.maximum(1 - u2 / 0.36, 0) ** 2
        v = (b + self.hollow_mm * near_midline * np.clip(b / self.half_depth_mm, 0, 1)) / self.half_depth_mm
        # Below v = -1 the skew would fold back into the disc, so it ends there.
        v2 = np.where(v < -1, v, v - self.skew * (1 - v**2)) ** 2
        return np.maximum(u2 + v2 - self.squareness * u2 * v2, np.maximum(u2, v2))

    def upper(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Height c (mm) of the upper surface at (a, b)."""
        depth, node_a, node_b, radius = self.node
        surface = self._dome(a, b, self.doming[0])
        if depth > 0:
            surface = surface + depth * np.exp(-((a - node_a) ** 2 + (b - node_b) ** 2) / (2 * radius**2))
        return np.maximum(surface, _SMALLEST_RIM_MM)

    def lower(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Height c (mm) of the lower surface at (a, b), negative."""
        return -np.maximum(self._dome(a, b, self.doming[1]), _SMALLEST_RIM_MM)

    def _dome(self, a: np.ndarray, b: np.ndarray, doming: float) -> np.ndarray:
        fall = ((b - self.apex_mm) / self.half_depth_mm) ** 2 + 0.5 * (a / self.half_width_mm) ** 2
        return self.height_mm / 2 * (1 - doming * fall) - np.tan(np.radians(self.wedge_deg) / 2) * b


@dataclass(frozen=True)
class DiscTruth:
    """Exact facts of one disc, of its whole shape even where the field of view cuts it.

    center_mm: centre of mass, LPS. normal: unit vector of the mid-plane, upward. tilt_deg: inclination of the mid-plane
    in the sagittal plane, positive where its front hangs down. anterior, middle, posterior: heights along the normal on
    the disc's midline at 10, 50 and 90 % of its depth, front to back. height_mm: mean, volume / area of the section.
    depth_mm: front to back on the midline. width_mm: left to right. wedge_deg: angle between the endplates, positive
    where the front is taller. visible_fraction: share of the volume inside the field of view. cut: less than all of it.
    anatomical: the name in this person's own anatomy, other than `level` where the anatomy is transitional.
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


def exact_truth(disc: DiscShape, anatomical: str) -> DiscTruth:
    """Measures of the closed form, integrated over the section in steps of 0.2 mm (error of the volume under 0.1 %)."""
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


def visible_fraction(disc: DiscShape, extent_mm: np.ndarray) -> float:
    """Share of the disc's volume inside a field of view of extent_mm centred on the origin (sampled every 0.6 mm)."""
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
    """The disc's name in a person with six or four lumbar-type bodies, whose lowest disc is S1-S2 or L4-L5."""
    names = ("S1-S2", *LEVELS)
    shift = {None: 1, "lumbarised_s1": 0, "sacralised_l5": 2}[transitional]
    return names[min(LEVELS.index(level) + shift, len(names) - 1)]


def build_spine(rng: np.random.Generator, anatomy: Anatomy, extent_mm: np.ndarray) -> list[DiscShape]:
    """Discs and sacral remnants, caudal to cranial, placed in a field of view of extent_mm centred on the origin."""
    scale = float(np.clip(rng.normal(1.0, 0.07), 0.84, 1.18))
    pose_deg = rng.normal(0, (3.0, 2.0, 3.0))
    lordosis = rng.uniform(0.65, 1.35)
    cobb = anatomy.scoliosis_deg
    if cobb is None:
        cobb = float(rng.uniform(8, 24)) if rng.random() < 0.25 else float(rng.uniform(0, 6))
    mean_grade = rng.beta(1.0, 3.0) if anatomy.degeneration is None else anatomy.degeneration
    curve_phase, curve_side = rng.uniform(0, np.pi), rng.choice((-1.0, 1.0))

    levels = [_draw_level(rng, index, scale, mean_grade, anatomy) for index in range(len(LEVELS))]
    for disc in levels:
        index = disc["index"]
        bend = curve_side * np.sin(2 * np.pi * index / 9 + curve_phase)
        tilt = _entry(_TILT_DEG, index) * lordosis + rng.normal(0, 1.5) + pose_deg[0]
        disc["axes"] = _axes(tilt, cobb / 2 * bend + pose_deg[1] + rng.normal(0, 0.7), cobb * 0.3 * bend + pose_deg[2])
    bodies = [_entry(_BODY_HEIGHT_MM, index) * scale * rng.normal(1, 0.03) for index in range(len(LEVELS))]
    centers = [np.zeros(3)]
    for below, above, body in zip(levels[:-1], levels[1:], bodies[:-1], strict=True):
        centers.append(centers[-1] + _gap(below, above, body))
    spine = [DiscShape(center_mm=center, **disc) for disc, center in zip(levels, centers, strict=True)]
    spine = _sacrum(rng, spine[0], scale, anatomy.transitional) + spine
    shift = _placement(rng, spine, anatomy, extent_mm)
    return [disc.moved(shift) for disc in spine]


def _entry(table: tuple[float, ...], index: int) -> float:
    return table[min(index, len(table) - 1)]


def _draw_level(rng: np.random.Generator, index: int, scale: float, mean_grade: float, anatomy: Anatomy) -> dict:
    grade = mean_grade
    if anatomy.degeneration is None:
        # Degeneration is commonest in the two lowest discs.
        grade = float(np.clip(mean_grade + rng.normal(0.12 if index < 2 else -0.05, 0.15), 0, 1))
    half_depth = _entry(_HALF_DEPTH_MM, index) * scale * rng.normal(1, 0.03) + 0.8 * grade
    half_width = _entry(_HALF_WIDTH_MM, index) * scale * rng.normal(1, 0.03) + 0.8 * grade
    height = max(_entry(_HEIGHT_MM, index) * scale * rng.normal(1, 0.1) * (1 - 0.5 * grade), 2.6)
    if index == 0 and anatomy.transitional == "lumbarised_s1":
        half_depth, half_width, height = 0.88 * half_depth, 0.85 * half_width, 0.75 * height
    # The wedge may take at most two thirds of the height at the back.
    wedge = _entry(_WEDGE_DEG, index) * rng.normal(1, 0.25) * (1 - 0.4 * grade)
    wedge = float(np.clip(wedge, -3, np.degrees(0.66 * height / half_depth)))
    node = (0.0, 0.0, 0.0, 3.0)
    if rng.random() < 0.07:
        node = (rng.uniform(1.5, 4), rng.uniform(-8, 8), rng.uniform(-5, 7), rng.uniform(2, 4.5))
    return {
        "index": index,
        "level": LEVELS[index],
        "kind": "fused" if LEVELS[index] == anatomy.missing_disc else "disc",
        "half_width_mm": float(half_width),
        "half_depth_mm": float(half_depth),
        "height_mm": float(height),
        "wedge_deg": wedge,
        "squareness": float(rng.uniform(0.0, 0.4)),
        "skew": float(rng.uniform(0.0, 0.3)),
        "hollow_mm": float(np.clip(rng.normal(1.6, 1.2) - 2 * grade, 0, 4)),
        "doming": (float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.05, 0.35))),
        "apex_mm": float(rng.uniform(-1, 4)) * scale,
        "node": node,
        "degeneration": grade,
    }


def _axes(tilt_deg: float, lateral_deg: float, axial_deg: float) -> np.ndarray:
    tilt, lateral, axial = np.radians((tilt_deg, lateral_deg, axial_deg))
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_y = np.array([[np.cos(lateral), 0, np.sin(lateral)], [0, 1, 0], [-np.sin(lateral), 0, np.cos(lateral)]])
    about_z = np.array([[np.cos(axial), -np.sin(axial), 0], [np.sin(axial), np.cos(axial), 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).T


def _gap(below: dict, above: dict, body_mm: float) -> np.ndarray:
    """From the centre of one disc to the next: half of each and the body between, along the mean of their normals."""
    up = below["axes"][2] + above["axes"][2]
    return up / np.linalg.norm(up) * (below["height_mm"] / 2 + body_mm + above["height_mm"] / 2)


def _sacrum(rng: np.random.Generator, lowest: DiscShape, scale: float, transitional: str | None) -> list[DiscShape]:
    """The remnants S3-S4, S2-S3 and S1-S2 below the lowest disc: S1-S2 may be a sizeable disc, the others are thin."""
    tilt = float(np.degrees(np.arctan2(-lowest.axes[2][1], lowest.axes[2][2])))
    size = {"sacralised_l5": 0.82, "lumbarised_s1": 0.55, None: rng.uniform(0.55, 0.75)}[transitional]
    heights = (rng.uniform(3, 5.5) if transitional == "sacralised_l5" else rng.uniform(1.5, 4.5), 1.6, 1.4)
    remnants: list[DiscShape] = []
    above: dict[str, Any] = {"axes": lowest.axes, "height_mm": lowest.height_mm}
    center = lowest.center_mm
    for number, height in enumerate(heights):
        tilt += rng.uniform(5, 12) if number < 2 else rng.uniform(-14, -4)
        here: dict[str, Any] = {"axes": _axes(tilt, 0.0, 0.0), "height_mm": height}
        center = center - _gap(here, above, (26.0, 21.0, 17.0)[number] * scale)
        shrink = size * 0.78**number
        remnants.insert(
            0,
            DiscShape(
                index=-1 - number,
                level="",
                kind="remnant",
                center_mm=center,
                half_width_mm=24.0 * scale * shrink,
                half_depth_mm=17.0 * scale * shrink,
                wedge_deg=0.0,
                squareness=0.3,
                skew=0.0,
                hollow_mm=0.0,
                doming=(0.3, 0.3),
                apex_mm=0.0,
                degeneration=0.5,
                **here,
            ),
        )
        above = here
    return remnants


def _placement(rng: np.random.Generator, spine: list[DiscShape], anatomy: Anatomy, extent_mm: np.ndarray) -> np.ndarray:
    """The shift that puts the spine where a radiographer would, or where the anatomy asks for."""
    bottom, top = -extent_mm[2] / 2, extent_mm[2] / 2
    by_index = {disc.index: disc for disc in spine}
    lowest_index = 0 if anatomy.lowest_disc is None else LEVELS.index(anatomy.lowest_disc)
    lowest = by_index[lowest_index]
    if anatomy.lowest_disc is None:
        z = bottom + rng.uniform(0.11, 0.24) * extent_mm[2]
    else:
        # Between this disc and the next lower one, which must be outside altogether.
        z = bottom + reach_mm(lowest)[2] + rng.uniform(0.5, 3)
    if anatomy.cut == "caudal":
        z = bottom + rng.uniform(-0.3, 0.5) * lowest.height_mm
    shift_z = z - lowest.center_mm[2]
    if anatomy.cut == "cranial":
        inside = [disc for disc in spine if disc.index > lowest_index and disc.center_mm[2] + shift_z < top]
        if inside:
            shift_z = top - inside[-1].center_mm[2] + rng.uniform(-0.5, 0.3) * inside[-1].height_mm
    middle = by_index[min(lowest_index + 2, len(LEVELS) - 1)]
    shift_y = rng.uniform(-0.05, 0.12) * extent_mm[1] - middle.center_mm[1]
    shift_x = rng.normal(0, 2.5) - np.mean([disc.center_mm[0] for disc in spine if 0 <= disc.index < 8])
    if anatomy.cut == "lateral":
        shift_x = extent_mm[0] / 2 - 0.6 * middle.half_width_mm - middle.center_mm[0]
    return np.array([shift_x, shift_y, shift_z])


def reach_mm(disc: DiscShape) -> np.ndarray:
    """Half the edges of a box along x, y, z that holds the disc."""
    half_c = disc.height_mm / 2 + np.tan(np.radians(abs(disc.wedge_deg)) / 2) * disc.half_depth_mm + disc.node[0]
    return np.abs(disc.axes.T) @ np.array([disc.half_width_mm, disc.half_depth_mm, half_c])
