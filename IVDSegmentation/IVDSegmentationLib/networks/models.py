"""Models on disk: a card and two networks' weights, checked before use, loaded without executing anything."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import read_npz
from ..atomic import atomic_file
from ..dixon.channels import CHANNELS
from ..errors import InputError, ModelError
from ..images.regular_file import check_regular_file
from ..printable import printable
from .architectures import build_network
from .card import read_card
from .inputs import COARSE_STEP

if TYPE_CHECKING:
    import keras

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Models"
DEFAULT_MODEL = "default"

_MOST_BYTES = 1 << 27
"""Of a network's weights: a hundred times those of the released ones."""

ROLES = ("localizer", "segmenter", "water_segmenter")
"""The networks of a model, as its card and its files call them."""


@dataclass(frozen=True)
class Model:
    """The networks of a released model and its card (the JSON of card.json).

    water_segmenter: stage 2 where water is the only channel; of a model without one, its segmenter. channels: those that
    its networks take, in their order. localizer_step: working voxels in one voxel of the localizer's grid, x, y, z.
    checksums: role -> SHA-256 of the weights that were loaded, for each of the model's own networks.
    """

    name: str
    card: Mapping[str, Any]
    localizer: keras.Model
    segmenter: keras.Model
    water_segmenter: keras.Model
    channels: tuple[str, ...] = CHANNELS
    localizer_step: tuple[int, int, int] = COARSE_STEP
    checksums: Mapping[str, str] = field(default_factory=dict)


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
    return _arrays_in(_content(path), path.name)


def checksum(path: Path) -> str:
    """SHA-256 of the file, hexadecimal. Raises ModelError where there is none."""
    return hashlib.sha256(_content(path)).hexdigest()


def _content(path: Path) -> bytes:
    """The bytes of a file of weights. Raises ModelError where there is none, or one that no network could have."""
    try:
        check_regular_file(path)
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(f"{printable(path.name)} is larger than weights are: install the extension again")
        return path.read_bytes()
    except (OSError, InputError) as error:
        raise ModelError(
            f"{printable(path.name)} is missing from the model {printable(path.parent.name)}, or cannot be read: "
            "install the extension again"
        ) from error


def _arrays_in(content: bytes, name: str) -> list[np.ndarray]:
    """The arrays of a file of weights, float32. Raises ModelError."""
    try:
        arrays = read_npz(content, _MOST_BYTES)
    except ValueError as error:
        raise ModelError(f"{printable(name)} cannot be read as weights: install the extension again") from error
    if not all(array.dtype.kind == "f" and np.isfinite(array).all() for array in arrays):
        raise ModelError(f"{printable(name)} holds weights that are no numbers: install the extension again")
    return [array.astype(np.float32) for array in arrays]


def load_card(folder: Path) -> dict[str, Any]:
    """The model card of a folder. Raises ModelError where it is missing, not JSON, or not sound (card.py)."""
    try:
        return read_card(folder, ROLES)
    except ModelError as error:
        if os.path.lexists(folder / "card.json"):  # Path.exists raises where a name is too long
            raise
        known = ", ".join(model_names())
        raise ModelError(f"model {printable(folder.name)} has no readable card.json: known models are {known}") from error


def model_names() -> list[str]:
    """The names of the models that are installed."""
    return sorted(p.parent.name for p in MODELS_FOLDER.glob("*/card.json"))


def load_model(name: str = DEFAULT_MODEL) -> Model:
    """Load an installed model by name, or one from a folder by a path with a separator in it.

    Raises ModelError: missing, altered, not fitting.
    """
    folder = Path(name) if Path(name).name != name else MODELS_FOLDER / name
    card = load_card(folder)
    networks, checksums = {}, {}
    for role in (role for role in ROLES if role in card):
        entry = card[role]
        # Read once: what was checked is what is loaded.
        content = _content(folder / entry["weights"])
        checksums[role] = hashlib.sha256(content).hexdigest()
        shown = f"{entry['weights']} of model {printable(folder.name)}"
        if checksums[role] != entry["sha256"]:
            raise ModelError(f"{shown} is not the released file (SHA-256 differs): install the extension again")
        try:
            network = build_network(entry["architecture"], **entry["parameters"])
            network.set_weights(_arrays_in(content, entry["weights"]))
        except (ModelError, ImportError):
            raise
        except Exception as error:  # Keras and TensorFlow have many
            raise ModelError(f"{shown} does not fit its card: install the extension again") from error
        networks[role] = network
    for role in ROLES[:2]:
        if role not in networks:
            raise ModelError(f"the card of model {printable(folder.name)} names no {role}: install the extension again")
    networks.setdefault("water_segmenter", networks["segmenter"])
    return Model(name=card["name"], card=card, checksums=checksums, **networks)
