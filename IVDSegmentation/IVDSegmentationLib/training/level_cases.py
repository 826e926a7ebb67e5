"""Candidates of volumes that the networks have not seen, with the truth: what the reading of levels is fitted to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..levels.evidence import AS_STORED, evidence_of, level_crops
from ..pipeline.chain import spine_chain
from ..pipeline.localize import SPACING_MM, centers_on_coarse, find_discs
from ..pipeline.located import LEVELS_ROLE
from .folds import split
from .level_fit import ChainCase
from .level_samples import LevelVolume, changed_volume
from .level_truth import SAME_MM, UNKNOWN, LevelTruth, class_of
from .level_volumes import level_volume, phantom_volume
from .loop import trained_network
from .presets import PRESETS
from .scans import Scan

if TYPE_CHECKING:
    from ..networks.engine import Network

DRAWS = 6
"""Forms of each scan besides itself, and of each phantom: turned, bent, cut, of other contrast, as in training."""

FIRST_PHANTOM, PHANTOMS = 600, 40
"""Phantoms that the reading is fitted to; seeds that no network was trained on, and no check uses."""


def folds_of(runs: Path) -> int:
    """How many folds there are.

    Args:
        runs: Folder with `levels/fold-N`.

    Returns:
        Two or more.

    Raises:
        InputError: There are fewer.
    """
    count = len(list(runs.glob("levels/fold-*")))
    if count < 2:
        raise InputError(f"{runs.name} holds no folds: it must hold levels/fold-0, levels/fold-1 and so on")
    return count


def networks_of_fold(runs: Path, fold: int) -> dict[str, Network]:
    """The localizer and the level network of a fold.

    Args:
        runs: Folder with `localizer/fold-N` and `levels/fold-N`.
        fold: N.

    Returns:
        Role -> network.

    Raises:
        InputError: One of the trainings is not finished.
    """
    return {role: trained_network(runs / role / f"fold-{fold}") for role in ("localizer", LEVELS_ROLE)}


def held_out_cases(scans: Sequence[Scan], runs: Path, folds: int) -> list[ChainCase]:
    """The candidates of every scan as it is and in other forms, and of phantoms, by networks that have not seen the subject.

    Args:
        scans: Of sources.WHOLE_SOURCES, all that the folds were split from.
        runs: As of `networks_of_fold`.
        folds: How many folds there are.

    Returns:
        The cases; forms in which nothing resembles a disc are left out.

    Raises:
        InputError: A training is not finished.
    """
    from tqdm import tqdm

    cases: list[ChainCase] = []
    for fold in range(folds):
        networks = networks_of_fold(runs, fold)
        for scan in tqdm(split(scans, fold, folds)[1], desc=f"fold {fold}", unit="scan"):
            volume = level_volume(scan, networks["localizer"])
            cases += cases_of(volume, f"{scan.source} {scan.name}", networks[LEVELS_ROLE], fold, DRAWS)
        for seed in tqdm(range(FIRST_PHANTOM + fold, FIRST_PHANTOM + PHANTOMS, folds), desc="phantoms", unit="phantom"):
            volume = phantom_volume(seed, networks["localizer"])
            cases += cases_of(volume, f"phantom {seed}", networks[LEVELS_ROLE], fold, 1)
    return cases


def cases_of(volume: LevelVolume, name: str, network: Network, fold: int, draws: int) -> list[ChainCase]:
    """The candidates of a volume as it is and in other forms.

    Args:
        volume: The volume.
        name: Its name.
        network: A level network.
        fold: That it is of.
        draws: How many other forms.

    Returns:
        One case a form in which something resembles a disc.
    """
    change = PRESETS["levels"]["default"].augmentation
    shown = [("as stored", volume.channels.astype(np.float32), volume.maps[AS_STORED].astype(np.float32), volume.truth)]
    for draw in range(draws):
        rng = np.random.default_rng((sum(name.encode()), draw))
        channels, probability, truth = changed_volume(volume, AS_STORED, change, rng)
        shown.append(("changed", channels, probability, truth))
    found = [_case(one, name, network, fold) for one in shown]
    return [case for case in found if case is not None]


def _case(shown: tuple[str, np.ndarray, np.ndarray, LevelTruth], name: str, network: Network, fold: int) -> ChainCase | None:
    variant, channels, probability, truth = shown
    candidates = find_discs(probability)
    centers = centers_on_coarse(candidates)
    if not centers:
        return None
    kept = spine_chain(np.array(centers) * SPACING_MM, [candidate.probability for candidate in candidates])
    centers = [centers[n] for n in kept]
    evidence = evidence_of(network, level_crops(channels, probability, centers))
    classes = [class_of(center, truth) for center in centers]
    levels: list[int | None] = [None] * len(centers)
    away = np.linalg.norm((truth.centers[None] - np.array(centers)[:, None]) * SPACING_MM, axis=2)
    for row, disc in enumerate(np.argmin(away, axis=1).tolist()):
        if away[row, disc] > SAME_MM:
            continue
        if row == np.argmin(away[:, disc]):
            levels[row] = int(truth.levels[disc])
        else:
            classes[row] = UNKNOWN  # a second candidate on one disc: whether it has a name decides nothing
    return ChainCase(fold, name, variant, np.array(centers) * SPACING_MM, evidence, tuple(classes), tuple(levels))
