"""The channels in DICOM series, recognised by the tags that the vendors write."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import InputError
from ..images import Grid, Volume, check_voxels
from ..images.bounds import check_header
from ..images.grid import three
from ..images.itk import itk_warnings_off
from ..images.regular_file import check_regular_file
from .channels import PLAIN_NAMES, channel_of_image_type, recognise_channel

if TYPE_CHECKING:
    import pydicom

_TAGS = (
    *("SOPClassUID", "Modality", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SequenceName", "ImageType"),
    *("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation", "PixelData"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
)
"""All that is read of a header: nothing that names the patient."""

_ENHANCED = ("1.2.840.10008.5.1.4.1.1.4.1", "1.2.840.10008.5.1.4.1.1.4.4")
_LONGEST_VALUE = 4096
"""Bytes of a tag's value that are read at once; the pixels are longer, and left in the file."""
_UNDEFINED_LENGTH = 0xFFFFFFFF
"""Of pixels that are compressed, and lie in pieces."""
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
    files = sorted(path for path in folder.rglob("*") if _looks_dicom(path))
    if not files:
        raise InputError(f"{folder.name} holds no DICOM files")
    series: dict[str, dict[str, list[_Slice]]] = defaultdict(lambda: defaultdict(list))
    numbers: dict[str, str] = {}
    left_out: set[str] = set()
    for path in files:
        header = _header_of(path)
        if header.get("Modality", "MR") != "MR" or ("Rows" not in header and header.get("SOPClassUID") not in _ENHANCED):
            continue
        if header.get("SOPClassUID") in _ENHANCED or _numbers(header, "NumberOfFrames", 1, path, 1.0)[0] > 1:
            raise InputError(
                f"{path.name} is an enhanced (multi-frame) DICOM file: "
                "export it as classic DICOM, or as one NIfTI file per channel"
            )
        number = f"series {_number_of_series(header)}"
        channel = _channel_of(header)
        if channel is None:
            left_out.add(number)
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
    image_type = header.get("ImageType") or ()
    values = [image_type] if isinstance(image_type, str) else [str(value) for value in image_type]
    if by_type := channel_of_image_type(values):
        return by_type
    names = (header.get("SequenceName"), header.get("SeriesDescription"))
    return next((channel for name in names if name and (channel := recognise_channel(str(name)))), None)


def _header_of(path: Path) -> pydicom.Dataset:
    """The _TAGS of a file; of the pixels the length alone."""
    import pydicom

    check_regular_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pydicom finds odd in a header is checked here, value by value
            header = pydicom.dcmread(path, specific_tags=list(_TAGS), defer_size=_LONGEST_VALUE, force=False)
            for tag in _TAGS:
                if tag != "PixelData":
                    header.get(tag)  # values are decoded when they are asked for
    except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
        raise InputError(f"{path.name} cannot be read as DICOM: it is damaged or cut short; export it again") from error
    return header


def _number_of_series(header: pydicom.Dataset) -> str:
    """The series' number for messages; a question mark where it is none."""
    number = str(header.get("SeriesNumber") or "")
    return number if number.isdecimal() else "?"


def _numbers(header: pydicom.Dataset, tag: str, count: int, path: Path, default: float | None = None) -> list[float]:
    """The numbers of a tag; raises InputError unless there are `count`, all finite."""
    value = header.get(tag)
    if value is None or value == "" or (isinstance(value, Sequence) and not value):
        if default is not None:
            return [default] * count
        raise InputError(f"{path.name} has no {tag}: it cannot be placed in the patient; export the series again")
    several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    try:
        numbers = [float(one) for one in (value if several else [value])]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{path.name} has no valid {tag}: export the series again")
    return numbers


def _slice_of(header: pydicom.Dataset, path: Path) -> _Slice:
    """What is needed of a header; raises InputError where it cannot be placed in the patient, or its pixels are not there."""
    (rows,), (columns,) = _numbers(header, "Rows", 1, path), _numbers(header, "Columns", 1, path)
    between_rows, between_columns = _numbers(header, "PixelSpacing", 2, path)
    orientation = _numbers(header, "ImageOrientationPatient", 6, path)
    position_mm = _numbers(header, "ImagePositionPatient", 3, path)
    if _numbers(header, "SamplesPerPixel", 1, path, 1.0)[0] != 1:
        raise InputError(f"{path.name} is a colour image: give the original slices")
    if header.get("PhotometricInterpretation", "MONOCHROME2") != "MONOCHROME2":
        raise InputError(f"{path.name} is not stored with bright as high (MONOCHROME2): export the original slices")
    bits = _numbers(header, "BitsAllocated", 1, path)[0]
    _check_pixels_there(header, int(rows * columns * bits) // 8, path)
    return _Slice(path, (int(columns), int(rows)), (between_columns, between_rows), tuple(orientation), np.array(position_mm))


def _check_pixels_there(header: pydicom.Dataset, promised: int, path: Path) -> None:
    """Refuse a file whose PixelData is not as long as its tags say: ITK takes what is missing from memory as it finds it."""
    if "PixelData" not in header:
        raise InputError(f"{path.name} holds no image (no PixelData): export the series again")
    element = header.get_item("PixelData")
    present = element.length if hasattr(element, "length") else len(element.value or b"")
    if present == _UNDEFINED_LENGTH:
        return  # compressed: the decoder knows whether it is whole
    if not promised <= present <= promised + 1:  # padded to an even length
        raise InputError(
            f"{path.name} cannot be read: it has {present} bytes of pixels where its size says {promised}; "
            "export the series again"
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
    directions = [along_columns.tolist(), along_rows.tolist(), normal.tolist()]
    spacing_mm = (*first.spacing_mm, step_mm)
    check_header(source, (*first.columns_rows, len(slices)), spacing_mm, slices[0].position_mm.tolist(), directions)
    grid = Grid(
        (*first.columns_rows, len(slices)),
        spacing_mm,
        three(slices[0].position_mm, float),
        tuple(three(row, float) for row in np.stack([along_columns, along_rows, normal], axis=1)),
    )
    voxels = _pixels([one.path for one in slices], source)
    if voxels.shape != grid.size:
        raise InputError(f"{source}: the pixels of its slices are not of the size that their tags say: export the series again")
    volume = Volume(voxels, grid, source)
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
