"""Cross-validation: train without a part of the subjects, predict these, and measure how well."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_file
from .calibration import (
    check_matplotlib,
    confidence_metrics,
    fit_confidence,
    held_out_confidence,
    judged_rows,
    write_diagram,
)
from .folds import split
from .localizer_judging import localizer_row, localizer_summary
from .localizer_samples import BOXES
from .loop import is_finished, trained_network
from .presets import Preset
from .scans import Scan
from .segmenter_judging import Row, disc_rows, segmenter_summary
from .train import train_localizer, train_segmenter


def crossvalidate_segmenter(
    scans: Sequence[Scan], preset: Preset, folder: Path, *, folds: int, only: Sequence[int] = (), seed: int = 0
) -> list[Row]:
    """Leave out one part of the subjects at a time, and segment the discs of those left out.

    Boxes are cut at the given centres, and at centres moved at random (segmenter_judging.py).

    Args:
        scans: Everything there is.
        preset: A preset of presets.SEGMENTER.
        folder: Receives `rows.csv`, `summary.json`, `reliability.svg` (calibration.py), `predictions`, and each fold's
            training in `fold-N`, where a finished one is not repeated.
        folds: How many; a divisor of folds.PARTS.
        only: Some of the folds; none for all.
        seed: Of the first fold; the others count on.

    Returns:
        A row for every held-out disc, subset of channels and centre.

    Raises:
        TrainingError: A training diverged.
        InputError: matplotlib is missing.
        OutputError: The folder cannot be written.
    """
    check_matplotlib()
    rows: list[Row] = []
    for fold in only or range(folds):
        training, held_out = split(scans, fold, folds)
        run = folder / f"fold-{fold}"
        segmenter = trained_network(run) if is_finished(run) else train_segmenter(training, preset, run, seed + fold)
        rng = np.random.default_rng(fold)
        for scan in held_out:
            for number in range(1, len(scan.centers_ijk) + 1):
                rows += disc_rows(segmenter, scan, number, rng, folder / "predictions")
        _write(folder, rows, segmenter_summary(rows))
    judged = judged_rows(rows)
    confidence, truth = held_out_confidence(judged)
    write_diagram(confidence, truth, folder / "reliability.svg")
    calibration = {
        "line": fit_confidence(judged),
        **(confidence_metrics(confidence, truth) if len(truth) > 1 else {}),
    }
    _write(folder, rows, {**segmenter_summary(rows), "confidence": calibration})
    return rows


def crossvalidate_localizer(
    scans: Sequence[Scan],
    preset: Preset,
    folder: Path,
    *,
    folds: int,
    only: Sequence[int] = (),
    segmenters: Path | None = None,
    seed: int = 0,
) -> list[Row]:
    """Leave out one part of the subjects at a time, and localize the discs of their whole volumes.

    Args:
        scans: Everything there is.
        preset: A preset of presets.LOCALIZER.
        folder: Receives `rows.csv`, `summary.json`, and each fold's training in `fold-N`, where a finished one is not
            repeated.
        folds: How many; a divisor of folds.PARTS.
        only: Some of the folds; none for all.
        segmenters: Folder of a cross-validation of the segmenter with as many folds: the whole pipeline is judged, too.
        seed: Of the first fold; the others count on.

    Returns:
        A row for every held-out whole volume.

    Raises:
        TrainingError: A training diverged.
        InputError: `segmenters` lacks the training of a fold.
        OutputError: The folder cannot be written.
    """
    rows: list[Row] = []
    for fold in only or range(folds):
        training, held_out = split(scans, fold, folds)
        segmenter = None if segmenters is None else trained_network(segmenters / f"fold-{fold}")
        run = folder / f"fold-{fold}"
        localizer = trained_network(run) if is_finished(run) else train_localizer(training, preset, run, seed + fold)
        rows += [localizer_row(localizer, segmenter, scan) for scan in held_out if scan.source != BOXES]
        _write(folder, rows, localizer_summary(rows))
    return rows


def _write(folder: Path, rows: Sequence[Row], summary: Mapping[str, Any]) -> None:
    """Write rows.csv and summary.json."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / "rows.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with atomic_file(folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
