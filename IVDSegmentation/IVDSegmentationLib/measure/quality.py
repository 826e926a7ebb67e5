"""Quality flags: sentences about discs and cases that a person should look at, each with the figure that raised it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..levels.labelling import LEVELS
from ..pipeline.result import Disc, SegmentationResult
from .rounding import rounded

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


def disc_flags(result: SegmentationResult, measured: CaseMeasurements) -> dict[str, tuple[str, ...]]:
    """Level -> sentences about what to check; an empty tuple where nothing is to."""
    by_level = {disc.level: disc for disc in measured.discs}
    by_name = level_flags([rounded(row) for row in measured.rows()])
    flags = {}
    for disc in result.discs:
        own = by_level[disc.level]
        # The figures of a part are those of no disc.
        found = [_confidence(disc), _cut(own), None if own.cut else _asymmetry(result, disc), _fat(own)]
        flags[disc.level] = (*(flag for flag in found if flag), *by_name[disc.level])
    return flags


def level_flags(discs: Sequence[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """Level -> the flags that depend on its name: sizes implausible for the level or beside its neighbours.

    discs: the figures of each as in report.json, so that renaming the discs of a report finds the same sentences again.
    """
    by_level = {disc["level"]: disc for disc in discs}
    return {
        level: () if disc["cut"] else tuple(flag for flag in (*_ranges(disc), _neighbours(disc, by_level)) if flag)
        for level, disc in by_level.items()
    }


def flagged_warning(flags: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The warning of how many discs have flags; none without any."""
    flagged = [level for level, sentences in flags.items() if sentences]
    if not flagged:
        return ()
    what = "1 disc is" if len(flagged) == 1 else f"{len(flagged)} discs are"
    return (f"{what} flagged ({', '.join(flagged)}): see the flags.",)


def case_warnings(flags: Mapping[str, Sequence[str]], measured: CaseMeasurements) -> tuple[str, ...]:
    """Sentences about the case as a whole: how many discs are flagged, and fat in most discs, which is a swap, not a leak."""
    warnings = [*flagged_warning(flags)]
    fractions = [d.signal_fat_fraction for d in measured.discs if d.signal_fat_fraction is not None]
    if len(fractions) > 1 and np.median(fractions) > MARROW_FAT_FRACTION:
        warnings.append(
            f"The signal fat fraction of the discs is {np.median(fractions):.2f}, like marrow: check whether water and fat "
            "are exchanged."
        )
    return tuple(warnings)


def _confidence(disc: Disc) -> str | None:
    if disc.confidence >= LOW_CONFIDENCE:
        return None
    return f"The confidence is low ({disc.confidence:.2f}): check the outline."


def _cut(own: DiscMeasurements) -> str | None:
    return (
        "The disc is cut by the edge of the field of view: its measurements are those of the part inside." if own.cut else None
    )


def _ranges(own: Mapping[str, Any]) -> list[str]:
    """Flags of volume, height, depth and width outside the plausible range of the level."""
    position = LEVELS.index(own["level"])
    group = 0 if position < 4 else 1 if position < 6 else 2
    checks = (
        ("volume", own["volume_mm3"], VOLUME_MM3[group], "mm3"),
        ("mean height", own["mean_height_mm"], HEIGHT_MM[group], "mm"),
        ("depth", own["depth_mm"], DEPTH_MM[group], "mm"),
        ("width", own["width_mm"], WIDTH_MM[group], "mm"),
    )
    return [
        f"The {name} of {value:.{0 if unit == 'mm3' else 1}f} {unit} is implausible for {own['level']} "
        f"({low:.0f} to {high:.0f} {unit}): check the outline."
        for name, value, (low, high), unit in checks
        if value is not None and not low <= value <= high
    ]


def _neighbours(own: Mapping[str, Any], by_level: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Flag of a volume out of line with those of the whole discs next to it."""
    position = LEVELS.index(own["level"])
    beside = [by_level.get(LEVELS[p]) for p in (position - 1, position + 1) if 0 <= p < len(LEVELS)]
    volumes = [disc["volume_mm3"] for disc in beside if disc is not None and not disc["cut"]]
    if not volumes:
        return None
    ratio = own["volume_mm3"] / float(np.mean(volumes))
    if 1 / NEIGHBOUR_RATIO <= ratio <= NEIGHBOUR_RATIO:
        return None
    return f"The volume is {ratio:.1f} times that of the discs next to it: check the outline."


def _fat(own: DiscMeasurements) -> str | None:
    """Flag of a fat fraction like that of marrow."""
    fraction = own.signal_fat_fraction
    if fraction is None or fraction <= MARROW_FAT_FRACTION:
        return None
    return (
        f"The signal fat fraction of {fraction:.2f} is like that of marrow: check for a leak into bone or exchanged channels."
    )


def _asymmetry(result: SegmentationResult, disc: Disc) -> str | None:
    """Flag of more volume on one side of the spine's middle, the line from the discs' centres below and above."""
    points = np.argwhere(result.labels == disc.label)
    if len(points) < 50:
        return None
    # The middle between the outermost voxels to the left and right: a one-sided bulge or a missing side moves the rest.
    x = points[:, 0]
    middle = (x.min() + x.max()) / 2
    left, right = np.count_nonzero(x > middle), np.count_nonzero(x < middle)
    share = (left - right) / len(x)
    if abs(share) <= ASYMMETRY:
        return None
    side = "left" if share > 0 else "right"
    return f"The {side} side holds {abs(share):.0%} of the volume more than the other: check the outline."
