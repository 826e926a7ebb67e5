"""Confidence that means something: the Dice that a disc may expect, fitted to and checked on cross-validated discs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import InputError
from ..pipeline.confidence import calibrated

BIN_WIDTH = 0.05


def judged_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of the rows of a cross-validation (crossvalidation.Row) those on which confidence is fitted and judged: boxes at the
    given centres."""
    return [row for row in rows if row["centre"] == "given"]


def fit_confidence(rows: Sequence[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Slope and intercept by role of the least-squares line from expected to true Dice over `judged_rows`."""
    lines = {}
    for role in sorted({row["role"] for row in rows}):
        mine = [row for row in rows if row["role"] == role]
        columns = np.array([[row["expected_dice"], 1.0] for row in mine])
        slope, intercept = np.linalg.lstsq(columns, np.array([row["dice"] for row in mine]))[0]
        lines[role] = (round(float(slope), 4), round(float(intercept), 4))
    return lines


def read_rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a cross-validation's `rows.csv`. Raises InputError: missing, or without the columns confidence needs."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        return [{**row, "dice": float(row["dice"]), "expected_dice": float(row["expected_dice"])} for row in rows]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path.name} of {path.parent.name} is not that of a segmenter's cross-validation: "
            "run `ivdseg crossvalidate segmenter` to its end first"
        ) from error


def held_out_confidence(rows: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated confidence and true Dice of every disc of `judged_rows`, all channels or water alone, its line fitted
    without its subject; a role that answered for no other subject is left out."""
    confidence, truth = [], []
    for subject in sorted({row["subject"] for row in rows}):
        lines = fit_confidence([row for row in rows if row["subject"] != subject])
        for row in rows:
            if row["subject"] == subject and row["subset"] in ("all", "water") and row["role"] in lines:
                confidence.append(calibrated(row["expected_dice"], lines[row["role"]]))
                truth.append(row["dice"])
    return np.array(confidence), np.array(truth)


def reliability(confidence: np.ndarray, truth: np.ndarray) -> list[tuple[int, float, float]]:
    """Number of discs, mean confidence, mean Dice of every bin of confidence BIN_WIDTH wide that holds a disc."""
    bins = np.minimum((confidence / BIN_WIDTH).astype(int), round(1 / BIN_WIDTH) - 1)
    found = (bins == number for number in np.unique(bins))
    return [(int(mine.sum()), float(confidence[mine].mean()), float(truth[mine].mean())) for mine in found]


def expected_calibration_error(confidence: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the discs of the distance between their bin's mean confidence and mean Dice (Naeini et al., AAAI 2015, with
    Dice for accuracy); 0..1, NaN for no disc."""
    if not len(confidence):
        return float("nan")
    return sum(count * abs(mean - true) for count, mean, true in reliability(confidence, truth)) / len(confidence)


def write_diagram(confidence: np.ndarray, truth: np.ndarray, path: Path) -> None:
    """The reliability diagram as SVG: every outline judged a dot, every bin of three or more a ring, the diagonal."""
    low, size, edge = 0.6, 360, 48

    def at(value: float) -> float:
        return round(size * (min(max(value, low), 1.0) - low) / (1.0 - low), 1)

    dots = [
        f'<circle cx="{at(c)}" cy="{size - at(t)}" r="2" fill="#3465a4" fill-opacity="0.45"/>'
        for c, t in zip(confidence, truth, strict=True)
    ]
    rings = [
        f'<circle cx="{at(c)}" cy="{size - at(t)}" r="6" fill="none" stroke="#cc0000" stroke-width="2"/>'
        for count, c, t in reliability(confidence, truth)
        if count >= 3
    ]
    ticks = [round(low + 0.1 * n, 1) for n in range(5)]
    axes = [f'<text x="{at(v)}" y="{size + 18}" text-anchor="middle">{v}</text>' for v in ticks]
    axes += [f'<text x="-8" y="{size - at(v) + 4}" text-anchor="end">{v}</text>' for v in ticks]
    error = expected_calibration_error(confidence, truth)
    text = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size + 2 * edge}" height="{size + 2 * edge}" '
        f'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        f'<g transform="translate({edge + 8},{edge - 14})"><rect width="{size}" height="{size}" fill="none" stroke="#888"/>'
        f'<line x1="0" y1="{size}" x2="{size}" y2="0" stroke="#888" stroke-dasharray="4"/>'
        f"{''.join(dots)}{''.join(rings)}{''.join(axes)}"
        f'<text x="{size / 2}" y="{size + 38}" text-anchor="middle">confidence</text>'
        f'<text transform="translate(-36,{size / 2}) rotate(-90)" text-anchor="middle">Dice</text>'
        f'<text x="{size / 2}" y="-10" text-anchor="middle">{len(confidence)} cross-validated outlines, expected calibration '
        f"error {error:.3f}</text></g></svg>\n"
    )
    path.write_text(text, encoding="utf-8")
