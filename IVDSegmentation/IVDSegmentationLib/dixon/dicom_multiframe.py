"""Enhanced (multi-frame) MR: many slices, and often several channels, in one DICOM object.

What a classic file says once for its slice stands in functional groups: in those shared by all frames or in those of each
frame (DICOM PS3.3, C.7.6.16). Philips writes water, fat, in-phase and opposed-phase of mDIXON into one object, told apart
by FrameType of each frame; Siemens XA one object for a slice or for a volume; GE one for a series.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..images.bounds import check_voxel_count
from .channels import channel_of_image_type
from .dicom_file import read_data
from .dicom_slices import DicomSlice, check_pixels, number_or_none, numbers_of

if TYPE_CHECKING:
    import pydicom

ENHANCED = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
"""SOP classes Enhanced MR Image Storage and Legacy Converted Enhanced MR Image Storage."""

MOST_FRAMES = 20_000
"""Of one object: ten times the four channels of a whole-body examination."""

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_NOT_MAGNITUDE = ("PHASE", "REAL", "IMAGINARY", "PHASE MAP", "FIELD_MAP")


def frames_of_file(header: pydicom.Dataset, path: Path) -> Iterator[tuple[str | None, DicomSlice]]:
    """The slices of an enhanced object, and the channel that each one's FrameType names.

    Args:
        header: Tags of the object; of the pixels the length alone.
        path: The file.

    Yields:
        Channel and slice of each frame that is a magnitude image. The channel is one of CHANNELS, or None where FrameType
        names none.

    Raises:
        InputError: The functional groups are missing, damaged or do not place a frame in the patient; the pixels are not
            as many as the frames.
    """
    count = int(numbers_of(header, "NumberOfFrames", 1, path.name, 1.0)[0])
    if not 1 <= count <= MOST_FRAMES:
        raise InputError(f"{path.name} says that it has {count} frames: export the series again")
    columns_rows = check_pixels(header, path, frames=count)
    check_voxel_count(path.name, (*columns_rows, count))
    shared, frames = _functional_groups(path, count)
    for index, own in enumerate(frames):
        label = f"frame {index + 1} of {path.name}"
        kind = _group("MRImageFrameTypeSequence", own, shared)
        if kind is not None and str(kind.get("ComplexImageComponent", "MAGNITUDE")) in _NOT_MAGNITUDE:
            continue
        values = () if kind is None else kind.get("FrameType") or ()
        between_rows, between_columns = _needed(_group("PixelMeasuresSequence", own, shared), "PixelSpacing", 2, label)
        transformation = _group("PixelValueTransformationSequence", own, shared)
        content = _group("FrameContentSequence", own, shared)
        echo = _group("MREchoSequence", own, shared)
        yield (
            channel_of_image_type([values] if isinstance(values, str) else [str(value) for value in values]),
            DicomSlice(
                path,
                columns_rows,
                (between_columns, between_rows),
                tuple(_needed(_group("PlaneOrientationSequence", own, shared), "ImageOrientationPatient", 6, label)),
                np.array(_needed(_group("PlanePositionSequence", own, shared), "ImagePositionPatient", 3, label)),
                index,
                _scale(transformation, label),
                None if content is None else number_or_none(content, "TemporalPositionIndex"),
                None if echo is None else number_or_none(echo, "EffectiveEchoTime"),
            ),
        )


def _functional_groups(path: Path, count: int) -> tuple[pydicom.Dataset | None, list[pydicom.Dataset]]:
    """The groups that all frames share, None where there are none, and those of each frame."""
    try:
        groups = read_data(path, _GROUPS, pixels=False)
        shared, frames = (list(groups.get(name) or ()) for name in _GROUPS)
    except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
        raise InputError(f"{path.name} cannot be read as DICOM: it is damaged or cut short; export it again") from error
    if len(frames) != count:
        raise InputError(
            f"{path.name} describes {len(frames)} of its {count} frames: "
            "export it again, or as classic DICOM, or as one NIfTI file per channel"
        )
    return (shared[0] if shared else None), frames


def _group(name: str, own: pydicom.Dataset, shared: pydicom.Dataset | None) -> pydicom.Dataset | None:
    """A functional group of a frame: its own, else the shared one; None where neither holds it."""
    for groups in (own, shared):
        items = None if groups is None else groups.get(name)
        if items:
            return items[0]
    return None


def _needed(found: pydicom.Dataset | None, tag: str, count: int, label: str) -> list[float]:
    """The numbers of a tag of a functional group; raises InputError where they, or the group, are missing."""
    if found is None:
        raise InputError(f"{label} has no {tag}: it cannot be placed in the patient; export the series again")
    return numbers_of(found, tag, count, label)


def _scale(transformation: pydicom.Dataset | None, label: str) -> tuple[float, float]:
    """Slope and intercept of a frame."""
    if transformation is None:
        return 1.0, 0.0
    slope = numbers_of(transformation, "RescaleSlope", 1, label, 1.0)[0]
    return slope, numbers_of(transformation, "RescaleIntercept", 1, label, 0.0)[0]
