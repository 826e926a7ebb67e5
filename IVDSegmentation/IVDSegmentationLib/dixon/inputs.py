"""Whatever a person points at: a folder, one volume file, one DICOM file, or files named by channel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ..errors import InputError
from ..images import Volume, is_volume_file, read_volume, read_volumes, same_grid
from ..images.grid import reordered
from .case import DixonCase, case_from_volumes, load_case
from .channels import CHANNELS, PLAIN_NAMES, recognise_channel
from .dicom import choose_study, dicom_files_of, find_studies, holds_dicom, is_dicom_file, read_dicom_folder, volumes_of_study

_OPTIONS = "--water, --opposed-phase, --in-phase, --fat"


def load_input(
    path: Path | None, named: Mapping[str, Path], *, study: str | None = None, as_channel: str | None = None
) -> DixonCase:
    """The case in what a person points at.

    Args:
        path: A folder as `load_case` takes it; a volume file; a DICOM file, which stands for its study: an enhanced object by
            itself, a classic one with the files of the study beside it. None: `named` is all there is.
        named: Channel -> file, besides what is found in `path`.
        study: Which of several DICOM studies in a folder.
        as_channel: The channel of a volume file, or of DICOM images, that do not say what they are.

    Returns:
        The case, named after the folder or the first file.

    Raises:
        InputError: Nothing is given, or not what it is; or the files are refused by what reads them.
    """
    if path is None:
        if not named:
            raise InputError(f"no image is given: name a folder, a file, or the file of each channel ({_OPTIONS})")
        volumes = read_volumes(named)
        return case_from_volumes(volumes, _stem(next(iter(named.values()))))
    if is_volume_file(path) and not path.is_dir():
        return _case_of_file(path, named, as_channel)
    if path.is_file():
        return _case_of_dicom_file(path, named, as_channel)
    if as_channel is not None and path.is_dir() and holds_dicom(path):
        volumes = read_dicom_folder(path, study, unknown=as_channel)
        return _with_named(volumes, named, path.resolve().name)
    if as_channel is not None:
        raise InputError("--as is for one file, or a folder of DICOM images, that does not say its channel")
    given = {channel: named.get(channel) for channel in CHANNELS}
    return load_case(
        path,
        fat=given["fat"],
        in_phase=given["in_phase"],
        opposed_phase=given["opposed_phase"],
        water=given["water"],
        study=study,
    )


def dicom_source_of(case: DixonCase, folder: Path) -> DixonCase:
    """A case of volumes that were converted from DICOM, with the files of the series that it was converted from.

    Args:
        case: Its input grid covers the same voxels as one of the series.
        folder: Of DICOM files.

    Returns:
        The case with those DICOM files.

    Raises:
        InputError: No channel in the folder has these voxels, or `read_dicom_folder` refuses it.
    """
    own = reordered(case.input_grid)
    for volume in read_dicom_folder(folder).values():
        if same_grid(reordered(volume.grid), own):
            return replace(case, dicom_files=volume.files)
    raise InputError(
        f"no Dixon series in {folder.name} has the voxels of {case.name}: give the series that it was converted from"
    )


def _case_of_file(path: Path, named: Mapping[str, Path], as_channel: str | None) -> DixonCase:
    """The case of one volume file."""
    channel = as_channel or recognise_channel(path.name)
    if channel is None:
        raise InputError(
            f"{path.name} does not say which channel it is: add --as water (or in-phase, opposed-phase), or rename the file"
        )
    return _with_named({channel: read_volume(path)}, named, _stem(path))


def _case_of_dicom_file(path: Path, named: Mapping[str, Path], as_channel: str | None) -> DixonCase:
    """The case of the study that a DICOM file belongs to."""
    if not is_dicom_file(path):
        raise InputError(f"{path.name} is neither a volume file (.nii, .nii.gz, .nrrd, .mha) nor DICOM")
    own = find_studies([path], unknown=as_channel)
    if not own:
        raise InputError(f"{path.name} holds no MR image: give an image of the examination")
    (study,) = own
    if not any(one.frame is not None for series in study.channels.values() for slices in series.values() for one in slices):
        beside = find_studies(dicom_files_of(path.resolve().parent), unknown=as_channel)
        study = choose_study([one for one in beside if one.uid == study.uid], path.name)
    volumes = volumes_of_study(choose_study([study], path.name), path.name)
    return _with_named(volumes, named, path.resolve().parent.name)


def _with_named(volumes: Mapping[str, Volume], named: Mapping[str, Path], name: str) -> DixonCase:
    """The case of volumes and of the files that are named by channel."""
    both = sorted(set(volumes) & set(named))
    if both:
        twice = f"{volumes[both[0]].source} and {named[both[0]].name}"
        raise InputError(f"{PLAIN_NAMES[both[0]]} is given twice, as {twice}: leave one of them out")
    return case_from_volumes({**volumes, **read_volumes(named)}, name)


def _stem(path: Path) -> str:
    """Name of a file without its ending."""
    return Path(path.name.removesuffix(".gz")).stem
