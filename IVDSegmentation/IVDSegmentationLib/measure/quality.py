"""Quality flags: what a person should check of discs and cases, each with the measurement that raised it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..findings import Finding, finding
from ..levels.labelling import LEVELS, SACRAL_LEVEL
from .disc_map import labelled_box
from .rounding import rounded
from .segmented import Disc, Segmented

if TYPE_CHECKING:
    from .measurements import CaseMeasurements, DiscMeasurements

LOW_CONFIDENCE = 0.80
"""Dice with an expert that a disc may expect (confidence.py) under which its outline is worth a look. None of the
233 cross-validated outlines of labelled discs has less than 0.81; an L5-S1 outlined in part, and false positives in bone,
mostly have 0.64 to 0.79."""

VOLUME_MM3 = ((3500.0, 26000.0), (2500.0, 24000.0), (1000.0, 16000.0))
HEIGHT_MM = ((4.0, 17.0), (3.0, 15.0), (2.0, 12.0))
DEPTH_MM = ((24.0, 50.0), (24.0, 48.0), (18.0, 44.0))
WIDTH_MM = ((36.0, 70.0), (32.0, 68.0), (22.0, 60.0))
"""Plausible ranges of L5-S1 to L2-L3, of L1-L2 and T12-L1, and of the discs above. The expert masks of IVDM3Seg hold 3.6 to
27 ml and are 30 to 43 mm deep and 36 to 60 mm wide; the ranges leave a fifth on either side for small and tall people."""

NEIGHBOUR_RATIO = 2.0
"""Volume against the mean of the discs next to it, or the inverse, from which it is out of line; at most 1.42 in the
49 expert masks of IVDM3Seg."""
MARROW_FAT_FRACTION = 0.30
"""Signal fat fraction of a disc from which it resembles marrow (0.3 to 0.6) more than disc (0.05 to 0.12 in the
49 eroded expert masks of IVDM3Seg)."""
ASYMMETRY = 0.20
"""Difference of the volumes left and right of the middle, as a share of the whole."""


def disc_flags(segmented: Segmented, measured: CaseMeasurements) -> dict[str, tuple[Finding, ...]]:
    """Check every disc of a segmentation.

    Args:
        segmented: The segmentation.
        measured: Its measurements.

    Returns:
        Level -> what to check; an empty tuple where nothing is to.
    """
    by_level = {disc.level: disc for disc in measured.discs}
    by_name = level_flags([rounded(row) for row in measured.rows()])
    flags = {}
    for disc in segmented.found:
        own = by_level[disc.level]
        # The measurements of a part are those of no disc.
        found = [_confidence(disc), _cut(own), None if own.cut else _asymmetry(segmented, disc), _fat(own)]
        flags[disc.level] = (*(flag for flag in found if flag), *by_name[disc.level])
    return flags


def level_flags(discs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[Finding, ...]]:
    """Flag sizes that are implausible for a disc's level or beside its neighbours.

    Args:
        discs: Measurements of each as in report.json, rounded, so that renamed discs are judged alike.

    Returns:
        Level -> the flags that depend on its name.
    """
    by_level = {disc["level"]: disc for disc in discs}
    return {
        level: () if disc["cut"] else tuple(flag for flag in (*_ranges(disc), _neighbours(disc, by_level)) if flag)
        for level, disc in by_level.items()
    }


def discs_flagged(flags: Mapping[str, Sequence[Finding]]) -> tuple[Finding, ...]:
    """Count the discs with flags.

    Args:
        flags: Level -> flags.

    Returns:
        One finding that names the levels; none where no disc has a flag.
    """
    flagged = [level for level, found in flags.items() if found]
    return (finding("discs_flagged", *flagged, count=len(flagged)),) if flagged else ()


def case_findings(flags: Mapping[str, Sequence[Finding]], measured: CaseMeasurements) -> tuple[Finding, ...]:
    """Judge the case as a whole.

    Args:
        flags: Level -> flags.
        measured: Its measurements.

    Returns:
        How many discs are flagged, and whether most discs hold fat: then channels are exchanged.
    """
    found = [*discs_flagged(flags)]
    fractions = [d.signal_fat_fraction for d in measured.discs if d.signal_fat_fraction is not None]
    if len(fractions) > 1 and np.median(fractions) > MARROW_FAT_FRACTION:
        found.append(finding("discs_fat_like_marrow", fat_fraction=float(np.median(fractions))))
    return tuple(found)


def _confidence(disc: Disc) -> Finding | None:
    """Flag of a low confidence."""
    if disc.confidence >= LOW_CONFIDENCE:
        return None
    return finding("low_confidence", disc.level, confidence=disc.confidence)


def _cut(own: DiscMeasurements) -> Finding | None:
    """Flag of a disc that the field of view cuts."""
    if not own.cut:
        return None
    return finding("cut" if own.volume_mm3 is not None else "cut_at_side", own.level)


def _ranges(own: Mapping[str, Any]) -> list[Finding]:
    """Flags of volume, height, depth and width outside the plausible range of the level; a rudimentary disc has none."""
    if own["level"] == SACRAL_LEVEL:
        return [finding("sacral_disc", own["level"])]
    position = LEVELS.index(own["level"])
    group = 0 if position < 4 else 1 if position < 6 else 2
    checks = (
        ("volume_implausible", own["volume_mm3"], VOLUME_MM3[group]),
        ("height_implausible", own["mean_height_mm"], HEIGHT_MM[group]),
        ("depth_implausible", own["depth_mm"], DEPTH_MM[group]),
        ("width_implausible", own["width_mm"], WIDTH_MM[group]),
    )
    return [
        finding(code, own["level"], value=value, low=low, high=high)
        for code, value, (low, high) in checks
        if value is not None and not low <= value <= high
    ]


def _neighbours(own: Mapping[str, Any], by_level: Mapping[str, Mapping[str, Any]]) -> Finding | None:
    """Flag of a volume out of line with those of the whole discs next to it; a rudimentary disc is out of line."""
    if own["level"] == SACRAL_LEVEL:
        return None
    position = LEVELS.index(own["level"])
    beside = [by_level.get(LEVELS[p]) for p in (position - 1, position + 1) if 0 <= p < len(LEVELS)]
    volumes = [disc["volume_mm3"] for disc in beside if disc is not None and not disc["cut"]]
    if not volumes:
        return None
    ratio = own["volume_mm3"] / float(np.mean(volumes))
    if 1 / NEIGHBOUR_RATIO <= ratio <= NEIGHBOUR_RATIO:
        return None
    return finding("volume_unlike_neighbours", own["level"], ratio=ratio)


def _fat(own: DiscMeasurements) -> Finding | None:
    """Flag of a fat fraction like that of marrow."""
    fraction = own.signal_fat_fraction
    if fraction is None or fraction <= MARROW_FAT_FRACTION:
        return None
    return finding("fat_like_marrow", own.level, fat_fraction=fraction)


def _asymmetry(segmented: Segmented, disc: Disc) -> Finding | None:
    """Flag of more volume on one side of the spine's middle, the line from the discs' centres below and above."""
    across = np.count_nonzero(segmented.labels[labelled_box(segmented.labels, disc.label)] == disc.label, axis=(1, 2))
    total = int(across.sum())
    if total < 50:
        return None
    # The middle between the outermost voxels to the left and right: a one-sided bulge or a missing side moves the rest.
    half = len(across) // 2
    left, right = int(across[len(across) - half :].sum()), int(across[:half].sum())
    if segmented.exchanged:
        left, right = right, left
    share = (left - right) / total
    if abs(share) <= ASYMMETRY:
        return None
    return finding("asymmetric", disc.level, side="left" if share > 0 else "right", share=float(abs(share)))
