"""Measurements of the discs of a result: volume, heights, depth, width, angles, signal and fat fraction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..threads import in_threads
from .dataframes import to_data_frame
from .dimensions import DiscDimensions, disc_dimensions
from .disc_map import DiscMap, disc_map, labelled_box, occupancy
from .frame import DiscField, DiscFrame, fit_frame
from .segmented import Segmented

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class ChannelSignal:
    """Mean and SD (of the population) of one channel over a disc's voxels, in the channel's intensities."""

    mean: float
    sd: float


@dataclass(frozen=True)
class DiscMeasurements:
    """One disc. Lengths are measured in its own frame (frame.DiscFrame), finer than a voxel; None is what cannot be told.

    cut: the disc touches the edge of the field of view. Its width and mean height are then None. Cut on the left or right
        only, it has no volume either, since a sagittal slab may show any share of it, and its other lengths and angles are
        measured. Cut above, below, in front or behind, its volume is that of the part in view, and all lengths and angles
        are None.
    volume_mm3: of the share of each voxel that the disc fills (disc_map.occupancy), not a count of voxels.
    anterior, middle, posterior height: along the normal of the mid-plane, on the midline, at 10, 50 and 90 % of the
        depth. The middle one is the disc height of Hurxthal (Am J Roentgenol 103:635, 1968).
    dabbs_height_mm: mean of anterior and posterior height (Dabbs and Dabbs, Spine 15:1366, 1990).
    mean_height_mm: volume over the area of the disc's section in the mid-plane.
    depth_mm: front to back on the midline. width_mm: left to right.
    height_index: anterior plus posterior height over twice the depth (Farfan, Mechanical disorders of the low back,
        1973, relates both heights to the disc's diameter), no unit. Not comparable with indices that divide by the
        height of a vertebra.
    wedge_deg: angle between the endplates as the two heights give it, 2 atan((anterior - posterior) / (1.6 depth)),
        positive where the front is taller.
    tilt_deg: inclination of the mid-plane in the sagittal plane, positive where the front hangs down.
    lateral_tilt_deg: the same in the coronal plane, positive where the left side hangs down.
    lordosis_to_next_deg: angle between the mid-planes of this disc and the next one found above it, in the sagittal
        plane, positive in lordosis; None for the uppermost.
    signal: channel -> mean and SD over the labelled voxels.
    signal_fat_fraction: sum of fat over sum of water + fat, 0..1, in the labelled voxels whose six neighbours are
        labelled too. Of the signal, without correction of T1, T2* and noise: not the proton density fat fraction.
        None without water and fat, or where the disc is too thin.
    """

    level: str
    label: int
    cut: bool
    volume_mm3: float | None
    anterior_height_mm: float | None
    middle_height_mm: float | None
    posterior_height_mm: float | None
    dabbs_height_mm: float | None
    mean_height_mm: float | None
    depth_mm: float | None
    width_mm: float | None
    height_index: float | None
    wedge_deg: float | None
    tilt_deg: float | None
    lateral_tilt_deg: float | None
    lordosis_to_next_deg: float | None
    signal: Mapping[str, ChannelSignal]
    signal_fat_fraction: float | None

    def row(self) -> dict[str, Any]:
        """The measurements under flat names.

        Returns:
            Name -> value, with `fat_mean`, `fat_sd` and so on for the channels.
        """
        values = asdict(self)
        del values["signal"]
        for channel, signal in self.signal.items():
            values |= {f"{channel}_mean": signal.mean, f"{channel}_sd": signal.sd}
        return values


@dataclass(frozen=True)
class CaseMeasurements:
    """All discs of a case, caudal to cranial.

    lumbar_lordosis_deg: angle between the mid-planes of L5-S1 and L1-L2 in the sagittal plane, positive in lordosis;
        None where one of them is missing or has no tilt. Not the Cobb angle of L1 and S1, which takes endplates.
    """

    discs: tuple[DiscMeasurements, ...]
    lumbar_lordosis_deg: float | None

    def rows(self) -> list[dict[str, Any]]:
        """The measurements of all discs.

        Returns:
            One flat dict a disc.
        """
        return [disc.row() for disc in self.discs]

    def to_frame(self) -> pandas.DataFrame:
        """The measurements as a pandas table.

        Returns:
            One row a disc.

        Raises:
            OutputError: pandas is not installed.
        """
        return to_data_frame(self.rows())


def measure(segmented: Segmented) -> CaseMeasurements:
    """Measure every disc of a segmentation.

    Args:
        segmented: The segmentation.

    Returns:
        Its measurements, not rounded.

    Raises:
        InputError: A disc of the list has no labelled voxel.
    """
    discs = in_threads(lambda disc: _measured(segmented, disc.level, disc.label), segmented.found)
    for position, (below, above) in enumerate(pairwise(discs)):
        discs[position] = replace(below, lordosis_to_next_deg=_difference(below.tilt_deg, above.tilt_deg))
    tilts = {disc.level: disc.tilt_deg for disc in discs}
    return CaseMeasurements(tuple(discs), _difference(tilts.get("L5-S1"), tilts.get("L1-L2")))


def _difference(below: float | None, above: float | None) -> float | None:
    return None if below is None or above is None else below - above


def _measured(segmented: Segmented, level: str, label: int) -> DiscMeasurements:
    mapped = disc_map(segmented.probability, segmented.labels, label, segmented.person_grid)
    field = DiscField(occupancy(mapped), mapped.grid)
    volume_mm3 = float(field.weights.sum() * np.prod(mapped.grid.spacing_mm))
    signal, fat_fraction = _signal(segmented, label)
    lengths: dict[str, float | None] = dict.fromkeys(_LENGTHS)
    if not any(mapped.cut[1:]):
        lengths |= _lengths(mapped, field, volume_mm3)
    return DiscMeasurements(
        level=level,
        label=label,
        cut=any(mapped.cut),
        volume_mm3=None if mapped.cut[0] else volume_mm3,
        lordosis_to_next_deg=None,
        signal=signal,
        signal_fat_fraction=fat_fraction,
        **lengths,
    )


_LENGTHS = (
    "anterior_height_mm", "middle_height_mm", "posterior_height_mm", "dabbs_height_mm", "mean_height_mm", "depth_mm",
    "width_mm", "height_index", "wedge_deg", "tilt_deg", "lateral_tilt_deg",
)  # fmt: skip


def _lengths(mapped: DiscMap, field: DiscField, volume_mm3: float) -> dict[str, float | None]:
    """The measurements of _LENGTHS that the disc's shape allows."""
    frame = fit_frame(field)
    found = None if frame is None else disc_dimensions(field, frame)
    if frame is None or found is None:
        return {}
    sideways = mapped.cut[0]
    return {
        **_heights(found),
        "mean_height_mm": None if sideways else volume_mm3 / found.area_mm2,
        "width_mm": None if sideways else found.width_mm,
        **_tilts(frame),
    }


def _heights(found: DiscDimensions) -> dict[str, float | None]:
    front, back = found.anterior_height_mm, found.posterior_height_mm
    return {
        "anterior_height_mm": front,
        "middle_height_mm": found.middle_height_mm,
        "posterior_height_mm": back,
        "dabbs_height_mm": (front + back) / 2,
        "depth_mm": found.depth_mm,
        "height_index": (front + back) / (2 * found.depth_mm),
        "wedge_deg": float(np.degrees(2 * np.arctan2(front - back, 1.6 * found.depth_mm))),
    }


def _tilts(frame: DiscFrame) -> dict[str, float | None]:
    return {"tilt_deg": frame.tilt_deg, "lateral_tilt_deg": frame.lateral_tilt_deg}


def _signal(segmented: Segmented, label: int) -> tuple[dict[str, ChannelSignal], float | None]:
    """Mean and SD of each channel over a disc's voxels, and its signal fat fraction."""
    from scipy.ndimage import binary_erosion

    box = labelled_box(segmented.labels, label)
    mine = segmented.labels[box] == label
    channels = {name: voxels[box] for name, voxels in segmented.case.channels.items()}
    signal = {
        name: ChannelSignal(float(voxels[mine].mean(dtype=float)), float(voxels[mine].std(dtype=float)))
        for name, voxels in channels.items()
    }
    inner = binary_erosion(mine)
    if not {"water", "fat"} <= channels.keys() or not inner.any():
        return signal, None
    fat, water = (float(channels[name][inner].sum(dtype=float)) for name in ("fat", "water"))
    return signal, fat / (water + fat) if water + fat > 0 else None
