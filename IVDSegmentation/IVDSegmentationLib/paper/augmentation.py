"""The paper's augmentation, made beforehand: random combinations of five changes in random order, 6 volumes to 24.

The paper names the changes without saying how far they go; the constants here are ours.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from ..images import WORKING_SPACING_MM
from ..pipeline.crop import BOX_SIZE
from ..training.scans import centers_of
from .spines import Spine

COPIES = 3
"""Augmented copies of each volume beside itself: 6 volumes become 24."""

PROBABILITY = 0.5
"""Of each change to be in a combination; one without any is drawn again."""

SHIFT_VOXELS = 4.0
ROTATION_DEG = 10.0
SCALE = 0.1
"""Largest translation along an axis, rotation about one and relative change of size, to both sides."""

DELTA_VOXELS = 8.0
"""Standard deviation of the Gaussian that random displacements are convolved with, the paper's delta."""

ALPHA_VOXELS = 40.0
"""What the smoothed displacements are multiplied by, the paper's alpha: their standard deviation is then about one voxel."""

NODE_VOXELS = 4
"""Displacements are drawn at nodes this far apart; those of the voxels are interpolated between them, cubically."""

Change = Callable[[np.ndarray], np.ndarray]
"""From points [3, n] to points [3, n], in mm about the middle of the volume."""


def elastic_change(shape: Sequence[int], spacing_mm: Sequence[float], rng: np.random.Generator) -> Change:
    """Displacements, uniform between -1 and 1, convolved with a Gaussian of DELTA_VOXELS and times ALPHA_VOXELS.

    Args:
        shape: Voxels of the volume along x, y, z.
        spacing_mm: Voxel size.
        rng: Generator of the displacements.

    Returns:
        The change; a point's displacement is interpolated cubically between the nodes.
    """
    from scipy import ndimage

    nodes = [-(-n // NODE_VOXELS) + 1 for n in shape]
    field = rng.uniform(-1, 1, (3, *nodes))
    sigma = DELTA_VOXELS / NODE_VOXELS
    smooth = np.stack([ndimage.gaussian_filter(one, sigma, mode="wrap") for one in field]) * ALPHA_VOXELS
    size = np.reshape(spacing_mm, (3, 1))
    first = -(np.reshape(shape, (3, 1)) - 1) / 2

    def change(points: np.ndarray) -> np.ndarray:
        at = (points / size - first) / NODE_VOXELS
        moved = [ndimage.map_coordinates(one, at, order=3, mode="nearest") for one in smooth]
        return points + np.stack(moved) * size

    return change


def random_changes(shape: Sequence[int], rng: np.random.Generator, elastic: np.random.Generator) -> dict[str, Change]:
    """A random combination of translation, rotation, flip, scaling and elastic deformation.

    Args:
        shape: Voxels of the volume along x, y, z, of the working grid.
        rng: Generator of the combination, its order and how far each change goes.
        elastic: Generator of the elastic deformation.

    Returns:
        Name -> change, in the order in which they are applied; at least one.
    """
    from scipy.spatial.transform import Rotation

    spacing = np.reshape(WORKING_SPACING_MM, (3, 1))
    shift = rng.uniform(-SHIFT_VOXELS, SHIFT_VOXELS, (3, 1)) * spacing
    rotation = Rotation.from_euler("xyz", rng.uniform(-ROTATION_DEG, ROTATION_DEG, 3), degrees=True).as_matrix()
    flipped = rng.integers(1, 8)  # which axes, as bits: one at least
    signs = np.reshape([-1.0 if flipped & bit else 1.0 for bit in (1, 2, 4)], (3, 1))
    factor = 1 + rng.uniform(-SCALE, SCALE)
    changes: dict[str, Change] = {
        "translation": lambda points: points + shift,
        "rotation": lambda points: rotation @ points,
        "flip": lambda points: points * signs,
        "scaling": lambda points: points * factor,
        "elastic deformation": elastic_change(shape, WORKING_SPACING_MM, elastic),
    }
    names = [str(name) for name in rng.permutation(list(changes))]
    drawn = [False]
    while not any(drawn):
        drawn = [bool(one) for one in rng.random(len(names)) < PROBABILITY]
    return {name: changes[name] for name, used in zip(names, drawn, strict=True) if used}


def looked_up(shape: Sequence[int], changes: Iterable[Change]) -> np.ndarray:
    """Where each voxel of a changed volume is looked up in the original.

    Args:
        shape: Voxels along x, y, z, of the working grid.
        changes: From a point of the result to the point that it shows, one after the other.

    Returns:
        float64 [3, voxel], continuous voxels.
    """
    spacing = np.reshape(WORKING_SPACING_MM, (3, 1))
    middle = (np.reshape(shape, (3, 1)) - 1) / 2
    points = (np.indices(shape).reshape(3, -1) - middle) * spacing
    for change in changes:
        points = change(points)
    return points / spacing + middle


def deform(volume: np.ndarray, places: np.ndarray, order: int) -> np.ndarray:
    """A changed volume.

    Args:
        volume: [x, y, z].
        places: Of `looked_up`.
        order: Of the interpolating spline: 3 is cubic, 1 linear, 0 the nearest voxel.

    Returns:
        float32 [x, y, z]. Beyond the volume its outermost voxels go on.
    """
    from scipy import ndimage

    return ndimage.map_coordinates(volume.astype(np.float32), places, order=order, mode="nearest").reshape(volume.shape)


def augmented(spine: Spine, copy: int) -> Spine:
    """An augmented copy of an examination, always the same one.

    A column is no anatomy, so its boxes are changed one by one, all by the same combination about their own middles but for
    the elastic deformation, which is each box's own. A whole volume is changed as a whole.

    Args:
        spine: The original.
        copy: Which copy.

    Returns:
        The copy. A disc that left a whole volume is left out.
    """
    height = BOX_SIZE[2] if spine.stacked else spine.discs.shape[2]
    channels, discs = np.empty_like(spine.channels), np.empty_like(spine.discs)
    regions = spine.regions.copy()
    for index, start in enumerate(range(0, spine.discs.shape[2], height)):
        seeds = (zlib.crc32(spine.subject.encode()), copy)
        slab = (slice(None), slice(None), slice(start, start + height))
        shape = spine.discs[slab].shape
        changes = random_changes(shape, np.random.default_rng(seeds), np.random.default_rng((*seeds, index + 1)))
        places = looked_up(shape, changes.values())
        for channel in range(channels.shape[-1]):
            channels[slab][..., channel] = deform(spine.channels[slab][..., channel], places, 3).clip(min=0)
        inside = deform(spine.discs[slab] > 0, places, 1) >= 0.5
        numbers = deform(spine.regions[slab], places, 0).astype(np.uint8)
        discs[slab] = np.where(inside, numbers, 0)
        if not spine.stacked:
            regions[slab] = numbers
    centers = spine.centers_ijk if spine.stacked else centers_of(discs)
    return replace(spine, channels=channels, discs=discs, regions=regions, centers_ijk=centers)
