"""An expert's segmentation in the scene as labels to compare with."""

from __future__ import annotations

from typing import Any

import numpy as np
from slicer.i18n import tr as _
from slicer.util import arrayFromSegmentBinaryLabelmap, arrayFromVolume

from ..errors import InputError
from ..images import Volume
from ..levels.labelling import LABELS
from .coordinates import grid_of
from .volume_nodes import volume_of


def labels_of(node: Any, onto: Any) -> Volume:
    """The labels of an expert's segmentation.

    Args:
        node: Labelmap volume, or segmentation, which is sampled on the grid of `onto`: segments named by level get that level's
            label, others 1.
        onto: Volume node.

    Returns:
        The labels.

    Raises:
        InputError: It is empty there, or has no image.
    """
    if not node.IsA("vtkMRMLSegmentationNode"):
        return volume_of(node)
    labels = np.zeros(arrayFromVolume(onto).shape, np.uint8)
    segmentation = node.GetSegmentation()
    for segment_id in segmentation.GetSegmentIDs():
        mask = arrayFromSegmentBinaryLabelmap(node, segment_id, onto)
        labels[mask > 0] = LABELS.get(segmentation.GetSegment(segment_id).GetName(), 1)
    if not labels.any():
        message = _("{name} is empty on {volume}: choose the expert's segmentation of this case")
        raise InputError(message.format(name=node.GetName(), volume=onto.GetName()))
    return Volume(labels.T, grid_of(onto), node.GetName())
