"""The released model against phantoms, whose labels are exact: discs found, names, Dice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from .cases import case_from_volumes
from .phantom import make_phantom
from .segmentation import Pipeline
from .volumes import Volume


@dataclass(frozen=True)
class PhantomCheck:
    """One phantom: its discs that are at least half in view, how many of them a predicted disc overlaps by half or more,
    Dice of each whatever its name (0 where not found), predicted discs that overlap no disc at all, whether all names of
    found discs were right, and whether the result warned that its levels are uncertain."""

    seed: int
    discs: int
    found: int
    dice: tuple[float, ...]
    extra: int
    names_right: bool
    warned: bool


def check_phantoms(seeds: Iterable[int], model: str = "default") -> list[PhantomCheck]:
    """Segment each seed's phantom with all four channels and compare with its exact labels."""
    from tqdm import tqdm

    pipeline = Pipeline(model)
    return [_check_one(pipeline, seed) for seed in tqdm(list(seeds), desc="phantoms", unit="case")]


def _check_one(pipeline: Pipeline, seed: int) -> PhantomCheck:
    phantom = make_phantom(seed)
    volumes = {name: Volume(voxels, phantom.grid, f"{name} of phantom {seed}") for name, voxels in phantom.channels.items()}
    result = pipeline.segment(case_from_volumes(volumes, f"phantom {seed}"))
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
    extra = [n for n in np.flatnonzero(size_predicted) if n and together[1:, n].sum() == 0]
    warned = any("uncertain" in warning for warning in result.warnings)
    return PhantomCheck(seed, len(labels), len(matched), tuple(dices), len(extra), names_right, warned)


def describe(checks: Sequence[PhantomCheck]) -> str:
    """What the checks say, in lines for a terminal."""
    discs, found = sum(c.discs for c in checks), sum(c.found for c in checks)
    dices = np.array([d for c in checks for d in c.dice])
    worst = sorted(checks, key=lambda c: min(c.dice, default=1.0))[:3]
    lines = [
        f"phantoms {len(checks)}, discs {discs}",
        f"found {found} ({100 * found / max(1, discs):.1f} %), not on a disc {sum(c.extra for c in checks)}",
        f"Dice {dices.mean():.4f} +- {dices.std():.4f} (a disc not found counts 0), lowest {dices.min():.4f}",
        f"all names right in {sum(c.names_right for c in checks)} of {len(checks)}, "
        f"wrong without a warning in {sum(not c.names_right and not c.warned for c in checks)}",
        "lowest: " + ", ".join(f"seed {c.seed} {min(c.dice, default=1.0):.3f}" for c in worst),
    ]
    return "\n".join(lines)
