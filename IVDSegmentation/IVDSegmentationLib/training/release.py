"""Making a released model of trained networks: their weights, and the card with checksums and what was measured."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from ..dixon.channels import CHANNELS
from ..errors import InputError
from ..networks.models import checksum, load_arrays
from .calibration import fit_confidence, judged_rows, read_rows


def release_model(trainings: Mapping[str, Path], card: Path, folder: Path, crossvalidation: Path | None = None) -> None:
    """Write the model folder: `ROLE.npz` of every network, and `card.json`.

    trainings: folder of a finished training by role (models.ROLES). card: JSON object with what the machine
    cannot know (name, data, results, limits). crossvalidation: folder of a segmenters' cross-validation, on which the
    confidence is calibrated; without one it stays as the networks say. Raises InputError, and
    writes nothing, where a training or the cross-validation did not finish.
    """
    for role, source in trainings.items():
        if not (source / "weights.npz").is_file() or not (source / "finished.json").is_file():
            raise InputError(
                f"{source.name} holds no finished training: run `ivdseg train {role.replace('_', '-')}` to its end first"
            )
    content = json.loads(card.read_text(encoding="utf-8"))
    content["channel_order"] = list(CHANNELS)
    if crossvalidation is not None:
        content["confidence"] = fit_confidence(judged_rows(read_rows(crossvalidation / "rows.csv")))
    folder.mkdir(parents=True, exist_ok=True)
    for role, source in trainings.items():
        shutil.copyfile(source / "weights.npz", folder / f"{role}.npz")
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
    (folder / "card.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
