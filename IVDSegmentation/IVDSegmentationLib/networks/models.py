"""Models on disk: a card and two networks' weights, checked before use, loaded without executing anything."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import atomic_file
from ..dixon.channels import CHANNELS
from ..errors import ModelError
from .architectures import build_network
from .inputs import COARSE_STEP

if TYPE_CHECKING:
    import keras

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Models"
DEFAULT_MODEL = "default"


ROLES = ("localizer", "segmenter", "water_segmenter")
"""The networks of a model, as its card and its files call them."""


@dataclass(frozen=True)
class Model:
    """The networks of a released model and its card (the JSON of card.json).

    water_segmenter: stage 2 where water is the only channel; of a model without one, its segmenter. channels: those that
    its networks take, in their order. localizer_step: working voxels in one voxel of the localizer's grid, x, y, z.
    """

    name: str
    card: Mapping[str, Any]
    localizer: keras.Model
    segmenter: keras.Model
    water_segmenter: keras.Model
    channels: tuple[str, ...] = CHANNELS
    localizer_step: tuple[int, int, int] = COARSE_STEP


def save_arrays(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Write arrays in order as float16 .npz, beside and then moved into place.

    Half precision: the weights' rounding changes probabilities by less than 0.001 and halves what a clone must hold.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {f"{index:03d}": np.asarray(array, np.float16) for index, array in enumerate(arrays)}
    with atomic_file(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **named)


def load_arrays(path: Path) -> list[np.ndarray]:
    """The arrays of `save_arrays`, float32, in order. Pickled content is refused. Raises ModelError."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return [archive[key].astype(np.float32) for key in sorted(archive.files)]
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(f"{path.name} cannot be read as weights: install the extension again") from error


def checksum(path: Path) -> str:
    """SHA-256 of the file, hexadecimal. Raises ModelError where there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"{path.name} is missing from the model {path.parent.name}: install the extension again") from error


def load_card(folder: Path) -> dict[str, Any]:
    """The model card of a folder. Raises ModelError where it is missing or not JSON."""
    try:
        return json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ModelError(
            f"model {folder.name} has no readable card.json: known models are {', '.join(model_names())}"
        ) from error


def model_names() -> list[str]:
    """The names of the models that are installed."""
    return sorted(p.parent.name for p in MODELS_FOLDER.glob("*/card.json"))


def load_model(name: str = DEFAULT_MODEL) -> Model:
    """Load an installed model by name, or one from a folder by a path with a separator in it.

    Raises ModelError: missing, altered, not fitting.
    """
    folder = Path(name) if Path(name).name != name else MODELS_FOLDER / name
    card = load_card(folder)
    networks = {}
    for role in (role for role in ROLES if role in card):
        entry = card[role]
        path = folder / entry["weights"]
        if checksum(path) != entry["sha256"]:
            raise ModelError(
                f"{path.name} of model {folder.name} is not the released file (SHA-256 differs): install the extension again"
            )
        network = build_network(entry["architecture"], **entry["parameters"])
        try:
            network.set_weights(load_arrays(path))
        except ValueError as error:
            raise ModelError(
                f"{path.name} of model {folder.name} does not fit its card: install the extension again"
            ) from error
        networks[role] = network
    for role in ROLES[:2]:
        if role not in networks:
            raise ModelError(f"the card of model {folder.name} names no {role}: install the extension again")
    networks.setdefault("water_segmenter", networks["segmenter"])
    return Model(name=card["name"], card=card, **networks)
