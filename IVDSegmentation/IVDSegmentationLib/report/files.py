"""The results as files: label map and segmentation, report.json, measurements.csv, surfaces and report.html."""

from __future__ import annotations

import csv
import io
import json
import platform
import time
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError
from ..findings import Finding, finding
from ..images import Volume, write_volume
from ..measure.rounding import rounded
from ..pipeline.figures import Figures, compute_figures
from ..pipeline.result import SegmentationResult
from .output_folder import checksums_of, outputs_of
from .segmentation_file import write_segmentation_file
from .tables import measurement_rows

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

REPORT_FORMAT = 2
"""Raised when a field of report.json changes its meaning or goes; described by Resources/report.schema.json."""

_PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "vtk", "pymeshmetrics")


def write_outputs(
    result: SegmentationResult, folder: Path, *, reference: Volume | None = None, overwrite: bool = False
) -> dict[str, Any]:
    """Write OUTPUTS into `folder` (made where missing; files of an earlier run replaced) and return the report.

    reference: an expert mask to compare with. overwrite: replace files of the same names that no run wrote. Everything is
    written beside first and moved when it is whole: after an error the folder is as it was. Raises InputError for a reference
    that holds no disc, OutputError for a folder that cannot be written or holds another's files of these names, or a full disk.
    """
    start = time.perf_counter()
    figures = compute_figures(result, reference)
    report = build_report(result, figures, {"measure": time.perf_counter() - start})
    with outputs_of(folder, overwrite=overwrite) as beside:
        write_files(result, figures.surfaces, report, beside)
    return report


def write_files(result: SegmentationResult, surfaces: Mapping[str, vtkPolyData], report: dict[str, Any], folder: Path) -> None:
    """Write the files of a report into an empty folder. surfaces: level -> mesh, LPS mm.

    The time that the page took is added to the report's timings_s, the files' checksums as files. Raises OSError, InputError
    or OutputError where one cannot be written; the rest may be there then.
    """
    from .page import report_html

    write_volume(result.label_volume, folder / "discs.nii.gz")
    write_segmentation_file(result.label_volume, report, folder / "discs.seg.nrrd")
    if result.case.dicom_files and (missing := write_dicom_if_possible(result, report, folder)):
        report["findings"] = [*report["findings"], missing.to_json()]
    _write_surfaces(surfaces, folder / "surfaces")
    (folder / "measurements.csv").write_text(measurements_csv(report), encoding="utf-8")
    start = time.perf_counter()
    page = report_html(result, surfaces, report)
    report["timings_s"]["report"] = rounded(time.perf_counter() - start)
    (folder / "report.html").write_text(page, encoding="utf-8")
    report["files"] = checksums_of(folder)
    (folder / "report.json").write_text(report_json(report), encoding="utf-8")


def write_dicom_if_possible(result: SegmentationResult, report: Mapping[str, Any], folder: Path) -> Finding | None:
    """Write the DICOM objects of a result whose input is DICOM.

    Args:
        result: With the DICOM files of its case.
        report: Content of report.json.
        folder: An existing folder.

    Returns:
        None, or a finding on why they could not be written: the other files are worth having without them.
    """
    from ..dicom import dicom_is_installed, write_dicom

    if not dicom_is_installed():
        return finding("dicom_needs_highdicom")
    try:
        write_dicom(result.label_volume, report, result.case.dicom_files, folder)
    except InputError as error:
        return finding("dicom_not_written", reason=str(error))
    return None


def build_report(result: SegmentationResult, figures: Figures, timings_s: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The content of report.json: plain dicts, lists, numbers and strings; None for what could not be measured.

    timings_s: seconds by stage, besides those of the result. Holds no name of the patient or the case.
    """
    discs = []
    for disc in result.discs:
        flags = [*disc.flags, *(f for f in figures.flags.get(disc.level, ()) if f not in disc.flags)]
        own = {"level": disc.level, "label": disc.label, "center_mm": [rounded(c) for c in disc.center_mm]}
        measured = {name: rounded(value) for name, value in figures.discs[disc.level].items()}
        discs.append({**own, **measured, "confidence": rounded(disc.confidence), "flags": [flag.to_json() for flag in flags]})
    given = [channel for channel in result.case.channels if channel not in result.case.derived]
    return {
        "format": REPORT_FORMAT,
        "discs": discs,
        "lumbar_lordosis_deg": rounded(figures.lumbar_lordosis_deg),
        "channels": {"given": sorted(given), "derived": sorted(result.case.derived)},
        "weber_contrast": rounded(dict(figures.weber_contrast)),
        "metrics": rounded(figures.metrics),
        "findings": [one.to_json() for one in (*result.findings, *figures.findings)],
        "timings_s": rounded({**result.timings_s, **(timings_s or {})}),
        "model": {"name": result.model, "sha256": dict(result.model_checksums)},
        "engine": dict(result.engine) or None,
        "versions": _versions(),
    }


def report_json(report: Mapping[str, Any]) -> str:
    """The report as JSON text; numbers as they are, no NaN or infinity."""
    return json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def measurements_csv(report: Mapping[str, Any]) -> str:
    """One row a disc, caudal to cranial, the figures of report.json under their names, which hold the units."""
    rows = measurement_rows(report)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _versions() -> dict[str, str]:
    """Of this project, Python and the packages that compute, as far as installed."""
    versions = {"ivdseg": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # Slicer's own builds carry no package record
            continue
    return versions


def _write_surfaces(surfaces: Mapping[str, vtkPolyData], folder: Path) -> None:
    from ..measure.surfaces import write_surface

    folder.mkdir()
    for level, mesh in surfaces.items():
        write_surface(mesh, folder / f"{level}.vtp")
