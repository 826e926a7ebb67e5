"""The DICOM images that a result belongs to: whose patient, study and frame of reference it takes over."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..dixon.dicom_file import check_file, read_data
from ..errors import InputError
from ..images import Grid
from ..images.regular_file import check_regular_file

if TYPE_CHECKING:
    import pydicom

_NEEDED = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "FrameOfReferenceUID")
"""Without these nothing can refer to an image."""

_OFF_VOXELS = 0.1
"""How far from its voxel the first pixel of an image may lie: positions are decimal numbers of 16 characters."""

_MAY_BE_EMPTY = (
    *("PatientName", "PatientID", "PatientBirthDate", "PatientSex"),
    *("StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName", "SliceThickness"),
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
    if not files:
        raise InputError("there are no DICOM images that the segmentation could refer to: give their folder with --dicom")
    sources: list[pydicom.Dataset] = []
    for path in files:
        check_regular_file(path)
        try:
            check_file(path)
            source = read_data(path, pixels=False)
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


def check_place(grid: Grid, sources: Sequence[pydicom.Dataset]) -> None:
    """Refuse images that do not lie where the result does: it would be filed as if it were of them.

    Args:
        grid: Of the result.
        sources: The images, without pixels.

    Raises:
        InputError: The first pixel of an image, or of a frame, is no corner of a slice of the grid.
    """
    ends = np.asarray(grid.size) - 1
    for source in sources:
        frames = source.get("PerFrameFunctionalGroupsSequence") or [source]
        for frame in frames:
            group = frame.get("PlanePositionSequence")
            position = (group[0] if group else frame).get("ImagePositionPatient")
            if position is None or len(position) != 3:
                continue
            ijk = grid.to_ijk(np.asarray(position, float))
            at_end = np.minimum(np.abs(ijk), np.abs(ijk - ends)) < _OFF_VOXELS
            on_a_slice = np.abs(ijk - np.rint(ijk)) < _OFF_VOXELS
            if at_end.sum() < 2 or not on_a_slice.all() or (ijk < -_OFF_VOXELS).any() or (ijk > ends + _OFF_VOXELS).any():
                raise InputError("the volume does not lie where its DICOM images do: it was moved or cut since it was loaded")
