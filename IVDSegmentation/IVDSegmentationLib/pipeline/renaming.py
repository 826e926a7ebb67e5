"""Other names for the discs of a result, without segmenting again: all that says a level says the new one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..findings import Finding, finding_of, renamed_findings
from ..levels.labelling import LABELS, shifted
from ..measure.quality import discs_flagged, level_flags
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
        findings=renamed_findings(result.findings, names),
        report=report,
    )


def flagged(discs: Sequence[Disc], report: Mapping[str, Any]) -> tuple[Disc, ...]:
    """The discs with the flags that their report found."""
    return tuple(replace(disc, flags=_flags(row)) for disc, row in zip(discs, report["discs"], strict=True))


def relabelled(labels: np.ndarray, names: Mapping[str, str]) -> np.ndarray:
    """A label map of any shape with the label of each level exchanged for that of its new name; other values stay."""
    table = np.arange(256, dtype=labels.dtype)
    for old, new in names.items():
        table[LABELS[old]] = LABELS[new]
    return table[labels]


def _report(report: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The content of report.json with new names; the measurements as they are."""
    discs = [{**disc, "level": names[disc["level"]], "label": LABELS[names[disc["level"]]]} for disc in report["discs"]]
    before, after = level_flags(report["discs"]), level_flags(discs)
    flags: dict[str, tuple[Finding, ...]] = {}
    for disc, old in zip(discs, report["discs"], strict=True):
        of_old_name = {flag.code for flag in before[old["level"]]}
        kept = (flag.renamed(names) for flag in _flags(old) if flag.code not in of_old_name)
        flags[disc["level"]] = (*kept, *after[disc["level"]])
        disc["flags"] = [flag.to_json() for flag in flags[disc["level"]]]
    kept_findings = [one for one in map(finding_of, report["findings"]) if one.code != "discs_flagged"]
    findings = (*renamed_findings(kept_findings, names), *discs_flagged(flags))
    tilts = {disc["level"]: disc["tilt_deg"] for disc in discs}
    lowest, highest = tilts.get("L5-S1"), tilts.get("L1-L2")
    return {
        **report,
        "discs": discs,
        "lumbar_lordosis_deg": None if lowest is None or highest is None else rounded(lowest - highest),
        "metrics": _metrics(report["metrics"], names),
        "findings": [one.to_json() for one in findings],
    }


def _flags(disc: Mapping[str, Any]) -> tuple[Finding, ...]:
    """The flags of a disc of report.json."""
    return tuple(finding_of(flag) for flag in disc["flags"])


def _metrics(metrics: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Agreement with a reference under new names; what is missing keeps the names of the reference."""
    if metrics is None:
        return None
    return {
        **metrics,
        "extra": [names.get(level, level) for level in metrics["extra"]],
        "discs": [{**row, "level": names.get(row["level"], row["level"])} for row in metrics["discs"]],
    }
