"""How rough an image is from voxel to voxel, which tells scanned voxels from interpolated ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def roughness(images: Sequence[np.ndarray]) -> float:
    """How rough images are from voxel to voxel, along left-right.

    It is the median magnitude of the second differences over that of the first. White noise has 1.73, voxels scanned one by
    one 1.2 to 1.4, voxels interpolated between thicker slices 0.3 to 1.0. Medians, since the edges of organs and of the
    field of view are few and large.

    Args:
        images: [x, y, z] each, judged together.

    Returns:
        The ratio; 0 for constant images.
    """
    first = np.median(np.concatenate([np.abs(np.diff(image, axis=0)).ravel() for image in images]))
    second = np.median(np.concatenate([np.abs(np.diff(image, 2, axis=0)).ravel() for image in images]))
    return float(second / first) if first else 0.0
