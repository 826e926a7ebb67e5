"""The released model against phantoms, whose labels are exact: discs found, names, Dice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..dixon.case import case_from_volumes
from ..errors import InputError
from ..findings import has_uncertain_levels
from ..images import Volume
from ..levels.labelling import LEVELS
from ..pipeline.segment import Pipeline
from .anatomy import Anatomy
from .canvas import REMNANT
from .examination import Phantom, make_phantom

SIZE = (36, 256, 256)
UNUSUAL = ("cut below", "caudal", "cranial", "lateral", "short", "lumbarised_s1", "sacralised_l5", "fused")
"""Fields of view that end above L5-S1, in the lowest or the uppermost disc or the discs' left sides, or show few discs;
six and four lumbar-type bodies; a level without a disc."""


@dataclass(frozen=True)
class PhantomCheck:
    """How the released model did on one phantom.

    Attributes:
        seed: Seed of the phantom.
        discs: Its discs that are at least half in view.
        found: How many of them a predicted disc overlaps by half or more.
        dice: Dice of each, whatever its name; 0 where it was not found.
        extra: False positives: predicted discs that overlap neither a disc nor a remnant of one in the sacrum.
        sacral: Predicted discs that overlap such a remnant, S1-S2 mostly. The exact labels hold none.
        names_right: Whether all found discs had their names.
        warned: Whether the result warned that its levels are uncertain.
        kind: One of UNUSUAL, or "usual".
    """

    seed: int
    discs: int
    found: int
    dice: tuple[float, ...]
    extra: int
    sacral: int
    names_right: bool
    warned: bool
    kind: str = "usual"


def draw_unusual(rng: np.random.Generator, kind: str) -> tuple[Anatomy, tuple[int, int, int]]:
    """What to ask of a random phantom of an unusual kind.

    Args:
        rng: Generator of what the kind leaves open.
        kind: One of UNUSUAL.

    Returns:
        The anatomy, and the size in voxels along x, y, z.

    Raises:
        InputError: The kind is another.
    """
    height = int(rng.choice([176, 256]))
    if kind == "cut below":
        return Anatomy(lowest_disc=LEVELS[rng.integers(1, 6)]), (36, 256, height)
    if kind == "fused":
        return Anatomy(missing_disc=LEVELS[rng.integers(0, 8)]), SIZE
    if kind == "short":
        return Anatomy(), (36, 256, int(rng.integers(80, 140)))
    if kind in ("lumbarised_s1", "sacralised_l5"):
        return Anatomy(transitional=kind), SIZE
    if kind in ("caudal", "cranial", "lateral"):
        return Anatomy(cut=kind), SIZE
    raise InputError(f"kind of phantom is {kind!r}: it must be one of {', '.join(UNUSUAL)}")


def check_phantoms(seeds: Iterable[int], model: str = "default", unusual: bool = False) -> list[PhantomCheck]:
    """Segment phantoms with all four channels, and compare with their exact labels.

    Args:
        seeds: The phantoms' seeds.
        model: Name of an installed model, or the path of a model's folder.
        unusual: Whether to make phantoms of the UNUSUAL kinds in turn, every other eight with their water alone.

    Returns:
        One check a phantom.

    Raises:
        InputError: No disc is found in one of them.
    """
    from tqdm import tqdm

    pipeline = Pipeline(model)
    checks = []
    for number, seed in enumerate(tqdm(list(seeds), desc="phantoms", unit="case", disable=None)):
        if not unusual:
            checks.append(_check_one(pipeline, make_phantom(seed), "usual"))
            continue
        kind = UNUSUAL[number % len(UNUSUAL)]
        anatomy, size = draw_unusual(np.random.default_rng(seed), kind)
        phantom = make_phantom(seed, size, anatomy=anatomy)
        if number // len(UNUSUAL) % 2:
            phantom = replace(phantom, channels={"water": phantom.channels["water"]})
        checks.append(_check_one(pipeline, phantom, kind))
    return checks


def _check_one(pipeline: Pipeline, phantom: Phantom, kind: str) -> PhantomCheck:
    """Segment one phantom and compare."""
    name = f"phantom {phantom.seed}"
    volumes = {channel: Volume(voxels, phantom.grid, f"{channel} of {name}") for channel, voxels in phantom.channels.items()}
    result = pipeline.segment(case_from_volumes(volumes, name))
    predicted = result.label_volume.voxels
    size_true = np.bincount(phantom.labels.ravel(), minlength=256)
    size_predicted = np.bincount(predicted.ravel(), minlength=256)
    together = np.histogram2d(phantom.labels.ravel(), predicted.ravel(), bins=(np.arange(257), np.arange(257)))[0]
    labels = [disc.label for disc in phantom.truth if disc.visible_fraction >= 0.5]
    dices, names_right, matched = [], True, set()
    for label in labels:
        best = 1 + int(np.argmax(together[label, 1:]))
        overlap = together[label, best]
        found = overlap >= 0.5 * size_true[label]
        dices.append(float(2 * overlap / (size_true[label] + size_predicted[best])) if found else 0.0)
        names_right &= not found or best == label
        if found:
            matched.add(best)
    beyond = [n for n in np.flatnonzero(size_predicted) if n and together[1:, n].sum() == 0]
    sacral = [n for n in beyond if (phantom.tissue[predicted == n] == REMNANT).any()]
    warned = has_uncertain_levels(result.run_findings)
    extra = len(beyond) - len(sacral)
    return PhantomCheck(phantom.seed, len(labels), len(matched), tuple(dices), extra, len(sacral), names_right, warned, kind)


def describe(checks: Sequence[PhantomCheck]) -> str:
    """The checks in lines for a terminal.

    Args:
        checks: At least one, with at least one disc.

    Returns:
        Counts, Dice, names, and the seeds of the lowest Dice and of wrong names without a warning.
    """
    discs, found = sum(c.discs for c in checks), sum(c.found for c in checks)
    dices = np.array([d for c in checks for d in c.dice])
    silent = [f"seed {c.seed} ({c.kind})" for c in checks if not c.names_right and not c.warned]
    worst = sorted(checks, key=lambda c: min(c.dice, default=1.0))[:3]
    lines = [
        f"phantoms {len(checks)}, discs {discs}",
        f"found {found} ({100 * found / max(1, discs):.1f} %), false positives {sum(c.extra for c in checks)}, "
        f"remnants in the sacrum {sum(c.sacral for c in checks)}",
        f"Dice {dices.mean():.4f} +- {dices.std():.4f} (a disc not found counts 0), lowest {dices.min():.4f}",
        f"all names right in {sum(c.names_right for c in checks)} of {len(checks)}, "
        f"wrong without a warning in {len(silent)}, right with one in {sum(c.names_right and c.warned for c in checks)}",
        "lowest: " + ", ".join(f"seed {c.seed} {min(c.dice, default=1.0):.3f}" for c in worst),
    ]
    if silent:
        lines.append("wrong without a warning: " + ", ".join(silent))
    return "\n".join(lines)
