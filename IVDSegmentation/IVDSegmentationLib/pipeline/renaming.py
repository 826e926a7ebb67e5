"""Other names for the discs of a result, without segmenting again: all that says a level says the new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..levels.labelling import LABELS, shifted, warnings_shifted
from ..measure.quality import flagged_warning, level_flags
from ..measure.rounding import rounded
from ..worker.protocol import WorkerResult
from .result import Disc


def renamed(result: WorkerResult, lowest_level: str) -> WorkerResult:
    """The result with its lowest disc called lowest_level, and the others counted on from it (levels.shifted).

    Names, labels, the flags and warnings that depend on them and the lumbar lordosis change; every other figure stays.
    Raises InputError for an unknown level, and one from which the levels would leave those of a spine.
    """
    names = shifted([disc.level for disc in result.discs], lowest_level)
    report = _report(result.report, names)
    return replace(
        result,
        label_volume=replace(result.label_volume, voxels=relabelled(result.label_volume.voxels, names)),
        labels=relabelled(result.labels, names),
        discs=flagged([replace(d, level=names[d.level], label=LABELS[names[d.level]]) for d in result.discs], report),
        warnings=tuple(warnings_shifted(result.warnings, names)),
        report=report,
    )


def flagged(discs: Sequence[Disc], report: Mapping[str, Any]) -> tuple[Disc, ...]:
    """The discs with the flags that their report found."""
    return tuple(replace(disc, flags=tuple(row["flags"])) for disc, row in zip(discs, report["discs"], strict=True))


def relabelled(labels: np.ndarray, names: Mapping[str, str]) -> np.ndarray:
    """A label map of any shape with the label of each level exchanged for that of its new name; other values stay."""
    table = np.arange(256, dtype=labels.dtype)
    for old, new in names.items():
        table[LABELS[old]] = LABELS[new]
    return table[labels]


def _report(report: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The content of report.json with new names; the figures as they are."""
    before = level_flags(report["discs"])
    discs = [{**disc, "level": names[disc["level"]], "label": LABELS[names[disc["level"]]]} for disc in report["discs"]]
    after = level_flags(discs)
    for disc, old in zip(discs, report["discs"], strict=True):
        disc["flags"] = [flag for flag in old["flags"] if flag not in before[old["level"]]] + [*after[disc["level"]]]
    tilts = {disc["level"]: disc["tilt_deg"] for disc in discs}
    lowest, highest = tilts.get("L5-S1"), tilts.get("L1-L2")
    return {
        **report,
        "discs": discs,
        "lumbar_lordosis_deg": None if lowest is None or highest is None else rounded(lowest - highest),
        "metrics": _metrics(report["metrics"], names),
        "warnings": _warnings(report, discs, names),
    }


def _warnings(report: Mapping[str, Any], discs: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> list[str]:
    old = flagged_warning({disc["level"]: disc["flags"] for disc in report["discs"]})
    new = flagged_warning({disc["level"]: disc["flags"] for disc in discs})
    kept = [warning for warning in report["warnings"] if warning not in old]
    return [*warnings_shifted(kept, names), *new]


def _metrics(metrics: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Agreement with a reference under new names; what is missing keeps the names of the reference."""
    if metrics is None:
        return None
    return {
        **metrics,
        "extra": [names.get(level, level) for level in metrics["extra"]],
        "discs": [{**row, "level": names.get(row["level"], row["level"])} for row in metrics["discs"]],
    }
