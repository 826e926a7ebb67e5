"""Releasing trained networks as a model: their weights, and the card with checksums and what was measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..atomic import atomic_file
from ..dixon.channels import CHANNELS
from ..errors import InputError
from ..networks.models import checksum, load_arrays
from .calibration import fit_confidence, fit_least_probability, judged_rows, read_rows
from .level_fit import read_fit


def release_model(
    trainings: Mapping[str, Path], card: Path, folder: Path, crossvalidation: Path | None = None, levels_fit: Path | None = None
) -> None:
    """Write the folder of a model: `ROLE.npz` of every network, and `card.json`.

    Args:
        trainings: Role (networks.models.ROLES) -> folder of its finished training.
        card: JSON file with an object of what the machine cannot know: name, data, results, limits.
        folder: Receives the model; created where it is missing.
        crossvalidation: Folder of a cross-validation of the segmenters, on which the confidence is calibrated, and the
            probability below which nothing counts as a disc. None for a confidence that is the expected Dice as it is.
        levels_fit: Folder of `ivdseg fit levels`, which says how the level network's answers are read. A model with a level
            network needs it.

    Raises:
        InputError: A training or the cross-validation did not finish. Nothing is written then.
        OutputError: The folder cannot be written.
    """
    for role, source in trainings.items():
        if not (source / "weights.npz").is_file() or not (source / "finished.json").is_file():
            raise InputError(
                f"{source.name} holds no finished training: run `ivdseg train {role.replace('_', '-')}` to its end first"
            )
    content = json.loads(card.read_text(encoding="utf-8"))
    if "levels" in trainings:
        if levels_fit is None:
            raise InputError("a level network says nothing without its fit: run `ivdseg fit levels`, and name its folder")
        content["levels"] = {"chain": read_fit(levels_fit).as_card()}
    content["channel_order"] = list(CHANNELS)
    if crossvalidation is not None:
        rows = read_rows(crossvalidation / "rows.csv")
        content["confidence"] = {"segmenter": fit_confidence(judged_rows(rows))}
        content["least_probability"] = fit_least_probability(rows)
    folder.mkdir(parents=True, exist_ok=True)
    for role, source in trainings.items():
        with atomic_file(folder / f"{role}.npz") as temporary:
            shutil.copyfile(source / "weights.npz", temporary)
        trained = json.loads((source / "finished.json").read_text(encoding="utf-8"))
        content[role] = {
            **content.get(role, {}),
            "architecture": trained.pop("architecture"),
            "parameters": trained.pop("parameters"),
            "weights": f"{role}.npz",
            "sha256": checksum(folder / f"{role}.npz"),
            "trained_parameters": sum(array.size for array in load_arrays(folder / f"{role}.npz")),
            "training": trained,
        }
    with atomic_file(folder / "card.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
