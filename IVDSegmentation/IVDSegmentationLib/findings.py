"""Findings: what a person should know or check about a result, as a code with its levels and numbers.

The library decides, compares and hands on findings; nothing reads a sentence. Sentences are made where people read them, by
`Finding.text`: in English on the command line and in files, through Slicer's translations in the panel.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from string import Formatter
from typing import Any, Literal

from .errors import InputError

Severity = Literal["note", "warning"]
"""A note says what was done. A warning asks a person to check something."""

Value = str | int | float

Translate = Callable[[str], str]
"""From an English text to that of another language, placeholders untouched; Slicer's `tr` is one."""


@dataclass(frozen=True)
class Kind:
    """What all findings of one code have in common.

    Attributes:
        severity: `note` or `warning`.
        text: English sentence with placeholders: {level} and {other_level} for the first two levels, {levels} for all of
            them, and the names of the values.
        singular: The sentence where the value `count` is 1; empty where it is the same.
        words: The values that are words of a language, such as `left`, and not names or numbers.
        named: Whether its values may be names of files, nodes or cases. Such a finding is shown to who compares segmentations,
            and is in no report: no output holds a name, which may be that of a patient.
        uncertain_levels: Whether it says that the names of the levels may be wrong. Who sets the lowest level settles it.
    """

    severity: Severity
    text: str
    singular: str = ""
    words: tuple[str, ...] = ()
    named: bool = False
    uncertain_levels: bool = False


def _uncertain(text: str) -> Kind:
    return Kind("warning", f"Levels uncertain, check: {text}", uncertain_levels=True)


def _implausible(quantity: str, unit: str, places: int) -> Kind:
    return Kind(
        "warning",
        f"The {quantity} of {{value:.{places}f}} {unit} is implausible for {{level}} ({{low:.0f}} to {{high:.0f}} {unit}): "
        "check the outline.",
    )


def _contradiction(relation: str, words: tuple[str, ...] = ()) -> Kind:
    return Kind(
        "warning",
        f"The channels contradict one another: {relation}. Check that each file holds the channel it is named for and "
        "that all are of one examination.",
        words=words,
    )


KINDS: Mapping[str, Kind] = {
    # Channels
    "channel_resampled": Kind(
        "note",
        "The {channel} channel ({size} voxels) was resampled onto the grid of the {reference} channel ({reference_size}).",
        words=("channel", "reference"),
    ),
    "channel_covers_part": Kind(
        "warning",
        "The {channel} channel ({size} voxels) was resampled onto the grid of the {reference} channel ({reference_size}); it "
        "covers {share:.0%} of it and is 0 elsewhere.",
        words=("channel", "reference"),
    ),
    "channel_copy_computed": Kind(
        "warning",
        "The {copy} and {original} channels hold exactly the same image: it was taken as {kept}, and {dropped} was computed "
        "from the other channels.",
        words=("copy", "original", "kept", "dropped"),
    ),
    "channel_copy_left_out": Kind(
        "warning",
        "The {copy} and {original} channels hold exactly the same image: it was taken as {kept}, and {dropped} is left out.",
        words=("copy", "original", "kept", "dropped"),
    ),
    "in_phase_is_no_sum": _contradiction("in-phase is not the sum of water and fat"),
    "opposed_phase_is_no_difference": _contradiction("opposed-phase is not the difference of water and fat"),
    "opposed_phase_exceeds_in_phase": _contradiction("opposed-phase is brighter than in-phase"),
    "channel_exceeds_in_phase": _contradiction(
        "{channel} is brighter than in-phase, which holds water and fat", words=("channel",)
    ),
    "water_and_fat_swapped": Kind(
        "warning", "Water and fat look swapped: what is called water shows fat. Check the names of the two channels."
    ),
    # The run
    "structures_off_spine": Kind(
        "warning",
        "{count} structures that resemble discs lie off the chain of discs and were left out: check that no disc is missing.",
        singular="1 structure that resembles a disc lies off the chain of discs and was left out: check that no disc is "
        "missing.",
    ),
    "dicom_needs_highdicom": Kind(
        "warning", 'No DICOM objects were written: they need highdicom (pip install "ivdsegmentation[dicom]").'
    ),
    "dicom_not_written": Kind(
        "warning",
        "No DICOM objects were written: the DICOM files of the input are not as they were, or lack what DICOM asks for.",
    ),
    "gpu_memory": Kind("note", "The memory of the GPU did not suffice: the discs were segmented on the CPU."),
    "edited": Kind(
        "warning",
        "The discs were edited in Slicer after they were segmented: the measurements and files of this report are those from "
        "before the edits.",
    ),
    # Levels
    "lowest_level_uncertain": _uncertain(
        "the lowest disc is {level} with a probability of {probability:.0%}, {other_level} with {other_probability:.0%}. If it "
        "is another, set the lowest level to {other_level}."
    ),
    "disc_above_uncertain": _uncertain(
        "the lowest disc is {level}, but whether one was missed or one too many found above it is not certain (probability "
        "{probability:.0%})."
    ),
    "upside_down_uncertain": _uncertain(
        "the image reads better as a spine with head and feet exchanged. Check the header; if it is right, set the lowest "
        "level."
    ),
    "names_counted": _uncertain("this model does not read levels; the discs were counted from {level} upwards."),
    "spine_faint": _uncertain(
        "the spine shows faintly in this large field of view; load a part of it that holds the lumbar spine, or more channels."
    ),
    "disc_not_found": Kind("warning", "No disc was found at {levels}, where there is room for one: check the levels."),
    "header_exchanged": Kind(
        "warning",
        "The header exchanges front and back, the image shows: names, heights and angles are the person's, and left and right "
        "are doubtful.",
    ),
    # Discs
    "low_confidence": Kind("warning", "The confidence is low ({confidence:.2f}): check the outline."),
    "sacral_disc": Kind("warning", "{level} is a rudimentary disc of the sacrum: check that it is one."),
    "cut": Kind("warning", "The disc is cut by the edge of the field of view: its measurements are those of the part inside."),
    "cut_at_side": Kind(
        "warning",
        "The disc is cut by the left or right edge of the field of view: its volume and width are not known.",
    ),
    "volume_implausible": _implausible("volume", "mm3", 0),
    "height_implausible": _implausible("mean height", "mm", 1),
    "depth_implausible": _implausible("depth", "mm", 1),
    "width_implausible": _implausible("width", "mm", 1),
    "volume_unlike_neighbours": Kind(
        "warning", "The volume is {ratio:.1f} times that of the discs next to it: check the outline."
    ),
    "asymmetric": Kind(
        "warning",
        "The {side} side holds {share:.0%} of the volume more than the other: check the outline.",
        words=("side",),
    ),
    "fat_like_marrow": Kind(
        "warning",
        "The signal fat fraction of {fat_fraction:.2f} is like that of marrow: check for a leak into bone or exchanged "
        "channels.",
    ),
    # The case
    "discs_flagged": Kind(
        "note", "{count} discs are flagged ({levels}): see the flags.", singular="1 disc is flagged ({levels}): see the flags."
    ),
    "discs_fat_like_marrow": Kind(
        "warning",
        "The signal fat fraction of the discs is {fat_fraction:.2f}, like marrow: check whether water and fat are exchanged.",
    ),
    # Comparison with a reference
    "prediction_resampled": Kind(
        "note", "The segmentation lies on another grid than the reference and was put onto it voxel by voxel."
    ),
    "no_reference": Kind("note", "{name} has no reference and was left out.", named=True),
    "no_prediction": Kind("warning", "{name} has no prediction: all its discs count as missing.", named=True),
}
"""Code -> what its findings say. A code is part of report.json: it keeps its meaning, or gets another name."""

WORDS = ("fat", "in-phase", "opposed-phase", "water", "left", "right")
"""What stands in values that are words (`Kind.words`)."""

_LEVEL_FIELDS = ("level", "other_level")


@dataclass(frozen=True)
class Finding:
    """One thing that a person should know or check.

    Attributes:
        code: One of KINDS.
        levels: Levels that it speaks of, caudal to cranial; that of its disc where it is about one disc.
        values: What else its sentence holds: numbers with their unit in the name, and WORDS.
    """

    code: str
    levels: tuple[str, ...] = ()
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Refuse what no sentence could be made of."""
        if self.code not in KINDS:
            raise InputError(f"{self.code!r} is the code of no finding")
        names = {name for name in _fields(self.kind.text) if name not in ("levels", *_LEVEL_FIELDS[: len(self.levels)])}
        if missing := sorted(names - set(self.values)):
            raise InputError(f"a finding of the code {self.code} needs {', '.join(missing)}")
        texts = [value for value in self.values.values() if isinstance(value, str)]
        if not self.kind.named and any(text not in WORDS and not re.fullmatch(r"\d+(x\d+)*", text) for text in texts):
            raise InputError(f"a finding of the code {self.code} holds a text that may be a name")

    @property
    def kind(self) -> Kind:
        """What all findings of this code have in common."""
        return KINDS[self.code]

    @property
    def severity(self) -> Severity:
        """`note` or `warning`."""
        return self.kind.severity

    def text(self, translate: Translate = str) -> str:
        """The sentence for a person.

        Args:
            translate: From an English text of KINDS or WORDS to the reader's language.

        Returns:
            One or more sentences.
        """
        kind = self.kind
        template = kind.singular if kind.singular and self.values.get("count") == 1 else kind.text
        values = {name: translate(str(value)) if name in kind.words else value for name, value in self.values.items()}
        levels = dict(zip(_LEVEL_FIELDS, self.levels, strict=False))
        return translate(template).format(**{**values, **levels, "levels": ", ".join(self.levels)})

    def renamed(self, names: Mapping[str, str]) -> Finding:
        """The same finding where the discs have other names.

        Args:
            names: Level before -> level now; a level that is missing here keeps its name.

        Returns:
            The finding with its levels exchanged.
        """
        return replace(self, levels=tuple(names.get(level, level) for level in self.levels))

    def to_json(self) -> dict[str, Any]:
        """The finding as report.json and the worker's protocol hold it.

        Returns:
            Code, severity, levels, values, and the English text; numbers to six significant digits.
        """
        values = {name: float(f"{v:.6g}") if isinstance(v, float) else v for name, v in self.values.items()}
        rounded = replace(self, values=values)
        return {
            "code": self.code,
            "severity": self.severity,
            "levels": list(self.levels),
            "values": values,
            "text": rounded.text(),
        }


def finding(code: str, *levels: str, **values: Value) -> Finding:
    """Make a finding.

    Args:
        code: One of KINDS.
        *levels: Levels that it speaks of.
        **values: What else its sentence holds.

    Returns:
        The finding.

    Raises:
        InputError: The code is unknown, or something that its sentence holds is missing.
    """
    return Finding(code, levels, values)


def finding_of(content: Mapping[str, Any]) -> Finding:
    """The finding that `Finding.to_json` wrote.

    Args:
        content: The JSON object.

    Returns:
        The finding.

    Raises:
        InputError: It is none of this version, or something in it is missing or of another kind.
    """
    try:
        levels = tuple(str(level) for level in content["levels"])
        values = dict(content["values"])
        code = str(content["code"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("a finding lacks its code, levels or values") from error
    if not all(isinstance(value, (str, int, float)) for value in values.values()):
        raise InputError(f"a finding of the code {code} holds a value that is neither a number nor a text")
    read = Finding(code, levels, values)
    try:
        read.text()
    except (ValueError, KeyError) as error:
        raise InputError(f"a finding of the code {code} holds a value of another kind than its sentence needs") from error
    return read


def has_uncertain_levels(findings: Sequence[Finding]) -> bool:
    """Whether the names of the levels may be wrong.

    Args:
        findings: Of a case.

    Returns:
        True where one of them says so.
    """
    return any(one.kind.uncertain_levels for one in findings)


def renamed_findings(findings: Sequence[Finding], names: Mapping[str, str]) -> tuple[Finding, ...]:
    """The findings of a case once a person has said which level the lowest disc is.

    Args:
        findings: Of the case.
        names: Level before -> level now.

    Returns:
        Those that remain, with the new names: what was uncertain of the levels is settled.
    """
    return tuple(one.renamed(names) for one in findings if not one.kind.uncertain_levels)


def _fields(text: str) -> set[str]:
    """The placeholders of a text."""
    return {name for _, name, _, _ in Formatter().parse(text) if name}
