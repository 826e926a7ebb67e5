"""The channels in a folder: files recognised by their names, or DICOM series by their tags."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ..errors import InputError
from ..images import Volume, is_volume_file, read_volumes
from .channels import PLAIN_NAMES, UNDERSTOOD_NAMES, recognise_channel

_OPTIONS = "ivdseg has the options --fat, --in-phase, --opposed-phase and --water for it"


def read_channels(folder: Path, named: Mapping[str, Path] | None = None, study: str | None = None) -> dict[str, Volume]:
    """The channels in a folder of one examination.

    Args:
        folder: Folder of NIfTI, NRRD or MetaImage files, or, where none of them is a channel, of DICOM series.
        named: Channel -> file, for files whose names do not say what they are. A path of its own, or one relative to
            `folder`. The other channels are recognised.
        study: Which of several DICOM studies in the folder, as `read_dicom_folder` takes it.

    Returns:
        Channel -> volume, voxels checked.

    Raises:
        InputError: The folder is missing or may not be read, no channel or two files of one channel are recognised,
            or `read_volume` or `read_dicom_folder` refuses a file.
    """
    if not folder.exists():
        raise InputError(f"{folder.name} does not exist: give the folder of the examination")
    if not folder.is_dir():
        raise InputError(f"{folder.name} is a file: give its folder, and say which file is which channel ({_OPTIONS})")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{folder.name} may not be read: check the permissions of the folder")
    paths = {channel: _within(path, folder) for channel, path in (named or {}).items()}
    paths |= _recognised_files(folder, paths)
    if paths:
        return read_volumes(paths)
    from .dicom import holds_dicom, read_dicom_folder

    if not holds_dicom(folder):
        present = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
        listed = ", ".join(present[:8]) + (", ..." if len(present) > 8 else "") if present else "nothing"
        raise InputError(
            f"{folder.name} holds no Dixon channel ({listed}): name the files {UNDERSTOOD_NAMES} "
            f"(.nii, .nii.gz, .nrrd, .mha), or say which file is which channel ({_OPTIONS})"
        )
    return read_dicom_folder(folder, study)


def _within(path: Path, folder: Path) -> Path:
    """The path itself where it exists, else the one of that name in the folder where that exists."""
    return path if path.exists() or not (folder / path).exists() else folder / path


def _recognised_files(folder: Path, named: Mapping[str, Path]) -> dict[str, Path]:
    """Channel -> file of the folder, of the channels and files that are not named already."""
    taken = {os.path.realpath(path) for path in named.values()}
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        # A pipe, or a link to nothing, under a channel's name is no other channel: `read_volume` refuses it by its name.
        if hidden or path.is_dir() or not is_volume_file(path) or os.path.realpath(path) in taken:
            continue
        channel = recognise_channel(path.name)
        if channel is None or channel in named:
            continue
        if channel in paths:
            raise InputError(
                f"{paths[channel].name} and {path.name} both look like the {PLAIN_NAMES[channel]} channel: "
                f"say which it is (ivdseg: --{channel.replace('_', '-')}), or move the other out of the folder"
            )
        paths[channel] = path
    return paths
