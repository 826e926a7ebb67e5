"""The channels in DICOM series, recognised by the tags that the vendors write."""

from __future__ import annotations

import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..images import Grid, Volume, check_voxels
from ..images.grid import three
from ..images.itk import itk_warnings_off
from .channels import PLAIN_NAMES, channel_of_image_type, recognise_channel

if TYPE_CHECKING:
    import pydicom

_TAGS = (
    *("SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SequenceName", "ImageType"),
    *("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
)
"""All that is read of a header: nothing that names the patient."""

_ENHANCED = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
_LEGACY_SUFFIXES = (".dcm", ".ima", ".dicom")


@dataclass(frozen=True)
class _Slice:
    """What a file says of its slice.

    Attributes:
        path: The file.
        columns_rows: Pixels along a row and along a column.
        spacing_mm: Between columns and between rows.
        orientation: The six cosines of ImageOrientationPatient.
        position_mm: Of the first pixel, LPS.
    """

    path: Path
    columns_rows: tuple[int, int]
    spacing_mm: tuple[float, float]
    orientation: tuple[float, ...]
    position_mm: np.ndarray


def holds_dicom(folder: Path) -> bool:
    """Whether a folder holds DICOM files.

    Args:
        folder: An existing folder; the folders in it count, too.

    Returns:
        True where the name or the beginning of a file is that of DICOM.

    Raises:
        InputError: A file may not be read.
    """
    return any(_looks_dicom(path) for path in folder.rglob("*"))


def _looks_dicom(path: Path) -> bool:
    """Whether a file is named or begins as DICOM does."""
    if not path.is_file() or path.name.startswith(".") or path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in _LEGACY_SUFFIXES:
        return True
    if not os.access(path, os.R_OK):
        raise InputError(f"{path.name} may not be read: check its permissions")
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def read_dicom_folder(folder: Path) -> dict[str, Volume]:
    """The Dixon channels in a folder of DICOM files.

    The channel of a file is what a value of ImageType says (WATER, W, IN_PHASE, IP, ...), else SequenceName, else
    SeriesDescription (`t1_vibe_dixon_W`, `InPhase: LAVA`), so that several channels may share one series. Files that are
    no MR image, and series that are no Dixon channel, are left out.

    Args:
        folder: An existing folder; the folders in it are read, too.

    Returns:
        Channel -> volume, float32, RescaleSlope and RescaleIntercept applied, voxels checked. Its source is the number of
        the series.

    Raises:
        InputError: There is no DICOM file, or none of a Dixon channel; images are enhanced (multi-frame) or in colour;
            two series are of one channel; a file cannot be read; slices make no volume, since one is missing, doubled,
            tilted or of another size; or `check_voxels` refuses the voxels.
    """
    import pydicom
    from pydicom.errors import InvalidDicomError

    files = sorted(path for path in folder.rglob("*") if _looks_dicom(path))
    if not files:
        raise InputError(f"{folder.name} holds no DICOM files")
    series: dict[str, dict[str, list[_Slice]]] = defaultdict(lambda: defaultdict(list))
    numbers: dict[str, str] = {}
    left_out: set[str] = set()
    for path in files:
        try:
            header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS))
        except (InvalidDicomError, OSError, EOFError) as error:
            raise InputError(f"{path.name} cannot be read as DICOM: it is damaged or cut short") from error
        if header.get("Modality", "MR") != "MR" or ("Rows" not in header and header.get("SOPClassUID") not in _ENHANCED):
            continue
        if header.get("SOPClassUID") in _ENHANCED or int(header.get("NumberOfFrames") or 1) > 1:
            raise InputError(
                f"{path.name} is an enhanced (multi-frame) DICOM file: "
                "export it as classic DICOM, or as one NIfTI file per channel"
            )
        number = f"series {header.get('SeriesNumber') or '?'}"
        channel = _channel_of(header)
        if channel is None:
            left_out.add(f"{number} ({', '.join(header.get('ImageType') or ['no ImageType'])})")
            continue
        uid = str(header.get("SeriesInstanceUID", ""))
        numbers[uid] = number
        series[channel][uid].append(_slice_of(header, path))
    if not series:
        listed = "; ".join(sorted(left_out)[:6]) or "no MR image"
        raise InputError(
            f"{folder.name} holds no DICOM series that is marked as a Dixon channel ({listed}): "
            "convert the series to NIfTI and name them with --water, --fat, --in-phase, --opposed-phase"
        )
    volumes = {}
    for channel, of_channel in sorted(series.items()):
        if len(of_channel) > 1:
            found = " and ".join(sorted(numbers[uid] for uid in of_channel))
            raise InputError(
                f"{folder.name} holds {len(of_channel)} series of the {PLAIN_NAMES[channel]} channel ({found}): "
                "leave only one of them in the folder"
            )
        uid, slices = next(iter(of_channel.items()))
        volumes[channel] = _volume(slices, f"{numbers[uid]} ({PLAIN_NAMES[channel]})")
    return volumes


def _channel_of(header: pydicom.Dataset) -> str | None:
    """The channel of a file: what ImageType says, else SequenceName, else SeriesDescription."""
    if by_type := channel_of_image_type(header.get("ImageType") or ()):
        return by_type
    names = (header.get("SequenceName"), header.get("SeriesDescription"))
    return next((channel for name in names if name and (channel := recognise_channel(str(name)))), None)


def _slice_of(header: pydicom.Dataset, path: Path) -> _Slice:
    """What is needed of a header; raises InputError where it cannot be placed in the patient."""
    for tag in ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"):
        if not header.get(tag):
            raise InputError(f"{path.name} has no {tag}: it cannot be placed in the patient; export the series again")
    if int(header.get("SamplesPerPixel") or 1) > 1:
        raise InputError(f"{path.name} is a colour image: give the original slices")
    between_rows, between_columns = (float(value) for value in header.PixelSpacing)
    return _Slice(
        path,
        (int(header.Columns), int(header.Rows)),
        (between_columns, between_rows),
        tuple(float(value) for value in header.ImageOrientationPatient),
        np.array([float(value) for value in header.ImagePositionPatient]),
    )


def _volume(slices: list[_Slice], source: str) -> Volume:
    """The volume of one channel from its slices in any order."""
    first = slices[0]
    if len(slices) < 2:
        raise InputError(f"{source} has one slice: it is not three-dimensional")
    for one in slices:
        same_size = one.columns_rows == first.columns_rows and np.allclose(one.spacing_mm, first.spacing_mm, rtol=1e-3)
        if not same_size or not np.allclose(one.orientation, first.orientation, atol=1e-3):
            raise InputError(f"{source}: {one.path.name} differs from {first.path.name} in size or orientation")
    along_columns, along_rows = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(along_columns, along_rows)
    if not np.allclose([np.linalg.norm(normal), np.linalg.norm(along_columns)], 1, atol=1e-2):
        raise InputError(f"{source}: ImageOrientationPatient of {first.path.name} is not two perpendicular directions")
    slices = sorted(slices, key=lambda one: float(one.position_mm @ normal))
    step_mm = _step(slices, normal, source)
    grid = Grid(
        (*first.columns_rows, len(slices)),
        (*first.spacing_mm, step_mm),
        three(slices[0].position_mm, float),
        tuple(three(row, float) for row in np.stack([along_columns, along_rows, normal], axis=1)),
    )
    volume = Volume(_pixels([one.path for one in slices], source), grid, source)
    check_voxels(volume)
    return volume


def _step(slices: list[_Slice], normal: np.ndarray, source: str) -> float:
    """Distance between slices, sorted, in mm; raises InputError unless all are alike and stacked straight."""
    offsets = np.array([one.position_mm - slices[0].position_mm for one in slices])
    heights = offsets @ normal
    steps = np.diff(heights)
    step_mm = float(np.median(steps))
    if steps.min() < 1e-3:
        at = int(np.argmin(steps))
        raise InputError(
            f"{source}: {slices[at].path.name} and {slices[at + 1].path.name} lie in the same place: "
            "leave one time point of one channel in the folder"
        )
    if steps.max() > 1.5 * step_mm:
        at = int(np.argmax(steps))
        count = max(round(steps[at] / step_mm) - 1, 1)
        raise InputError(
            f"{source}: {count} slice{'s are' if count > 1 else ' is'} missing between {slices[at].path.name} and "
            f"{slices[at + 1].path.name}: export the whole series"
        )
    if np.abs(steps - step_mm).max() > 0.02 * step_mm + 0.01:
        raise InputError(f"{source}: slices are {steps.min():.2f} to {steps.max():.2f} mm apart: they must be evenly spaced")
    drift_mm = np.linalg.norm(offsets - heights[:, None] * normal, axis=1).max()
    if drift_mm > 0.5:
        raise InputError(f"{source}: slices are shifted against one another by {drift_mm:.1f} mm: a tilted stack is not read")
    return float(heights[-1] / (len(slices) - 1))


def _pixels(paths: list[Path], source: str) -> np.ndarray:
    """float32 [column, row, slice], RescaleSlope and RescaleIntercept of each slice applied."""
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    reader.SetOutputPixelType(sitk.sitkFloat32)  # by slice: each may have its own slope
    with itk_warnings_off():
        try:
            return sitk.GetArrayFromImage(reader.Execute()).T
        except RuntimeError as error:
            raise InputError(f"{source}: the pixels of a slice cannot be read: the file is damaged or cut short") from error
