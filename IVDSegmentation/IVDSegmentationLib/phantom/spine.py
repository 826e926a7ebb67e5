"""The spine of the phantom: discs chained from the sacrum upward.

Sizes, wedges and tilts follow what the expert masks of IVDM3Seg show (volumes 4-27 ml, depth 30-43 mm, width 36-60 mm,
L5-S1 tilted 20-40 degrees), spread a little wider. All positions are LPS mm: x to the left, y to the back, z up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..levels.labelling import LEVELS
from .anatomy import Anatomy
from .disc import PhantomDisc, reach_mm

# By level, caudal to cranial; the last entry repeats for the levels above.
_HALF_DEPTH_MM = (18.3, 19.3, 19.3, 19.2, 18.7, 18.0, 17.3, 16.6, 16.0, 15.4, 15.0)
_HALF_WIDTH_MM = (25.5, 26.5, 26.0, 25.0, 23.5, 22.0, 20.5, 19.0, 18.0, 17.0, 16.5)
_HEIGHT_MM = (11.5, 12.8, 12.3, 11.4, 10.0, 8.2, 7.0, 6.3, 5.8, 5.4, 5.2)
_BODY_HEIGHT_MM = (26.5, 26.8, 26.8, 26.5, 26.0, 25.0, 23.5, 22.3, 21.3, 20.6, 20.0)
_TILT_DEG = (32.0, 14.0, 3.0, -4.0, -8.0, -10.0, -9.0, -7.0, -4.0, -1.0, 2.0)
_WEDGE_DEG = (13.0, 10.0, 7.5, 6.0, 4.5, 2.5, 1.5, 1.0, 0.5, 0.0, 0.0)


def build_spine(rng: np.random.Generator, anatomy: Anatomy, extent_mm: np.ndarray) -> list[PhantomDisc]:
    """The discs of a spine, and the remnants of discs inside its sacrum.

    Args:
        rng: Everything the anatomy leaves open is drawn from it.
        anatomy: What is asked for.
        extent_mm: Size of the field of view along x, y, z, (3,); it is centred on the origin.

    Returns:
        Remnants and discs, caudal to cranial, in their places.
    """
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
    spine = [PhantomDisc(center_mm=center, **disc) for disc, center in zip(levels, centers, strict=True)]
    spine = _sacrum(rng, spine[0], scale, anatomy.transitional) + spine
    shift = _placement(rng, spine, anatomy, extent_mm)
    return [disc.moved(shift) for disc in spine]


def _entry(table: tuple[float, ...], index: int) -> float:
    """The entry of a level; the last one for the levels above."""
    return table[min(index, len(table) - 1)]


def _draw_level(rng: np.random.Generator, index: int, scale: float, mean_grade: float, anatomy: Anatomy) -> dict[str, Any]:
    """The attributes of one PhantomDisc but its place and orientation."""
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
    """The axes of a disc (rows) turned about x, then y, then z."""
    tilt, lateral, axial = np.radians((tilt_deg, lateral_deg, axial_deg))
    about_x = np.array([[1, 0, 0], [0, np.cos(tilt), -np.sin(tilt)], [0, np.sin(tilt), np.cos(tilt)]])
    about_y = np.array([[np.cos(lateral), 0, np.sin(lateral)], [0, 1, 0], [-np.sin(lateral), 0, np.cos(lateral)]])
    about_z = np.array([[np.cos(axial), -np.sin(axial), 0], [np.sin(axial), np.cos(axial), 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).T


def _gap(below: dict[str, Any], above: dict[str, Any], body_mm: float) -> np.ndarray:
    """From the centre of one disc to the next: half of each and the body between, along the mean of their normals."""
    up = below["axes"][2] + above["axes"][2]
    return up / np.linalg.norm(up) * (below["height_mm"] / 2 + body_mm + above["height_mm"] / 2)


def _sacrum(rng: np.random.Generator, lowest: PhantomDisc, scale: float, transitional: str | None) -> list[PhantomDisc]:
    """The remnants S3-S4, S2-S3 and S1-S2 below the lowest disc: S1-S2 may be a sizeable disc, the others are thin."""
    tilt = float(np.degrees(np.arctan2(-lowest.axes[2][1], lowest.axes[2][2])))
    size = {"sacralised_l5": 0.82, "lumbarised_s1": 0.55, None: rng.uniform(0.55, 0.75)}[transitional]
    heights = (rng.uniform(3, 5.5) if transitional == "sacralised_l5" else rng.uniform(1.5, 4.5), 1.6, 1.4)
    remnants: list[PhantomDisc] = []
    above: dict[str, Any] = {"axes": lowest.axes, "height_mm": lowest.height_mm}
    center = lowest.center_mm
    for number, height in enumerate(heights):
        tilt += rng.uniform(5, 12) if number < 2 else rng.uniform(-14, -4)
        here: dict[str, Any] = {"axes": _axes(tilt, 0.0, 0.0), "height_mm": height}
        center = center - _gap(here, above, (26.0, 21.0, 17.0)[number] * scale)
        shrink = size * 0.78**number
        remnants.insert(
            0,
            PhantomDisc(
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


def _placement(rng: np.random.Generator, spine: list[PhantomDisc], anatomy: Anatomy, extent_mm: np.ndarray) -> np.ndarray:
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
