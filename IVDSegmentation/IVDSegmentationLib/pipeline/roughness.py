"""How rough an image is from voxel to voxel, which tells scanned voxels from interpolated ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def roughness(images: Sequence[np.ndarray]) -> float:
    """Median magnitude of the second differences over that of the first, along left-right, of all images [x, y, z] together.

    White noise has 1.73, voxels scanned one by one 1.2 to 1.4, voxels interpolated between thicker slices 0.3 to 1.0; 0 for
    a constant image. Medians, since the edges of organs and of the field of view are few and large.
    """
    first = np.median(np.concatenate([np.abs(np.diff(image, axis=0)).ravel() for image in images]))
    second = np.median(np.concatenate([np.abs(np.diff(image, 2, axis=0)).ravel() for image in images]))
    return float(second / first) if first else 0.0
