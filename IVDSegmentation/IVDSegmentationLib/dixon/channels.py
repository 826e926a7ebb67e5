"""The four Dixon channels: their names in files, the relations between them, completion and plausibility.

In every voxel, with water and fat as magnitudes (Dixon, Radiology 153:189, 1984):
in-phase = water + fat and opposed-phase = |water - fat|.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from ..errors import InputError
from ..images import WORKING_SPACING_MM

CHANNELS: tuple[str, ...] = ("fat", "in_phase", "opposed_phase", "water")
"""The channels of a Dixon examination, in the order the networks see them."""

PLAIN_NAMES: dict[str, str] = {
    "fat": "fat",
    "in_phase": "in-phase",
    "opposed_phase": "opposed-phase",
    "water": "water",
}
"""Channel -> how a sentence for the user calls it."""

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
    r"manual|truth|gt|annotations?|fraction|ff|pdff|fatfraction|fieldmap|star)\b"
)
_NOT_AFTER = frozenset(("sat", "saturation", "saturated", "sup", "suppressed", "suppression", "free", "excitation"))
"""`fat sat`, `water excitation`: ways to image, not channels."""

_COPY_MARGIN = 0.05
"""How much worse (share of the mean signal) the usual explanation of a copy must fit before the other one is taken."""
_OUT_OF_RELATION = 0.30
"""Mean deviation from a relation, as a share of the mean signal, that is called a contradiction; 0.14 at most in the
49 boxes of IVDM3Seg (T2* decay and noise), about 0.5 and more when two files are exchanged."""
_SWAP_SKEWNESS = -0.5
"""Plate skewness below which thin plates are dark in `water`: at least +0.26 in the 34 whole water volumes of
MyoSegmenTUM, at least -0.36 in the 49 boxes; exchanged, 43 of the 49 boxes fall below and have more fat than water."""
_SWAP_RIM = -0.4
"""(fat - water) / (fat + water) of the posterior rim: 0.5 to 0.8 in 16 phantoms, so -0.5 to -0.8 exchanged. Not
enough by itself: about -0.5 too in the leanest of the 34 volunteers of MyoSegmenTUM, muscle close under the skin."""


def recognise_channel(file_name: str) -> str | None:
    """The channel a file (or series) name means, or None.

    Understood are fat|F, inn|in|ip|in_phase, opp|op|out|opposed_phase and wat|water|W with whatever stands around them
    (`07_inn.nii`, `t1_vibe_dixon_W.nii.gz`, `InPhase.nrrd`, `WATER: LAVA Flex`). Words are split at everything that is
    no letter and where the case changes. Masks and maps (`discs`, `vertebrae`, `fat_fraction`), weightings (`T1w`),
    fat suppression, and names that mean two channels are None.
    """
    stem = re.sub(r"\.(nii|nrrd|nhdr|mha|mhd)(\.gz)?$", "", file_name, flags=re.IGNORECASE)
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


def complete_channels(
    given: Mapping[str, np.ndarray],
    spacing_mm: tuple[float, float, float] = WORKING_SPACING_MM,
) -> tuple[dict[str, np.ndarray], frozenset[str], tuple[str, ...]]:
    """Check the channels given and compute the missing ones that the Dixon relations determine.

    given: channel -> [x, y, z] (towards left, posterior, cranial), one shape and intensity unit for all, >= 0.
    Any two of water, fat and in-phase give all four. Opposed-phase with in-phase says how much of two tissues there is
    but not which is fat, and opposed-phase with water (or fat) leaves a sign open: there, what is missing stays so.

    Of two channels that hold the same voxels one is a copy under a wrong name. The one kept is that which fits the
    other channels; where they cannot tell, water is the copy of in-phase (as in the water boxes published with the
    paper), and otherwise opposed-phase, then fat, is the copy. The copy is dropped, and recomputed where possible.

    Returns (channels as float32, which of them were computed, sentences for the user).
    Raises InputError for an unknown channel or differing shapes.
    """
    shapes = {name: np.shape(voxels) for name, voxels in given.items()}
    if unknown := sorted(set(given) - set(CHANNELS)):
        raise InputError(f"{unknown[0]} is not a Dixon channel: use {', '.join(CHANNELS)}")
    if len(set(shapes.values())) > 1:
        listed = ", ".join(f"{PLAIN_NAMES[name]} {'x'.join(map(str, shape))}" for name, shape in shapes.items())
        raise InputError(f"the channels differ in their number of voxels ({listed}): put them on one grid first")
    channels, warnings = _without_copies({name: np.asarray(given[name], np.float32) for name in CHANNELS if name in given})
    warnings += _contradictions(_thinned(channels))
    derived = _derive(channels)
    if "water" in channels and "fat" in channels and _look_swapped(channels["water"], channels["fat"], spacing_mm):
        warnings.append("Water and fat look swapped: what is called water shows fat. Check the names of the two channels.")
    ordered = {name: channels[name] for name in CHANNELS if name in channels}
    return ordered, frozenset(derived), tuple(warnings)


def _derive(channels: dict[str, np.ndarray]) -> set[str]:
    """Add to `channels` what those present determine; the names added."""
    before = set(channels)
    if "in_phase" not in channels and {"water", "fat"} <= before:
        channels["in_phase"] = channels["water"] + channels["fat"]
    for wanted, other in (("water", "fat"), ("fat", "water")):
        if wanted not in channels and {"in_phase", other} <= before:
            channels[wanted] = np.maximum(channels["in_phase"] - channels[other], 0)
    if "opposed_phase" not in channels and {"water", "fat"} <= set(channels):
        channels["opposed_phase"] = np.abs(channels["water"] - channels["fat"])
    return set(channels) - before


def _thinned(channels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Every other voxel along each axis: an eighth of the work, and means do not change."""
    return {name: voxels[::2, ::2, ::2] for name, voxels in channels.items()}


def _without_copies(given: dict[str, np.ndarray]) -> tuple[dict[str, np.ndarray], list[str]]:
    """Drop one channel of every identical pair; what is left, and a sentence on each."""
    channels, warnings = dict(given), []
    # The first of a pair is the copy unless the other channels say otherwise.
    for copy, original in (
        ("water", "in_phase"),
        ("opposed_phase", "in_phase"),
        ("opposed_phase", "water"),
        ("opposed_phase", "fat"),
        ("fat", "in_phase"),
        ("fat", "water"),
    ):
        if not (copy in channels and original in channels and _same(channels[copy], channels[original])):
            continue
        thin = _thinned(channels)
        usual, other = (max(_deviations(_but(thin, name)).values(), default=0.0) for name in (copy, original))
        dropped = original if usual > other + _COPY_MARGIN else copy
        kept = copy if dropped == original else original
        channels = _but(channels, dropped)
        fate = "was computed from the other channels" if dropped in _determined(channels) else "is left out"
        warnings.append(
            f"The {PLAIN_NAMES[copy]} and {PLAIN_NAMES[original]} channels hold exactly the same image: it was taken "
            f"as {PLAIN_NAMES[kept]}, and {PLAIN_NAMES[dropped]} {fate}."
        )
    return channels, warnings


def _determined(channels: Mapping[str, np.ndarray]) -> set[str]:
    """Names of the channels that the Dixon relations determine from those present."""
    return set(CHANNELS) if len({"water", "fat", "in_phase"}.intersection(channels)) >= 2 else set(channels)


def _but(channels: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key: voxels for key, voxels in channels.items() if key != name}


def _same(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal voxel by voxel; a sparse look first, which settles nearly every pair."""
    return np.array_equal(one[::7, ::7, ::7], other[::7, ::7, ::7]) and np.array_equal(one, other)


def _deviations(channels: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Relation, named as in a sentence -> mean deviation from it as a share of the mean signal (0 = fulfilled).

    Equalities are judged up to one factor between the two sides (scanners scale channels separately).
    """
    water, fat = channels.get("water"), channels.get("fat")
    in_phase, opposed = channels.get("in_phase"), channels.get("opposed_phase")
    deviations: dict[str, float] = {}
    if in_phase is not None and water is not None and fat is not None:
        deviations["in-phase is not the sum of water and fat"] = _misfit(in_phase, water + fat)
    if in_phase is not None:
        for name in ("water", "fat"):
            if name in channels and not ("water" in channels and "fat" in channels):
                deviations[f"{name} is brighter than in-phase, which holds water and fat"] = _excess(channels[name], in_phase)
    if opposed is not None:
        difference = None
        if water is not None and fat is not None:
            difference = water - fat
        elif in_phase is not None and (water is not None or fat is not None):
            part = water if water is not None else fat
            assert part is not None
            difference = 2 * part - in_phase
        if difference is not None:
            deviations["opposed-phase is not the difference of water and fat"] = _misfit(opposed, np.abs(difference))
        if in_phase is not None:
            deviations["opposed-phase is brighter than in-phase"] = _excess(opposed, in_phase)
    return deviations


def _misfit(measured: np.ndarray, expected: np.ndarray) -> float:
    """Mean |measured - s expected| / mean measured, s the least-squares factor."""
    power = float(np.vdot(expected, expected))
    factor = float(np.vdot(measured, expected)) / power if power > 0 else 0.0
    return float(np.mean(np.abs(measured - factor * expected)) / max(float(np.mean(np.abs(measured))), 1e-12))


def _excess(smaller: np.ndarray, larger: np.ndarray) -> float:
    """How far `smaller` stands above `larger`, as a share of the mean of `larger`."""
    return float(np.mean(np.maximum(smaller - larger, 0)) / max(float(np.mean(np.abs(larger))), 1e-12))


def _contradictions(channels: Mapping[str, np.ndarray]) -> list[str]:
    return [
        f"The channels contradict one another: {relation}. Check that each file holds the channel it is named for and "
        "that all are of one examination."
        for relation, deviation in _deviations(channels).items()
        if deviation > _OUT_OF_RELATION
    ]


def _look_swapped(water: np.ndarray, fat: np.ndarray, spacing_mm: tuple[float, float, float]) -> bool:
    """Whether anatomy says that the two are exchanged (the Dixon relations, symmetric in them, cannot).

    Two signs, each of which turns over when the channels are exchanged: discs are thin bright plates between tall
    vertebrae in water, thin dark ones in fat; and the posterior rim of the body, under the skin, is fat. Where the rim
    is in the picture both must say so; elsewhere the plates must, clearly, and there must be more `fat` than `water`.
    """
    difference = water - fat
    rim = _rim_of_fat(difference, water, fat, spacing_mm)
    plates = _plate_skewness(difference, spacing_mm)
    if rim is not None:
        return rim < _SWAP_RIM and plates < 0
    return plates < _SWAP_SKEWNESS and float(water.mean()) < float(fat.mean())


def _plate_skewness(difference: np.ndarray, spacing_mm: tuple[float, float, float]) -> float:
    """Skewness of the caudal-cranial fine structure of water - fat, near the middle of the field of view.

    Positive where thin plates are brighter than what lies between them. The band passed, 2.5 to 9 mm, holds the height
    of discs; 5 mm of smoothing across leaves little but plates.
    """
    middle = difference.shape[0] // 2
    half = max(int(25 / spacing_mm[0]), 1)
    slab = difference[max(middle - half, 0) : middle + half + 1]
    across_x = _smoothing(slab.shape[0], 5 / spacing_mm[0])[::2]
    across_y = _smoothing(slab.shape[1], 5 / spacing_mm[1])[::2]
    along_z = _smoothing(slab.shape[2], 2.5 / spacing_mm[2]) - _smoothing(slab.shape[2], 9 / spacing_mm[2])
    smooth = np.tensordot(across_x, slab, (1, 0))
    plates = np.matmul(across_y, smooth) @ along_z.T
    spread = float(np.mean(plates**2)) ** 1.5
    return float(np.mean(plates**3)) / spread if spread > 0 else 0.0


def _smoothing(size: int, sigma: float) -> np.ndarray:
    """Gaussian smoothing of a line of `size` voxels as a float32 matrix, edge voxels repeated."""
    reach = int(4 * sigma + 1)
    matrix = np.zeros((size, size))
    position = np.arange(size)
    for offset in range(-reach, reach + 1):
        np.add.at(matrix, (position, np.clip(position + offset, 0, size - 1)), np.exp(-0.5 * (offset / sigma) ** 2))
    return (matrix / matrix.sum(axis=1, keepdims=True)).astype(np.float32)


def _rim_of_fat(
    difference: np.ndarray, water: np.ndarray, fat: np.ndarray, spacing_mm: tuple[float, float, float]
) -> float | None:
    """Mean (fat - water) / (fat + water) 3 to 8 mm under the posterior surface: -1 (water) .. 1 (fat).

    None where fewer than half of the lines from behind meet at least 8 mm of air first.
    """
    signal = (water + fat)[::2, :, ::2]
    tissue = signal > 0.15 * np.percentile(signal, 95)
    # A voxel is inside when it and the next two from behind are tissue: noise and ghosts in air are not.
    inside = tissue[:, 2:] & tissue[:, 1:-1] & tissue[:, :-2]
    if inside.shape[1] == 0:
        return None
    from_behind = inside[:, ::-1]
    air_voxels = np.where(from_behind.any(axis=1), np.argmax(from_behind, axis=1), 0)
    seen = air_voxels * spacing_mm[1] >= 8
    if seen.mean() < 0.5:
        return None
    surface = signal.shape[1] - 1 - air_voxels
    depths = np.arange(int(np.ceil(3 / spacing_mm[1])), int(8 / spacing_mm[1]) + 1)
    at = np.clip(surface[:, None, :] - depths[None, :, None], 0, None)
    rim_difference = np.take_along_axis(difference[::2, :, ::2], at, axis=1).transpose(0, 2, 1)[seen]
    rim_signal = np.take_along_axis(signal, at, axis=1).transpose(0, 2, 1)[seen]
    total = float(rim_signal.sum())
    return -float(rim_difference.sum()) / total if total > 0 else None
