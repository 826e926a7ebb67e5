"""Pseudo-labels: the L5-S1 of the water volumes, which nobody labelled, as a first localizer outlines it.

The localizer is then fine-tuned on them (Lee, ICML Workshop on Challenges in Representation Learning, 2013).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from ..networks.inputs import COARSE_STEP
from ..pipeline.localize import THRESHOLD, find_discs, probability_map
from .known_regions import vertebra_centroids_mm, voxels_mm
from .scans import Scan

if TYPE_CHECKING:
    import keras

NEAREST_MM, FARTHEST_MM = 10.0, 28.0
"""How far below the centroid of the lowest labelled vertebra the centre of the disc under it lies, along the spine."""

LEAST_PROBABILITY, LEAST_VOLUME_MM3 = 0.9, 5000.0
"""Mean probability and volume from which what a localizer finds is a pseudo-label; a usual L5-S1 has 0.95 and 8,000 mm3."""


def with_pseudo_label(scan: Scan, localizer: keras.Model) -> Scan:
    """A scan with the disc under its lowest labelled vertebra as a pseudo-label.

    Everything below that vertebra is known then, and nothing but this disc is disc there. Voxels around its outline stay
    unknown, since the outline is a network's.

    Args:
        scan: The scan.
        localizer: A trained localizer.

    Returns:
        A copy with one more disc. The scan itself where it has no labelled vertebrae, or where the localizer finds no
        such disc of LEAST_PROBABILITY and LEAST_VOLUME_MM3, or more than one.
    """
    from scipy import ndimage

    if scan.vertebrae is None:
        return scan
    below_mm = _below_lowest_vertebra_mm(scan.vertebrae)
    probability = probability_map(localizer, scan.channels)
    centers = [
        tuple(round(c) for c in disc.center_ijk)
        for disc in find_discs(probability)
        if disc.probability >= LEAST_PROBABILITY and disc.volume_mm3 >= LEAST_VOLUME_MM3
    ]
    there = [center for center in centers if NEAREST_MM <= below_mm[center] <= FARTHEST_MM]
    components, _ = ndimage.label(probability >= THRESHOLD)
    if len(there) != 1 or not (number := components[tuple(np.floor_divide(there[0], COARSE_STEP))]):
        return scan
    disc = _refined(components == number, scan.discs.shape) & (below_mm > 0)
    near = _refined(ndimage.binary_dilation(components == number), scan.discs.shape) & ~disc
    return replace(
        scan,
        discs=np.where(disc, scan.discs.max() + 1, scan.discs).astype(scan.discs.dtype),
        known=np.where(below_mm > 0, ~near, scan.known),
    )


def _below_lowest_vertebra_mm(vertebrae: np.ndarray) -> np.ndarray:
    """How far every voxel of vertebrae [x, y, z] lies below the lowest one's centroid, along the line from the one above."""
    above, lowest = vertebra_centroids_mm(vertebrae)[-2:]
    down = (lowest - above) / np.linalg.norm(lowest - above)
    return np.asarray((voxels_mm(vertebrae.shape) - lowest) @ down)


def _refined(coarse: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A mask of the localizer's grid on the working grid of the given shape."""
    for axis, step in enumerate(COARSE_STEP):
        coarse = coarse.repeat(step, axis)
    return coarse[tuple(slice(n) for n in shape)]
