"""The systems that the tables compare: what each is trained as, and the tables that it stands in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .inputs import INPUT_SETS, Inputs
from .presets import CONVENTIONAL, SEGMENTER, SLICES

AXES = ("x", "y", "z")
SHORT = {"opposed_phase": "opp", "water": "wat", "fat": "fat", "in_phase": "inn"}
"""Channel -> how the paper's Table III calls it."""
RECIPE = "unet"
"""Kind of the training of the released model's segmenter, as networks.architectures calls its network."""

PLAIN = Inputs()
"""Opposed-phase, water and fat, with which the paper's 3D method is best."""


@dataclass(frozen=True)
class Training:
    """One network to be trained, in every part of the subjects.

    Attributes:
        network: SEGMENTER, CONVENTIONAL, SLICES or RECIPE.
        inputs: Its channels; of SLICES and RECIPE not asked.
        axis: Of SLICES: 0, 1 or 2, the axis that the slices are stacked along.
        augmented: Whether the augmented copies are among its data.
    """

    network: str
    inputs: Inputs = PLAIN
    axis: int = 0
    augmented: bool = True

    @property
    def name(self) -> str:
        """Of its folder."""
        if self.network == SLICES:
            return f"slices-{AXES[self.axis]}"
        if self.network == RECIPE:
            return "released-recipe"
        kind = {SEGMENTER: "segmenter", CONVENTIONAL: "conventional"}[self.network]
        water = "-copied-water" if self.inputs.copied_water else ""
        return f"{kind}-set{self.inputs.number}{water}{'' if self.augmented else '-not-augmented'}"


@dataclass(frozen=True)
class System:
    """What segments an examination.

    Attributes:
        key: In rows, file names and tables.
        title: In tables.
        kind: How it predicts (prediction.py): `boxes`, `two-stage`, `conventional` or `slices`.
        trainings: What it needs; of `two-stage` the localizer and the segmenter, of `slices` one an axis.
    """

    key: str
    title: str
    kind: str
    trainings: tuple[Training, ...]


def systems(localizer_of_each_set: bool) -> dict[str, System]:
    """Every system.

    Args:
        localizer_of_each_set: Whether sets of channels are compared as two stages, each with a localizer of its own; otherwise
            as stage 2 alone, in boxes at the given centres.

    Returns:
        Key -> system, those that most tables need first.
    """

    def compared(key: str, title: str, inputs: Inputs, augmented: bool = True) -> System:
        segmenter = Training(SEGMENTER, inputs, augmented=augmented)
        if localizer_of_each_set:
            return System(key, title, "two-stage", (Training(CONVENTIONAL, inputs), segmenter))
        return System(key, title, "boxes", (segmenter,))

    localizer, segmenter = Training(CONVENTIONAL), Training(SEGMENTER)
    slices = [Training(SLICES, axis=axis) for axis in range(3)]
    found = [
        System("stage-2", "stage 2 at the given centres", "boxes", (segmenter,)),
        System("conventional", "conventional 3D U-Net", "conventional", (localizer,)),
        System("two-stage", "two stages", "two-stage", (localizer, segmenter)),
        System("slices-y", "2D, slices along y", "slices", (slices[1],)),
        System("released-recipe", "released recipe, stage 2 at the given centres", "boxes", (Training(RECIPE),)),
        compared("not-augmented", "without augmentation", PLAIN, augmented=False),
    ]
    for copied in (False, True):
        for number, channels in INPUT_SETS.items():
            if (number, copied) != (2, False):
                title = ", ".join(SHORT[name] for name in channels)
                found.append(compared(set_key(number, copied), title, Inputs(number, copied)))
    found += [
        System("slices-x", "2D, slices along x", "slices", (slices[0],)),
        System("slices-z", "2D, slices along z", "slices", (slices[2],)),
        System("slices-mean", "2D, mean of the three", "slices", tuple(slices)),
    ]
    return {system.key: system for system in found}


def set_key(number: int, copied_water: bool) -> str:
    """The key of the system of a set of channels, but for the plain set 2.

    Args:
        number: Of the set.
        copied_water: As of Inputs.

    Returns:
        The key.
    """
    return f"set-{number}{'-copied-water' if copied_water else ''}"


TABLES = ("I", "III", "IV", "V", "augmentation", "speed")
"""As the command line calls them."""


def rows_of(table: str, localizer_of_each_set: bool) -> list[tuple[str, str]]:
    """The rows of a table.

    Args:
        table: One of TABLES.
        localizer_of_each_set: As of `systems`.

    Returns:
        For each row its key in published.py, and the key of its system.
    """
    plain = "two-stage" if localizer_of_each_set else "stage-2"
    sets = [
        (f"set-{number}", plain if (number, copied) == (2, False) else set_key(number, copied))
        for copied in (False, True)
        for number in INPUT_SETS
    ]
    recipe = ("", "released-recipe")
    rows = {
        "I": [],
        "III": [*sets, recipe],
        "IV": [(k, k) for k in ("conventional", "two-stage", "slices-y")] + [("", "stage-2"), recipe],
        "V": [(k, k) for k in ("slices-x", "slices-y", "slices-z", "slices-mean")],
        "augmentation": [("", plain), ("", "not-augmented"), recipe],
        "speed": [("stage-2", "stage-2"), ("two-stage", "two-stage"), ("", "conventional"), ("", "slices-y")],
    }
    return rows[table]


def row_title(table: str, row: str, system: System) -> str:
    """What a row of a table is called.

    Args:
        table: One of TABLES.
        row: The row's key in published.py.
        system: The row's system.

    Returns:
        Its title.
    """
    if table == "III" and row:
        number = int(row.removeprefix("set-"))
        channels = ", ".join(SHORT[name] for name in INPUT_SETS[number])
        return f"{number}) {channels}" + (", water a copy of in-phase" if system.key.endswith("copied-water") else "")
    if table == "augmentation" and system.key in ("stage-2", "two-stage"):
        return "with augmentation"
    return system.title


def wanted(tables: Sequence[str], localizer_of_each_set: bool) -> list[System]:
    """The systems of some tables.

    Args:
        tables: Some of TABLES.
        localizer_of_each_set: As of `systems`.

    Returns:
        Them, each once, those that most tables need first.
    """
    keys = {key for table in tables for _, key in rows_of(table, localizer_of_each_set)}
    return [system for key, system in systems(localizer_of_each_set).items() if key in keys]
