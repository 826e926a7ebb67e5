"""How a segmenter does on the discs of a scan that it has not seen, with boxes at the true centres and near them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dixon.channels import CHANNELS
from ..images import Volume
from ..levels.labelling import LABELS
from ..measure.metrics import dice
from ..pipeline.confidence import THRESHOLD, expected_dice, mean_disc_probability
from ..pipeline.crop import BOX_SIZE, box_start, crop
from ..pipeline.segment import assemble, keep_one_disc, segment_boxes
from .calibration import surest_disc_probabilities
from .channel_dropout import SUBSETS, keep_subset
from .scans import Scan
from .scoring import mean_sd, recall_of_surely_disc, share_in_no_disc

if TYPE_CHECKING:
    from ..networks.engine import Network

SHIFT_VOXELS = 4
"""Centres are moved by up to this much along each axis to see how much stage 2 depends on stage 1."""

MOVED = ("all", "water", "in")
"""Subsets of channels that are tried with moved centres, too."""

Row = dict[str, Any]


def subsets_of(scan: Scan) -> dict[str, tuple[str, ...]]:
    """The subsets of channels that a scan can be tried with.

    Args:
        scan: Four channels or one.

    Returns:
        Name (channel_dropout.SUBSETS) -> channels.
    """
    there = {name for name, available in zip(CHANNELS, scan.available, strict=True) if available}
    return {name: channels for name, channels in SUBSETS.items() if set(channels) <= there}


def disc_rows(segmenter: Network, scan: Scan, number: int, rng: np.random.Generator, predictions: Path) -> list[Row]:
    """How a segmenter does on one disc of a scan.

    Args:
        segmenter: A network that has not seen the scan's subject.
        scan: The scan.
        number: Which of its discs, 1 for the first of centers_ijk.
        rng: Generator of the moved centres.
        predictions: Receives `SUBJECT/DISC/disc.nii.gz` where the scan has a reference file (all channels, given centre;
            its value is the disc's number).

    Returns:
        A row for every subset of channels, and for MOVED also with the centre moved. Of whole discs it has the Dice, of
        partial labels the recall of what is surely disc and the share of the mask in what is surely none; of both what the
        pipeline computes its confidence from (confidence.py).
    """
    given = scan.centers_ijk[number - 1]
    moved = tuple(c + float(rng.uniform(-SHIFT_VOXELS, SHIFT_VOXELS)) for c in given)
    boxed = scan.source == "ivdm3seg-patches"  # the reference of a box holds the slices of other discs, too
    rows: list[Row] = []
    disc = scan.discs > 0 if boxed else scan.discs == [n for n in np.unique(scan.discs) if n][number - 1]
    for subset, names in subsets_of(scan).items():
        channels = keep_subset(scan.channels, names) if all(scan.available) else scan.channels
        for where, center in (("given", given), ("moved", moved)):
            if where == "moved" and subset not in MOVED:
                continue
            start = box_start(center)
            whole = segment_boxes(segmenter, [crop(channels, start)])[0]
            alone = keep_one_disc(whole)
            mask = assemble([whole if boxed else alone], [start], scan.discs.shape).probability >= THRESHOLD
            # What lies beyond the box at the given centre is another box's; beyond the known voxels there is no truth.
            judged = inside_box(mask.shape, box_start(given)) & scan.known
            if scan.reference is not None and (subset, where) == ("all", "given"):
                _write_prediction(mask, scan.reference, predictions)
            row: Row = {
                "source": scan.source, "subject": scan.subject, "scan": scan.name, "disc": level_label(scan, number),
                "subset": subset, "centre": where, "dice": None, "recall": None, "in_no_disc": None,
                "expected_dice": expected_dice(alone), "mean_disc_probability": mean_disc_probability(alone),
            }  # fmt: skip
            if scan.outlined:
                row["dice"] = dice(mask & judged, disc & judged)
            else:
                row["recall"] = recall_of_surely_disc(mask, disc & judged)
                row["in_no_disc"] = share_in_no_disc(mask, scan.discs > 0, judged)
            rows.append(row)
    return rows


def level_label(scan: Scan, number: int) -> int:
    """The label of a scan's number-th disc.

    Args:
        scan: The scan.
        number: 1 for the first of centers_ijk.

    Returns:
        The label of its true level; where nobody knows that, the number that the source gives the disc.
    """
    if scan.levels and scan.levels[number - 1] is not None:
        return LABELS[str(scan.levels[number - 1])]
    return int(scan.name.split("disc")[1]) if scan.source == "ivdm3seg-patches" else number


def inside_box(shape: Sequence[int], start: Sequence[int]) -> np.ndarray:
    """A box of BOX_SIZE as a mask.

    Args:
        shape: Voxels of the volume.
        start: First voxel of the box; it may lie outside.

    Returns:
        bool [x, y, z].
    """
    mask = np.zeros(shape, bool)
    mask[tuple(slice(max(s, 0), s + n) for s, n in zip(start, BOX_SIZE, strict=True))] = True
    return mask


def _write_prediction(mask: np.ndarray, reference: Path, predictions: Path) -> None:
    """Write a box's prediction with the geometry and the name of its reference."""
    from ..images import read_volume, write_volume

    box = reference.parent
    target = predictions / box.parent.name / box.name / reference.name
    target.parent.mkdir(parents=True, exist_ok=True)
    label = int(box.name.removeprefix("disc"))
    write_volume(Volume((mask * label).astype(np.uint8), read_volume(reference).grid, reference.name), target)


def segmenter_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """A cross-validation of the segmenter in short.

    Args:
        rows: Its rows.

    Returns:
        Source -> number, mean and SD over discs of each metric, by subset of channels and centre; and, for the fullest
        subset at the given centres, by subject and by disc; and the lowest, over subjects, of the highest mean probability
        that a disc of theirs has (calibration.fit_least_probability).
    """
    summary: dict[str, Any] = {}
    for source in sorted({r["source"] for r in rows}):
        mine = [r for r in rows if r["source"] == source]
        outlined = any(r["dice"] is not None for r in mine)
        metrics = ("dice",) if outlined else ("recall", "in_no_disc")
        plain = [r for r in mine if r["centre"] == "given" and (r["subset"] == "all" or source != "ivdm3seg-patches")]
        summary[source] = {
            "by channels": {
                f"{subset}, centres {where}": _mean_sds(
                    metrics, [r for r in mine if (r["subset"], r["centre"]) == (subset, where)]
                )
                for subset, where in sorted({(r["subset"], r["centre"]) for r in mine})
            },
            "lowest, over subjects, of the highest mean probability of a disc": round(
                float(surest_disc_probabilities(mine).min()), 4
            ),
            **{
                f"by {what}": {
                    str(one): _mean_sds(metrics, [r for r in plain if r[what] == one])
                    for one in sorted({r[what] for r in plain})
                }
                for what in ("subject", "disc")
            },
        }
    return summary


def _mean_sds(names: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {name: mean_sd([row[name] for row in rows]) for name in names}
