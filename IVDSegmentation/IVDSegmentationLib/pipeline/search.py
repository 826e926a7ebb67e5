"""Where the spine is in a field of view too large for one pass of the localizer.

The localizer looks at a coarse copy, and the most regular chain of plates in what it shows there is the spine. On a coarse
copy of a whole body the localizer finds the discs, and blobs in bowel, muscle and limbs besides. Discs differ from these:
they are plates, as sure as the network can be, and one follows the other in even steps along a smooth line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..dixon.case import SEARCH_SPACING_MM, DixonCase, case_on
from ..errors import InputError
from ..findings import finding
from ..images import WORKING_SPACING_MM, Grid
from ..images.grid import grid_over, three
from ..levels.labelling import LEVELS
from ..networks.inputs import COARSE_STEP, normalise, stack_channels
from .chain import FARTHEST_MM, MISSED_DISC_COST, NEIGHBOUR_MM
from .localize import SMALLEST_DISC_MM3, SPACING_MM, THRESHOLD, DiscCandidate, run_padded

if TYPE_CHECKING:
    from ..networks.engine import Network

SEARCHES_MM: tuple[tuple[float, float, float], ...] = (SEARCH_SPACING_MM, (6.0, 4.0, 4.0), SPACING_MM)
"""Voxel sizes of the copies that are searched, one after the other until the spine is clear; the last is the localizer's."""
MIDDLE = 24
"""Voxels from left to right of the coarsest copy, about the middle of the tissue, that are searched first: 192 mm, a third of
the work. In ten phantoms of a whole body with four channels the spine was clear in it in seven, where all of the width showed
it in eight, and the results held as many discs (docs/experiments.md)."""
CLEAR = 1.5
"""Score of a chain from which it is the spine: sum of its plates' weights, less what its bends and gaps cost. In three phantoms
of a whole body, with four subsets of channels at two spacings each, the 17 chains of 1.4 and more lay on the spine; those that
did not had 1.0 at most."""
TILE = (64, 80, 224)
"""Voxels that go through the localizer at once: 0.3 GB. Whole bodies at the coarsest spacing are one tile."""
OVERLAP = 16
"""Voxels that neighbouring tiles share; half of them on either side are left out."""

NEAR_MM = 20.0
"""A disc of the spine lies no further from the line of the chain, nor beyond its ends: half the way to the next disc."""
CLOSEST_MM = 12.0
FULL_WEIGHT_PROBABILITY, NO_WEIGHT_PROBABILITY = 0.95, 0.60
"""Mean probability of a component from which it counts in full, and under which not at all."""
FLAT, BLOB = 3.0, 1.5
"""Middle over shortest extent from which it counts in full as a plate, and under which not at all."""
BEND_DEG = 35.0
"""Two steps of the chain differ in direction by no more."""
BEYOND_MM = (45.0, 60.0, 180.0)
"""How far the part reaches beyond the centres of the chain: half a disc's width and depth with room, and the length of spine
whose discs the coarse copy may not show, at most."""
SPINE_MM = 520.0
"""From S1-S2 to T1-T2: 454 mm by the steps that `ivdseg fit levels` found (the released model's card), and a seventh more for
tall people. What the chain spans of it need not be looked for beyond its ends."""
LEAST_BEYOND_MM = 90.0
"""Along the spine, the part reaches this far beyond a chain of any length: two discs and more, as one that goes on into the
neck may yet miss L5-S1."""


@dataclass(frozen=True)
class Plates:
    """Components of a probability map: centers_mm (n, 3) LPS, and weight (n,), 0..1, how much each resembles a disc."""

    centers_mm: np.ndarray
    weight: np.ndarray


def spine_part(case: DixonCase, localizer: Network) -> DixonCase:
    """Find the part of a case that holds its spine.

    Args:
        case: Any case.
        localizer: The network of stage 1.

    Returns:
        The case of that part, on the working grid; the case itself where one pass of the localizer sees all of it.

    Raises:
        InputError: Nothing in the field of view forms a chain of discs.
    """
    if not case.given:
        return case
    chain, best = np.zeros((0, 3)), 0.0
    searches = [(spacing_mm, False) for spacing_mm in SEARCHES_MM]
    if case.working_grid.size[0] > MIDDLE:
        searches.insert(0, (SEARCH_SPACING_MM, True))
    for spacing_mm, in_middle in searches:
        copy = case if spacing_mm == SEARCH_SPACING_MM else case_on(case, grid_over(case.working_grid, spacing_mm))
        stacked = stack_channels(copy.channels)
        across = _middle_of(stacked) if in_middle else slice(0, len(stacked))
        # With the air around the body: without it, the localizer is less sure at this scale (docs/experiments.md).
        probability = _in_tiles(localizer, normalise(stacked[across]))
        grid = copy.working_grid.part((across, slice(0, stacked.shape[1]), slice(0, stacked.shape[2])))
        found, score = best_chain(plates(probability, grid))
        if score > best:
            chain, best = found, score
        if best >= CLEAR:
            break
    if not len(chain):
        raise InputError(f"{case.name}: no intervertebral disc was found: load Dixon volumes of a lumbar spine")
    part = case_on(case, _box_around(chain, case))
    clear = best >= CLEAR and spacing_mm != SPACING_MM
    return part if clear else replace(part, findings=(*part.findings, finding("spine_faint")))


def _middle_of(stacked: np.ndarray) -> slice:
    """MIDDLE voxels from left to right about the middle of the tissue in [x, y, z, channel], which are more."""
    signal = stacked.max(axis=-1)
    tissue = (signal > 0.15 * np.percentile(signal, 95)).sum(axis=(1, 2))  # as in dixon/exchange.py
    middle = float(np.average(np.arange(len(tissue)), weights=tissue))
    first = int(np.clip(round(middle - MIDDLE / 2), 0, len(tissue) - MIDDLE))
    return slice(first, first + MIDDLE)


def on_spine(found: Sequence[DiscCandidate], probability: np.ndarray, working_grid: Grid) -> list[DiscCandidate]:
    """Leave out what lies beyond the ends or beside the line of the spine: the part reaches into the neck and the pelvis.

    Args:
        found: Candidates in the part.
        probability: Of disc, on the localizer's grid, from which they were read.
        working_grid: Of the part.

    Returns:
        The candidates near the most regular chain of plates; of more than a spine has, the lowest.
    """
    middle = (np.asarray(COARSE_STEP) - 1) / 2
    grid = Grid(
        three(probability.shape, int),
        three(np.multiply(working_grid.spacing_mm, COARSE_STEP), float),
        three(working_grid.to_mm(middle), float),
        working_grid.direction,
    )
    chain, _ = best_chain(plates(probability, grid), carry_on=False)
    if not len(chain):
        return list(found)
    near = []
    for candidate in found:
        center = working_grid.to_mm(np.array(candidate.center_ijk))
        line = [float(np.interp(center[2], chain[:, 2], chain[:, axis])) for axis in (0, 1)]
        ends = chain[0, 2] - NEAR_MM <= center[2] <= chain[-1, 2] + NEAR_MM
        if ends and np.hypot(*(center[:2] - line)) <= NEAR_MM:
            near.append(candidate)
    return near[: len(LEVELS) + 2]


def _in_tiles(localizer: Network, coarse: np.ndarray) -> np.ndarray:
    """The localizer's probability [x, y, z] for [x, y, z, 4], in tiles of at most TILE voxels."""
    shape = coarse.shape[:3]
    probability = np.zeros(shape, np.float32)
    axes = [_tile_starts(n, tile) for n, tile in zip(shape, TILE, strict=True)]
    for start in ((x, y, z) for x in axes[0] for y in axes[1] for z in axes[2]):
        tile = tuple(slice(s, min(s + n, end)) for s, n, end in zip(start, TILE, shape, strict=True))
        inner = tuple(slice(s + OVERLAP // 2 if s else 0, t.stop) for s, t in zip(start, tile, strict=True))
        cut = tuple(slice(i.start - t.start, None) for i, t in zip(inner, tile, strict=True))
        probability[inner] = run_padded(localizer, coarse[tile])[cut]
    return probability


def _tile_starts(size: int, tile: int) -> list[int]:
    return [0] if size <= tile else [*range(0, size - tile, tile - OVERLAP), size - tile]


def plates(probability: np.ndarray, grid: Grid) -> Plates:
    """Weigh the components of a probability map by how much they resemble discs.

    Args:
        probability: float32 [x, y, z], 0..1, on a coarse copy.
        grid: Of the copy.

    Returns:
        The components above THRESHOLD that are no specks.
    """
    from scipy import ndimage

    components, _ = ndimage.label(probability >= THRESHOLD)
    centers, weights = [], []
    voxel_mm3 = float(np.prod(grid.spacing_mm))
    within = np.diag(np.square(grid.spacing_mm)) / 12  # variance of points within a voxel
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        inside = components[box] == number
        if inside.sum() * voxel_mm3 < SMALLEST_DISC_MM3:
            continue
        points_ijk = np.argwhere(inside) + [s.start for s in box]
        share = probability[box][inside].astype(float)
        variances, axes = np.linalg.eigh(np.cov(grid.to_mm(points_ijk).T) + within)
        shortest, middle, longest = 4 * np.sqrt(variances)  # of a uniform disc, 4 SD are its diameter
        sure = np.clip((share.mean() - NO_WEIGHT_PROBABILITY) / (FULL_WEIGHT_PROBABILITY - NO_WEIGHT_PROBABILITY), 0, 1)
        flat = np.clip((middle / shortest - BLOB) / (FLAT - BLOB), 0, 1)
        lies = np.clip((abs(axes[2, 0]) - 0.5) / 0.3, 0, 1)  # its normal within 37 degrees of the body's axis, 60 at most
        of_a_size = 1.0 if 20 <= longest <= 70 and 12 <= middle <= 52 and shortest <= 24 else 0.2
        centers.append(grid.to_mm(np.average(points_ijk, axis=0, weights=share)))
        weights.append(float(sure * flat * lies * of_a_size))
    return Plates(np.reshape(centers, (-1, 3)), np.array(weights))


def best_chain(found: Plates, carry_on: bool = True) -> tuple[np.ndarray, float]:
    """Find the most regular chain of plates.

    A step is CLOSEST_MM to FARTHEST_MM long and rises; it bends from the last by BEND_DEG at most. The score is the sum of the
    weights, less MISSED_DISC_COST for every missing disc, twice one minus the cosine of each bend, and half the logarithm
    of each ratio of successive steps; found by dynamic programming over pairs of plates.

    Args:
        found: Plates anywhere in the field of view.
        carry_on: Whether plates that carry it on at its ends with little weight of their own are added.

    Returns:
        The chain's centres (n, 3), LPS mm, caudal to cranial, and its score; none and 0 where no two plates form a step.
    """
    kept = np.flatnonzero(found.weight > 0.1)
    kept = kept[np.argsort(found.centers_mm[kept, 2])]
    centers, weight = found.centers_mm[kept], found.weight[kept]
    steps = centers[None] - centers[:, None]
    lengths = np.linalg.norm(steps, axis=-1)
    possible = _possible(steps, lengths)
    missed = np.where(lengths > NEIGHBOUR_MM, MISSED_DISC_COST, 0.0)
    score: dict[tuple[int, int], float] = {}
    before: dict[tuple[int, int], int] = {}
    for upper in range(len(centers)):
        for lower in np.flatnonzero(possible[:, upper]).tolist():
            pair = (lower, upper)
            score[pair] = weight[lower] + weight[upper] - missed[pair]
            for lowest in np.flatnonzero(possible[:, lower]).tolist():
                last = (lowest, lower)
                cosine = float(steps[last] @ steps[pair] / (lengths[last] * lengths[pair]))
                if cosine < np.cos(np.deg2rad(BEND_DEG)):
                    continue
                uneven = 2 * (1 - cosine) + 0.5 * abs(np.log(lengths[pair] / lengths[last]))
                total = score[last] + weight[upper] - missed[pair] - uneven
                if total > score[pair]:
                    score[pair], before[pair] = total, lowest
    if not score:
        return np.zeros((0, 3)), 0.0
    pair = max(score, key=lambda p: score[p])
    best, chain = float(score[pair]), [pair[1], pair[0]]
    while pair in before:
        pair = (before[pair], pair[0])
        chain.append(pair[0])
    line = centers[chain[::-1]]
    return (_carried_on(line, found.centers_mm) if carry_on else line), best


def _possible(steps: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Which steps (..., 3) a spine can take from one disc to the next."""
    sideways = np.abs(steps[..., 0]) <= np.sin(np.deg2rad(BEND_DEG)) * lengths
    forward = np.abs(steps[..., 1]) <= np.sin(np.deg2rad(55)) * lengths
    return (lengths >= CLOSEST_MM) & (lengths <= FARTHEST_MM) & (steps[..., 2] > 0) & sideways & forward


def _carried_on(chain: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The chain with the components that carry it on in its direction at either end, however little they resemble plates."""
    points = list(chain)
    for sign in (1, -1):
        while True:
            end, last = (points[-1], points[-1] - points[-2]) if sign > 0 else (points[0], points[0] - points[1])
            steps = others - end
            lengths = np.linalg.norm(steps, axis=1)
            ahead = steps @ last >= np.cos(np.deg2rad(BEND_DEG)) * lengths * np.linalg.norm(last)
            near = np.flatnonzero(ahead & (lengths >= CLOSEST_MM) & (lengths <= NEIGHBOUR_MM) & (sign * steps[:, 2] > 0))
            if not len(near):
                break
            nearest = others[near[np.argmin(lengths[near])]]
            points = [*points, nearest] if sign > 0 else [nearest, *points]
    return np.array(points)


def _box_around(chain_mm: np.ndarray, case: DixonCase) -> Grid:
    """The box of the case's working grid that holds a chain of centres (n, 3), LPS, and what may belong to it around it."""
    whole = case.whole_grid
    centers_ijk = whole.to_ijk(chain_mm)
    left, back, most_mm = BEYOND_MM
    unseen_mm = SPINE_MM - float(np.ptp(chain_mm[:, 2]))
    reach = np.array([left, back, np.clip(unseen_mm, LEAST_BEYOND_MM, most_mm)]) / WORKING_SPACING_MM
    first = np.clip(np.floor(centers_ijk.min(axis=0) - reach), 0, None).astype(int)
    last = np.minimum(np.ceil(centers_ijk.max(axis=0) + reach).astype(int), np.asarray(whole.size) - 1)
    box = [slice(low, high + 1) for low, high in zip(first.tolist(), last.tolist(), strict=True)]
    return whole.part(tuple(box))
