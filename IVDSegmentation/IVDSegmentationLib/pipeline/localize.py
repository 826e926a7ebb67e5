"""Stage 1: from the channels to a disc probability map, at half resolution, and from it to the centre of each disc."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..images import WORKING_SPACING_MM
from ..networks.inputs import COARSE_STEP, normalise
from ..networks.outputs import finite

if TYPE_CHECKING:
    from ..networks.engine import Network

SPACING_MM = (4.0, 2.5, 2.5)
"""Voxel size of the released localizer's grid."""

THRESHOLD = 0.5
SMALLEST_DISC_MM3 = 600.0
"""Components below this are specks; the smallest of 49 real lumbar and thoracic discs has 3,600 mm3."""

LARGEST_DISC_HEIGHT_MM = 32.0
"""A component that reaches further along its thin axis is two discs that touch."""


CLOSEST_DISCS_MM = 14.0
"""Two discs' centres are no closer than this: half the height of the smallest thoracic vertebra."""


@dataclass(frozen=True)
class DiscCandidate:
    """center_ijk: continuous voxel of the working grid. volume_mm3: of the component. probability: mean over it, 0..1."""

    center_ijk: tuple[float, float, float]
    volume_mm3: float
    probability: float


def coarsen(stacked: np.ndarray, step: Sequence[int] = COARSE_STEP) -> np.ndarray:
    """Average the voxels of the working grid that one voxel of a localizer's covers.

    Args:
        stacked: [x, y, z] or [x, y, z, channel] of the working grid.
        step: Working voxels in one of the localizer's, x, y, z.

    Returns:
        float32 [ceil(x / step), ceil(y / step), ceil(z / step)], or with channels. Where the size is no multiple of the step,
        the last layer counts as often as is missing.
    """
    surplus = [-n % s for n, s in zip(stacked.shape[:3], step, strict=True)]
    if any(surplus):
        stacked = np.pad(stacked, [(0, n) for n in (*surplus, 0)[: stacked.ndim]], mode="edge")
    i, j, k = step
    total = stacked[::i, ::j, ::k].astype(np.float32)
    # In the order in which numpy's mean over the eight adds four channels: the same bits, in a fifth of its time.
    for x, y, z in list(np.ndindex(i, j, k))[1:]:
        total += stacked[x::i, y::j, z::k]
    total *= np.float32(1 / np.prod(step))
    return total


def probability_map(network: Network, stacked: np.ndarray, step: Sequence[int] = COARSE_STEP) -> np.ndarray:
    """Run the localizer.

    Args:
        network: The network of stage 1.
        stacked: Channels, [x, y, z, channel] of the working grid.
        step: Working voxels in one of the localizer's, x, y, z.

    Returns:
        Probability of disc, float32, 0..1, on the localizer's grid.
    """
    return run_padded(network, normalise(coarsen(stacked, step)))


def run_padded(network: Network, coarse: np.ndarray) -> np.ndarray:
    """Run a network on an input of any size.

    Args:
        network: The network.
        coarse: Its normalised input, [x, y, z, channel].

    Returns:
        Probability of disc, [x, y, z].
    """
    width = [(0, -n % 8) for n in coarse.shape[:3]]
    padded = np.pad(coarse, [*width, (0, 0)])[None]
    probability = finite(network.predict_on_batch(padded), "localizer")[0, ..., 0]
    x, y, z = coarse.shape[:3]
    return probability[:x, :y, :z]


def find_discs(probability: np.ndarray, step: Sequence[int] = COARSE_STEP) -> list[DiscCandidate]:
    """Find the discs in a probability map: thresholded, components split where discs touch, specks removed.

    Args:
        probability: On the localizer's grid.
        step: Working voxels in one of the map's, x, y, z.

    Returns:
        The candidates, caudal to cranial. A centre is the centroid of the component, weighted by probability.
    """
    from scipy import ndimage

    components, _ = ndimage.label(probability >= THRESHOLD)
    spacing_mm = np.multiply(WORKING_SPACING_MM, step)
    voxel_mm3 = float(np.prod(spacing_mm))
    smallest = SMALLEST_DISC_MM3 / voxel_mm3
    found = []
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        inside = components[box] == number
        if inside.sum() < smallest:
            continue
        for part in _split_touching(inside, probability[box], spacing_mm):
            if part.sum() < smallest:
                continue
            weights = probability[box] * part
            center = [float(c) + s.start for c, s in zip(ndimage.center_of_mass(weights), box, strict=True)]
            # The middle of a voxel of two working voxels lies half a working voxel after the first of them.
            working = tuple((c + 0.5) * n - 0.5 for c, n in zip(center, step, strict=True))
            found.append(
                DiscCandidate(
                    center_ijk=(working[0], working[1], working[2]),
                    volume_mm3=float(part.sum()) * voxel_mm3,
                    probability=float(weights.sum() / part.sum()),
                )
            )
    return sorted(found, key=lambda c: c.center_ijk[2])


def centers_on_coarse(found: Sequence[DiscCandidate]) -> list[np.ndarray]:
    """Find where candidates lie on the localizer's grid.

    Args:
        found: The candidates.

    Returns:
        The centre of each, continuous voxels, (3,).
    """
    return [(np.asarray(c.center_ijk) + 0.5) / COARSE_STEP - 0.5 for c in found]


def _split_touching(component: np.ndarray, probability: np.ndarray, spacing_mm: np.ndarray) -> list[np.ndarray]:
    """Bool parts of a component [x, y, z]: itself, or its watershed pieces where it is taller than one disc can be."""
    tall_voxels = LARGEST_DISC_HEIGHT_MM / spacing_mm[2]
    if component.shape[2] <= tall_voxels:
        return [component]
    from scipy import ndimage, signal
    from skimage.segmentation import watershed

    # What joins two discs is thinner than they are: along the spine their area has two peaks and a valley between.
    area = np.pad(ndimage.gaussian_filter1d(component.sum((0, 1)).astype(float), 1.0), 1)
    peaks, _ = signal.find_peaks(area, distance=CLOSEST_DISCS_MM / spacing_mm[2], prominence=0.3 * area.max())
    if len(peaks) < 2:
        return [component]
    cores = np.zeros(component.shape, np.int32)
    for number, peak in enumerate(peaks - 1, start=1):
        cores[:, :, peak][component[:, :, peak]] = number
    depth_mm = ndimage.distance_transform_edt(np.pad(component, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    pieces = watershed(-depth_mm * probability, cores, mask=component)
    return [pieces == number for number in range(1, len(peaks) + 1)]
