"""All that is measured and judged of a segmentation, in one place: report, panel and console show what is computed here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from ..findings import Finding
from ..images import Volume
from ..levels.labelling import LABELS
from .agreement import compare, labels_on
from .measurements import measure
from .metrics import weber_contrasts
from .quality import case_findings, disc_flags, discs_flagged, level_flags
from .rounding import rounded
from .segmented import Segmented


@dataclass(frozen=True)
class MeasuredCase:
    """The measurements of a case, and what they say about it.

    Attributes:
        discs: Level -> name of a measurement, with its unit -> value, None where it has none; caudal to cranial.
        lumbar_lordosis_deg: See `measurements.CaseMeasurements`.
        weber_contrast: Channel -> contrast of the discs and what it is made of.
        metrics: Agreement with a reference, and the Weber contrast of its discs; None without a reference.
        flags: Level -> what to check of the disc.
        findings: About the case as a whole.
        seconds: How long measuring took.
    """

    discs: Mapping[str, Mapping[str, Any]]
    lumbar_lordosis_deg: float | None = None
    weber_contrast: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics: Mapping[str, Any] | None = None
    flags: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0

    def renamed(self, names: Mapping[str, str]) -> MeasuredCase:
        """The same measurements where the discs have other names.

        Args:
            names: Level before -> level now, of all discs.

        Returns:
            Names, labels, lumbar lordosis, and the flags that depend on the level are new; every other value stays.
        """
        discs = {
            names[level]: {**values, "level": names[level], "label": LABELS[names[level]]}
            for level, values in self.discs.items()
        }
        before, after = (level_flags([rounded(values) for values in all_of.values()]) for all_of in (self.discs, discs))
        flags = {}
        for level, found in self.flags.items():
            of_old_name = {flag.code for flag in before[level]}
            kept = (flag.renamed(names) for flag in found if flag.code not in of_old_name)
            flags[names[level]] = (*kept, *after[names[level]])
        tilts = {level: values["tilt_deg"] for level, values in discs.items()}
        lowest, highest = tilts.get("L5-S1"), tilts.get("L1-L2")
        others = (one.renamed(names) for one in self.findings if one.code != "discs_flagged")
        return replace(
            self,
            discs=discs,
            lumbar_lordosis_deg=None if lowest is None or highest is None else lowest - highest,
            metrics=_renamed_metrics(self.metrics, names),
            flags=flags,
            findings=(*discs_flagged(flags), *others),
        )


def measure_case(segmented: Segmented, reference: Volume | None = None) -> MeasuredCase:
    """Measure and judge the discs of a segmentation, and compare them with a reference.

    Args:
        segmented: The segmentation.
        reference: Labels or a binary mask, on any grid.

    Returns:
        All of it.

    Raises:
        InputError: The reference holds no disc, or values that are no labels.
    """
    start = time.perf_counter()
    agreement = None if reference is None else compare(segmented.label_volume, reference)
    measured = measure(segmented)
    flags = disc_flags(segmented, measured)
    metrics = None
    if agreement is not None and reference is not None:
        of_reference = _contrasts(segmented, labels_on(segmented.case.working_grid, reference))
        metrics = {**agreement.summary(), "weber_contrast": of_reference}
    return MeasuredCase(
        discs={row["level"]: row for row in measured.rows()},
        lumbar_lordosis_deg=measured.lumbar_lordosis_deg,
        weber_contrast=_contrasts(segmented, segmented.labels),
        metrics=metrics,
        flags=flags,
        findings=(*case_findings(flags, measured), *(agreement.findings if agreement else ())),
        seconds=time.perf_counter() - start,
    )


def _contrasts(segmented: Segmented, discs: np.ndarray) -> dict[str, dict[str, Any]]:
    """Channel -> Weber contrast of discs [x, y, z] on the working grid; empty where no disc lies on it."""
    if not discs.any():
        return {}
    contrasts = weber_contrasts(segmented.case.channels, discs, segmented.case.derived)
    return {c.channel: {name: value for name, value in asdict(c).items() if name != "channel"} for c in contrasts}


def _renamed_metrics(metrics: Mapping[str, Any] | None, names: Mapping[str, str]) -> dict[str, Any] | None:
    """Agreement with a reference under new names; what is missing keeps the names of the reference."""
    if metrics is None:
        return None
    return {
        **metrics,
        "extra": [names.get(level, level) for level in metrics["extra"]],
        "discs": [{**row, "level": names.get(row["level"], row["level"])} for row in metrics["discs"]],
    }
