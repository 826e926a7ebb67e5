"""The two DICOM objects of a result, written together."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..images import Volume
from .measurements import build_measurements
from .segmentation import build_segmentation
from .source import check_place, read_sources

DICOM_OUTPUTS = ("discs.dcm", "measurements.dcm")
"""The segmentation and the measurement report."""


def dicom_is_installed() -> bool:
    """Whether what writes DICOM is installed.

    Returns:
        True where highdicom is.
    """
    return find_spec("highdicom") is not None


def write_dicom(labels: Volume, report: Mapping[str, Any], files: Sequence[Path], folder: Path) -> None:
    """Write DICOM_OUTPUTS into a folder.

    Args:
        labels: Label map, uint8 [i, j, k], on the grid of the images.
        report: Content of report.json.
        files: The DICOM files of the images; the objects take over their patient and study.
        folder: An existing folder.

    Raises:
        InputError: `read_sources` refuses a file, the images do not lie where the labels do, or lack what DICOM asks for.
        OSError: A file cannot be written.
    """
    sources = read_sources(files)
    check_place(labels.grid, sources)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the values of the source's own tags
        try:
            segmentation = build_segmentation(labels, report, sources)
            measurements = build_measurements(report, segmentation, sources)
            for name, made in zip(DICOM_OUTPUTS, (segmentation, measurements), strict=True):
                made.save_as(folder / name)
        except OSError:
            raise
        except Exception as error:  # whatever value of the source highdicom and pydicom stumble over
            for name in DICOM_OUTPUTS:  # one without the other, or a half of it
                (folder / name).unlink(missing_ok=True)
            raise InputError("the DICOM images have values that DICOM objects cannot take over: export them again") from error
