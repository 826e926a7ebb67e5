"""The results as files: label map and segmentation, report.json, measurements.csv, surfaces and report.html."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError
from ..findings import Finding, finding
from ..images import write_volume
from ..measure.rounding import rounded
from ..pipeline.segmentation import Segmentation
from .segmentation_file import write_segmentation_file
from .tables import measurement_rows

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

REPORT_FORMAT = 2
"""Raised when a field of report.json changes its meaning or goes; described by Resources/report.schema.json."""


def write_outputs(
    segmentation: Segmentation,
    folder: Path,
    *,
    overwrite: bool = False,
    show: Callable[[dict[str, Any]], None] = lambda report: None,
) -> dict[str, Any]:
    """Write OUTPUTS of a segmentation.

    Everything is written beside first and moved when it is whole: after an error the folder is as it was.

    Args:
        segmentation: The segmentation, with its channels.
        folder: Made where it is missing; files of an earlier run are replaced.
        overwrite: Whether to replace files of the same names that no run wrote, too.
        show: Called with the content of report.json before anything takes its place in the folder: an error of it leaves the
            folder as it was.

    Returns:
        The content of report.json.

    Raises:
        InputError: The reference holds no disc, or values that are no labels.
        OutputError: The folder cannot be written or holds another's files of these names, or the disk is full.
    """
    from .output_folder import outputs_of

    report = build_report(segmentation)
    with outputs_of(folder, overwrite=overwrite) as beside:
        write_files(segmentation, report, beside)
        show(report)
    return report


def write_files(segmentation: Segmentation, report: dict[str, Any], folder: Path) -> None:
    """Write the files of a report.

    Args:
        segmentation: The segmentation, with its channels.
        report: Content of report.json; the time that the page took is added to its timings_s, the files' checksums as files.
        folder: An empty folder.

    Raises:
        InputError, OutputError, OSError: One of them cannot be written; the rest may be there then.
    """
    from .output_folder import checksums_of
    from .page import report_html

    write_volume(segmentation.label_volume, folder / "discs.nii.gz")
    write_segmentation_file(segmentation.label_volume, report, folder / "discs.seg.nrrd")
    if segmentation.case.dicom_files and (missing := write_dicom_if_possible(segmentation, report, folder)):
        report["findings"] = [*report["findings"], missing.to_json()]
    _write_surfaces(segmentation.surfaces, folder / "surfaces")
    (folder / "measurements.csv").write_text(measurements_csv(report), encoding="utf-8")
    start = time.perf_counter()
    page = report_html(segmentation, report)
    report["timings_s"]["report"] = rounded(time.perf_counter() - start)
    (folder / "report.html").write_text(page, encoding="utf-8")
    report["files"] = checksums_of(folder)
    (folder / "report.json").write_text(report_json(report), encoding="utf-8")


def write_dicom_if_possible(segmentation: Segmentation, report: Mapping[str, Any], folder: Path) -> Finding | None:
    """Write the DICOM objects of a segmentation whose input is DICOM.

    Args:
        segmentation: With the DICOM files of its case.
        report: Content of report.json.
        folder: An existing folder.

    Returns:
        None, or a finding on why they could not be written: the other files are worth having without them.
    """
    from ..dicom import dicom_is_installed, write_dicom

    if not dicom_is_installed():
        return finding("dicom_needs_highdicom")
    try:
        write_dicom(segmentation.label_volume, report, segmentation.case.dicom_files, folder)
    except InputError:
        return finding("dicom_not_written")  # the error may name a file
    return None


def build_report(segmentation: Segmentation) -> dict[str, Any]:
    """Make the content of report.json.

    Args:
        segmentation: The segmentation.

    Returns:
        Plain dicts, lists, numbers to six significant digits, and strings; None for what could not be measured. Holds no name
        of the patient or the case.
    """
    measured, provenance = segmentation.measured, segmentation.provenance
    discs = []
    for disc in segmentation.discs:
        own = {"level": disc.level, "label": disc.label, "center_mm": [rounded(c) for c in disc.center_mm]}
        values = {name: rounded(value) for name, value in measured.discs[disc.level].items()}
        flags = [flag.to_json() for flag in disc.flags]
        discs.append({**own, **values, "confidence": rounded(disc.confidence), "flags": flags})
    return {
        "format": REPORT_FORMAT,
        "discs": discs,
        "lumbar_lordosis_deg": rounded(measured.lumbar_lordosis_deg),
        "channels": {"given": list(provenance.channels_given), "derived": list(provenance.channels_derived)},
        "weber_contrast": rounded(dict(measured.weber_contrast)),
        "metrics": rounded(measured.metrics),
        "findings": [one.to_json() for one in segmentation.findings],
        "timings_s": rounded({**provenance.timings_s, "measure": measured.seconds}),
        "model": {"name": provenance.model, "sha256": dict(provenance.model_checksums)},
        "engine": dict(provenance.engine) or None,
        "versions": dict(provenance.versions),
    }


def report_json(report: Mapping[str, Any]) -> str:
    """Write a report as JSON.

    Args:
        report: Its content.

    Returns:
        The text; numbers as they are, no NaN or infinity.
    """
    return json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def measurements_csv(report: Mapping[str, Any]) -> str:
    """Write the measurements of a report as CSV.

    Args:
        report: Its content.

    Returns:
        One row a disc, caudal to cranial, under the names of report.json, which hold the units.
    """
    rows = measurement_rows(report)
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _write_surfaces(surfaces: Mapping[str, vtkPolyData], folder: Path) -> None:
    from ..measure.surfaces import write_surface

    folder.mkdir()
    for level, mesh in surfaces.items():
        write_surface(mesh, folder / f"{level}.vtp")
