"""Models on disk: a card and its networks' weights, checked before use, loaded without executing anything."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..arrays import read_npz
from ..atomic import atomic_file
from ..dixon.channels import CHANNELS
from ..errors import InputError, ModelError
from ..images.regular_file import check_regular_file
from ..printable import printable
from . import DEFAULT_MODEL
from .card import read_card, roles_of
from .engine import Engine, Network, choose_engine
from .inputs import COARSE_STEP

MODELS_FOLDER = Path(__file__).resolve().parents[1] / "Resources" / "Models"

_MOST_BYTES = 1 << 27
"""Of a network's weights: a hundred times those of the released ones."""

ROLES = ("localizer", "segmenter", "levels")
"""The networks that this project trains, as a model's card and files call them."""
IN_HALF = ("segmenter",)
"""Those that compute in 16 bits where the machine is faster in them: a few voxels at the surface of a disc change. Were the
localizer among them, a box would move by a voxel in one exam of a hundred, and names rest on other candidates
(docs/performance.md)."""
REQUIRED = ROLES[:2]
"""Those without which nothing is segmented."""


@dataclass(frozen=True)
class Model:
    """A released model.

    Attributes:
        name: Of the model.
        card: The JSON of card.json.
        networks: Role -> network: those of REQUIRED, and whatever else the card has.
        channels: Those that its networks take, in their order.
        localizer_step: Working voxels in one voxel of the localizer's grid, x, y, z.
        checksums: Role -> SHA-256 of the weights that were loaded.
        engine: What computes them; None where they were made elsewhere.
    """

    name: str
    card: Mapping[str, Any]
    networks: Mapping[str, Network]
    channels: tuple[str, ...] = CHANNELS
    localizer_step: tuple[int, int, int] = COARSE_STEP
    checksums: Mapping[str, str] = field(default_factory=dict)
    engine: Engine | None = None


def save_arrays(path: Path, arrays: Sequence[np.ndarray]) -> None:
    """Write arrays in order as float16 .npz, beside and then moved into place.

    Half precision: the weights' rounding changes probabilities by less than 0.001 and halves what a clone must hold.

    Args:
        path: Where to.
        arrays: Weights.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    named = {f"{index:03d}": np.asarray(array, np.float16) for index, array in enumerate(arrays)}
    with atomic_file(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **named)


def load_arrays(path: Path) -> list[np.ndarray]:
    """Read the arrays of `save_arrays`; pickled content is refused.

    Args:
        path: Where from.

    Returns:
        The arrays, float32, in order.

    Raises:
        ModelError: It is missing or damaged.
    """
    return _arrays_in(_content(path), path.name)


def checksum(path: Path) -> str:
    """SHA-256 of a file.

    Args:
        path: The file.

    Returns:
        Hexadecimal.

    Raises:
        ModelError: There is none.
    """
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
    """Read the model card of a folder.

    Args:
        folder: Of a model.

    Returns:
        Its content.

    Raises:
        ModelError: It is missing, not JSON, or not sound (card.py).
    """
    try:
        return read_card(folder, ROLES)
    except ModelError as error:
        if os.path.lexists(folder / "card.json"):  # Path.exists raises where a name is too long
            raise
        known = ", ".join(model_names())
        raise ModelError(f"model {printable(folder.name)} has no readable card.json: known models are {known}") from error


def model_names() -> list[str]:
    """The models that are installed.

    Returns:
        Their names.
    """
    return sorted(p.parent.name for p in MODELS_FOLDER.glob("*/card.json"))


def load_model(name: str = DEFAULT_MODEL, engine: Engine | None = None) -> Model:
    """Load a model.

    Args:
        name: Of an installed model, or a path with a separator in it of a model's folder.
        engine: What computes its networks; None for the one that `choose_engine` takes by itself.

    Returns:
        The model, all of its files checked against the card's SHA-256 before anything in them was read.

    Raises:
        ModelError: The model is missing, altered or does not fit its card, or no engine is installed.
    """
    engine = engine or choose_engine()
    folder = Path(name) if Path(name).name != name else MODELS_FOLDER / name
    card = load_card(folder)
    roles = roles_of(card)
    for role in REQUIRED:
        if role not in roles:
            raise ModelError(f"the card of model {printable(folder.name)} names no {role}: install the extension again")
    networks, checksums = {}, {}
    for role in roles:
        entry = card[role]
        # Read once: what was checked is what is loaded.
        content = _content(folder / entry["weights"])
        checksums[role] = hashlib.sha256(content).hexdigest()
        shown = f"{entry['weights']} of model {printable(folder.name)}"
        if checksums[role] != entry["sha256"]:
            raise ModelError(f"{shown} is not the released file (SHA-256 differs): install the extension again")
        try:
            arrays = _arrays_in(content, entry["weights"])
            networks[role] = engine.network(entry["architecture"], entry["parameters"], arrays, role in IN_HALF)
        except (ModelError, ImportError):
            raise
        except Exception as error:  # Keras, TensorFlow and OpenVINO have many
            raise ModelError(f"{shown} does not fit its card: install the extension again") from error
    return Model(name=card["name"], card=card, networks=networks, checksums=checksums, engine=engine)
