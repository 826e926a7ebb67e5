"""Calibration of the confidence: the Dice that a disc may expect, fitted to and checked on cross-validated discs."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError
from ..pipeline.confidence import calibrated

BIN_WIDTH = 0.05
"""Of confidence."""

JUDGED_SUBSETS = ("all", "water", "in")
"""Subsets of channels whose outlines are in the reliability diagram."""


def judged_rows(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows on which confidence is fitted and judged: whole discs in boxes at the given centres.

    Args:
        rows: Rows of a cross-validation of the segmenter.

    Returns:
        Some of them.
    """
    return [row for row in rows if row["centre"] == "given" and row["dice"] is not None]


def fit_confidence(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """Fit true Dice to expected Dice by least squares.

    Args:
        rows: `judged_rows`.

    Returns:
        Slope and intercept.
    """
    columns = np.array([[row["expected_dice"], 1.0] for row in rows])
    slope, intercept = np.linalg.lstsq(columns, np.array([row["dice"] for row in rows]))[0]
    return round(float(slope), 4), round(float(intercept), 4)


def fit_least_probability(rows: Sequence[Mapping[str, Any]]) -> float:
    """Fit from which mean probability on an image shows a disc at all, to people whom the segmenters have not seen.

    Of every person and subset of channels the surest disc counts, at the given centres. The limit lies as far below the lowest
    of these as that lies below their median, so that a person somewhat less clear than all of them still passes.

    Args:
        rows: Rows of a cross-validation of the segmenter.

    Returns:
        Mean probability over the voxels of a disc, 0..1.
    """
    values = surest_disc_probabilities(rows)
    return round(float(2 * values.min() - np.median(values)), 4)


def surest_disc_probabilities(rows: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """The highest mean probability that a disc has, of every person and subset of channels, at the given centres.

    Args:
        rows: Rows of a cross-validation of the segmenter.

    Returns:
        0..1, (n,).
    """
    highest: dict[tuple[str, str], float] = {}
    for row in rows:
        if row["centre"] == "given":
            key = (row["subject"], row["subset"])
            highest[key] = max(float(row["mean_disc_probability"]), highest.get(key, 0.0))
    return np.array(list(highest.values()))


def read_rows(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a cross-validation.

    Args:
        path: Its `rows.csv`.

    Returns:
        The rows, with Dice (None where there is none), expected Dice and mean probability as numbers.

    Raises:
        InputError: The file is missing, or has not the columns that confidence needs.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        numbers = [
            {"dice": float(row["dice"]) if row["dice"] else None}
            | {name: float(row[name]) for name in ("expected_dice", "mean_disc_probability")}
            for row in rows
        ]
    except (OSError, KeyError, ValueError) as error:
        raise InputError(
            f"{path.name} of {path.parent.name} is not that of a segmenter's cross-validation: "
            "run `ivdseg crossvalidate segmenter` to its end first"
        ) from error
    return [{**row, **of_row} for row, of_row in zip(rows, numbers, strict=True)]


def held_out_confidence(rows: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
    """Calibrated confidence and true Dice of every disc, each calibrated without its own subject.

    Args:
        rows: `judged_rows`; those of all channels, of water alone and of in-phase alone count.

    Returns:
        Confidence and Dice, float64, (n,) each; of one subject alone none.
    """
    confidence, truth = [], []
    for subject in sorted({row["subject"] for row in rows}):
        others = [row for row in rows if row["subject"] != subject]
        line = fit_confidence(others) if others else None
        for row in rows:
            if line and row["subject"] == subject and row["subset"] in JUDGED_SUBSETS:
                confidence.append(calibrated(row["expected_dice"], line))
                truth.append(row["dice"])
    return np.array(confidence), np.array(truth)


def reliability(confidence: np.ndarray, truth: np.ndarray) -> list[tuple[int, float, float]]:
    """The bins of a reliability diagram.

    Args:
        confidence: 0..1, (n,).
        truth: Dice, 0..1, (n,).

    Returns:
        Number of discs, mean confidence and mean Dice of every bin, BIN_WIDTH wide, that holds a disc.
    """
    bins = np.minimum((confidence / BIN_WIDTH).astype(int), round(1 / BIN_WIDTH) - 1)
    found = (bins == number for number in np.unique(bins))
    return [(int(mine.sum()), float(confidence[mine].mean()), float(truth[mine].mean())) for mine in found]


def expected_calibration_error(confidence: np.ndarray, truth: np.ndarray) -> float:
    """Mean over the discs of the distance between their bin's mean confidence and mean Dice.

    It is that of Naeini et al., AAAI 2015, with Dice for accuracy.

    Args:
        confidence: 0..1, (n,).
        truth: Dice, 0..1, (n,).

    Returns:
        0..1; NaN for no disc.
    """
    if not len(confidence):
        return float("nan")
    return sum(count * abs(mean - true) for count, mean, true in reliability(confidence, truth)) / len(confidence)


def check_matplotlib() -> None:
    """Refuse to begin what ends in a diagram where it cannot be drawn.

    Raises:
        InputError: matplotlib, which only development needs, is not installed.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise InputError("this ends in a diagram, which needs matplotlib: install it (`pip install matplotlib`)")


def write_diagram(confidence: np.ndarray, truth: np.ndarray, path: Path) -> None:
    """Write the reliability diagram: a dot for every outline, a ring for every bin of three or more, the diagonal.

    Args:
        confidence: 0..1, (n,).
        truth: Dice, 0..1, (n,).
        path: SVG file.

    Raises:
        OutputError: The file cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    low = 0.6
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlim=(low, 1), ylim=(low, 1), xlabel="confidence", ylabel="Dice", aspect="equal")
    axes.axline((low, low), slope=1, linestyle="--", color="0.5", linewidth=1)
    axes.plot(np.clip(confidence, low, 1), np.clip(truth, low, 1), "o", markersize=3, alpha=0.45, clip_on=False, gid="discs")
    bins = [(mean, true) for count, mean, true in reliability(confidence, truth) if count >= 3]
    axes.plot(*np.clip(np.reshape(bins, (-1, 2)), low, 1).T, "o", markersize=10, fillstyle="none", color="tab:red", gid="bins")
    error = expected_calibration_error(confidence, truth)
    axes.set_title(f"{len(confidence)} cross-validated outlines, expected calibration error {error:.3f}", fontsize="medium")
    # The same diagram gives the same file: no date, no random identifiers; text stays text.
    with rc_context({"svg.hashsalt": "ivdseg", "svg.fonttype": "none"}), atomic_file(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})


def confidence_metrics(confidence: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """How much a confidence says of the Dice of single discs.

    Args:
        confidence: 0..1, (n,), two or more.
        truth: Dice, 0..1, (n,).

    Returns:
        Expected calibration error; mean absolute error, and that of a constant (the mean Dice); r squared, the share of the
        Dice's variance that the confidence explains (1 - residual / total; under 0 where a constant is better).
    """
    residual, total = np.square(truth - confidence).sum(), np.square(truth - truth.mean()).sum()
    return {
        "n": len(truth),
        "expected calibration error": round(expected_calibration_error(confidence, truth), 4),
        "mean absolute error": round(float(np.abs(truth - confidence).mean()), 4),
        "mean absolute error of a constant": round(float(np.abs(truth - truth.mean()).mean()), 4),
        "r squared": round(float(1 - residual / total), 3) if total > 0 else float("nan"),
    }
