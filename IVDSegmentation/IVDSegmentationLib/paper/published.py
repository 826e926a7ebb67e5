"""The figures that the paper gives: its Tables I, III, IV and V, and its times."""

from __future__ import annotations

WEBER: dict[str, tuple[tuple[float, float], tuple[float, float], float]] = {
    "fat": ((15.9, 12.7), (35.2, 47.5), 0.57),
    "in_phase": ((172.1, 39.9), (97.9, 89.5), 0.75),
    "opposed_phase": ((155.4, 47.5), (63.2, 65.1), 1.46),
    "water": ((163.4, 41.1), (67.9, 67.5), 1.43),
}
"""Table I. Channel -> mean and SD of the discs' intensities, of the background's, and the absolute Weber contrast."""

DICE: dict[tuple[str, str], tuple[float, float]] = {
    ("III", "set-1"): (87.9, 1.7),
    ("III", "set-2"): (89.0, 1.4),
    ("III", "set-3"): (88.0, 1.6),
    ("III", "set-4"): (88.5, 1.6),
    ("IV", "conventional"): (87.5, 0.9),
    ("IV", "two-stage"): (89.0, 1.4),
    ("IV", "slices-y"): (81.8, 1.3),
    ("V", "slices-x"): (79.4, 1.0),
    ("V", "slices-y"): (81.8, 1.3),
    ("V", "slices-z"): (77.3, 67.0),
    ("V", "slices-mean"): (80.0, 1.5),
}
"""Tables III to V. (Table, system) -> mean and SD of Dice, per cent; an SD of 67 along z is what the paper prints."""

HAUSDORFF_MM: dict[str, tuple[float, float]] = {"conventional": (1.1, 0.2), "two-stage": (0.8, 0.3), "slices-y": (2.4, 1.0)}
"""Table IV. System -> mean and SD of what the paper calls Hausdorff distance."""

OTHERS: tuple[tuple[str, tuple[float, float], tuple[float, float]], ...] = (
    ("UNICHK (CNN)", (88.4, 3.7), (1.3, 0.2)),
    ("UNIJLU (winner of 2015)", (91.5, 2.3), (1.1, 0.2)),
)
"""Table IV, the systems of others: Dice in per cent and Hausdorff distance in mm, from the challenge of 2015."""

TIMES_S: dict[str, str] = {
    "stage-2": "0.5 (stage 2, all discs of 36 x 256 x 256; TITAN XP)",
    "two-stage": "about 10 (with localization, pre- and post-processing)",
}
"""System -> the time that the paper gives for one volume, seconds."""
