"""The boxes of IVDM3Seg, and its volumes in the challenge's own layout."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ..dixon import load_case, recognise_channel
from ..images import read_volume, to_working_grid
from ..networks.inputs import stack_channels
from .scans import Scan, centers_of
from .source_files import voxels_of


def read_ivdm3seg_patches(folder: Path) -> list[Scan]:
    """The boxes of IVDM3Seg: `SUBJECT/discN/{fat,in_phase,opposed_phase,disc}.nii.gz`.

    Water is max(in-phase - fat, 0): the published water boxes are copies of the in-phase ones.

    Args:
        folder: Folder of the subjects.

    Returns:
        One scan a box, four channels, every voxel known.

    Raises:
        InputError: A file cannot be read.
    """
    scans = []
    for box in sorted(folder.glob("*/disc*"), key=lambda p: (p.parent.name, int(p.name[4:]))):
        fat, in_phase, opposed = (voxels_of(box / f"{n}.nii.gz") for n in ("fat", "in_phase", "opposed_phase"))
        water = np.maximum(in_phase.astype(np.float32) - fat, 0)
        mask = (voxels_of(box / "disc.nii.gz") > 0).astype(np.uint8)
        stacked = stack_channels({"fat": fat, "in_phase": in_phase, "opposed_phase": opposed, "water": water})
        center = tuple(float(n // 2) for n in mask.shape)
        scans.append(
            Scan(
                subject=f"ivdm3seg-{box.parent.name}",
                name=f"{box.parent.name}-{box.name}",
                source="ivdm3seg-patches",
                channels=stacked,
                available=(True,) * 4,
                discs=mask,
                known=np.ones(mask.shape, bool),
                vertebrae=None,
                centers_ijk=((center[0], center[1], center[2]),),
                reference=box / "disc.nii.gz",
            )
        )
    return scans


def read_ivdm3seg(folder: Path) -> list[Scan]:
    """The volumes of IVDM3Seg in the challenge's own layout.

    `NN/` folders, or files `NN_fat.nii`, `NN_inn.nii`, `NN_opp.nii`, `NN_wat.nii`, each with the reference
    `NN_Labels.nii` (or another name that holds `label`), binary or one value a disc.

    Args:
        folder: Folder of the subjects or files.

    Returns:
        One scan a subject, resampled to the working grid, every voxel known.

    Raises:
        InputError: A file cannot be read, or the channels of a subject make no case.
    """
    from scipy import ndimage

    references = sorted(
        p for p in folder.rglob("*") if re.search(r"label", p.name, re.I) and re.search(r"\.nii(\.gz)?$", p.name)
    )
    scans = []
    for reference in references:
        number = re.match(r"(\d+)?", reference.name).group(0) or reference.parent.name  # type: ignore[union-attr]
        named = _channel_files(reference, number)
        case = load_case(reference.parent, **named, name=number, study=None)
        mask = to_working_grid(read_volume(reference), case.working_grid) >= 0.5
        discs, _ = ndimage.label(mask)
        stacked = stack_channels(case.channels)
        scans.append(
            Scan(
                subject=f"ivdm3seg-{number}",
                name=number,
                source="ivdm3seg",
                channels=stacked,
                available=tuple(bool(stacked[..., i].any()) for i in range(4)),  # type: ignore[arg-type]
                discs=discs.astype(np.uint8),
                known=np.ones(mask.shape, bool),
                vertebrae=None,
                centers_ijk=centers_of(discs),
            )
        )
    return scans


def _channel_files(reference: Path, number: str) -> dict[str, Path]:
    """The channel files beside a challenge reference that share its number."""
    found = {}
    for path in sorted(reference.parent.iterdir()):
        if path != reference and (path.name.startswith(number) or reference.parent.name == number):
            channel = recognise_channel(path.name)
            if channel:
                found[channel] = path
    return found
