"""The true name of a disc in a volume whose vertebrae or discs have known names."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..images import WORKING_SPACING_MM
from ..levels.labelling import LEVELS
from .scans import Scan, centers_of

VERTEBRAE = {
    **{7 + n: f"T{n}" for n in range(1, 13)},
    **{19 + n: f"L{n}" for n in range(1, 6)},
    26: "S1",
}
"""VERSE code -> vertebra (Sekuboyina et al., Med Image Anal 73:102166, 2021)."""

BELOW_SACRUM = "S1-S2"
"""What lies below L5-S1 and looks like a disc."""

_OFF_MM = 30.0
"""What lies further from the line through the vertebrae is no disc of the spine."""

_L5_TO_SACRUM_MM = 30.0
"""The center of L5-S1 lies no further below that of L5: half an L5 (14 mm) and half a disc (6 mm) with room; S1-S2 lies a
sacral vertebra lower."""


def level_between(lower: int, upper: int) -> str:
    """The name of the disc between two neighbouring vertebrae.

    Args:
        lower: VERSE code of the caudal one.
        upper: VERSE code of the cranial one.

    Returns:
        A name of levels.labelling.LEVELS.

    Raises:
        ValueError: There is no such disc.
    """
    name = f"{VERTEBRAE.get(upper)}-{VERTEBRAE.get(lower)}"
    if name not in LEVELS:
        raise ValueError(f"vertebrae {upper} and {lower} have no disc between them in VERSE's codes")
    return name


def level_at(scan: Scan, center_ijk: Sequence[float]) -> str | None:
    """The true name of a structure that something took for a disc.

    Args:
        scan: A scan of sources.WHOLE_SOURCES.
        center_ijk: The structure's center, continuous voxel.

    Returns:
        A name of LEVELS, BELOW_SACRUM for what lies below L5-S1, or None where it is off the spine or above what is known
        by more than a vertebra.
    """
    spacing = np.asarray(WORKING_SPACING_MM)
    center = np.asarray(center_ijk, float) * spacing
    names = [BELOW_SACRUM, *LEVELS]
    if scan.vertebrae is not None:
        codes = [int(code) for code in np.unique(scan.vertebrae) if code][::-1]  # caudal to cranial
        knots = (np.asarray(centers_of(scan.vertebrae)) * spacing)[::-1]
        first = names.index(level_between(codes[0], codes[1]))
        position = _position(knots, center)
        if position is None:
            return None
        if position < 0:
            below_mm = -position * float(np.linalg.norm(knots[1] - knots[0]))
            lowest_is_l5 = first == names.index("L4-L5")
            return "L5-S1" if lowest_is_l5 and below_mm <= _L5_TO_SACRUM_MM else BELOW_SACRUM
        index = first + int(np.floor(position))
        return names[index] if position < len(knots) and index < len(names) else None
    knots = np.asarray(scan.centers_ijk) * spacing
    position = _position(knots, center)
    if position is None or position > len(knots) - 0.4:
        return None
    index = names.index(str(scan.levels[0])) + round(position)
    return names[max(index, 0)]


def _position(knots: np.ndarray, center: np.ndarray) -> float | None:
    """Where a point [3] lies along a polyline of knots [n, 3], in knots from the first; beyond its ends the line goes on.

    None where it lies further than _OFF_MM from the line.
    """
    best: tuple[float, float] | None = None
    for n, (start, end) in enumerate(pairwise(knots)):
        step = end - start
        share = float((center - start) @ step / (step @ step))
        low = -np.inf if n == 0 else 0.0
        high = np.inf if n == len(knots) - 2 else 1.0
        share = float(np.clip(share, low, high))
        distance = float(np.linalg.norm(center - start - share * step))
        if best is None or distance < best[0]:
            best = (distance, n + share)
    return best[1] if best is not None and best[0] <= _OFF_MM else None
