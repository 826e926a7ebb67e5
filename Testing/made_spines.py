"""Discs as the networks would find them in phantom spines, without making an image: for the tests of naming."""

from __future__ import annotations

import numpy as np
from IVDSegmentationLib.images import WORKING_SPACING_MM, Grid
from IVDSegmentationLib.levels.likelihood import DiscShape
from IVDSegmentationLib.phantom import Anatomy
from IVDSegmentationLib.phantom.check import SIZE, UNUSUAL, draw_unusual
from IVDSegmentationLib.phantom.spine import build_spine
from IVDSegmentationLib.phantom.truth import visible_fraction

WHOLE = SIZE


def found_discs(
    rng: np.random.Generator, anatomy: Anatomy, size: tuple[int, int, int] = WHOLE, fault: str = ""
) -> tuple[list[DiscShape], tuple[str | None, ...], Grid]:
    """What is found of a random spine, its true names (None: no disc), and the field of view.

    Found is what lies at least 40 % in the field of view; the rudiment S1-S2 in two of five spines where it is thicker
    than 2.5 mm. Errors: centres 1 mm, tilts 2 degrees, widths and depths 5 %. fault: `missed` (any one disc),
    `missed lowest`, or `extra` (a structure between two discs).
    """
    extent_mm = np.multiply(size, WORKING_SPACING_MM)
    corner = -(extent_mm - WORKING_SPACING_MM) / 2
    discs: list[DiscShape] = []
    names: list[str | None] = []
    for disc in build_spine(rng, anatomy, extent_mm):
        rudiment = disc.kind == "remnant" and disc.index == -1 and disc.height_mm > 2.5 and rng.random() < 0.4
        if not (disc.kind == "disc" or rudiment) or visible_fraction(disc, extent_mm) < 0.4:
            continue
        x, y, z = (float(c) for c in disc.center_mm + rng.normal(0, 1, 3))
        tilt = float(np.degrees(np.arctan2(-disc.axes[2][1], disc.axes[2][2])) + rng.normal(0, 2))
        width, depth = (float(2 * half * np.exp(rng.normal(0, 0.05))) for half in (disc.half_width_mm, disc.half_depth_mm))
        cut = visible_fraction(disc, extent_mm) < 0.99
        discs.append(DiscShape((x, y, z), tilt, width, None if cut else depth, cut))
        names.append(disc.level if disc.kind == "disc" else None)
    if len(discs) > 3 and fault:
        lowest = 1 if names[0] is None else 0
        at = int(rng.integers(len(discs) - 1))
        if fault == "extra":
            below, above = np.array(discs[at].center_mm), np.array(discs[at + 1].center_mm)
            x, y, z = (float(c) for c in below + rng.uniform(0.35, 0.65) * (above - below) + rng.normal(0, 4, 3))
            tilt, width = discs[at].tilt_deg + rng.normal(0, 15), discs[at].width_mm * rng.uniform(0.3, 1)
            depth = rng.uniform(8, 30)
            discs.insert(at + 1, DiscShape((x, y, z), float(tilt), float(width), float(depth)))
            names.insert(at + 1, None)
        else:
            gone = lowest if fault == "missed lowest" else at
            del discs[gone], names[gone]
    x, y, z = (float(c) for c in corner)
    return discs, tuple(names), Grid(size, WORKING_SPACING_MM, (x, y, z))


def draw_case(rng: np.random.Generator, kind: str) -> tuple[Anatomy, tuple[int, int, int], str]:
    """Anatomy, field of view and fault of a random case of one of KINDS."""
    if kind in UNUSUAL:
        return *draw_unusual(rng, kind), ""
    return Anatomy(), (36, 256, int(rng.choice([176, 256]))), "" if kind == "whole" else kind


KINDS = ("whole", *UNUSUAL, "missed", "extra")
