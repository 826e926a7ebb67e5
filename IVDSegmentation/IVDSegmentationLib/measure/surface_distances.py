"""Distances between the surfaces of two masks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def surface_distances(predicted: np.ndarray, reference: np.ndarray, spacing_mm: Sequence[float]) -> tuple[float, float, float]:
    """Distances between the surfaces of two masks, both ways (pymeshmetrics, on meshes weighted by area).

    Args:
        predicted: Mask [x, y, z], not empty.
        reference: Mask of the same shape, not empty.
        spacing_mm: Voxel size along x, y, z.

    Returns:
        Average symmetric surface distance, 95th percentile and maximum (Hausdorff distance), mm.
    """
    import SimpleITK as sitk
    from meshmetrics import compute_metrics

    held = np.nonzero(predicted | reference)
    box = tuple(slice(int(line.min()), int(line.max()) + 1) for line in held)
    images = []
    for mask in (reference, predicted):
        image = sitk.GetImageFromArray(np.ascontiguousarray(mask[box].T, np.uint8))
        image.SetSpacing([float(s) for s in spacing_mm])
        images.append(image)
    found = compute_metrics(*images, percentiles=(100, 95), metrics=("hd", "assd"), verbose=False)
    return float(found["ASSD"]), float(found["HD_95"]), float(found["HD_100"])
