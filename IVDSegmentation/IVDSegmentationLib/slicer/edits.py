"""Whether a result in the scene is still the one that was segmented, or was edited, in the Segment Editor or elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from vtk.util.numpy_support import vtk_to_numpy

from .scene_result import SceneResult


def is_edited(result: SceneResult) -> bool:
    """Whether the segments of a result hold other voxels than those that were segmented, or are others.

    Args:
        result: The result; its names may have changed.

    Returns:
        True where they do. A segmentation that is gone was not edited.
    """
    node = result.segmentation
    if node.GetScene() is None:
        return False
    labels = result.original.label_volume.voxels
    segmented = {new.level: old.label for old, new in zip(result.original.found, result.named.found, strict=True)}
    if set(node.GetSegmentation().GetSegmentIDs()) != set(segmented):
        return True
    return any(not _holds(node, level, labels == label) for level, label in segmented.items())


def _holds(node: Any, segment_id: str, mask: np.ndarray) -> bool:
    """Whether a segment holds exactly the voxels of a mask [i, j, k]."""
    image = slicer.vtkOrientedImageData()
    node.GetBinaryLabelmapRepresentation(segment_id, image)
    scalars = image.GetPointData().GetScalars()
    if scalars is None or 0 in image.GetDimensions():
        return not mask.any()
    found = np.argwhere(vtk_to_numpy(scalars).reshape(image.GetDimensions()[::-1]).T > 0) + image.GetExtent()[::2]
    return np.array_equal(found, np.argwhere(mask))
