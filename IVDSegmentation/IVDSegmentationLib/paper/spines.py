"""The examinations that the systems are trained and tested on: whole volumes of the challenge, or columns of boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..images import WORKING_SPACING_MM
from ..pipeline.crop import BOX_SIZE
from ..training.scans import Scan, centers_of
from ..training.sources import read_scans

WHOLE, BOXES = "ivdm3seg", "ivdm3seg-patches"
"""Folders of a data folder: the challenge's own volumes, and the boxes that the paper's authors published."""

HELD_OUT = 2
"""Subjects in one part: the paper keeps two of its eight for testing."""


@dataclass(frozen=True)
class Spine:
    """One examination with its reference, on the working grid.

    Attributes:
        subject: The person, the unit of every split.
        channels: float32 [x, y, z, 4] in the order of CHANNELS, intensities as stored.
        discs: uint8 [x, y, z], the number of the disc, 1 the most caudal, or 0.
        regions: uint8 [x, y, z], the number of the disc that a voxel is judged with: that of its box, or the nearest.
        centers_ijk: Middle of each disc's box, continuous voxels.
        stacked: Whether it is a column of boxes, one on the other, and no examination.
        scans: What it was made of.
    """

    subject: str
    channels: np.ndarray
    discs: np.ndarray
    regions: np.ndarray
    centers_ijk: tuple[tuple[float, float, float], ...]
    stacked: bool
    scans: tuple[Scan, ...] = ()


def column_of(boxes: Sequence[Scan]) -> Spine:
    """Boxes of one subject, stacked along z from the most caudal to the most cranial.

    Args:
        boxes: Scans of BOX_SIZE, one disc each, caudal to cranial.

    Returns:
        The column. Its centres are the middles of the boxes, so that a box that is cut there is the published one.
    """
    height = BOX_SIZE[2]
    numbers = np.arange(1, len(boxes) + 1, dtype=np.uint8)
    middle = [n // 2 for n in BOX_SIZE]
    shape = (*BOX_SIZE[:2], height * len(boxes))
    return Spine(
        subject=boxes[0].subject,
        channels=np.concatenate([box.channels for box in boxes], axis=2),
        discs=np.concatenate([(box.discs > 0) * n for box, n in zip(boxes, numbers, strict=True)], axis=2),
        regions=np.broadcast_to(np.repeat(numbers, height), shape),
        centers_ijk=tuple((float(middle[0]), float(middle[1]), float(middle[2] + i * height)) for i in range(len(boxes))),
        stacked=True,
        scans=tuple(boxes),
    )


def whole_spine(scan: Scan) -> Spine:
    """A whole volume with its discs numbered from the most caudal to the most cranial.

    Args:
        scan: A scan with one value a disc.

    Returns:
        The examination; every voxel is judged with the disc nearest to it.
    """
    heights = {value: float(np.argwhere(scan.discs == value)[:, 2].mean()) for value in np.unique(scan.discs) if value}
    numbers = np.zeros(256, np.uint8)
    numbers[sorted(heights, key=lambda value: heights[value])] = np.arange(1, len(heights) + 1)
    discs = numbers[scan.discs]
    return Spine(scan.subject, scan.channels, discs, nearest_disc(discs), centers_of(discs), stacked=False, scans=(scan,))


def nearest_disc(discs: np.ndarray) -> np.ndarray:
    """The number of the disc that is nearest to each voxel.

    Args:
        discs: uint8 [x, y, z] of the working grid, numbers of discs, or 0.

    Returns:
        uint8 [x, y, z].
    """
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(
        discs == 0, sampling=WORKING_SPACING_MM, return_distances=False, return_indices=True
    )
    return discs[tuple(nearest)]


def read_spines(data: Path) -> list[Spine]:
    """The examinations in a data folder: of the challenge where it has them, otherwise columns of the published boxes.

    Args:
        data: Folder with `ivdm3seg` (the challenge's own layout) or `ivdm3seg-patches` in it.

    Returns:
        One for every subject, by name.

    Raises:
        InputError: Neither is there, a file cannot be read, or there are too few subjects to leave two out.
    """
    if (data / WHOLE).is_dir():
        spines = [whole_spine(scan) for scan in read_scans(data, [WHOLE])]
    elif (data / BOXES).is_dir():
        scans = read_scans(data, [BOXES])
        subjects = sorted({scan.subject for scan in scans})
        spines = [column_of([scan for scan in scans if scan.subject == subject]) for subject in subjects]
    else:
        raise InputError(f"{data.name} holds neither {WHOLE} nor {BOXES}: set --data to the folder that holds one of them")
    if len(spines) <= HELD_OUT:
        raise InputError(f"{data.name} holds {len(spines)} subjects: leaving {HELD_OUT} out takes {HELD_OUT + 1} or more")
    return sorted(spines, key=lambda spine: spine.subject)


def parts(spines: Sequence[Spine]) -> list[tuple[list[Spine], list[Spine]]]:
    """Split by subject, HELD_OUT of them left out in every part but perhaps the last.

    Args:
        spines: All of them.

    Returns:
        For each part those to train on and those held out; every subject is held out once.
    """
    firsts = range(0, len(spines), HELD_OUT)
    return [([*spines[:n], *spines[n + HELD_OUT :]], list(spines[n : n + HELD_OUT])) for n in firsts]
