"""Cross-validation: train without a part of the subjects, predict these, and measure how well."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import atomic_file
from ..dixon.case import case_from_volumes
from ..dixon.channels import CHANNELS
from ..findings import has_uncertain_levels
from ..images import WORKING_SPACING_MM, Grid, Volume
from ..measure.metrics import dice
from ..networks.models import Model
from ..pipeline.chain import spine_chain
from ..pipeline.confidence import THRESHOLD, expected_dice
from ..pipeline.crop import BOX_SIZE, box_start, crop
from ..pipeline.localize import find_discs, probability_map
from ..pipeline.segment import Pipeline, assemble, keep_one_disc, segment_boxes, stage_two
from .calibration import (
    check_matplotlib,
    expected_calibration_error,
    fit_confidence,
    held_out_confidence,
    judged_rows,
    write_diagram,
)
from .channel_dropout import SUBSETS, keep_subset
from .folds import PARTS, split
from .loop import load_trained
from .presets import Preset
from .scans import Scan
from .train import train_localizer, train_segmenter

if TYPE_CHECKING:
    import keras

SHIFT_VOXELS = 4
"""Centres are moved by up to this much along each axis to see how much stage 2 depends on stage 1."""

LOCALIZER_FOLDS = 3
NEAR_MM = 8.0
"""A third of the least distance between two lumbar discs."""

Row = dict[str, Any]


def crossvalidate_segmenter(scans: Sequence[Scan], presets: Mapping[str, Preset], folder: Path, seed: int = 0) -> list[Row]:
    """Leave out one part of the subjects at a time, and segment the discs of those left out.

    Boxes are cut at the given centres, and at centres moved at random by up to SHIFT_VOXELS. Which of the two networks
    segments, the pipeline decides (pipeline.segment.stage_two).

    Args:
        scans: Everything there is.
        presets: Role (`segmenter`, `water_segmenter`) -> preset.
        folder: Receives `rows.csv`, `summary.json`, `reliability.svg` (calibration.py), each fold's trainings, and for
            boxes with a reference file `predictions/SUBJECT/DISC/disc.nii.gz` (all channels, given centres; its value is
            the disc's number).
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
    for fold in range(PARTS):
        training, held_out = split(scans, fold, PARTS)
        networks = {
            role: train_segmenter(training, preset, folder / f"fold-{fold}" / role, seed + fold)
            for role, preset in presets.items()
        }
        rng = np.random.default_rng(fold)
        for scan in held_out:
            for number in range(1, len(scan.centers_ijk) + 1):
                rows += _disc_rows(networks, scan, number, rng, folder / "predictions")
        _write(folder, rows, segmenter_summary(rows))
    judged = judged_rows(rows)
    confidence, truth = held_out_confidence(judged)
    write_diagram(confidence, truth, folder / "reliability.svg")
    calibration = {
        "lines": fit_confidence(judged),
        "expected calibration error": round(expected_calibration_error(confidence, truth), 4),
    }
    _write(folder, rows, {**segmenter_summary(rows), "confidence": calibration})
    return rows


def _disc_rows(
    networks: Mapping[str, keras.Model], scan: Scan, number: int, rng: np.random.Generator, predictions: Path
) -> Iterable[Row]:
    """The rows of one disc of a scan: every subset of channels, and moved centres for the most and the least of them.

    expected_dice: what the pipeline computes its confidence from (confidence.py).
    """
    given = scan.centers_ijk[number - 1]
    moved = tuple(c + float(rng.uniform(-SHIFT_VOXELS, SHIFT_VOXELS)) for c in given)
    four = all(scan.available)
    for subset, names in (SUBSETS if four else {"water": ("water",)}).items():
        channels = keep_subset(scan.channels, names) if four else scan.channels
        for where, center in (("given", given), ("moved", moved)):
            if where == "moved" and subset not in ("all", "water"):
                continue
            start = box_start(center)
            box = crop(channels, start)
            role = stage_two([box])
            boxes = segment_boxes(networks[role], [box])
            probability = assemble(boxes, [start], scan.discs.shape).probability
            mask = probability >= THRESHOLD
            # What lies beyond the box at the given centre is another box's; beyond the known voxels there is no truth.
            judged = _inside(mask.shape, box_start(given)) & scan.known
            if scan.reference is not None and (subset, where) == ("all", "given"):
                _write_prediction(mask, scan.reference, predictions)
            yield {
                "source": scan.source,
                "subject": scan.subject,
                "disc": _level_number(scan, number),
                "subset": subset,
                "centre": where,
                "role": role,
                "dice": dice(mask & judged, (scan.discs > 0) & judged),
                "expected_dice": expected_dice(keep_one_disc(boxes[0])),
            }


def _level_number(scan: Scan, number: int) -> int:
    """The label of a scan's number-th disc, by what the README of its source says of the order."""
    if scan.source == "ivdm3seg-patches":
        return int(scan.name.split("disc")[1])
    return 6 - number if scan.source == "myosegmentum-water" else number


def _write_prediction(mask: np.ndarray, reference: Path, predictions: Path) -> None:
    """Write a box's prediction with the geometry and the name of its reference."""
    from ..images import read_volume, write_volume

    box = reference.parent
    target = predictions / box.parent.name / box.name / reference.name
    target.parent.mkdir(parents=True, exist_ok=True)
    label = int(box.name.removeprefix("disc"))
    write_volume(Volume((mask * label).astype(np.uint8), read_volume(reference).grid, reference.name), target)


def _inside(shape: Sequence[int], start: Sequence[int]) -> np.ndarray:
    """The box of BOX_SIZE at `start`, as a bool volume."""
    mask = np.zeros(shape, bool)
    mask[tuple(slice(max(s, 0), s + n) for s, n in zip(start, BOX_SIZE, strict=True))] = True
    return mask


def segmenter_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The Dice of a cross-validation of the segmenters in short.

    Args:
        rows: Its rows.

    Returns:
        Source -> number, mean and SD of Dice over discs, by subset of channels and centre; and, for the fullest subset at
        the given centres, by subject and by disc.
    """
    summary: dict[str, Any] = {}
    for source in sorted({r["source"] for r in rows}):
        mine = [r for r in rows if r["source"] == source]
        best = "all" if source == "ivdm3seg-patches" else "water"
        plain = [r for r in mine if r["subset"] == best and r["centre"] == "given"]
        summary[source] = {
            "by channels": {
                f"{subset}, centres {where}": _mean_sd(r["dice"] for r in mine if (r["subset"], r["centre"]) == (subset, where))
                for subset, where in sorted({(r["subset"], r["centre"]) for r in mine})
            },
            "by subject": {
                s: _mean_sd(r["dice"] for r in plain if r["subject"] == s) for s in sorted({r["subject"] for r in plain})
            },
            "by disc": {
                str(d): _mean_sd(r["dice"] for r in plain if r["disc"] == d) for d in sorted({r["disc"] for r in plain})
            },
        }
    return summary


def crossvalidate_localizer(
    scans: Sequence[Scan], preset: Preset, folder: Path, segmenter_folder: Path | None, seed: int = 0
) -> list[Row]:
    """Leave out a third of the subjects at a time, and localize the discs in the water volumes of those left out.

    Args:
        scans: Everything there is.
        preset: Preset of the localizer.
        folder: Receives `rows.csv`, `summary.json` and each fold's training.
        segmenter_folder: A finished cross-validation of the segmenters, or None. Its networks that have not seen the
            subject either segment what the localizer finds.
        seed: Of the first fold; the others count on.

    Returns:
        A row for every held-out water volume.

    Raises:
        TrainingError: A training diverged.
        InputError: segmenter_folder holds no finished cross-validation.
        OutputError: The folder cannot be written.
    """
    rows: list[Row] = []
    for fold in range(LOCALIZER_FOLDS):
        training, held_out = split(scans, fold, LOCALIZER_FOLDS)
        network = train_localizer(training, preset, folder / f"fold-{fold}", seed + fold)
        segmenters: dict[int, dict[str, keras.Model]] = {}
        if segmenter_folder is not None:
            for part in (p for p in range(PARTS) if p * LOCALIZER_FOLDS // PARTS == fold):
                own = segmenter_folder / f"fold-{part}"
                segmenters[part] = {role: load_trained(own / role) for role in ("segmenter", "water_segmenter")}
        for scan in (s for s in held_out if s.vertebrae is not None):
            part = next((p for p in range(PARTS) if scan.subject in {s.subject for s in split(scans, p, PARTS)[1]}), 0)
            rows.append(localizer_row(network, segmenters.get(part), scan))
        _write(folder, rows, localizer_summary(rows))
    return rows


def localizer_row(localizer: keras.Model, segmenters: Mapping[str, keras.Model] | None, scan: Scan) -> Row:
    """How a localizer does on one whole volume.

    A disc is found where a predicted centre lies on it or within NEAR_MM of its centroid (a reference that covers half a
    disc has its centroid elsewhere). A false positive is a predicted centre within the known voxels that finds none.

    Args:
        localizer: A trained localizer.
        segmenters: Role -> trained segmenter, to run the whole pipeline, too; None to localize only.
        scan: A whole volume.

    Returns:
        Counts and centre errors (mm); with segmenters also what `_end_to_end` says.
    """
    spacing = np.asarray(WORKING_SPACING_MM)
    found = find_discs(probability_map(localizer, scan.channels))
    centers_mm = np.array([np.asarray(c.center_ijk) * spacing for c in found]).reshape(-1, 3)
    chain = [found[i] for i in spine_chain(centers_mm, [c.probability for c in found])]
    numbers = [int(n) for n in np.unique(scan.discs) if n]
    errors: dict[int, float] = {}
    false = 0
    for candidate in chain:
        voxel = tuple(int(np.clip(round(c), 0, n - 1)) for c, n in zip(candidate.center_ijk, scan.discs.shape, strict=True))
        distances = [float(np.linalg.norm((np.asarray(candidate.center_ijk) - c) * spacing)) for c in scan.centers_ijk]
        nearest = numbers.index(int(scan.discs[voxel])) if scan.discs[voxel] else int(np.argmin(distances))
        if scan.discs[voxel] or distances[nearest] <= NEAR_MM:
            errors[nearest] = min(distances[nearest], errors.get(nearest, np.inf))
        else:
            false += bool(scan.known[voxel])
    row: Row = {
        "subject": scan.subject, "discs": len(scan.centers_ijk), "found": len(errors), "false": false,
        "centre_error_mm": list(errors.values()), "candidates": len(found), "chain": len(chain),
    }  # fmt: skip
    if segmenters is not None:
        row.update(_end_to_end(localizer, segmenters, scan))
    return row


def _end_to_end(localizer: keras.Model, segmenters: Mapping[str, keras.Model], scan: Scan) -> Row:
    """How the whole pipeline does on a water volume.

    Dice of every reference disc within its box, the share of voxels called disc that lie in vertebrae, whether all names
    are right, and whether a finding calls them uncertain.
    """
    model = Model("cross-validated", {}, {"localizer": localizer, **segmenters})
    x, y, z = scan.discs.shape
    grid = Grid((x, y, z), WORKING_SPACING_MM, (0.0, 0.0, 0.0))
    water = Volume(scan.channels[..., CHANNELS.index("water")], grid)
    result = Pipeline(model).segment(case_from_volumes({"water": water}, scan.name))
    mask = result.labels > 0
    judged = [_inside(mask.shape, box_start(center)) & scan.known for center in scan.centers_ijk]
    return {
        "dice": [dice(mask & where, (scan.discs > 0) & where) for where in judged],
        "in_vertebrae": float((mask & (scan.vertebrae > 0)).sum() / max(1, mask.sum())),  # type: ignore[operator]
        "names_right": names_right(result.labels, scan),
        "names_uncertain": has_uncertain_levels(result.findings),
    }


def names_right(labels: np.ndarray, scan: Scan) -> bool:
    """Whether every disc of a reference has its own label.

    Args:
        labels: uint8 [x, y, z], the label map of the pipeline.
        scan: The scan with its reference.

    Returns:
        True where, of the labelled voxels within each reference disc, most have the label of its level. A disc without a
        labelled voxel is not rightly named.
    """
    numbers = [int(n) for n in np.unique(scan.discs) if n]
    counts = {n: np.bincount(labels[scan.discs == n], minlength=2)[1:] for n in numbers}
    return all(c.any() and 1 + int(np.argmax(c)) == _level_number(scan, n) for n, c in counts.items())


def localizer_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """A cross-validation of the localizer in short.

    Args:
        rows: Its rows.

    Returns:
        Over all held-out volumes: share of discs found, centre error, false positives a volume; and Dice, share in
        vertebrae and names where the whole pipeline was run.
    """
    discs = sum(r["discs"] for r in rows)
    summary: dict[str, Any] = {
        "volumes": len(rows),
        "discs": discs,
        "found": sum(r["found"] for r in rows) / max(1, discs),
        "centre_error_mm": _mean_sd(e for r in rows for e in r["centre_error_mm"]),
        "false_discs_per_volume": sum(r["false"] for r in rows) / max(1, len(rows)),
    }
    segmented = [r for r in rows if "dice" in r]
    if segmented:
        summary["end_to_end_dice"] = _mean_sd(d for r in segmented for d in r["dice"])
        summary["in_vertebrae"] = _mean_sd(r["in_vertebrae"] for r in segmented)
        summary["all_names_right"] = sum(r["names_right"] for r in segmented) / len(segmented)
        wrong = sum(not r["names_right"] and not r["names_uncertain"] for r in segmented)
        summary["names_wrong_without_warning"] = wrong / len(segmented)
    return summary


def _mean_sd(values: Iterable[float | None]) -> dict[str, float]:
    """n, mean and SD of the values there are (the Dice of nothing with nothing is none)."""
    listed = [value for value in values if value is not None]
    if not listed:
        return {"n": 0}
    return {"n": len(listed), "mean": round(float(np.mean(listed)), 4), "sd": round(float(np.std(listed)), 4)}


def _write(folder: Path, rows: Sequence[Row], summary: Mapping[str, Any]) -> None:
    """Write rows.csv and summary.json."""
    folder.mkdir(parents=True, exist_ok=True)
    with atomic_file(folder / "rows.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    with atomic_file(folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
