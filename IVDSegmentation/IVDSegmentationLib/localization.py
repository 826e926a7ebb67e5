"""Stage 1: from the channels to a disc probability map at half in-plane resolution, and from it to the centre of each disc."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .inputs import normalise
from .volumes import WORKING_SPACING_MM

if TYPE_CHECKING:
    import keras

COARSE_STEP = (1, 2, 2)
"""Working voxels in one voxel of the localizer's grid, which so becomes nearly isotropic: 2.0 x 2.5 x 2.5 mm."""

THRESHOLD = 0.5
SMALLEST_DISC_MM3 = 600.0
"""Components below this are specks; the smallest of 49 real lumbar and thoracic discs has 3,600 mm3."""

LARGEST_DISC_HEIGHT_MM = 32.0
"""A component that reaches further along its thin axis is two discs that touch."""


@dataclass(frozen=True)
class DiscCandidate:
    """center_ijk: continuous voxel of the working grid. volume_mm3: of the component. probability: mean over it, 0..1."""

    center_ijk: tuple[float, float, float]
    volume_mm3: float
    probability: float


def coarsen(stacked: np.ndarray) -> np.ndarray:
    """[x, y, z, channel] of the working grid -> [x, ceil(y / 2), ceil(z / 2), channel] of the localizer's, by averaging."""
    _, y, z, _ = stacked.shape
    even = np.pad(stacked, ((0, 0), (0, y % 2), (0, z % 2), (0, 0)), mode="edge")
    quarter = even[:, ::2, ::2] + even[:, 1::2, ::2] + even[:, ::2, 1::2] + even[:, 1::2, 1::2]
    return quarter / 4


def probability_map(network: keras.Model, stacked: np.ndarray) -> np.ndarray:
    """Probability of disc, float32 [x, ceil(y / 2), ceil(z / 2)], 0..1, for channels [x, y, z, 4] of the working grid."""
    coarse = normalise(coarsen(stacked))
    width = [(0, -n % 8) for n in coarse.shape[:3]]
    padded = np.pad(coarse, [*width, (0, 0)])[None]
    probability = np.asarray(network(padded, training=False))[0, ..., 0]
    x, y, z = coarse.shape[:3]
    return probability[:x, :y, :z]


def find_discs(probability: np.ndarray) -> list[DiscCandidate]:
    """The discs in a probability map [x, y / 2, z / 2]: thresholded, components split where discs touch, specks removed.

    Sorted from caudal to cranial. The centre is the centroid of the component weighted by probability.
    """
    from scipy import ndimage

    components, count = ndimage.label(probability >= THRESHOLD)
    voxel_mm3 = float(np.prod(WORKING_SPACING_MM) * np.prod(COARSE_STEP))
    smallest = SMALLEST_DISC_MM3 / voxel_mm3
    found = []
    for number, box in enumerate(ndimage.find_objects(components), start=1):
        inside = components[box] == number
        if inside.sum() < smallest:
            continue
        for part in _split_touching(inside, probability[box]):
            if part.sum() < smallest:
                continue
            weights = probability[box] * part
            center = [float(c) + s.start for c, s in zip(ndimage.center_of_mass(weights), box, strict=True)]
            # The middle of a coarse voxel lies half a working voxel after the first of the two it covers.
            working = tuple((c + 0.5) * n - 0.5 for c, n in zip(center, COARSE_STEP, strict=True))
            found.append(
                DiscCandidate(
                    center_ijk=(working[0], working[1], working[2]),
                    volume_mm3=float(part.sum()) * voxel_mm3,
                    probability=float(weights.sum() / part.sum()),
                )
            )
    return sorted(found, key=lambda c: c.center_ijk[2])


def _split_touching(component: np.ndarray, probability: np.ndarray) -> list[np.ndarray]:
    """Bool parts of a component [x, y, z]: itself, or its watershed pieces where it is taller than one disc can be."""
    tall_voxels = LARGEST_DISC_HEIGHT_MM / (WORKING_SPACING_MM[2] * COARSE_STEP[2])
    if component.shape[2] <= tall_voxels:
        return [component]
    from scipy import ndimage
    from skimage.segmentation import watershed

    spacing = np.asarray(WORKING_SPACING_MM) * COARSE_STEP
    depth_mm = ndimage.distance_transform_edt(np.pad(component, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
    smooth = ndimage.gaussian_filter(depth_mm * probability, 1.0)
    # One disc yields one core: cores closer than the least distance of two discs' centres (18 mm) are merged by dilation.
    peaks = (smooth == ndimage.maximum_filter(smooth, size=(25, 15, 7))) & (depth_mm > 2.0)
    cores, count = ndimage.label(ndimage.binary_dilation(peaks, iterations=1))
    if count < 2:
        return [component]
    pieces = watershed(-smooth, cores, mask=component)
    return [pieces == n for n in range(1, count + 1)]
