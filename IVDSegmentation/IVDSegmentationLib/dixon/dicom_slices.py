"""DICOM slices, of classic files or of frames, and the volume that they make."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..images import Grid, Volume, check_voxels
from ..images.bounds import check_header, check_voxel_count
from ..images.grid import three
from .dicom_file import read_data
from .dicom_packed import check_streams, unpacked

if TYPE_CHECKING:
    import pydicom

_LONGEST_VALUE = 1 << 28
"""Bytes of a tag's value that are read: more than the pixels of any slice."""
_UNPACKED_HERE = (
    *("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"),  # not packed
    "1.2.840.10008.1.2.5",  # run lengths
)
"""Transfer syntaxes whose pixels pydicom unpacks without further packages."""
_UNDEFINED_LENGTH = 0xFFFFFFFF
"""Of pixels that are compressed, and lie in pieces."""


@dataclass(frozen=True)
class DicomSlice:
    """What a file, or a frame of one, says of its slice.

    Attributes:
        path: The file.
        columns_rows: Pixels along a row and along a column.
        spacing_mm: Between columns and between rows.
        orientation: The six cosines of ImageOrientationPatient.
        position_mm: Of the first pixel, LPS.
        frame: Which frame of the file, from 0; None for a classic file, which is one slice.
        scale: Slope and intercept from stored to real intensities, of a frame.
        time_point: Which time point of a dynamic series; None where the file does not say.
        echo_ms: Echo time; None where the file does not say.
    """

    path: Path
    columns_rows: tuple[int, int]
    spacing_mm: tuple[float, float]
    orientation: tuple[float, ...]
    position_mm: np.ndarray
    frame: int | None = None
    scale: tuple[float, float] = (1.0, 0.0)
    time_point: float | None = None
    echo_ms: float | None = None

    @property
    def label(self) -> str:
        """How a sentence for the user names it."""
        return self.path.name if self.frame is None else f"frame {self.frame + 1} of {self.path.name}"


def numbers_of(header: pydicom.Dataset, tag: str, count: int, label: str, default: float | None = None) -> list[float]:
    """The numbers of a tag.

    Args:
        header: Of a file or a frame.
        tag: Keyword of the tag.
        count: How many numbers it must have.
        label: Of the file or frame, for the message.
        default: Stands for each number where the tag is absent or empty; None where it must be there.

    Returns:
        `count` finite numbers.

    Raises:
        InputError: The tag is missing, or holds something else.
    """
    value = header.get(tag)
    if value is None or value == "" or (isinstance(value, Sequence) and not value):
        if default is not None:
            return [default] * count
        raise InputError(f"{label} has no {tag}: it cannot be placed in the patient; export the series again")
    several = isinstance(value, Sequence) and not isinstance(value, (str, bytes))
    try:
        numbers = [float(one) for one in (value if several else [value])]
    except (TypeError, ValueError):
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise InputError(f"{label} has no valid {tag}: export the series again")
    return numbers


def number_or_none(header: pydicom.Dataset, tag: str) -> float | None:
    """The number of a tag that may be missing.

    Args:
        header: Of a file or a frame.
        tag: Keyword of the tag.

    Returns:
        The number; None where the tag is absent, empty or no finite number.
    """
    try:
        return numbers_of(header, tag, 1, "")[0]
    except InputError:
        return None


def slice_of_file(header: pydicom.Dataset, path: Path) -> DicomSlice:
    """The slice of a classic file.

    Args:
        header: Its tags; of the pixels the length alone.
        path: The file.

    Returns:
        What is needed of the header.

    Raises:
        InputError: It cannot be placed in the patient, is no grey image, or its pixels are not there.
    """
    label = path.name
    columns_rows = check_pixels(header, path, frames=1)
    between_rows, between_columns = numbers_of(header, "PixelSpacing", 2, label)
    orientation = numbers_of(header, "ImageOrientationPatient", 6, label)
    position_mm = numbers_of(header, "ImagePositionPatient", 3, label)
    return DicomSlice(
        path,
        columns_rows,
        (between_columns, between_rows),
        tuple(orientation),
        np.array(position_mm),
        time_point=number_or_none(header, "TemporalPositionIdentifier"),
        echo_ms=number_or_none(header, "EchoTime"),
    )


def check_pixels(header: pydicom.Dataset, path: Path, frames: int) -> tuple[int, int]:
    """Refuse a file that is no grey image, or whose PixelData is not as long as its tags say.

    Args:
        header: Its tags; of the pixels the length alone.
        path: The file.
        frames: How many frames it has.

    Returns:
        Pixels along a row and along a column.

    Raises:
        InputError: One of these. ITK takes pixels that are missing from memory as it finds it.
    """
    label = path.name
    (rows,), (columns,) = numbers_of(header, "Rows", 1, label), numbers_of(header, "Columns", 1, label)
    if numbers_of(header, "SamplesPerPixel", 1, label, 1.0)[0] != 1:
        raise InputError(f"{label} is a colour image: give the original slices")
    if header.get("PhotometricInterpretation", "MONOCHROME2") != "MONOCHROME2":
        raise InputError(f"{label} is not stored with bright as high (MONOCHROME2): export the original slices")
    bits = numbers_of(header, "BitsAllocated", 1, label)[0]
    if bits not in (8, 16, 32):
        raise InputError(f"{label} has pixels of {bits:g} bits: export the original slices")
    check_voxel_count(label, (int(columns), int(rows)))
    if "PixelData" not in header:
        raise InputError(f"{label} holds no image (no PixelData): export the series again")
    element: Any = header.get_item("PixelData")
    raw = hasattr(element, "length")
    present = element.length if raw else len(element.value or b"")
    in_pieces = present == _UNDEFINED_LENGTH if raw else element.is_undefined_length
    promised = int(rows * columns * bits) // 8 * frames
    # Of compressed pixels, which lie in pieces, the decoder knows whether they are whole. Others are padded to an even length.
    if not in_pieces and not promised <= present <= promised + 1:
        raise InputError(
            f"{label} cannot be read: it has {present} bytes of pixels where its size says {promised}; export the series again"
        )
    return int(columns), int(rows)


def volume_of_slices(slices: Sequence[DicomSlice], source: str) -> Volume:
    """The volume of one channel.

    Args:
        slices: In any order, all of classic files or all frames.
        source: Of the volume, for messages.

    Returns:
        The volume, float32, slope and intercept of each slice applied, voxels checked; k runs along the slices' normal. Its
        files are those of the slices.

    Raises:
        InputError: Slices make no volume, since one is missing, doubled, tilted or of another size; their pixels cannot be
            read; or `check_voxels` refuses the voxels.
    """
    first = slices[0]
    if len(slices) < 2:
        raise InputError(f"{source} has one slice: it is not three-dimensional")
    for one in slices:
        same_size = one.columns_rows == first.columns_rows and np.allclose(one.spacing_mm, first.spacing_mm, rtol=1e-3)
        if not same_size or not np.allclose(one.orientation, first.orientation, atol=1e-3):
            raise InputError(f"{source}: {one.label} differs from {first.label} in size or orientation")
    along_columns, along_rows = np.array(first.orientation[:3]), np.array(first.orientation[3:])
    normal = np.cross(along_columns, along_rows)
    if not np.allclose([np.linalg.norm(normal), np.linalg.norm(along_columns)], 1, atol=1e-2):
        raise InputError(f"{source}: ImageOrientationPatient of {first.label} is not two perpendicular directions")
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
    voxels = _pixels_of_files(slices, source) if first.frame is None else _pixels_of_frames(slices, source)
    if voxels.shape != grid.size:
        raise InputError(f"{source}: the pixels of its slices are not of the size that their tags say: export the series again")
    volume = Volume(voxels, grid, source, tuple(dict.fromkeys(one.path for one in slices)))
    check_voxels(volume)
    return volume


def _step(slices: Sequence[DicomSlice], normal: np.ndarray, source: str) -> float:
    """Distance between slices, sorted, in mm; raises InputError unless all are alike and stacked straight."""
    offsets = np.array([one.position_mm - slices[0].position_mm for one in slices])
    heights = offsets @ normal
    steps = np.diff(heights)
    step_mm = float(np.median(steps))
    if steps.min() < 1e-3:
        at = int(np.argmin(steps))
        raise InputError(f"{source}: {_doubled(slices, at)}")
    if steps.max() > 1.5 * step_mm:
        at = int(np.argmax(steps))
        count = max(round(steps[at] / step_mm) - 1, 1)
        raise InputError(
            f"{source}: {count} slice{'s are' if count > 1 else ' is'} missing between {slices[at].label} and "
            f"{slices[at + 1].label}: export the whole series"
        )
    if np.abs(steps - step_mm).max() > 0.02 * step_mm + 0.01:
        raise InputError(f"{source}: slices are {steps.min():.2f} to {steps.max():.2f} mm apart: they must be evenly spaced")
    drift_mm = np.linalg.norm(offsets - heights[:, None] * normal, axis=1).max()
    if drift_mm > 0.5:
        raise InputError(f"{source}: slices are shifted against one another by {drift_mm:.1f} mm: a tilted stack is not read")
    return float(heights[-1] / (len(slices) - 1))


def _doubled(slices: Sequence[DicomSlice], at: int) -> str:
    """What to say of two slices in one place: a series with a dimension more than space, or a slice that is there twice."""
    for what, values in (
        ("time points", {one.time_point for one in slices} - {None}),
        ("echoes", {one.echo_ms for one in slices} - {None}),
    ):
        if len(values) > 1:
            return f"it holds {len(values)} {what}: export one of them alone"
    return (
        f"{slices[at].label} and {slices[at + 1].label} lie in the same place: "
        "leave one time point of one channel in the folder"
    )


def _pixels_of_files(slices: Sequence[DicomSlice], source: str) -> np.ndarray:
    """float32 [column, row, slice], RescaleSlope and RescaleIntercept of each slice applied."""
    columns, rows = slices[0].columns_rows
    voxels = np.empty((columns, rows, len(slices)), np.float32)
    packed = False
    for k, one in enumerate(slices):
        pixels = _pixels_of_file(one, source)
        packed |= pixels is None
        voxels[:, :, k] = 0 if pixels is None else pixels
    return unpacked([one.path for one in slices], frames=False, source=source).T if packed else voxels


def _pixels_of_file(one: DicomSlice, source: str) -> np.ndarray | None:
    """float32 [column, row] of a classic file, rescaled; None where its pixels are packed, in whole streams of their size.

    Not by ITK, whose decoder of run lengths takes gigabytes and minutes where a header lies.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = read_data(one.path, longest_value=_LONGEST_VALUE)
            if data.file_meta.get("TransferSyntaxUID") not in _UNPACKED_HERE:
                check_streams(data, one.columns_rows, 1, one.label)
                return None
            stored = data.pixel_array
            allocated, used = int(data.BitsAllocated), int(data.get("BitsStored") or data.BitsAllocated)
            slope = numbers_of(data, "RescaleSlope", 1, one.label, 1.0)[0]
            intercept = numbers_of(data, "RescaleIntercept", 1, one.label, 0.0)[0]
    except InputError:
        raise
    except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
        raise InputError(f"{source}: the pixels of {one.label} cannot be read: the file is damaged or cut short") from error
    columns, rows = one.columns_rows
    if stored.shape != (rows, columns):
        raise InputError(f"{source}: the pixels of {one.label} are not of the size that its tags say: export the series again")
    if 0 < used < allocated and stored.dtype.kind in "iu":  # what lies above the bits in use is no image
        stored = (stored << (allocated - used)) >> (allocated - used)
    with np.errstate(over="ignore"):  # what float32 does not hold is found as infinite
        return (stored * slope + intercept).astype(np.float32).T


def _pixels_of_frames(slices: Sequence[DicomSlice], source: str) -> np.ndarray:
    """float32 [column, row, slice], slope and intercept of each frame applied."""
    columns, rows = slices[0].columns_rows
    voxels = np.empty((columns, rows, len(slices)), np.float32)
    for path in dict.fromkeys(one.path for one in slices):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                data = read_data(path)
                if data.file_meta.get("TransferSyntaxUID") in _UNPACKED_HERE:
                    stored = data.pixel_array
                else:
                    check_streams(data, (columns, rows), int(data.get("NumberOfFrames") or 1), path.name)
                    stored = unpacked([path], frames=True, source=path.name)
            frames = stored.reshape(-1, rows, columns)
            for k, one in enumerate(slices):
                if one.path == path and one.frame is not None:
                    slope, intercept = one.scale
                    voxels[:, :, k] = frames[one.frame].T * np.float32(slope) + np.float32(intercept)
        except InputError:
            raise
        except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
            raise InputError(f"{source}: the pixels of {path.name} cannot be read: the file is damaged or cut short") from error
    return voxels
