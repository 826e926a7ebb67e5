"""Sources of whole volumes whose vertebrae a radiologist drew, with partial labels of the discs between them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..dixon.channels import CHANNELS
from ..networks.inputs import stack_channels
from .scans import Scan, centers_of
from .source_files import voxels_of
from .true_levels import level_between

UNKNOWN = 255
"""Value of the voxels of `partial.nii.gz` whose class is unknown."""

MYOSEGMENTUM_CODE = 19
"""What turns a vertebra's number in MyoSegmenTUM (1 = L1) into its VERSE code (20 = L1)."""

ZUKIC_FAT_SUPPRESSED = ("zukic-03", "zukic-07")
"""The TIRM exams: fat-suppressed, so a water image. The others show water and fat together, as an in-phase image does."""

ZUKIC_ONE_PERSON = ("zukic-02", "zukic-03", "zukic-06", "zukic-07", "zukic-08")
"""Exams of one person."""


def read_myosegmentum(folder: Path) -> list[Scan]:
    """The water volumes of MyoSegmenTUM: `ID/{water,vertebrae,partial}.nii.gz`.

    Args:
        folder: Folder of the subjects.

    Returns:
        One scan a subject, water only, known where `partial` says so. Discs are numbered from L4-L5 upwards.

    Raises:
        InputError: A file cannot be read.
    """

    def shifted(vertebrae: np.ndarray) -> np.ndarray:
        return np.where(vertebrae > 0, vertebrae + MYOSEGMENTUM_CODE, 0).astype(np.uint8)

    return [
        _scan(path, "water", path / "water.nii.gz", f"myosegmentum-{path.name}", shifted, cranial_first=True)
        for path in _subjects(folder)
    ]


def read_chu(folder: Path) -> list[Scan]:
    """The T2 volumes of Chu et al.: `ID/{image,vertebrae,partial}.nii.gz`.

    Args:
        folder: Folder of the subjects.

    Returns:
        One scan a subject, its image as in-phase.

    Raises:
        InputError: A file cannot be read.
    """
    return [_scan(path, "in_phase", path / "image.nii.gz", path.name) for path in _subjects(folder)]


def read_zukic(folder: Path) -> list[Scan]:
    """The T1, T2 and TIRM volumes of Zukic et al.: `ID/{image,vertebrae,partial}.nii.gz`.

    Args:
        folder: Folder of the exams.

    Returns:
        One scan an exam, its image as in-phase or, where it is fat-suppressed, as water.

    Raises:
        InputError: A file cannot be read.
    """
    return [
        _scan(
            path,
            "water" if path.name in ZUKIC_FAT_SUPPRESSED else "in_phase",
            path / "image.nii.gz",
            ZUKIC_ONE_PERSON[0] if path.name in ZUKIC_ONE_PERSON else path.name,
        )
        for path in _subjects(folder)
    ]


def _subjects(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir())


def _scan(
    path: Path,
    channel: str,
    image: Path,
    subject: str,
    to_codes: Callable[[np.ndarray], np.ndarray] = lambda vertebrae: vertebrae.astype(np.uint8),
    *,
    cranial_first: bool = False,
) -> Scan:
    """One scan: `image` as `channel`; cranial_first where `partial` numbers the discs from the uppermost down."""
    vertebrae = to_codes(voxels_of(path / "vertebrae.nii.gz"))
    partial = voxels_of(path / "partial.nii.gz")
    codes = [int(code) for code in np.unique(vertebrae) if code]
    gaps = [level_between(lower, upper) for upper, lower in pairwise(codes)]  # codes rise from cranial to caudal
    discs = np.where(partial == UNKNOWN, 0, partial).astype(np.uint8)
    if cranial_first:
        discs = np.where(discs > 0, len(gaps) + 1 - discs, 0).astype(np.uint8)
    numbers = [int(n) for n in np.unique(discs) if n]
    return Scan(
        subject=subject,
        name=path.name,
        source=path.parent.name,
        channels=stack_channels({channel: voxels_of(image)}),
        available=tuple(name == channel for name in CHANNELS),  # type: ignore[arg-type]
        discs=discs,
        known=partial != UNKNOWN,
        vertebrae=vertebrae,
        centers_ijk=centers_of(discs),
        levels=tuple(gaps[::-1][n - 1] for n in numbers),
        outlined=False,
    )
