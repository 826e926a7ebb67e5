"""Agreement of a segmentation with a reference, disc by disc: Dice, surface distances, volume, position."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding
from ..images import Grid, Volume, same_grid
from ..levels.labelling import LEVEL_OF
from .dataframes import to_data_frame
from .metrics import dice, surface_distances, volume_difference

if TYPE_CHECKING:
    import pandas
    import SimpleITK

LOCATED_WITHIN_MM = (2.0, 4.0, 6.0)
"""Centre distances up to which a disc of the reference counts as located."""
MOST_DISCS = 64
"""In a mask: a spine has 23, and noise has thousands of pieces, each of which would be measured."""
MOST_FACES = 4_000_000
"""Between the voxels of a disc and others: four hundred times those of a disc at 1 mm."""
FRAGMENT = 0.05
"""A piece of a binary mask smaller than this share of its largest piece is no disc."""


@dataclass(frozen=True)
class DiscAgreement:
    """One disc of the prediction and the one of the reference it was matched with.

    level: of the prediction, else of the reference; empty where neither names it. dice: 0..1.
    hausdorff_mm, hausdorff95_mm, assd_mm: largest distance between the two surfaces, the larger of the two directions'
        95th percentiles, and the mean over both surfaces, weighted by area. Surfaces are those of the masks' voxels
        (discrete marching cubes), distances from the centres of triangles (Podobnik and Vrtovec, arXiv:2509.05670).
    volume_difference: predicted minus reference, counted in voxels; per cent of the reference.
    center_distance_mm: between the centres of mass of the two masks.
    """

    level: str
    dice: float
    hausdorff_mm: float
    hausdorff95_mm: float
    assd_mm: float
    volume_difference_mm3: float
    volume_difference_percent: float
    center_distance_mm: float


@dataclass(frozen=True)
class CaseAgreement:
    """The agreement of a case.

    Attributes:
        discs: Those matched, caudal to cranial.
        missing: Levels of the discs of the reference without a match, empty where one has no name.
        extra: The same of the prediction.
        overall_dice: 0..1, of all voxels of all discs, missing and extra ones too.
        findings: How the two were made comparable.
    """

    discs: tuple[DiscAgreement, ...]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    overall_dice: float
    findings: tuple[Finding, ...] = ()

    @property
    def mean_dice(self) -> float:
        """Mean Dice over the discs of the reference, a missing one counted as 0."""
        return sum(disc.dice for disc in self.discs) / (len(self.discs) + len(self.missing))

    def located(self, within_mm: float) -> float:
        """Count the discs that were located.

        Args:
            within_mm: Largest distance between the centres of a disc and its match.

        Returns:
            Their share of the reference's discs, 0..1; a missing one was not located.
        """
        near = sum(disc.center_distance_mm <= within_mm for disc in self.discs)
        return near / (len(self.discs) + len(self.missing))

    def summary(self) -> dict[str, Any]:
        """Everything under flat names.

        Returns:
            Measure -> value; the discs as a list of dicts.
        """
        return {
            "overall_dice": self.overall_dice,
            "mean_dice": self.mean_dice,
            **{f"located_within_{mm:g}_mm": self.located(mm) for mm in LOCATED_WITHIN_MM},
            "missing": list(self.missing),
            "extra": list(self.extra),
            "discs": self.rows(),
        }

    def rows(self) -> list[dict[str, Any]]:
        """The matched discs.

        Returns:
            One flat dict a disc.
        """
        return [asdict(disc) for disc in self.discs]

    def to_frame(self) -> pandas.DataFrame:
        """The matched discs as a pandas table.

        Returns:
            One row a disc.

        Raises:
            OutputError: pandas is not installed.
        """
        return to_data_frame(self.rows())


def compare(predicted: Volume, reference: Volume) -> CaseAgreement:
    """Compare two label maps or binary masks.

    Both are split into discs (`split_discs`) and matched one to one so that the sum of the pairs' Dice is largest; two discs
    without a common voxel are no pair.

    Args:
        predicted: On any grid; put onto that of the reference (nearest neighbour), with a finding unless the grids differ by
            the order of their axes alone.
        reference: Labels or a mask.

    Returns:
        The agreement.

    Raises:
        InputError: The reference holds no disc, or one of them values that are no labels.
    """
    voxels = predicted.voxels
    findings: list[Finding] = []
    if not same_grid(predicted.grid, reference.grid):
        voxels, findings = _on_grid(predicted, reference)
    ours, our_names = split_discs(Volume(voxels, reference.grid, predicted.source))
    theirs, their_names = split_discs(reference)
    if not their_names:
        raise InputError(f"{reference.source or 'the reference'} holds no disc: give the expert mask")
    pairs = _matched(ours, len(our_names), theirs, len(their_names))
    discs = [
        _agreement(our_names[one - 1] or their_names[other - 1], ours == one, theirs == other, reference.grid)
        for one, other in pairs
    ]
    overall = dice(ours > 0, theirs > 0)
    assert overall is not None  # the reference is not empty
    return CaseAgreement(
        discs=tuple(discs),
        missing=tuple(name for n, name in enumerate(their_names, 1) if n not in {other for _, other in pairs}),
        extra=tuple(name for n, name in enumerate(our_names, 1) if n not in {one for one, _ in pairs}),
        overall_dice=overall,
        findings=tuple(findings),
    )


def split_discs(volume: Volume) -> tuple[np.ndarray, list[str]]:
    """Find the discs of a label map or a binary mask.

    Several values: each value is a disc, named by LABELS. One value: each piece connected by faces is a disc, except fragments
    (FRAGMENT), which are left out; a single piece is named by its value, several have no name.

    Args:
        volume: Labels or a mask.

    Returns:
        Numbers from 1, caudal to cranial, int16 [i, j, k], 0 for none; and the level of each, empty where it has no name.

    Raises:
        InputError: Values are not whole numbers from 0 to 255.
    """
    from scipy import ndimage

    if not np.array_equal(volume.voxels, np.rint(volume.voxels)) or volume.voxels.min() < 0 or volume.voxels.max() > 255:
        raise InputError(
            f"{volume.source or 'the mask'} has values that are no labels: give a mask or a label map of whole numbers"
        )
    labels = volume.voxels.astype(np.uint8)
    values = [int(value) for value in np.unique(labels) if value]
    names = {value: LEVEL_OF.get(value, "") for value in values}
    if len(values) == 1:
        pieces, _ = ndimage.label(labels)
        sizes = np.bincount(pieces.ravel())[1:]
        kept = (np.flatnonzero(sizes >= FRAGMENT * sizes.max()) + 1).tolist()
        names = dict.fromkeys(kept, names[values[0]] if len(kept) == 1 else "")
        labels, values = pieces, kept
    if len(values) > MOST_DISCS:
        raise InputError(
            f"{volume.source or 'the mask'} holds {len(values)} pieces or values, more than the {MOST_DISCS} discs that are "
            "compared: give a mask or a label map of discs"
        )
    if not values:
        return np.zeros(labels.shape, np.int16), []
    centers_mm = volume.grid.to_mm(np.array(ndimage.center_of_mass(labels > 0, labels, values)))
    order = [values[n] for n in np.argsort(centers_mm[:, 2], kind="stable")]
    numbers = np.zeros(int(labels.max()) + 1, np.int16)
    numbers[order] = np.arange(1, len(order) + 1)
    return numbers[labels], [names[value] for value in order]


def _matched(ours: np.ndarray, our_count: int, theirs: np.ndarray, their_count: int) -> list[tuple[int, int]]:
    """Pairs (number in ours, number in theirs), in the order of theirs."""
    from scipy.optimize import linear_sum_assignment

    both = np.bincount(
        ours.ravel().astype(np.int64) * (their_count + 1) + theirs.ravel(),
        minlength=(our_count + 1) * (their_count + 1),
    ).reshape(our_count + 1, their_count + 1)
    sizes = both.sum(axis=1)[1:, None] + both.sum(axis=0)[None, 1:]
    overlap = 2 * both[1:, 1:] / sizes
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    pairs = [(int(r) + 1, int(c) + 1) for r, c in zip(rows, columns, strict=True) if overlap[r, c] > 0]
    return sorted(pairs, key=lambda pair: pair[1])


def _agreement(level: str, ours: np.ndarray, theirs: np.ndarray, grid: Grid) -> DiscAgreement:
    held = np.nonzero(ours | theirs)
    box = tuple(slice(int(line.min()), int(line.max()) + 1) for line in held)
    ours, theirs = ours[box], theirs[box]
    for mask in (ours, theirs):
        faces = sum(int(np.count_nonzero(np.diff(mask, axis=axis))) for axis in range(3))
        if faces > MOST_FACES:
            raise InputError(
                f"a piece that is to be compared has a surface of {faces} voxel faces, which no disc has: give a mask of discs"
            )
    assd_mm, hausdorff95_mm, hausdorff_mm = surface_distances(ours, theirs, grid.spacing_mm)
    volume_mm3, percent = volume_difference(ours, theirs, float(np.prod(grid.spacing_mm)))
    overlap = dice(ours, theirs)
    assert overlap is not None and percent is not None  # neither mask is empty
    centers_mm = [grid.to_mm(np.argwhere(mask).mean(axis=0)) for mask in (ours, theirs)]
    return DiscAgreement(
        level=level,
        dice=overlap,
        hausdorff_mm=hausdorff_mm,
        hausdorff95_mm=hausdorff95_mm,
        assd_mm=assd_mm,
        volume_difference_mm3=volume_mm3,
        volume_difference_percent=percent,
        center_distance_mm=float(np.linalg.norm(centers_mm[0] - centers_mm[1])),
    )


def _image(labels: np.ndarray, grid: Grid) -> SimpleITK.Image:
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(np.ascontiguousarray(labels.T, np.uint8))
    image.SetSpacing(grid.spacing_mm)
    image.SetOrigin(grid.origin_mm)
    image.SetDirection([cosine for row in grid.direction for cosine in row])
    return image


def labels_on(grid: Grid, labels: Volume) -> np.ndarray:
    """Put labels onto a grid, nearest neighbour.

    Args:
        grid: The grid.
        labels: Whole numbers from 0 to 255, on any grid.

    Returns:
        uint8 [i, j, k]; 0 outside.
    """
    import SimpleITK as sitk

    resampled = sitk.Resample(
        _image(labels.voxels, labels.grid),
        grid.size,
        sitk.Transform(),
        sitk.sitkNearestNeighbor,
        grid.origin_mm,
        grid.spacing_mm,
        [cosine for row in grid.direction for cosine in row],
        0.0,
    )
    return sitk.GetArrayFromImage(resampled).T


def _on_grid(predicted: Volume, reference: Volume) -> tuple[np.ndarray, list[Finding]]:
    """The predicted labels at the voxels of the reference, and a finding where that changes them."""
    grid = reference.grid
    voxels = labels_on(grid, predicted)
    before, after = (np.bincount(v.ravel().astype(np.uint8), minlength=256) for v in (predicted.voxels, voxels))
    if sorted(predicted.grid.size) == sorted(grid.size) and np.array_equal(before, after):
        return voxels, []
    return voxels, [finding("prediction_resampled")]
