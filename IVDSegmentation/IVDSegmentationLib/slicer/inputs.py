"""Which of the loaded volumes are which Dixon channels, and the channels in a folder of files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..dixon.case import recognised_files
from ..dixon.channels import CHANNELS, PLAIN_NAMES, recognise_channel
from ..dixon.dicom import IMAGE_TYPES, holds_dicom, read_dicom_folder
from ..errors import InputError
from ..images import Volume, read_volume


@dataclass(frozen=True)
class Candidate:
    """A loaded volume. key: names it to the caller. channel: the one it was loaded as, if known. image_type: values of
    the DICOM tag ImageType, none if it is not from DICOM."""

    key: str
    name: str
    channel: str | None = None
    image_type: tuple[str, ...] = ()


def find_channels(candidates: Iterable[Candidate]) -> tuple[dict[str, str], list[str]]:
    """Channel -> key of the one volume that looks like it; and a sentence on each channel that several look like."""
    by_channel: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        channel = candidate.channel or _channel_of_image_type(candidate.image_type) or recognise_channel(candidate.name)
        if channel:
            by_channel[channel].append(candidate)
    found = {channel: by_channel[channel][0].key for channel in CHANNELS if len(by_channel[channel]) == 1}
    ambiguous = [
        f"{len(same)} volumes look like the {PLAIN_NAMES[channel]} channel ({', '.join(one.name for one in same)}): choose one."
        for channel, same in by_channel.items()
        if len(same) > 1
    ]
    return found, ambiguous


def _channel_of_image_type(values: tuple[str, ...]) -> str | None:
    channels = {IMAGE_TYPES[value.upper()] for value in values if value.upper() in IMAGE_TYPES}
    return channels.pop() if len(channels) == 1 else None


def read_channels(folder: Path) -> dict[str, Volume]:
    """Channel -> Volume of a folder of NIfTI, NRRD, MetaImage or DICOM files.

    Raises InputError: no channel recognised, two files for one channel, a file that cannot be read.
    """
    paths = recognised_files(folder, {})
    if paths:
        return {channel: read_volume(path) for channel, path in paths.items()}
    if not holds_dicom(folder):
        raise InputError(
            f"{folder.name} holds no Dixon channel: choose the folder of one examination, or load the files yourself and "
            "choose them above"
        )
    return read_dicom_folder(folder)
