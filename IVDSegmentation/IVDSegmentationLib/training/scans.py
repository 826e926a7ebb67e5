"""Training data: the scans of the three sources, read into one small object each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..images import WORKING_SPACING_MM
from ..networks.inputs import stack_channels

UNUSABLE_DISCS = {("myosegmentum-water", "35", 4)}
"""(source, subject, label in that source's discs) that the data's README calls unusable."""

MARGIN_MM, DRIFT, RECESS = 10.0, 0.4, 0.2
"""How far a spine may leave the line on which it goes on: at once, and per millimetre of the way; how far lordosis takes its
front back below the last vertebra, at least."""


@dataclass(frozen=True)
class Scan:
    """One image with its reference.

    subject: person, the unit of every split (prefixed with the source). name: unique within the data. source: its reader.
    channels: float32 [x, y, z, 4] in the order of CHANNELS, raw intensities, zeros where absent. available: which of the
    four are there. discs: uint8 [x, y, z], the disc's number or 0. known: bool [x, y, z], where `discs` can be believed.
    vertebrae: uint8 [x, y, z] or None. centers_ijk: the boxes' centres, one a disc. reference: the file that `discs` is, voxel
    for voxel; None where it was resampled. Working grid throughout.
    """

    subject: str
    name: str
    source: str
    channels: np.ndarray
    available: tuple[bool, bool, bool, bool]
    discs: np.ndarray
    known: np.ndarray
    vertebrae: np.ndarray | None
    centers_ijk: tuple[tuple[float, float, float], ...]
    reference: Path | None = None


def _voxels(path: Path) -> np.ndarray:
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} in {path.parent.name} cannot be read as training data: check the file") from error
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)


def centers_of(discs: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    """Centroid of every label of discs [x, y, z], in voxels, by rising label."""
    from scipy import ndimage

    numbers = [int(n) for n in np.unique(discs) if n]
    return tuple((float(x), float(y), float(z)) for x, y, z in ndimage.center_of_mass(discs > 0, discs, numbers))


def read_ivdm3seg_patches(folder: Path) -> list[Scan]:
    """`SUBJECT/discN/{fat,in_phase,opposed_phase,disc}.nii.gz`: one scan a box; water = max(in-phase - fat, 0)."""
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


def voxels_mm(shape: Sequence[int]) -> np.ndarray:
    """Position in mm, [x, y, z, 3], of every voxel of a working grid of this shape, from its first voxel."""
    lines = [np.arange(n) * s for n, s in zip(shape, WORKING_SPACING_MM, strict=True)]
    return np.stack(np.meshgrid(*lines, indexing="ij"), -1)


def vertebra_centroids_mm(vertebrae: np.ndarray) -> np.ndarray:
    """Centroid (n, 3) of every label of vertebrae [x, y, z], from cranial to caudal, as `voxels_mm` counts."""
    return np.asarray(centers_of(vertebrae)) * WORKING_SPACING_MM


def labelled_span(vertebrae: np.ndarray) -> np.ndarray:
    """Bool [x, y, z]: between the planes through the first and last labelled vertebra's centroid, across the spine there.

    Beyond these planes other discs may lie that nobody labelled. Labelled vertebra voxels are known wherever they are.
    """
    centroids = vertebra_centroids_mm(vertebrae)
    points = voxels_mm(vertebrae.shape)
    span = np.ones(vertebrae.shape, bool)
    for end, neighbour in ((0, 1), (-1, -2)):
        span &= (points - centroids[end]) @ (centroids[neighbour] - centroids[end]) >= 0
    return span | (vertebrae > 0)


def far_from_spine(vertebrae: np.ndarray) -> np.ndarray:
    """Bool [x, y, z]: beyond the labelled vertebrae, but too far in front or to the side of where the spine goes on to be disc.

    The spine goes on along the line from the last vertebra but one to the last. In front of the last body's front, or to its
    sides, by MARGIN_MM and DRIFT of the way, there is no disc; below, where lordosis turns the spine to the back, the front
    recedes by RECESS of the way. Bowel, vessels and muscle look like discs now and then, and nobody labels them.
    """
    numbers = [int(n) for n in np.unique(vertebrae) if n]
    centroids, points = vertebra_centroids_mm(vertebrae), voxels_mm(vertebrae.shape)
    far = np.zeros(vertebrae.shape, bool)
    for end, neighbour in ((0, 1), (-1, -2)):
        along = centroids[end] - centroids[neighbour]
        along /= np.linalg.norm(along)
        front = np.array([0.0, -1.0, 0.0]) + along[1] * along
        front /= np.linalg.norm(front)
        body = np.argwhere(vertebrae == numbers[end]) * WORKING_SPACING_MM - centroids[end]
        half_depth, half_width = np.percentile(body @ front, 98), np.percentile(np.abs(body[:, 0]), 98)
        offset = points - centroids[end]
        beyond = offset @ along
        drift = DRIFT * np.maximum(beyond, 0)
        before = offset @ front > half_depth + MARGIN_MM + (drift if along[2] > 0 else -RECESS * beyond)
        aside = np.abs(offset[..., 0] - beyond * along[0]) > half_width + MARGIN_MM + drift
        far |= (beyond > 0) & (before | aside)
    return far


def read_myosegmentum(folder: Path) -> list[Scan]:
    """`ID/{water,vertebrae,discs}.nii.gz`: one scan a subject, water only, classes known within the labelled span."""
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
    """The challenge's own layout: `NN/` folders, or files `NN_fat.nii`, `NN_inn.nii`, `NN_opp.nii`, `NN_wat.nii`, each with
    the reference `NN_Labels.nii` (or a name holding `label`), binary or by disc. Whole volumes; on the working grid."""
    from scipy import ndimage

    from ..dixon.case import load_case
    from ..images import read_volume, to_working_grid

    references = sorted(
        p for p in folder.rglob("*") if re.search(r"label", p.name, re.I) and re.search(r"\.nii(\.gz)?$", p.name)
    )
    scans = []
    for reference in references:
        number = re.match(r"(\d+)?", reference.name).group(0) or reference.parent.name  # type: ignore[union-attr]
        named = _channel_files(reference, number)
        case = load_case(reference.parent, **named, name=number)
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
    from ..dixon.channels import recognise_channel

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


@cache
def phantom_scan(seed: int) -> Scan:
    """A phantom as training data: four channels, exact labels, everything known."""
    from ..phantom import make_phantom

    phantom = make_phantom(seed)
    return Scan(
        subject=f"phantom-{seed}",
        name=str(seed),
        source="phantom",
        channels=stack_channels(phantom.channels),
        available=(True,) * 4,
        discs=phantom.labels,
        known=np.ones(phantom.labels.shape, bool),
        vertebrae=None,
        centers_ijk=centers_of(phantom.labels),
    )


def read_scans(data: Path, sources: Iterable[str]) -> list[Scan]:
    """All scans of the named sources below data. Raises InputError where a source's folder is missing or empty."""
    scans: list[Scan] = []
    for source in sources:
        folder = data / source
        found = READERS[source](folder) if folder.is_dir() else []
        if not found:
            raise InputError(f"{folder.name} holds no training data under {data.name}: set --data to the folder that holds it")
        scans += found
    return scans
