"""Stage 1 as a whole: the candidates on the spine, what the level network says of them, and which way the image lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..dixon.case import DixonCase
from ..errors import InputError
from ..levels.evidence import AS_STORED, EXCHANGED, UPSIDE_DOWN, Evidence, evidence_of, level_crops
from ..networks.inputs import normalise, stack_channels
from ..networks.models import Model
from ..threads import in_threads
from .chain import spine_chain
from .localize import DiscCandidate, centers_on_coarse, coarsen, find_discs, run_padded
from .search import on_spine

LEVELS_ROLE = "levels"
"""Role of the level network in a model's card."""

FLIPS = {EXCHANGED: (slice(None, None, -1), slice(None, None, -1)), UPSIDE_DOWN: (slice(None),) * 2 + (slice(None, None, -1),)}
"""How an image is turned that lies otherwise than its header says."""


@dataclass(frozen=True)
class Located:
    """The candidates on the spine of a case.

    Attributes:
        channels: Those of the case, [x, y, z] on the working grid, or turned by 180 degrees about its z axis.
        exchanged: Whether they are turned: front and back, left and right are exchanged in the header.
        chain: The candidates, caudal to cranial, voxels of `channels`.
        evidence: What the level network says of each; None of a model without one.
        upside_down: The same with head and feet exchanged: whether the names read better so (levels/naming.py).
        off_spine: How many other structures resemble discs.
    """

    channels: Mapping[str, np.ndarray]
    exchanged: bool
    chain: tuple[DiscCandidate, ...]
    evidence: Evidence | None
    upside_down: Evidence | None
    off_spine: int


def locate(case: DixonCase, model: Model, large: bool) -> Located:
    """Find the candidates of a case, and turn its image where the header contradicts it.

    How the image lies is what the level network says of all candidates together; where that is not as the header says, the
    image is turned and seen again, and both views must agree.

    Args:
        case: The case, or the part of a large one that holds the spine.
        model: Its networks.
        large: Whether the case is a part of a large one, with structures beyond the ends of the spine.

    Returns:
        The candidates.

    Raises:
        InputError: Nothing resembles a disc, or head and feet are exchanged.
    """
    seen = _seen(case.channels, case, model, large, exchanged=False)
    if seen.evidence is None:
        return seen
    said = seen.evidence.orientation.sum(axis=0)
    likely = int(np.argmax(said))
    if likely == AS_STORED:
        return seen
    channels = {name: voxels[FLIPS[likely]] for name, voxels in case.channels.items()}
    again = _seen(channels, case, model, large, exchanged=likely == EXCHANGED)
    if again.evidence is None or not again.chain:
        return seen
    turned = again.evidence.orientation.sum(axis=0)
    # Whoever exchanges head and feet may have exchanged front and back with them or not: the turned view tells.
    upright = [AS_STORED] if likely == EXCHANGED else [AS_STORED, EXCHANGED]
    if said[likely] + turned[upright].max() <= said[upright].max() + turned[likely]:
        return seen
    if likely == UPSIDE_DOWN:
        raise InputError(
            f"{case.name}: the header exchanges head and feet, the image shows: mend it, or load it as it was scanned"
        )
    return again


def _seen(channels: Mapping[str, np.ndarray], case: DixonCase, model: Model, large: bool, *, exchanged: bool) -> Located:
    step = model.localizer_step
    coarsened = in_threads(lambda voxels: coarsen(voxels, step), channels.values())
    coarse = normalise(stack_channels(dict(zip(channels, coarsened, strict=True)), model.channels))
    probability = run_padded(model.networks["localizer"], coarse)
    found = find_discs(probability, step)
    if large:
        found = on_spine(found, probability, case.working_grid)
    if not found:
        raise InputError(f"{case.name}: no intervertebral disc was found: load Dixon volumes of a lumbar spine")
    # Steps of the chain are judged by their length and lean alone, which a turn does not change.
    centers_mm = case.working_grid.to_mm(np.array([c.center_ijk for c in found]))
    chain = tuple(found[i] for i in spine_chain(centers_mm, [c.probability for c in found]))
    evidence = upside_down = None
    if LEVELS_ROLE in model.networks and chain:
        network, centers = model.networks[LEVELS_ROLE], centers_on_coarse(chain)
        evidence = evidence_of(network, level_crops(coarse, probability, centers))
        # Discs look alike upside down: the map need not be computed again.
        flip, last = FLIPS[UPSIDE_DOWN], probability.shape[2] - 1
        turned = [np.array([x, y, last - z]) for x, y, z in centers]
        upside_down = evidence_of(network, level_crops(coarse[flip], probability[flip], turned))
    return Located(channels, exchanged, chain, evidence, upside_down, len(found) - len(chain))
