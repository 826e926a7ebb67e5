"""Scans and phantoms as the level network meets them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..images import WORKING_SPACING_MM
from ..levels.evidence import AS_STORED, EXCHANGED, UPSIDE_DOWN
from ..levels.labelling import SPINE
from ..networks.inputs import COARSE_STEP, normalise, stack_channels
from ..phantom import Anatomy, Phantom, make_phantom
from ..phantom.check import UNUSUAL, draw_unusual
from ..pipeline.localize import coarsen, find_discs, run_padded
from .channel_dropout import SUBSETS, keep_subset
from .level_samples import FLIPS, LevelVolume
from .level_truth import LevelTruth
from .scans import Scan
from .true_levels import VERTEBRAE, level_at, level_between

if TYPE_CHECKING:
    from ..networks.engine import Network

PHANTOMS = 100
"""Different phantoms that the level network trains on, seeds FIRST_PHANTOM and up; checks use seeds from 1000."""
FIRST_PHANTOM = 100

KINDS = (*UNUSUAL, "usual", "scoliosis")
"""Of these phantoms, in turn."""

_SUBSETS = ("all", "water", "all", "in", "opposed+water", "water", "opposed", "all")
"""Channels of these phantoms, at random."""

_NEAR_MM = 18.0
"""A candidate no farther from where L5-S1 is expected is taken for it, if its place says so too."""


def level_volume(scan: Scan, localizer: Network) -> LevelVolume:
    """A scan with what a localizer makes of it.

    Args:
        scan: Of sources.WHOLE_SOURCES.
        localizer: A localizer, best one that has not seen the subject.

    Returns:
        The volume.
    """
    coarse = normalise(coarsen(scan.channels))
    maps = _maps(localizer, coarse)
    return LevelVolume(scan.subject, coarse.astype(np.float16), maps, level_truth(scan, maps[AS_STORED]))


def _maps(localizer: Network, coarse: np.ndarray) -> np.ndarray:
    """The localizer's map of a volume as it is, exchanged and upside down, each turned back: float16 [3, x, y, z]."""
    maps = []
    for orientation in (AS_STORED, EXCHANGED, UPSIDE_DOWN):
        flip = tuple(slice(None, None, sign) for sign in FLIPS[orientation][0])
        maps.append(run_padded(localizer, np.ascontiguousarray(coarse[flip]))[flip])
    return np.stack(maps).astype(np.float16)


def level_truth(scan: Scan, probability: np.ndarray) -> LevelTruth:
    """The levels and centres that are known of a scan, on the localizer's grid.

    Where the vertebrae are labelled down to L5, L5-S1 lies half a step below it: there, or where the localizer sees a disc
    nearby.

    Args:
        scan: Of sources.WHOLE_SOURCES.
        probability: The localizer's map, [x, y, z].

    Returns:
        The truth.
    """
    centers = {SPINE.index(level): np.asarray(c) for level, c in zip(scan.levels, scan.centers_ijk, strict=True) if level}
    if scan.vertebrae is not None:
        codes = [int(code) for code in np.unique(scan.vertebrae) if code]
        bodies = {code: np.argwhere(scan.vertebrae == code).mean(0) for code in codes}
        for upper, lower in pairwise(codes):  # a disc that nobody labelled lies half way between its vertebrae
            centers.setdefault(SPINE.index(level_between(lower, upper)), (bodies[lower] + bodies[upper]) / 2)
        if SPINE.index("L5-S1") not in centers and VERTEBRAE[codes[-1]] == "L5":
            place = bodies[codes[-1]] + (bodies[codes[-1]] - bodies[codes[-2]]) / 2
            found = [np.asarray(disc.center_ijk) for disc in find_discs(probability.astype(np.float32))]
            away = [float(np.linalg.norm((center - place) * WORKING_SPACING_MM)) for center in found]
            near = [n for n, mm in enumerate(away) if mm <= _NEAR_MM and level_at(scan, found[n].tolist()) == "L5-S1"]
            centers[SPINE.index("L5-S1")] = found[min(near, key=lambda n: away[n])] if near else place
    levels = sorted(centers)
    return LevelTruth(np.array(levels), _coarse([centers[level] for level in levels]))


def _coarse(centers_ijk: Sequence[np.ndarray]) -> np.ndarray:
    """Voxels of the working grid as voxels of the localizer's, (n, 3)."""
    return (np.reshape(np.asarray(centers_ijk, float), (-1, 3)) + 0.5) / COARSE_STEP - 0.5


def phantom_volume(seed: int, localizer: Network) -> LevelVolume:
    """A phantom, mostly an unusual one, of random channels, with what a localizer makes of it.

    Args:
        seed: Decides everything.
        localizer: A localizer.

    Returns:
        The volume.
    """
    rng = np.random.default_rng(seed)
    kind = KINDS[seed % len(KINDS)]
    anatomy, size = Anatomy(), (36, int(rng.choice([176, 256])), int(rng.choice([176, 256])))
    if kind == "scoliosis":
        anatomy = Anatomy(scoliosis_deg=float(rng.uniform(5, 40)), degeneration=float(rng.uniform(0, 1)))
    elif kind != "usual":
        anatomy, size = draw_unusual(rng, kind)
    phantom = make_phantom(seed, size, anatomy=anatomy)
    subset = _SUBSETS[int(rng.integers(len(_SUBSETS)))]
    coarse = normalise(coarsen(keep_subset(stack_channels(phantom.channels), SUBSETS[subset])))
    return LevelVolume(f"phantom-{seed}", coarse.astype(np.float16), _maps(localizer, coarse), phantom_truth(phantom))


def phantom_truth(phantom: Phantom) -> LevelTruth:
    """The levels and centres of a phantom's discs, on the localizer's grid.

    Args:
        phantom: The phantom.

    Returns:
        The truth.
    """
    levels = np.array([SPINE.index(disc.level) for disc in phantom.truth])
    return LevelTruth(levels, _coarse([phantom.grid.to_ijk(np.array(disc.center_mm)) for disc in phantom.truth]))
