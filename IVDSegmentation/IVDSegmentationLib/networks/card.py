"""The card of a model: what it says of its networks, checked before anything is built or loaded by it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError, ModelError
from ..images.regular_file import check_regular_file
from ..printable import printable

_LONGEST_CARD = 1 << 20
_MOST_FEATURES = 512
"""Of a layer, or voxels of an input along an axis: a network of more would take the memory of the machine."""
_LONGEST_LIST = 6
_REINSTALL = "install the extension again, or give another model"


def read_card(folder: Path, roles: Sequence[str]) -> dict[str, Any]:
    """Read and check the card of a model.

    Args:
        folder: The model's folder, with its `card.json`.
        roles: What the networks of this project are called; a card may have others besides.

    Returns:
        The card. Of every one of the roles that it names, `architecture`, `parameters`, `weights` (a file of the folder) and
        `sha256` are sound; so are `name` and, where they are there, `confidence` and `least_probability`.

    Raises:
        ModelError: The card is missing, cannot be read, or says something that no network can be built or loaded by.
    """
    name = printable(folder.name)
    try:
        check_regular_file(folder / "card.json")
        if (folder / "card.json").stat().st_size > _LONGEST_CARD:
            raise ModelError(f"the card of model {name} is longer than {_LONGEST_CARD} bytes: {_REINSTALL}")
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    except (InputError, OSError, ValueError, RecursionError) as error:
        raise ModelError(f"model {name} has no readable card.json: {_REINSTALL}") from error
    if not isinstance(card, dict) or not isinstance(card.get("name"), str) or not card["name"].isprintable():
        raise ModelError(f"the card of model {name} gives no name: {_REINSTALL}")
    for role in {*roles, *roles_of(card)} & card.keys():
        _check_network(card[role], role, name)
    _check_confidence(card.get("confidence", {}), name)
    least = card.get("least_probability", 0)
    if not _is_number(least) or not 0 <= least <= 1:
        raise ModelError(f"the card of model {name} gives no valid least_probability: {_REINSTALL}")
    return card


def roles_of(card: Mapping[str, Any]) -> list[str]:
    """The networks that a card describes.

    Args:
        card: The JSON of card.json.

    Returns:
        Their roles, in the card's order.
    """
    return [role for role, entry in card.items() if isinstance(entry, Mapping) and "weights" in entry]


def _check_network(entry: Any, role: str, model: str) -> None:
    """Refuse what a card says of a network unless it names an architecture, its parameters and its weights."""

    def check(sound: bool, field: str) -> None:
        if not sound:
            raise ModelError(f"the card of model {model} gives no valid {field} of the {role}: {_REINSTALL}")

    check(isinstance(entry, dict), "description")
    weights, digest = entry.get("weights"), entry.get("sha256")
    # A name that leads out of the folder could name any file of the machine.
    check(
        isinstance(weights, str) and Path(weights).name == weights and weights.isprintable() and "\\" not in weights, "weights"
    )
    check(isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None, "sha256")
    check(isinstance(entry.get("architecture"), str), "architecture")
    parameters = entry.get("parameters")
    check(isinstance(parameters, dict), "parameters")
    for key, value in parameters.items():
        values = value if isinstance(value, list) else [value]
        check(len(values) <= _LONGEST_LIST and all(map(_is_small, values)), f"parameter {printable(key)[:40]!r}")


def _check_confidence(lines: Any, model: str) -> None:
    """Refuse a calibration that is not a slope and an intercept by role."""
    sound = isinstance(lines, Mapping) and all(
        isinstance(line, list) and len(line) == 2 and all(_is_number(value) for value in line) for line in lines.values()
    )
    if not sound:
        raise ModelError(f"the card of model {model} gives no valid confidence: {_REINSTALL}")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9 and math.isfinite(value)


def _is_small(value: Any) -> bool:
    """Whether a value is one that networks are built by: nothing, or a number from 0 to _MOST_FEATURES."""
    return value is None or (_is_number(value) and 0 <= value <= _MOST_FEATURES)
