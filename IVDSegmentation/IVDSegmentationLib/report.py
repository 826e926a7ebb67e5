"""The results as files: label map, report.json, measurements.csv, surfaces and report.html, all of them or none."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from . import __version__
from .errors import ModelError, OutputError
from .figures import Figures, compute_figures
from .models import MODELS_FOLDER, load_card
from .results import SegmentationResult
from .volumes import Volume, write_volume

REPORT_FORMAT = 1
"""Raised when a field of report.json changes its meaning or goes; described by Resources/report.schema.json."""

OUTPUTS = ("discs.nii.gz", "report.json", "measurements.csv", "report.html", "surfaces")
_PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "vtk", "tensorflow", "tensorflow-cpu", "keras", "pymeshmetrics")


def write_outputs(result: SegmentationResult, folder: Path, *, reference: Volume | None = None) -> dict[str, Any]:
    """Write OUTPUTS into `folder` (made where missing; files of an earlier run replaced) and return the report.

    reference: an expert mask to compare with. Everything is written beside first and moved when it is whole: after an
    error the folder is as it was. Raises InputError for a reference that holds no disc, OutputError for a folder that
    cannot be written or a full disk.
    """
    start = time.perf_counter()
    figures = compute_figures(result, reference)
    report = build_report(result, figures, {"measure": time.perf_counter() - start})
    with _staging(Path(folder)) as beside:
        write_volume(result.label_volume, beside / "discs.nii.gz")
        _write_surfaces(figures, beside / "surfaces")
        (beside / "measurements.csv").write_text(measurements_csv(report), encoding="utf-8")
        from .report_html import report_html

        start = time.perf_counter()
        page = report_html(result, figures, report)
        report["timings_s"]["report"] = _rounded(time.perf_counter() - start)
        (beside / "report.html").write_text(page, encoding="utf-8")
        (beside / "report.json").write_text(report_json(report), encoding="utf-8")
    return report


def check_output_folder(folder: Path) -> None:
    """Raise OutputError, before any work is done, where write_outputs could not write to the folder."""
    with _staging(Path(folder), keep=False):
        pass


def build_report(result: SegmentationResult, figures: Figures, timings_s: Mapping[str, float] | None = None) -> dict[str, Any]:
    """The content of report.json: plain dicts, lists, numbers and strings; None for what could not be measured.

    timings_s: seconds by stage, besides those of the result. Holds no name of the patient or the case.
    """
    discs = []
    for disc in result.discs:
        flags = [*disc.flags, *(f for f in figures.flags.get(disc.level, ()) if f not in disc.flags)]
        own = {"level": disc.level, "label": disc.label, "center_mm": [_rounded(c) for c in disc.center_mm]}
        measured = {name: _rounded(value) for name, value in figures.discs[disc.level].items()}
        discs.append({**own, **measured, "confidence": _rounded(disc.confidence), "flags": flags})
    given = [channel for channel in result.case.channels if channel not in result.case.derived]
    return {
        "format": REPORT_FORMAT,
        "discs": discs,
        "lumbar_lordosis_deg": _rounded(figures.lumbar_lordosis_deg),
        "channels": {"given": sorted(given), "derived": sorted(result.case.derived)},
        "weber_contrast": _rounded(dict(figures.weber_contrast)),
        "metrics": _rounded(figures.metrics),
        "warnings": [*result.warnings, *(w for w in figures.warnings if w not in result.warnings)],
        "timings_s": _rounded({**result.timings_s, **(timings_s or {})}),
        "model": _model(result.model),
        "versions": _versions(),
    }


def report_json(report: Mapping[str, Any]) -> str:
    """The report as JSON text; numbers as they are, no NaN or infinity."""
    return json.dumps(report, indent=2, allow_nan=False, ensure_ascii=False) + "\n"


def measurements_csv(report: Mapping[str, Any]) -> str:
    """One row a disc, caudal to cranial, the figures of report.json under their names, which hold the units."""
    rows = []
    for disc in report["discs"]:
        row = {name: value for name, value in disc.items() if name not in ("center_mm", "flags")}
        row |= dict(zip(("center_l_mm", "center_p_mm", "center_s_mm"), disc["center_mm"], strict=True))
        rows.append({**row, "flags": " ".join(disc["flags"])})
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    table = csv.DictWriter(text, columns, lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return text.getvalue()


def _rounded(value: Any) -> Any:
    """Plain Python values; floats to six significant digits, so that every output prints the same ones."""
    if isinstance(value, Mapping):
        return {str(key): _rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    number = float(value)
    return None if math.isnan(number) else float(f"{number:.6g}")


def _model(name: str) -> dict[str, Any]:
    """Name of the model and, of an installed one, the SHA-256 of its weights."""
    try:
        card = load_card(MODELS_FOLDER / name) if name else {}
    except ModelError:  # not an installed one: known by its name alone
        card = {}
    roles = [role for role in ("localizer", "segmenter") if role in card]
    return {"name": name, "sha256": {role: card[role]["sha256"] for role in roles}}


def _versions() -> dict[str, str]:
    """Of this project, Python and the packages that compute, as far as installed."""
    versions = {"ivdseg": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # Slicer's own builds carry no package record
            continue
    return versions


def _write_surfaces(figures: Figures, folder: Path) -> None:
    folder.mkdir()
    if not figures.surfaces:
        return
    from .surfaces import write_surface

    for level, mesh in figures.surfaces.items():
        write_surface(mesh, folder / f"{level}.vtp")


@contextmanager
def _staging(folder: Path, keep: bool = True) -> Iterator[Path]:
    """A new folder inside `folder` whose content takes the place of OUTPUTS when the block ends well.

    keep: else nothing is moved, and a folder that was made is removed again.
    """
    made = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    beside = folder / f".ivdseg-{uuid4().hex}"
    done = False
    try:
        beside.mkdir(parents=True)
        yield beside
        if keep:
            _move_into_place(beside, folder)
        done = keep
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else (error.strerror or "not writable").lower()
        raise OutputError(f"{folder.name} could not be written ({reason}): choose another folder with -o") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
        for parent in [] if done else made:
            if parent.is_dir():
                parent.rmdir()


def _move_into_place(beside: Path, folder: Path) -> None:
    """Swap the new outputs for those of an earlier run; where one cannot be moved, the earlier ones come back."""
    earlier = beside / "earlier"
    earlier.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for name in OUTPUTS:
            for source, target in ((folder / name, earlier / name), (beside / name, folder / name)):
                if source.exists():
                    os.replace(source, target)
                    moved.append((source, target))
    except OSError:
        for source, target in reversed(moved):
            os.replace(target, source)
        raise
