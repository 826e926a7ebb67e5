"""The four Dixon channels, and how they are recognised by the names of files, series and nodes."""

from __future__ import annotations

import re
from collections.abc import Iterable

CHANNELS: tuple[str, ...] = ("fat", "in_phase", "opposed_phase", "water")
"""The channels of a Dixon examination, in the one order of the project: that of the networks' input."""

PLAIN_NAMES: dict[str, str] = {
    "fat": "fat",
    "in_phase": "in-phase",
    "opposed_phase": "opposed-phase",
    "water": "water",
}
"""Channel -> how a sentence for the user calls it."""

REFERENCE_ORDER: tuple[str, ...] = ("water", "opposed_phase", "in_phase", "fat")
"""The first of these that an examination holds lends its grid to the result."""

UNDERSTOOD_NAMES = "fat|F, inn|in|ip|in_phase, opp|op|out|opposed_phase, wat|water|W"
"""What a message for the user says of the names that are recognised."""

_IMAGE_TYPES = {
    **dict.fromkeys(("W", "WATER"), "water"),
    **dict.fromkeys(("F", "FAT"), "fat"),
    **dict.fromkeys(("IP", "IN", "IN_PHASE", "INPHASE"), "in_phase"),
    **dict.fromkeys(("OP", "OPP", "OUT", "OPP_PHASE", "OPPOSED_PHASE", "OUT_PHASE", "OUTPHASE"), "opposed_phase"),
}
"""Values of the DICOM tag ImageType: Siemens and GE write words, Philips initials."""

_WORDS = {
    **dict.fromkeys(("fat", "fats"), "fat"),
    **dict.fromkeys(("water", "wat"), "water"),
    **dict.fromkeys(("inphase", "inn"), "in_phase"),
    **dict.fromkeys(("opp", "opposed", "opposedphase", "oppphase", "outphase", "outofphase"), "opposed_phase"),
}
_LAST_WORDS = {
    "f": "fat",
    "w": "water",
    "in": "in_phase",
    "ip": "in_phase",
    "op": "opposed_phase",
    "out": "opposed_phase",
}
"""Too short to mean a channel anywhere but at the end of a name (`t1_vibe_dixon_W`, `in_001`)."""
_PHRASES = {r"\bin phase\b": "in_phase", r"\b(out|op|out of) phase\b": "opposed_phase"}
_NEVER = re.compile(
    r"\b(dis[ck]s?|ivds?|vertebrae?|masks?|reference|labels?|labelmap|seg|segmentations?|predict(ion|ions|ed)|probability|"
    r"manual|truth|gt|annotations?|frac|fraction|ff|pdff|fatfraction|fieldmap|star)\b"
)
_NOT_AFTER = frozenset(("sat", "saturation", "saturated", "sup", "suppressed", "suppression", "free", "excitation"))
"""`fat sat`, `water excitation`: ways to image, not channels."""


def recognise_channel(name: str) -> str | None:
    """The channel that the name of a file, a series or a node means.

    Understood are fat|F, inn|in|ip|in_phase, opp|op|out|opposed_phase and wat|water|W with whatever stands around them
    (`07_inn.nii`, `t1_vibe_dixon_W.nii.gz`, `InPhase.nrrd`, `WATER: LAVA Flex`). Words end at everything that is no
    letter and where the case changes.

    Args:
        name: A file's name with its suffix, or a description.

    Returns:
        One of CHANNELS. None for masks and maps (`discs`, `vertebrae`, `fat_fraction`), weightings (`T1w`), fat
        suppression, names that mean two channels, and names that mean none.
    """
    stem = re.sub(r"\.(nii|nrrd|nhdr|mha|mhd)(\.gz)?$", "", name, flags=re.IGNORECASE)
    stem = re.sub(r"[-_ ](ND|NORM|DIS[23]D)(?=[-_ ]|$)", "", stem)  # Siemens: how distortion and shading were corrected
    stem = re.sub(r"(t[12]|pd)[-_ ]?w(?![a-z])", " ", stem, flags=re.IGNORECASE)
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", stem)]
    text = " ".join(words)
    if _NEVER.search(text):
        return None
    followed = zip(words, [*words[1:], ""], strict=False)
    found = {_WORDS[word] for word, after in followed if word in _WORDS and after not in _NOT_AFTER}
    found |= {channel for phrase, channel in _PHRASES.items() if re.search(phrase, text)}
    if not found and words and words[-1] in _LAST_WORDS:
        found = {_LAST_WORDS[words[-1]]}
    return found.pop() if len(found) == 1 else None


def channel_of_image_type(values: Iterable[str]) -> str | None:
    """The channel that the DICOM tag ImageType means.

    Args:
        values: Its values, such as ("ORIGINAL", "PRIMARY", "M", "WATER").

    Returns:
        One of CHANNELS; None where no value, or values of several channels, are among them.
    """
    found = {_IMAGE_TYPES[value.upper()] for value in values if value.upper() in _IMAGE_TYPES}
    return found.pop() if len(found) == 1 else None
