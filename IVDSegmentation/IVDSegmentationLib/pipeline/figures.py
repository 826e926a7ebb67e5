"""All figures of a result in one place: what the report, the panel and the console show is computed here and only here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..images import Volume
from ..measure.agreement import compare, labels_on
from ..measure.measurements import measure
from ..measure.metrics import weber_contrasts
from ..measure.quality import case_findings, disc_flags
from ..measure.surfaces import disc_surfaces
from .result import SegmentationResult

if TYPE_CHECKING:
    import numpy as np
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..findings import Finding


@dataclass(frozen=True)
class Figures:
    """discs: level -> name of a figure (with its unit) -> value, None where it has none. lumbar_lordosis_deg: see
    measurements. weber_contrast: channel -> figures. metrics: agreement with a reference and the Weber contrast of its
    discs; None without one. surfaces: level -> closed mesh, LPS mm. flags: level -> what to check of the disc. findings: about
    the whole case."""

    discs: Mapping[str, Mapping[str, Any]]
    lumbar_lordosis_deg: float | None = None
    weber_contrast: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    metrics: Mapping[str, Any] | None = None
    surfaces: Mapping[str, vtkPolyData] = field(default_factory=dict)
    flags: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()


def compute_figures(result: SegmentationResult, reference: Volume | None = None) -> Figures:
    """Measure the discs of a result, and compare them with a reference (labels or a binary mask, on any grid).

    Raises InputError for a reference without a disc or with values that are no labels.
    """
    agreement = None if reference is None else compare(result.label_volume, reference)
    measured = measure(result)
    flags = disc_flags(result, measured)
    metrics = None
    if agreement is not None and reference is not None:
        metrics = {**agreement.summary(), "weber_contrast": _contrasts(result, labels_on(result.case.working_grid, reference))}
    return Figures(
        discs={row["level"]: row for row in measured.rows()},
        lumbar_lordosis_deg=measured.lumbar_lordosis_deg,
        weber_contrast=_contrasts(result, result.labels),
        metrics=metrics,
        surfaces=disc_surfaces(result),
        flags=flags,
        findings=(*case_findings(flags, measured), *(agreement.findings if agreement else ())),
    )


def _contrasts(result: SegmentationResult, discs: np.ndarray) -> dict[str, dict[str, Any]]:
    """Channel -> Weber contrast of discs [x, y, z] on the working grid; empty where no disc lies on it."""
    if not discs.any():
        return {}
    contrasts = weber_contrasts(result.case.channels, discs, result.case.derived)
    return {c.channel: {name: value for name, value in asdict(c).items() if name != "channel"} for c in contrasts}
