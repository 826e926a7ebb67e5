"""Volumes and their geometry: the grid, reading and writing, the working grid and the way back."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import numpy as np

from ..errors import InputError, OutputError
from .nifti import check_nifti

if TYPE_CHECKING:
    import SimpleITK

_Number = TypeVar("_Number", int, float)

WORKING_SPACING_MM = (2.0, 1.25, 1.25)
"""Voxel size of the working grid: left-right x antero-posterior x caudal-cranial."""

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
"""Files read and written: NIfTI, NRRD, MetaImage."""

_SAME_SPACING = 0.01
"""Relative difference of voxel sizes that is no reason to interpolate."""
_REACH_MM = 3.0
"""How far from a labelled voxel of the working grid a voxel of the input can be labelled."""
_SIDE = 0.02
"""Put back, a working voxel stays on its side of 0.5 by this much, so that its label, not its probability, decides."""


@dataclass(frozen=True)
class Grid:
    """A regular grid of voxels in the patient (LPS, mm).

    size: voxels along i, j, k. spacing_mm: voxel size along i, j, k. origin_mm: LPS position of the centre of
    voxel (0, 0, 0). direction: 3 x 3, row-major; column c is the LPS unit vector along voxel axis c (as ITK has it).
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]
    direction: tuple[tuple[float, float, float], ...] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    def to_mm(self, points_ijk: np.ndarray) -> np.ndarray:
        """Continuous voxel positions (..., 3) -> LPS mm (..., 3)."""
        scaled = np.asarray(points_ijk, float) * np.asarray(self.spacing_mm)
        return scaled @ np.asarray(self.direction).T + np.asarray(self.origin_mm)

    def to_ijk(self, points_mm: np.ndarray) -> np.ndarray:
        """LPS mm (..., 3) -> continuous voxel positions (..., 3)."""
        shifted = np.asarray(points_mm, float) - np.asarray(self.origin_mm)
        return shifted @ np.linalg.inv(np.asarray(self.direction)).T / np.asarray(self.spacing_mm)


@dataclass(frozen=True)
class Volume:
    """Voxels indexed [i, j, k] on their grid; source is a file or node name for messages, never a patient's name."""

    voxels: np.ndarray
    grid: Grid
    source: str = ""


def is_volume_file(path: Path) -> bool:
    """Whether the name ends as that of a NIfTI, NRRD or MetaImage file."""
    return path.name.lower().endswith(SUFFIXES)


def read_volume(path: Path, *, mask: bool = False) -> Volume:
    """Read a three-dimensional scalar volume (NIfTI, NRRD or MetaImage) as float32, intensities as stored.

    A four-dimensional file with one frame is read as that frame. mask: labels and no image, which may be all zero.
    Raises InputError: missing, unreadable or cut short, not three-dimensional, complex or vector pixels, and what
    `check_voxels` refuses.
    """
    import SimpleITK as sitk

    path = Path(path)
    if not path.exists():
        raise InputError(f"{path.name} does not exist: check the name and the folder")
    if path.is_dir() or not is_volume_file(path):
        raise InputError(f"{path.name} is not a volume file: use {', '.join(SUFFIXES)}")
    if not os.access(path, os.R_OK):
        raise InputError(f"{path.name} may not be read: check its permissions")
    if path.name.lower().endswith((".nii", ".nii.gz")):
        check_nifti(path)
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        reader.ReadImageInformation()
        size = list(reader.GetSize())
        pixels = sitk.GetPixelIDValueAsString(reader.GetPixelID())
        if "complex" in pixels:
            raise InputError(f"{path.name} has complex pixels: save the magnitude")
        if reader.GetNumberOfComponents() > 1 or "vector" in pixels:
            count = reader.GetNumberOfComponents()
            raise InputError(f"{path.name} has {count} values in each voxel: save one channel per file")
        if 0 in size:
            raise InputError(f"{path.name} holds no voxels")
        while len(size) > 3 and size[-1] == 1:
            size.pop()
        if len(size) != 3 or 1 in size:
            raise InputError(
                f"{path.name} is not three-dimensional ({'x'.join(map(str, size))} voxels): give one volume of several slices"
            )
        if len(size) < reader.GetDimension():
            reader.SetExtractSize([*size, *[0] * (reader.GetDimension() - 3)])
        image = reader.Execute()
    except RuntimeError as error:
        raise InputError(f"{path.name} cannot be read: {_reason(str(error))}") from error
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
    volume = Volume(_voxels_of(image), _grid_of(image), path.name)
    check_voxels(volume, mask)
    return volume


def _reason(message: str) -> str:
    """A sentence of our own for what ITK says: its messages hold source lines and full paths."""
    if "orthonormal" in message:
        return "its axes are not perpendicular to one another; resample it to a grid without shear"
    return "the file is damaged, cut short or of another format than its name says; export it again"


def check_voxels(volume: Volume, mask: bool = False) -> None:
    """Raise InputError for voxels that are empty, not three-dimensional, complex, NaN or infinite, or all the same (of a
    mask: all the same but zero)."""
    name, voxels = volume.source or "the volume", volume.voxels
    if voxels.ndim != 3:
        raise InputError(f"{name} is not three-dimensional ({'x'.join(map(str, voxels.shape))} voxels)")
    if voxels.size == 0:
        raise InputError(f"{name} holds no voxels")
    if np.iscomplexobj(voxels):
        raise InputError(f"{name} has complex pixels: save the magnitude")
    low, high = float(voxels.min()), float(voxels.max())  # NaN and infinity show in them
    if not (np.isfinite(low) and np.isfinite(high)):
        count = int(np.count_nonzero(~np.isfinite(voxels)))
        raise InputError(f"{name} has NaN or infinite values in {count} {'voxel' if count == 1 else 'voxels'}: export it again")
    if low == high and not (mask and low == 0):
        raise InputError(f"{name} has the same value ({low:g}) in every voxel: it holds no image")


def write_volume(volume: Volume, path: Path) -> None:
    """Write a volume with its geometry; pixel type that of the array, compressed where the format can.

    Written beside under another name, read back, then moved: the file is whole or not there.
    Raises OutputError: folder missing or not writable, disk full.
    """
    import SimpleITK as sitk

    path = Path(path)
    suffix = next((end for end in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(end)), "")
    if suffix in ("", ".nhdr", ".mhd"):
        raise OutputError(f"{path.name} cannot be written: use a name that ends in .nii, .nii.gz, .nrrd or .mha")
    # Asked beforehand because ITK's writers speak to stderr, or of nothing, when a write fails.
    if not path.parent.is_dir():
        raise OutputError(f"{path.name} could not be written: {path.parent.name} is not a folder")
    if not os.access(path.parent, os.W_OK):
        raise OutputError(f"{path.name} could not be written: the folder {path.parent.name} is not writable")
    if shutil.disk_usage(path.parent).free < volume.voxels.nbytes:
        raise OutputError(f"{path.name} could not be written: the disk is full")
    beside = path.with_name(f".{uuid4().hex}{suffix}")
    try:
        sitk.WriteImage(_image_of(volume), str(beside), useCompression=True)
        # zlib keeps the last block until the file is closed, where ITK does not look: only reading tells a full disk.
        if not np.array_equal(_voxels_of(sitk.ReadImage(str(beside)), volume.voxels.dtype), volume.voxels):
            raise OSError("not all of it arrived")
        os.replace(beside, path)
    except (RuntimeError, OSError) as error:
        raise OutputError(f"{path.name} could not be written: is the folder writable, and the disk not full?") from error
    finally:
        beside.unlink(missing_ok=True)


def working_grid_of(grid: Grid) -> Grid:
    """The grid the networks work on: the axes of `grid` permuted and flipped to come nearest L, P, S, over the same
    field of view, voxels of WORKING_SPACING_MM; where those of `grid` have that size within 1 %, exactly its own."""
    turned = _turned(grid)
    if np.allclose(turned.spacing_mm, WORKING_SPACING_MM, rtol=_SAME_SPACING, atol=0):
        return turned
    extent_mm = np.multiply(turned.size, turned.spacing_mm)
    # As many voxels as cover the field of view: less than one voxel overhangs, so that every centre lies inside.
    size = np.maximum(np.ceil(extent_mm / WORKING_SPACING_MM - 1e-3), 1).astype(int)
    center_mm = turned.to_mm((np.asarray(turned.size) - 1) / 2)
    direction = np.asarray(turned.direction)
    origin_mm = center_mm - direction @ ((size - 1) / 2 * WORKING_SPACING_MM)
    return Grid(_three(size, int), WORKING_SPACING_MM, _three(origin_mm, float), turned.direction)


def to_working_grid(volume: Volume, working_grid: Grid) -> np.ndarray:
    """The volume on `working_grid`, float32 [x, y, z], C-contiguous.

    Voxels are only moved, not changed, where the volume's grid is the working grid with axes permuted or flipped.
    Otherwise linear interpolation, after Gaussian smoothing along axes that are sampled down by more than 1.4
    (full width at half maximum sqrt(new^2 - old^2): Cardoso et al., MICCAI 2015). 0 outside the field of view.
    """
    if same_grid(_turned(volume.grid), working_grid):
        axes, flips = _turn(volume.grid)
        return np.ascontiguousarray(np.flip(volume.voxels.transpose(axes), flips), dtype=np.float32)
    from scipy.ndimage import gaussian_filter1d

    voxels = volume.voxels.astype(np.float32)
    axes, _ = _turn(volume.grid, working_grid)
    for target_axis, axis in enumerate(axes):
        old_mm, new_mm = volume.grid.spacing_mm[axis], working_grid.spacing_mm[target_axis]
        if new_mm > 1.4 * old_mm:
            sigma = np.sqrt(new_mm**2 - old_mm**2) / 2.3548 / old_mm
            voxels = gaussian_filter1d(voxels, sigma, axis=axis, mode="nearest")
    return _resampled(Volume(voxels, volume.grid), working_grid, nearest=False)


def put_back(probability: np.ndarray, labels: np.ndarray, working_grid: Grid, input_grid: Grid) -> np.ndarray:
    """Labels [x, y, z] (uint8) on the working grid -> uint8 [i, j, k] on the grid of the input, with smooth surfaces.

    The surface is where the linearly interpolated probability (0..1) crosses 0.5; the label is that of the nearest
    labelled working voxel. A voxel that the labels leave out, or fill, stays so whatever its probability. Voxels
    more than 3 mm from a labelled one are 0. Where the two grids are one up to the order of axes: exactly `labels`.
    """
    from scipy.ndimage import distance_transform_edt

    if same_grid(_turned(input_grid), working_grid):
        axes, flips = _turn(input_grid)
        return np.ascontiguousarray(np.flip(labels, flips).transpose(np.argsort(axes)))
    on_input = np.zeros(input_grid.size, np.uint8)
    if not labels.any():
        return on_input
    box = _box(labels > 0, np.ceil(_REACH_MM / np.asarray(working_grid.spacing_mm)).astype(int) + 1)
    labels, probability, grid = labels[box], probability[box], _part(working_grid, box)
    labelled = labels > 0
    distance_mm, nearest = distance_transform_edt(~labelled, sampling=grid.spacing_mm, return_indices=True)
    grown = np.where(distance_mm <= _REACH_MM, labels[tuple(nearest)], 0).astype(np.uint8)
    sided = np.where(labelled, np.maximum(probability, 0.5 + _SIDE), np.minimum(probability, 0.5 - _SIDE))

    corners = np.array(np.meshgrid(*[(-0.5, size - 0.5) for size in grid.size])).reshape(3, -1).T
    corners_ijk = input_grid.to_ijk(grid.to_mm(corners))
    first = np.clip(np.floor(corners_ijk.min(0)), 0, np.asarray(input_grid.size) - 1).astype(int)
    last = np.clip(np.ceil(corners_ijk.max(0)), 0, np.asarray(input_grid.size) - 1).astype(int)
    target = tuple(slice(int(start), int(stop) + 1) for start, stop in zip(first, last, strict=True))
    part = _part(input_grid, target)
    disc = _resampled(Volume(sided.astype(np.float32), grid), part, nearest=False) >= 0.5
    on_input[target] = np.where(disc, _resampled(Volume(grown, grid), part, nearest=True), 0)
    return on_input


def same_grid(one: Grid, other: Grid) -> bool:
    """Whether the voxels of two grids coincide: as many, and none further apart than a twentieth of a voxel."""
    if one.size != other.size:
        return False
    corners = np.array(np.meshgrid(*[(0, size - 1) for size in one.size])).reshape(3, -1).T
    apart_mm = np.linalg.norm(one.to_mm(corners) - other.to_mm(corners), axis=1).max()
    return bool(apart_mm <= 0.05 * min(one.spacing_mm))


def _turn(grid: Grid, onto: Grid | None = None) -> tuple[tuple[int, int, int], tuple[int, ...]]:
    """How the axes of `grid` come nearest those of `onto` (default L, P, S): the axis that becomes each of the three,
    and which of the three are then flipped."""
    cosines = (np.eye(3) if onto is None else np.asarray(onto.direction).T) @ np.asarray(grid.direction)
    best = max(permutations(range(3)), key=lambda axes: sum(abs(cosines[row, axis]) for row, axis in enumerate(axes)))
    flips = tuple(row for row, axis in enumerate(best) if cosines[row, axis] < 0)
    return (best[0], best[1], best[2]), flips


def _turned(grid: Grid) -> Grid:
    """`grid` with its axes permuted and flipped to come nearest L, P, S: the same voxels in another order."""
    axes, flips = _turn(grid)
    corner = np.zeros(3)
    direction = np.asarray(grid.direction)[:, axes].copy()
    for row in flips:
        corner[axes[row]] = grid.size[axes[row]] - 1
        direction[:, row] *= -1
    return Grid(
        _three([grid.size[axis] for axis in axes], int),
        _three([grid.spacing_mm[axis] for axis in axes], float),
        _three(grid.to_mm(corner), float),
        tuple(_three(row, float) for row in direction),
    )


def _part(grid: Grid, box: tuple[slice, ...]) -> Grid:
    """The grid of the voxels in a box (slices with start and stop)."""
    size = _three([part.stop - part.start for part in box], int)
    return Grid(size, grid.spacing_mm, _three(grid.to_mm(np.array([part.start for part in box])), float), grid.direction)


def _box(mask: np.ndarray, margin: np.ndarray) -> tuple[slice, ...]:
    """The bounding box of a mask, widened by `margin` voxels along each axis as far as the array goes."""
    box = []
    for axis in range(3):
        held = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        box.append(slice(max(int(held[0] - margin[axis]), 0), min(int(held[-1] + margin[axis]) + 1, mask.shape[axis])))
    return tuple(box)


def _resampled(volume: Volume, grid: Grid, nearest: bool) -> np.ndarray:
    """The volume at the voxel centres of another grid; 0 outside."""
    import SimpleITK as sitk

    image = _image_of(volume)
    interpolator = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
    resampled = sitk.Resample(
        image,
        grid.size,
        sitk.Transform(),
        interpolator,
        grid.origin_mm,
        grid.spacing_mm,
        [cosine for row in grid.direction for cosine in row],
        0.0,
        image.GetPixelID(),
    )
    return np.ascontiguousarray(_voxels_of(resampled, volume.voxels.dtype))


def _image_of(volume: Volume) -> SimpleITK.Image:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.voxels.T))
    image.SetSpacing(volume.grid.spacing_mm)
    image.SetOrigin(volume.grid.origin_mm)
    image.SetDirection([cosine for row in volume.grid.direction for cosine in row])
    return image


def _voxels_of(image: SimpleITK.Image, dtype: np.dtype | type = np.float32) -> np.ndarray:
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(image).T.astype(dtype, copy=False)


def _grid_of(image: SimpleITK.Image) -> Grid:
    direction = np.reshape(image.GetDirection(), (3, 3))
    return Grid(
        _three(image.GetSize(), int),
        _three(image.GetSpacing(), float),
        _three(image.GetOrigin(), float),
        tuple(_three(row, float) for row in direction),
    )


def _three(values: Iterable[_Number], kind: Callable[[Any], _Number]) -> tuple[_Number, _Number, _Number]:
    """Three values as plain Python numbers."""
    first, second, third = (kind(value) for value in values)
    return first, second, third
