"""The sources of training data: one reader for each, as the README beside the data describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ..dixon import load_case, recognise_channel
from ..errors import InputError
from ..images import read_volume, to_working_grid
from ..networks.inputs import stack_channels
from .known_regions import labelled_span
from .scans import Scan, centers_of

UNUSABLE_DISCS = {("myosegmentum-water", "35", 4)}
"""(source, subject, label in that source's discs) that the data's README calls unusable."""


def _voxels(path: Path) -> np.ndarray:
    """The voxels [x, y, z] of a file on the working grid, of its own type."""
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} in {path.parent.name} cannot be read as training data: check the file") from error
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


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
        fat, in_phase, opposed = (_voxels(box / f"{n}.nii.gz") for n in ("fat", "in_phase", "opposed_phase"))
        water = np.maximum(in_phase.astype(np.float32) - fat, 0)
        mask = (_voxels(box / "disc.nii.gz") > 0).astype(np.uint8)
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


def read_myosegmentum(folder: Path) -> list[Scan]:
    """The water volumes of MyoSegmenTUM: `ID/{water,vertebrae,discs}.nii.gz`.

    Args:
        folder: Folder of the subjects.

    Returns:
        One scan a subject, water only, known within the labelled span (`labelled_span`) but around the UNUSABLE_DISCS.

    Raises:
        InputError: A file cannot be read.
    """
    scans = []
    for subject in sorted(p for p in folder.iterdir() if p.is_dir()):
        water, vertebrae, discs = (_voxels(subject / f"{n}.nii.gz") for n in ("water", "vertebrae", "discs"))
        known = labelled_span(vertebrae)
        discs = discs.astype(np.uint8)
        for number in (n for source, name, n in UNUSABLE_DISCS if source == folder.name and name == subject.name):
            centroids = [np.argwhere(vertebrae == v).mean(0)[2] for v in (number, number + 1)]
            discs[discs == number] = 0
            known[:, :, int(min(centroids)) : int(max(centroids)) + 1] = False
        scans.append(
            Scan(
                subject=f"myosegmentum-{subject.name}",
                name=subject.name,
                source="myosegmentum-water",
                channels=stack_channels({"water": water}),
                available=(False, False, False, True),
                discs=discs,
                known=known,
                vertebrae=vertebrae.astype(np.uint8),
                centers_ijk=centers_of(discs),
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


READERS = {
    "ivdm3seg-patches": read_ivdm3seg_patches,
    "myosegmentum-water": read_myosegmentum,
    "ivdm3seg": read_ivdm3seg,
}
"""Name of a source, which is that of its folder -> its reader."""


def read_scans(data: Path, sources: Iterable[str]) -> list[Scan]:
    """The scans of several sources.

    Args:
        data: Folder that holds one folder a source, named as in READERS.
        sources: Names of the sources to read.

    Returns:
        Their scans, source by source.

    Raises:
        InputError: The folder of a source is missing or holds no scan, or a file cannot be read.
    """
    scans: list[Scan] = []
    for source in sources:
        folder = data / source
        found = READERS[source](folder) if folder.is_dir() else []
        if not found:
            raise InputError(f"{folder.name} holds no training data under {data.name}: set --data to the folder that holds it")
        scans += found
    return scans
