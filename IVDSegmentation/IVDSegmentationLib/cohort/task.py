"""What a worker does with one case: load, segment, write its folder, and answer with a small row."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..atomic import atomic_file
from ..errors import IVDSegmentationError, OutputError
from .case import CohortCase

if TYPE_CHECKING:
    from ..pipeline.segment import Pipeline
    from ..pipeline.segmentation import Segmentation

Only = Literal["tables", "labels", "all"]
ONLY: tuple[Only, ...] = ("tables", "labels", "all")
"""What is written of each case: its rows and thumbnail; besides them the label map; everything that `segment` writes."""
LABEL_FILES = (Path("discs.nii.gz"), Path("discs.seg.nrrd"))
LABEL_RECORD = "labels.json"
"""Beside label maps without a report: by its checksums a later run knows them, and leaves those alone that were corrected."""

CASE_FILE = "case.json"
"""The rows of a case, and what they were made of, in its folder."""
THUMBNAIL = "thumbnail.svg"

DONE, FAILED, LOST = "done", "failed", "lost"
"""Status of a case: segmented; refused, as the same inputs will be again; ended by something that may not be its doing."""

_FORMAT = 1


@dataclass(frozen=True)
class Settings:
    """How cases are segmented.

    Attributes:
        output: Folder of the cohort; each case has a folder in `cases` below it.
        only: What is written of each case.
        model: Installed model, or a model's folder.
        device: As Pipeline takes it.
        checksum: What tells the model from others, for the fingerprints.
    """

    output: Path
    only: Only = "all"
    model: str = "default"
    device: str = "auto"
    checksum: str = ""

    def fingerprint_of(self, case: CohortCase) -> str:
        """The fingerprint of a case under these settings.

        Args:
            case: The case.

        Returns:
            As CohortCase.fingerprint.
        """
        return case.fingerprint({"only": self.only, "model": self.checksum or self.model})


@lru_cache(maxsize=1)
def warm_pipeline(model: str, device: str) -> Pipeline:
    """The pipeline of this process; loaded once.

    Args:
        model: As Pipeline takes it.
        device: As Pipeline takes it.

    Returns:
        The pipeline.

    Raises:
        ModelError: The model cannot be loaded.
    """
    from ..pipeline.segment import Pipeline

    return Pipeline(model, device)


def segment_case(case: CohortCase, settings: Settings) -> dict[str, Any]:
    """Segment one case and write its folder.

    Args:
        case: The case.
        settings: How.

    Returns:
        The row of the case. A case that cannot be segmented is a row, too: with its status and sentence.

    Raises:
        ModelError: The model cannot be loaded: no case can be segmented.
        OutputError: The folder of the case cannot be written: no other one can be, either.
        MemoryError: The worker has not enough memory for it at this moment.
    """
    from ..owned_outputs import check_place
    from ..pipeline.request import Request
    from ..report.output_folder import check_output_folder

    pipeline = warm_pipeline(settings.model, settings.device)
    start = time.perf_counter()
    folder = settings.output / "cases" / case.name
    fingerprint = settings.fingerprint_of(case)
    if settings.only != "tables":
        try:
            if settings.only == "all":
                check_output_folder(folder)
            else:
                check_place(folder, _record_in(folder), LABEL_FILES)
        except OutputError as error:  # an expert has corrected its discs: a later run may find them moved
            row = failed_row(case, LOST, case.sentence(str(error)))
            write_case_file(folder, row, [], fingerprint)
            return row
    try:
        segmentation = pipeline.segment(case.load(), Request(lowest_level=case.lowest_level))
        report = _write(segmentation, folder, settings.only)
    except (MemoryError, OutputError):
        raise
    except IVDSegmentationError as error:
        row = failed_row(case, FAILED, case.sentence(str(error)), time.perf_counter() - start)
        write_case_file(folder, row, [], fingerprint)
        return row
    except Exception as error:  # whatever it is, the other cases go on; its text may hold names
        sentence = f"it stopped at an unexpected {type(error).__name__}: segment the case alone with --debug"
        row = failed_row(case, FAILED, sentence, time.perf_counter() - start)
        write_case_file(folder, row, [], fingerprint)
        return row
    from ..report.tables import measurement_rows

    discs = [{"case": case.name, **disc} for disc in measurement_rows(report)]
    row = _row_of(case, report, time.perf_counter() - start)
    write_case_file(folder, row, discs, fingerprint)
    return row


def failed_row(case: CohortCase, status: str, sentence: str, seconds: float = 0.0) -> dict[str, Any]:
    """The row of a case without a result.

    Args:
        case: The case.
        status: FAILED or LOST.
        sentence: Why.
        seconds: How long it took.

    Returns:
        The row.
    """
    return {"case": case.name, "status": status, "sentence": sentence, "seconds": round(seconds, 3)}


def write_case_file(folder: Path, row: Mapping[str, Any], discs: list[dict[str, Any]], fingerprint: str) -> None:
    """Write CASE_FILE, whole or not at all.

    Args:
        folder: Of the case; created where it is missing.
        row: Of the case.
        discs: Its rows of measurements.
        fingerprint: Of its inputs and the settings.

    Raises:
        OutputError: The folder cannot be written.
    """
    content = {"format": _FORMAT, "fingerprint": fingerprint, "case": row, "discs": discs}
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder.name} could not be written: choose another folder for the cohort") from error
    with atomic_file(folder / CASE_FILE) as temporary:
        temporary.write_text(json.dumps(content, allow_nan=False) + "\n", encoding="utf-8")


def read_case_file(folder: Path) -> dict[str, Any] | None:
    """What `write_case_file` wrote.

    Args:
        folder: Of the case.

    Returns:
        The content, None where there is none or it is damaged.
    """
    try:
        content = json.loads((folder / CASE_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    sound = isinstance(content, dict) and content.get("format") == _FORMAT
    return content if sound and isinstance(content.get("case"), dict) and isinstance(content.get("discs"), list) else None


def _write(segmentation: Segmentation, folder: Path, only: Only) -> dict[str, Any]:
    """Write what is asked for of a segmentation, and return its report."""
    from .. import __version__
    from ..images import write_volume
    from ..owned_outputs import checksums_of, owned_outputs
    from ..report.files import build_report, write_outputs
    from ..report.segmentation_file import write_segmentation_file
    from .thumbnail import thumbnail_svg

    if only == "all":
        report = write_outputs(segmentation, folder)
    else:
        report = build_report(segmentation)
        os.makedirs(folder, exist_ok=True)
    if only == "labels":
        with owned_outputs(folder, _record_in(folder)) as beside:
            write_volume(segmentation.label_volume, beside / LABEL_FILES[0])
            write_segmentation_file(segmentation.label_volume, report, beside / LABEL_FILES[1])
            record = {"versions": {"ivdseg": __version__}, "files": checksums_of(beside, LABEL_RECORD)}
            (beside / LABEL_RECORD).write_text(json.dumps(record) + "\n", encoding="utf-8")
    with atomic_file(folder / THUMBNAIL) as temporary:
        temporary.write_text(thumbnail_svg(segmentation), encoding="utf-8")
    return report


def _record_in(folder: Path) -> str:
    """The record of the earlier run in a case's folder: that of a whole report, or that of label maps alone."""
    return "report.json" if (folder / "report.json").exists() else LABEL_RECORD


def _row_of(case: CohortCase, report: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    """The row of a case that was segmented."""
    from ..findings import finding_of, has_uncertain_levels

    findings = [finding_of(one) for one in report["findings"]]
    warnings = [one for one in findings if one.severity == "warning"]
    levels = [disc["level"] for disc in report["discs"]]
    return {
        "case": case.name,
        "status": DONE,
        "sentence": "",
        "discs": len(levels),
        "lowest_level": levels[0],
        "highest_level": levels[-1],
        "uncertain_levels": has_uncertain_levels(findings),
        "warnings": " ".join(case.sentence(one.text()) for one in warnings),
        "warning_count": len(warnings),
        "flag_count": sum(len(disc["flags"]) for disc in report["discs"]),
        "least_confidence": min(disc["confidence"] for disc in report["discs"]),
        "lumbar_lordosis_deg": report["lumbar_lordosis_deg"],
        "channels": " ".join(report["channels"]["given"]),
        "seconds": round(seconds, 3),
        "model": report["model"]["name"],
    }
