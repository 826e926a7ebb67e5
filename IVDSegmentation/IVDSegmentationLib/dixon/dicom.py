"""The channels in DICOM series, recognised by the tags that the vendors write."""

from __future__ import annotations

import os
import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import InputError
from ..images import Volume
from ..images.bounds import check_all_voxels
from ..images.regular_file import check_regular_file
from .channels import CHANNELS, PLAIN_NAMES, channel_of_image_type, recognise_channel
from .dicom_file import check_file, read_data
from .dicom_multiframe import ENHANCED, frames_of_file
from .dicom_slices import DicomSlice, numbers_of, slice_of_file, volume_of_slices

if TYPE_CHECKING:
    import pydicom

_TAGS = (
    *("SOPClassUID", "Modality", "StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription"),
    *("SequenceName", "ImageType", "TemporalPositionIdentifier", "EchoTime"),
    *("NumberOfFrames", "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PhotometricInterpretation", "PixelData"),
    *("PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient"),
)
"""All that is read of a header: nothing that names the patient."""

_LONGEST_VALUE = 4096
"""Bytes of a tag's value that are read at once; the pixels are longer, and left in the file."""
_LEGACY_SUFFIXES = (".dcm", ".ima", ".dicom")


@dataclass
class DicomStudy:
    """What a folder holds of one study.

    Attributes:
        uid: StudyInstanceUID; empty where the files have none.
        channels: Channel -> SeriesInstanceUID -> slices, in the order of the files.
        numbers: SeriesInstanceUID -> how a sentence calls the series.
        left_out: The series that are no Dixon channel.
        images: How many slices its channels have.
        folder: Name of the folder that its first image lies in.
    """

    uid: str
    channels: dict[str, dict[str, list[DicomSlice]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    numbers: dict[str, str] = field(default_factory=dict)
    left_out: set[str] = field(default_factory=set)
    images: int = 0
    folder: str = ""

    @property
    def description(self) -> str:
        """Its channels, the number of its images and where they lie, in words."""
        names = ", ".join(PLAIN_NAMES[channel] for channel in CHANNELS if channel in self.channels)
        return f"{names}; {self.images} images in {self.folder}"


def holds_dicom(folder: Path) -> bool:
    """Whether a folder holds DICOM files.

    Args:
        folder: An existing folder; the folders in it count, too.

    Returns:
        True where the name or the beginning of a file is that of DICOM.

    Raises:
        InputError: A file may not be read.
    """
    return any(is_dicom_file(path) for path in folder.rglob("*"))


def dicom_files(folder: Path) -> list[Path]:
    """The DICOM files of a folder and of the folders in it.

    Args:
        folder: An existing folder.

    Returns:
        The files that are named or begin as DICOM does, sorted.

    Raises:
        InputError: A file may not be read.
    """
    return sorted(path for path in folder.rglob("*") if is_dicom_file(path))


def dicom_files_of(folder: Path) -> list[Path]:
    """The DICOM files that lie in a folder itself.

    Args:
        folder: An existing folder; the folders in it do not count.

    Returns:
        The files that are named or begin as DICOM does, sorted.

    Raises:
        InputError: A file may not be read.
    """
    return sorted(path for path in folder.iterdir() if is_dicom_file(path))


def is_dicom_file(path: Path) -> bool:
    """Whether a file is DICOM.

    Args:
        path: Any path.

    Returns:
        True where it is a file that is named or begins as DICOM does.

    Raises:
        InputError: It may not be read.
    """
    if not path.is_file() or path.name.startswith(".") or path.name.upper() == "DICOMDIR":
        return False
    if path.suffix.lower() in _LEGACY_SUFFIXES:
        return True
    if not os.access(path, os.R_OK):
        raise InputError(f"{path.name} may not be read: check its permissions")
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


def find_studies(files: Sequence[Path], unknown: str | None = None) -> list[DicomStudy]:
    """The studies that DICOM files belong to.

    The channel of a slice is what a value of ImageType, or of a frame's FrameType, says (WATER, W, IN_PHASE, IP, ...), else
    SequenceName, else SeriesDescription (`t1_vibe_dixon_W`, `InPhase: LAVA`), so that several channels may share one series.
    Files that are no MR image are left out.

    Args:
        files: DICOM files.
        unknown: The channel of images that do not say what they are; None: they are left out.

    Returns:
        The studies with a Dixon channel, in the order of their first files; all of them where none has one.

    Raises:
        InputError: A file cannot be read, is damaged, or is a multi-frame image without functional groups.
    """
    studies: dict[str, DicomStudy] = {}
    for path in files:
        try:
            _sort_in(path, studies, unknown)
        except InputError:
            raise
        except Exception as error:  # values are decoded when they are asked for, and a damaged one raises whatever it leads to
            raise InputError(f"{path.name} cannot be read as DICOM: it is damaged; export it again") from error
    found = list(studies.values())
    return [study for study in found if study.channels] or found


def _sort_in(path: Path, studies: dict[str, DicomStudy], unknown: str | None) -> None:
    """Add what a file holds to the study that it belongs to; `find_studies` says what is refused."""
    header = _header_of(path)
    enhanced = header.get("SOPClassUID") in ENHANCED
    if header.get("Modality", "MR") != "MR" or ("Rows" not in header and not enhanced):
        return
    uid = str(header.get("StudyInstanceUID") or "")
    study = studies.setdefault(uid, DicomStudy(uid, folder=path.parent.name))
    series = str(header.get("SeriesInstanceUID", ""))
    number = study.numbers[series] = f"series {_number_of_series(header)}"
    for channel, one in _slices_of(header, path, enhanced, unknown):
        if channel is None or one is None:
            study.left_out.add(number)
            continue
        study.images += 1
        study.channels[channel][series].append(one)


def read_dicom_folder(folder: Path, study: str | None = None, unknown: str | None = None) -> dict[str, Volume]:
    """The Dixon channels in a folder of DICOM files, of one study (`find_studies`).

    Args:
        folder: An existing folder; the folders in it are read, too.
        study: Which of several studies with a Dixon channel: its position in the list that the error names, from 1, or its
            StudyInstanceUID. None: there must be only one.
        unknown: As `find_studies` takes it.

    Returns:
        Channel -> volume, as `volumes_of_study` makes them.

    Raises:
        InputError: There is no DICOM file, or none of a Dixon channel; there are several studies and none is chosen, or
            one that is not there; or `find_studies` or `volumes_of_study` refuses a file.
    """
    files = dicom_files(folder)
    if not files:
        raise InputError(f"{folder.name} holds no DICOM files")
    return volumes_of_study(choose_study(find_studies(files, unknown), folder.name, study), folder.name)


def choose_study(studies: Sequence[DicomStudy], name: str, study: str | None = None) -> DicomStudy:
    """One of the studies of a folder.

    Args:
        studies: As `find_studies` lists them.
        name: Of the folder, for messages.
        study: Position from 1, or StudyInstanceUID; None: there must be only one.

    Returns:
        The study, which has a Dixon channel.

    Raises:
        InputError: None has a Dixon channel, there are several and none is chosen, or the one chosen is not there.
    """
    with_channels = [one for one in studies if one.channels]
    if not with_channels:
        listed = "; ".join(sorted({number for one in studies for number in one.left_out})[:6]) or "no MR image"
        raise InputError(
            f"{name} holds no DICOM series that is marked as a Dixon channel ({listed}): "
            "convert the series to NIfTI and name them with --water, --fat, --in-phase, --opposed-phase"
        )
    if study is None and len(with_channels) == 1:
        return with_channels[0]
    for position, one in enumerate(with_channels, start=1):
        if study is not None and study in (str(position), one.uid):
            return one
    listed = ". ".join(f"{position}: {one.description}" for position, one in enumerate(with_channels[:9], start=1))
    more = ", ..." if len(with_channels) > 9 else ""
    what = "is not among" if study is not None else "is to be chosen of"
    raise InputError(
        f"{'the study ' + study if study else 'one'} {what} the {len(with_channels)} Dixon studies of {name}: "
        f"give one of them alone, or its number with ivdseg's --study ({listed}{more})"
    )


def volumes_of_study(study: DicomStudy, name: str) -> dict[str, Volume]:
    """The channels of a study.

    Args:
        study: With its slices by channel and series.
        name: Of the folder, for messages.

    Returns:
        Channel -> volume, float32, slope and intercept applied, voxels checked. Its source is the number of the series.

    Raises:
        InputError: Two series are of one channel, or `volume_of_slices` refuses the slices of one.
    """
    volumes = {}
    for channel, of_channel in sorted(study.channels.items()):
        if len(of_channel) > 1:
            found = " and ".join(sorted(study.numbers[uid] for uid in of_channel))
            raise InputError(
                f"{name} holds {len(of_channel)} series of the {PLAIN_NAMES[channel]} channel ({found}): "
                "leave only one of them in the folder"
            )
        uid, slices = next(iter(of_channel.items()))
        volumes[channel] = volume_of_slices(slices, f"{study.numbers[uid]} ({PLAIN_NAMES[channel]})")
        check_all_voxels({one.source: one.voxels.size for one in volumes.values()})
    return volumes


def _slices_of(
    header: pydicom.Dataset, path: Path, enhanced: bool, unknown: str | None
) -> Iterator[tuple[str | None, DicomSlice | None]]:
    """Channel and slice of all that a file holds; the channel is None for what is no Dixon channel."""
    of_file = _channel_of(header) or unknown
    if enhanced:
        for channel, one in frames_of_file(header, path):
            yield channel or of_file, one
        return
    if numbers_of(header, "NumberOfFrames", 1, path.name, 1.0)[0] > 1:
        raise InputError(
            f"{path.name} is a multi-frame DICOM file without functional groups: "
            "export it as classic or enhanced MR, or as one NIfTI file per channel"
        )
    yield of_file, None if of_file is None else slice_of_file(header, path)


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
    check_regular_file(path)
    try:
        check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what pydicom finds odd in a header is checked here, value by value
            header = read_data(path, _TAGS, longest_value=_LONGEST_VALUE)
            for tag in _TAGS:
                if tag != "PixelData":
                    header.get(tag)  # values are decoded when they are asked for
    except InputError:
        raise
    except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
        raise InputError(f"{path.name} cannot be read as DICOM: it is damaged or cut short; export it again") from error
    return header


def _number_of_series(header: pydicom.Dataset) -> str:
    """The series' number for messages; a question mark where it is none."""
    number = str(header.get("SeriesNumber") or "")
    return number if number.isdecimal() else "?"
