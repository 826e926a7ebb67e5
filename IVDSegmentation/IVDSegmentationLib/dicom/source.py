"""The DICOM images that a result belongs to: whose patient, study and frame of reference it takes over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..images.regular_file import check_regular_file

if TYPE_CHECKING:
    import pydicom

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")
"""Without these nothing can refer to an image."""

_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName"),
)
"""Attributes of type 2: present, with or without a value. Anonymised files often lack them."""


def read_sources(files: Sequence[Path]) -> list[pydicom.Dataset]:
    """The images of a series without their pixels.

    Args:
        files: Its DICOM files.

    Returns:
        Their data sets; those of _MAY_BE_EMPTY that a file lacks are there, empty.

    Raises:
        InputError: There is no file, one cannot be read, or has no UID by which to refer to it.
    """
    import pydicom

    if not files:
        raise InputError("there are no DICOM images that the segmentation could refer to: give their folder with --dicom")
    sources: list[pydicom.Dataset] = []
    for path in files:
        check_regular_file(path)
        try:
            source = pydicom.dcmread(path, stop_before_pixels=True)
            missing = [tag for tag in _NEEDED if not source.get(tag)]
        except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
            raise InputError(f"{path.name} cannot be read as DICOM: it is damaged or cut short; export it again") from error
        if missing:
            raise InputError(f"{path.name} has no {missing[0]}: nothing can refer to it; export the series again")
        for tag in _MAY_BE_EMPTY:
            if tag not in source:
                setattr(source, tag, None)
        sources.append(source)
    return sources
