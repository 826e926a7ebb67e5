"""The sagittal slabs of SPIDER: T2 SPACE of patients, all discs drawn by experts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..dixon.channels import CHANNELS
from ..images import Grid, Volume, read_volume, to_working_grid
from ..images.grid import working_grid_of
from ..levels.labelling import LEVELS
from ..networks.inputs import stack_channels
from .scans import Scan, centers_of

BONE = 1
"""Value of the vertebrae in `bone_and_canal.nii.gz`."""


def read_spider(folder: Path) -> list[Scan]:
    """The slabs of SPIDER: `ID/{image,discs,bone_and_canal}.nii.gz`.

    Args:
        folder: Folder of the patients.

    Returns:
        One scan a patient on the working grid, its image as in-phase. Discs are numbered from 1 = L5-S1 upwards. Known is all
        but what lies above the uppermost drawn vertebra.

    Raises:
        InputError: A file cannot be read.
    """
    return [_scan(path) for path in sorted(p for p in folder.iterdir() if p.is_dir())]


def _scan(path: Path) -> Scan:
    image, labels, bone = (read_volume(path / f"{n}.nii.gz") for n in ("image", "discs", "bone_and_canal"))
    grid = working_grid_of(image.grid)
    # Smoothing and interpolation may leave values just under 0, which no power of them survives.
    channels = stack_channels({"in_phase": np.maximum(to_working_grid(image, grid), 0)})
    discs = _numbered(labels, grid)
    known = np.ones(discs.shape, bool)
    drawn = to_working_grid(Volume((bone.voxels == BONE).astype(np.float32), bone.grid), grid) >= 0.5
    known[:, :, int(np.flatnonzero(drawn.any((0, 1)))[-1]) + 1 :] = False
    numbers = [int(n) for n in np.unique(discs) if n]
    return Scan(
        subject=path.name,
        name=path.name,
        source=path.parent.name,
        channels=channels,
        available=tuple(name == "in_phase" for name in CHANNELS),  # type: ignore[arg-type]
        discs=discs,
        known=known,
        vertebrae=None,
        centers_ijk=centers_of(discs),
        levels=tuple(LEVELS[n - 1] for n in numbers),
    )


def _numbered(labels: Volume, grid: Grid) -> np.ndarray:
    """A label map on another grid [x, y, z], uint8: what is disc by interpolation, its number from the nearest voxel."""
    from scipy import ndimage

    mask = to_working_grid(Volume((labels.voxels > 0).astype(np.float32), labels.grid), grid) >= 0.5
    # Where interpolation widens a disc by a voxel, the label of the disc beside it holds.
    grown = ndimage.grey_dilation(labels.voxels.astype(np.uint8), size=3)
    points = grid.to_mm(np.argwhere(mask))
    nearest = np.clip(np.rint(labels.grid.to_ijk(points)).astype(int), 0, np.asarray(grown.shape) - 1)
    numbered = np.zeros(mask.shape, np.uint8)
    numbered[mask] = grown[tuple(nearest.T)]
    return numbered
