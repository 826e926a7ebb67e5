"""Volumes in files: NIfTI, NRRD and MetaImage."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError, OutputError
from ..printable import printable
from .itk import grid_of, image_of, itk_warnings_off, voxels_of
from .metaimage import check_metaimage
from .nifti import read_nifti, same_place
from .nrrd import check_nrrd
from .regular_file import check_regular_file
from .volume import Volume, check_voxels

if TYPE_CHECKING:
    import SimpleITK

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
    import SimpleITK as sitk

    path = Path(path)
    if not is_volume_file(path):
        raise InputError(f"{printable(path.name)} is not a volume file: use {', '.join(SUFFIXES)}")
    check_regular_file(path)
    ending = path.suffix.lower()
    nifti = read_nifti(path) if ending in (".nii", ".gz") else None
    if ending in (".nrrd", ".nhdr"):
        check_nrrd(path)
    elif ending in (".mha", ".mhd"):
        check_metaimage(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    with itk_warnings_off():
        try:
            reader.ReadImageInformation()
            size = _size_of(reader, path.name)
            if nifti is not None and nifti.voxels is not None and nifti.voxels.shape == reader.GetSize() == tuple(size):
                volume = Volume(nifti.voxels, grid_of(reader), path.name)
            else:
                if len(size) < reader.GetDimension():
                    reader.SetExtractSize([*size, *[0] * (reader.GetDimension() - 3)])
                image = reader.Execute()
                volume = Volume(voxels_of(image), grid_of(image), path.name)
        except RuntimeError as error:
            raise InputError(f"{path.name} cannot be read: {_reason(str(error))}") from error
    if nifti is not None and nifti.affine is not None and not same_place(nifti.affine, volume.grid):
        raise InputError(
            f"{path.name} contradicts itself: its qform and sform place the image differently, and programs differ in "
            "which they take; export it again with one of them"
        )
    check_voxels(volume, mask)
    return volume


def _size_of(reader: SimpleITK.ImageFileReader, name: str) -> list[int]:
    """The three-dimensional size of the image whose header the reader has read; raises InputError where it has none."""
    import SimpleITK as sitk

    size = list(reader.GetSize())
    pixels = sitk.GetPixelIDValueAsString(reader.GetPixelID())
    if "complex" in pixels:
        raise InputError(f"{name} has complex pixels: save the magnitude")
    if reader.GetNumberOfComponents() > 1 or "vector" in pixels:
        count = reader.GetNumberOfComponents()
        raise InputError(f"{name} has {count} values in each voxel: save one channel per file")
    if 0 in size:
        raise InputError(f"{name} holds no voxels")
    while len(size) > 3 and size[-1] == 1:
        size.pop()
    if len(size) != 3 or 1 in size:
        raise InputError(
            f"{name} is not three-dimensional ({'x'.join(map(str, size))} voxels): give one volume of several slices"
        )
    return size


def _reason(message: str) -> str:
    """A sentence of our own for what ITK says: its messages hold source lines and full paths."""
    if "orthonormal" in message:
        return "its axes are not perpendicular to one another; resample it to a grid without shear"
    return "the file is damaged, cut short or of another format than its name says; export it again"


def write_volume(volume: Volume, path: Path) -> None:
    """Write a volume with its geometry, whole or not at all.

    The file is read back before it takes its place: zlib keeps the last block until the file is closed, where ITK does
    not look, so that only reading tells a full disk.

    Args:
        volume: The pixel type of the file is that of its voxels.
        path: Ends in .nii, .nii.gz, .nrrd or .mha. Compressed where the format can be.

    Raises:
        OutputError: The name ends otherwise, the folder is missing or not writable, or the disk is full.
    """
    import SimpleITK as sitk

    path = Path(path)
    if not is_volume_file(path) or path.name.lower().endswith(_WITH_A_SECOND_FILE):
        raise OutputError(f"{path.name} cannot be written: use a name that ends in .nii, .nii.gz, .nrrd or .mha")
    with atomic_file(path, volume.voxels.nbytes) as temporary:
        try:
            sitk.WriteImage(image_of(volume), str(temporary), useCompression=True)
            written = voxels_of(sitk.ReadImage(str(temporary)), volume.voxels.dtype)
        except RuntimeError as error:
            raise OutputError(f"{path.name} could not be written: is the disk full?") from error
        if not np.array_equal(written, volume.voxels):
            raise OutputError(f"{path.name} could not be written: not all of it arrived; is the disk full?")
