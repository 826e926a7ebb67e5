"""Volumes in files: NIfTI, NRRD and MetaImage."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..errors import InputError, OutputError
from ..printable import printable
from ..threads import in_threads
from .bounds import check_all_voxels
from .itk import image_of
from .regular_file import check_regular_file
from .volume import Volume, check_voxels

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Ends of the names of volume files."""

_WITH_A_SECOND_FILE = (".nhdr", ".mhd")
"""A header with the voxels in another file: read, but not written, since two files cannot be replaced at once."""


def is_volume_file(path: Path) -> bool:
    """Whether a file is named as a volume.

    Args:
        path: A path; the file need not exist.

    Returns:
        True where the name ends in one of SUFFIXES.
    """
    return path.name.lower().endswith(SUFFIXES)


def read_volume(path: Path, *, mask: bool = False) -> Volume:
    """Read a three-dimensional scalar volume.

    Args:
        path: NIfTI, NRRD or MetaImage file. One of four dimensions with a single frame is read as that frame.
        mask: Whether it holds labels, which may be 0 everywhere.

    Returns:
        The volume, float32, intensities as stored (a scale factor of the file applied); its source is the file's name.

    Raises:
        InputError: The file is missing, no regular file, unreadable or cut short, not three-dimensional, or of complex or
            vector pixels; its header does not place the voxels beyond doubt or is out of bounds (bounds.py); or
            `check_voxels` refuses its voxels.
    """
    from .readers import READERS  # when a file is read: the panel opens without

    path = Path(path)
    _check_volume_file(path)
    volume = READERS[path.suffix.lower()](path)
    check_voxels(volume, mask)
    return volume


def _check_volume_file(path: Path) -> None:
    if not is_volume_file(path):
        raise InputError(f"{printable(path.name)} is not a volume file: use {', '.join(SUFFIXES)}")
    check_regular_file(path)


def count_voxels(path: Path) -> int:
    """How many voxels a volume file has, by its header.

    Args:
        path: As `read_volume` takes it.

    Returns:
        The number.

    Raises:
        InputError: It is not named as a volume, no regular file, or its header has no valid size.
    """
    from .readers import SIZES

    _check_volume_file(path)
    return math.prod(SIZES[path.suffix.lower()](path))


def read_volumes(paths: Mapping[str, Path]) -> dict[str, Volume]:
    """Read the volumes of an examination, as long as they fit into memory together.

    Args:
        paths: Channel -> file.

    Returns:
        Channel -> volume, as `read_volume` reads them.

    Raises:
        InputError: `read_volume` refuses one, or they are too many voxels together.
    """
    check_all_voxels({path.name: count_voxels(path) for path in paths.values()})
    return dict(zip(paths, in_threads(read_volume, paths.values()), strict=True))


def write_volume(volume: Volume, path: Path, *, header: Mapping[str, str] | None = None) -> None:
    """Write a volume with its geometry, whole or not at all.

    The file is read back before it takes its place: zlib keeps the last block until the file is closed, where ITK does
    not look, so that only reading tells a full disk.

    Args:
        volume: The pixel type of the file is that of its voxels.
        path: Ends in .nii, .nii.gz, .nrrd or .mha. Compressed where the format can be.
        header: Further fields of a NRRD header, such as Slicer's of a segmentation.

    Raises:
        OutputError: The name ends otherwise, the folder is missing or not writable, or the disk is full.
    """
    import SimpleITK as sitk

    from ..atomic import atomic_file

    path = Path(path)
    if not is_volume_file(path) or path.name.lower().endswith(_WITH_A_SECOND_FILE):
        raise OutputError(f"{path.name} cannot be written: use a name that ends in .nii, .nii.gz, .nrrd or .mha")
    with atomic_file(path, volume.voxels.nbytes) as temporary:
        try:
            image = image_of(volume)
            for name, value in (header or {}).items():
                image.SetMetaData(name, value)
            sitk.WriteImage(image, str(temporary), useCompression=True)
            written, sent = sitk.ReadImage(str(temporary)), sitk.GetArrayViewFromImage(image)
        except RuntimeError as error:
            raise OutputError(f"{path.name} could not be written: is the disk full?") from error
        if not np.array_equal(sitk.GetArrayViewFromImage(written), sent):
            raise OutputError(f"{path.name} could not be written: not all of it arrived; is the disk full?")
