"""One scan with its reference, as the trainings take it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..networks.inputs import stack_channels


@dataclass(frozen=True)
class Scan:
    """One image with its reference, on the working grid.

    Attributes:
        subject: The person, the unit of every split; prefixed with the source.
        name: Unique within the source.
        source: Name of its source, as in sources.READERS, "phantom" or "noise".
        channels: float32 [x, y, z, 4] in the order of CHANNELS, intensities as stored, 0 where a channel is absent.
        available: Which of the four channels are there.
        discs: uint8 [x, y, z], the number of the disc, or 0.
        known: bool [x, y, z], where `discs` can be relied on. Elsewhere a voxel's class is unknown, not background.
        vertebrae: uint8 [x, y, z], the VERSE code of the vertebra (20 = L1), or 0; None where nobody labelled them.
        centers_ijk: Centres of the boxes to cut, one a disc, continuous voxels.
        reference: The file that `discs` is, voxel for voxel; None where it was resampled or computed.
        levels: The true name of each disc, as centers_ijk; None where nobody knows it. Empty where no name is known.
        outlined: Whether `discs` are whole discs; False where they are only what is surely disc.
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
    levels: tuple[str | None, ...] = ()
    outlined: bool = True


def centers_of(discs: np.ndarray) -> tuple[tuple[float, float, float], ...]:
    """Centroids of the labels of a map.

    Args:
        discs: Integers [x, y, z], 0 for background.

    Returns:
        One continuous voxel position a label, by rising label.
    """
    from scipy import ndimage

    centers = []
    for number, box in enumerate(ndimage.find_objects(discs), start=1):
        if box is not None:
            x, y, z = np.argwhere(discs[box] == number).mean(0) + [s.start for s in box]
            centers.append((float(x), float(y), float(z)))
    return tuple(centers)


def phantom_scan(seed: int) -> Scan:
    """A phantom as training data: four channels, exact labels, every voxel known.

    Args:
        seed: Seed of the phantom.

    Returns:
        The scan; about 60 MB, computed anew at every call.
    """
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
