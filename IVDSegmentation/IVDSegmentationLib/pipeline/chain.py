"""Which candidates form the spine: one chain of discs from caudal to cranial; what lies off it is no disc."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .localize import CLOSEST_DISCS_MM

FARTHEST_MM = 95.0
"""Two discs with one missed between them are no farther apart: two large lumbar vertebrae."""

NEIGHBOUR_MM = 50.0
"""Beyond this two discs are not neighbours: one is missing between them."""

MISSED_DISC_COST = 0.6
"""What a step over a missing disc costs, in discs: worth it for a spine that goes on, not for one stray component."""


def spine_chain(centers_mm: np.ndarray, probability: Sequence[float]) -> list[int]:
    """The most probable chain of discs among candidates.

    A step up the chain rises, is 14 to 95 mm long, and leans at most 45 degrees to the side and 60 degrees to front or back.
    The chain is the one with the largest sum of probabilities, less MISSED_DISC_COST for every missing disc; it is found by
    dynamic programming over the candidates sorted by height.

    Args:
        centers_mm: Centres, LPS, (n, 3).
        probability: Of each candidate, 0..1.

    Returns:
        Indices of the candidates on the chain, caudal to cranial.
    """
    order = np.argsort(np.reshape(centers_mm, (-1, 3))[:, 2])
    best = {int(i): float(probability[i]) for i in order}
    before: dict[int, int] = {}
    for position, upper in enumerate(order):
        for lower in order[:position]:
            cost = _step_cost(centers_mm[upper] - centers_mm[lower])
            if cost is not None and best[int(lower)] + probability[upper] - cost > best[int(upper)]:
                best[int(upper)] = best[int(lower)] + float(probability[upper]) - cost
                before[int(upper)] = int(lower)
    if not best:
        return []
    chain = [max(best, key=lambda i: best[i])]
    while chain[-1] in before:
        chain.append(before[chain[-1]])
    return chain[::-1]


def _step_cost(step_mm: np.ndarray) -> float | None:
    """What a step between two discs' centres (LPS) costs, in discs; None where the spine cannot step so."""
    length = float(np.linalg.norm(step_mm))
    leans = abs(step_mm[0]) > np.sin(np.deg2rad(45)) * length or abs(step_mm[1]) > np.sin(np.deg2rad(60)) * length
    if not CLOSEST_DISCS_MM <= length <= FARTHEST_MM or step_mm[2] <= 0 or leans:
        return None
    return MISSED_DISC_COST if length > NEIGHBOUR_MM else 0.0
