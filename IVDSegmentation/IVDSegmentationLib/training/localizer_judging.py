"""How a localizer, and with a segmenter the whole pipeline, does on whole volumes that they have not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dixon.case import case_from_volumes
from ..dixon.channels import CHANNELS
from ..errors import InputError
from ..findings import has_uncertain_levels
from ..images import WORKING_SPACING_MM, Grid, Volume
from ..measure.metrics import dice
from ..networks.models import Model
from ..pipeline.chain import spine_chain
from ..pipeline.localize import find_discs, probability_map
from ..pipeline.segment import Pipeline
from .scans import Scan
from .scoring import mean_sd, recall_of_surely_disc, share_in_no_disc
from .segmenter_judging import Row, level_label
from .true_levels import BELOW_SACRUM, level_at

if TYPE_CHECKING:
    from ..networks.engine import Network

NEAR_MM = 8.0
"""A third of the least distance between two lumbar discs."""


def localizer_row(localizer: Network, segmenter: Network | None, scan: Scan) -> Row:
    """How a localizer does on one whole volume.

    A disc is found where a predicted centre lies on it or within NEAR_MM of its centroid (a reference that covers half a
    disc has its centroid elsewhere). A false positive is a predicted centre within the known voxels that finds none; one on
    the spine below L5-S1, where the sacrum's own discs lie that no source labels, is counted apart.

    Args:
        localizer: A trained localizer.
        segmenter: A trained segmenter, to run the whole pipeline, too; None to localize only.
        scan: A whole volume.

    Returns:
        Counts and centre errors (mm); with a segmenter also what `end_to_end` says.
    """
    spacing = np.asarray(WORKING_SPACING_MM)
    found = find_discs(probability_map(localizer, scan.channels))
    centers_mm = np.array([np.asarray(c.center_ijk) * spacing for c in found]).reshape(-1, 3)
    chain = [found[i] for i in spine_chain(centers_mm, [c.probability for c in found])] if found else []
    numbers = [int(n) for n in np.unique(scan.discs) if n]
    errors: dict[int, float] = {}
    false, sacral = 0, 0
    for candidate in chain:
        voxel = tuple(int(np.clip(round(c), 0, n - 1)) for c, n in zip(candidate.center_ijk, scan.discs.shape, strict=True))
        distances = [float(np.linalg.norm((np.asarray(candidate.center_ijk) - c) * spacing)) for c in scan.centers_ijk]
        nearest = numbers.index(int(scan.discs[voxel])) if scan.discs[voxel] else int(np.argmin(distances))
        if scan.discs[voxel] or distances[nearest] <= NEAR_MM:
            errors[nearest] = min(distances[nearest], errors.get(nearest, np.inf))
        elif level_at(scan, candidate.center_ijk) == BELOW_SACRUM:
            sacral += 1
        else:
            false += bool(scan.known[voxel])
    row: Row = {
        "source": scan.source, "subject": scan.subject, "scan": scan.name, "discs": len(scan.centers_ijk),
        "found": len(errors), "false": false, "sacral": sacral, "centre_error_mm": list(errors.values()),
        "candidates": len(found), "chain": len(chain),
    }  # fmt: skip
    if segmenter is not None:
        row.update(end_to_end(Model("cross-validated", {}, {"localizer": localizer, "segmenter": segmenter}), scan))
    return row


def end_to_end(model: Model, scan: Scan) -> Row:
    """How the whole pipeline does on a whole volume of one channel.

    Args:
        model: Its networks.
        scan: The volume.

    Returns:
        A row with

        - discs_held: discs of which the result holds at least half of what is surely disc;
        - false_positives: discs of the result of which no voxel is in a disc and most are surely none;
        - dice: of whole outlines, one a disc, 0 for a missed one;
        - recall, in_no_disc: of partial labels, the recall of what is surely disc over the volume, and the share of the
          result that is surely none;
        - names_right, names_uncertain: whether all names are right, and whether a finding doubts them.
    """
    x, y, z = scan.discs.shape
    grid = Grid((x, y, z), WORKING_SPACING_MM, (0.0, 0.0, 0.0))
    there = {name: Volume(scan.channels[..., index], grid) for index, name in enumerate(CHANNELS) if scan.available[index]}
    uncertain = False
    labels = np.zeros(scan.discs.shape, np.uint8)
    try:
        result = Pipeline(model).segment(case_from_volumes(there, scan.name))
    except InputError:
        pass  # no disc was found
    else:
        labels, uncertain = result.labels, has_uncertain_levels(result.run_findings)
    mask, disc = labels > 0, scan.discs > 0
    numbers = [int(n) for n in np.unique(scan.discs) if n]
    held = [float(mask[scan.discs == n].mean()) >= 0.5 for n in numbers]
    made = [labels == n for n in np.unique(labels) if n]
    row: Row = {
        "discs_held": sum(held),
        "false_positives": sum(not disc[one].any() and float(scan.known[one].mean()) > 0.5 for one in made),
        "dice": [], "recall": None, "in_no_disc": None,
        "names_right": names_right(labels, scan),
        "names_uncertain": uncertain,
    }  # fmt: skip
    if scan.outlined:
        row["dice"] = [_dice_of(labels, scan.discs == n) for n in numbers]
    else:
        row["recall"] = recall_of_surely_disc(mask, disc)
        row["in_no_disc"] = share_in_no_disc(mask, disc, scan.known)
    return row


def _dice_of(labels: np.ndarray, disc: np.ndarray) -> float:
    """Dice of a reference disc with the label that holds most of it; 0 where none does."""
    counts = np.bincount(labels[disc])
    counts[0] = 0
    return float(dice(labels == np.argmax(counts), disc) or 0.0) if counts.any() else 0.0


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
    counts = [np.bincount(labels[scan.discs == n], minlength=2)[1:] for n in numbers]
    return all(c.any() and 1 + int(np.argmax(c)) == level_label(scan, n) for n, c in enumerate(counts, start=1))


def localizer_summary(rows: Sequence[Row]) -> dict[str, Any]:
    """A cross-validation of the localizer in short.

    Args:
        rows: Its rows.

    Returns:
        Source -> share of discs found, centre error, false positives a volume; and what the whole pipeline did where it
        was run.
    """
    return {source: _summary([r for r in rows if r["source"] == source]) for source in sorted({r["source"] for r in rows})}


def _summary(rows: Sequence[Row]) -> dict[str, Any]:
    discs = sum(r["discs"] for r in rows)
    summary: dict[str, Any] = {
        "volumes": len(rows),
        "discs": discs,
        "found": sum(r["found"] for r in rows),
        "centre_error_mm": mean_sd([e for r in rows for e in r["centre_error_mm"]]),
        "false": sum(r["false"] for r in rows),
        "sacral": sum(r["sacral"] for r in rows),
    }
    segmented = [r for r in rows if "names_right" in r]
    if segmented:
        summary["discs_held"] = sum(r["discs_held"] for r in segmented)
        summary["false_positives"] = sum(r["false_positives"] for r in segmented)
        summary["dice"] = mean_sd([d for r in segmented for d in r["dice"]])
        summary["recall"] = mean_sd([r["recall"] for r in segmented])
        summary["in_no_disc"] = mean_sd([r["in_no_disc"] for r in segmented])
        summary["all_names_right"] = sum(r["names_right"] for r in segmented)
        summary["names_wrong_without_warning"] = sum(not r["names_right"] and not r["names_uncertain"] for r in segmented)
    return summary
