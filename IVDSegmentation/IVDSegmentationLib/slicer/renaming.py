"""Other levels for a result in the scene: its nodes, tables and plot get the new names, and the user's edits stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _
from slicer.util import arrayFromVolume, arrayFromVolumeModified
from vtk.util.numpy_support import vtk_to_numpy

from ..errors import InputError
from ..levels.colors import LEVEL_COLORS
from ..levels.labelling import LABELS
from ..pipeline.segmentation import relabelled
from ..report.files import build_report
from .scene_result import SceneResult
from .tables import fill_tables


def rename_result(result: SceneResult, lowest_level: str | None) -> SceneResult:
    """Call the lowest disc of a result by another level and count the others on from it, in the scene, too.

    Nodes that the user has removed are left out.

    Args:
        result: The result.
        lowest_level: The level; None gives back the automatic names.

    Returns:
        The renamed result.

    Raises:
        InputError: The level is unknown, the discs would leave the levels of a spine, or automatic names are asked for of a
            result that was segmented with a given lowest level. Nothing is changed.
    """
    if lowest_level == result.case.request.lowest_level:
        named = result.original
    elif lowest_level is None:
        message = _("the discs were named from {level} upwards when they were segmented: segment again for automatic names")
        raise InputError(message.format(level=result.case.request.lowest_level))
    else:
        named = result.original.renamed(lowest_level)
    names = {old.level: new.level for old, new in zip(result.named.found, named.found, strict=True)}
    models = {names[level]: model for level, model in result.models.items()}
    if _there(result.labelmap):
        voxels = arrayFromVolume(result.labelmap)
        voxels[:] = relabelled(voxels, names)
        arrayFromVolumeModified(result.labelmap)
    if _there(result.segmentation):
        _rename_segments(result.segmentation.GetSegmentation(), names)
    for level, model in models.items():
        if _there(model):
            model.SetName(level)
            model.GetDisplayNode().SetColor(*LEVEL_COLORS[level])
    for index in range(result.centers.GetNumberOfControlPoints()):
        label = result.centers.GetNthControlPointLabel(index)
        result.centers.SetNthControlPointLabel(index, names.get(label, label))
    fill_tables(result.tables, build_report(named))
    return replace(result, named=named, lowest_level=lowest_level, models=models)


def _there(node: Any) -> bool:
    return node.GetScene() is not None


def _rename_segments(segmentation: Any, names: Mapping[str, str]) -> None:
    """New ID, name, colour and label value for the segment of each level.

    Other segments stay, with another ID or label value only where a level needs theirs.
    """
    segments = {key: segmentation.GetSegment(key) for key in segmentation.GetSegmentIDs()}
    binary = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    layers = defaultdict(list)
    for key, segment in segments.items():
        layers[segment.GetRepresentation(binary)].append(key)
    renewed: dict[str, tuple[Any, int]] = {}
    for image, keys in layers.items():
        layer = {key: (segments[key].GetLabelValue(), names.get(key)) for key in keys}
        renewed |= _relabelled(image, layer)
    closed = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
    surfaces = {key: segment.GetRepresentation(closed) for key, segment in segments.items()}
    # A segmentation has no way to change an ID but to take the segment out, which spoils the images that segments share.
    segmentation.RemoveAllSegments()
    for key, segment in sorted(segments.items(), key=lambda item: item[0] not in names):
        image, value = renewed[key]
        segment.RemoveAllRepresentations()
        for name, content in ((binary, image), (closed, surfaces[key])):
            if content is not None:
                segment.AddRepresentation(name, content)
        segment.SetLabelValue(value)
        if key in names:
            segment.SetName(names[key])
            segment.SetColor(*LEVEL_COLORS[names[key]])
        segmentation.AddSegment(segment, names.get(key) or segmentation.GenerateUniqueSegmentID(key))


def _relabelled(image: Any, layer: Mapping[str, tuple[int, str | None]]) -> dict[str, tuple[Any, int]]:
    """Segment ID -> a copy of the image that these segments share, with other label values, and the segment's.

    Args:
        image: The image.
        layer: Segment ID -> its label value, and the level it gets or None.
    """
    taken = {LABELS[level] for _, level in layer.values() if level}
    free = iter(value for value in range(1, 256) if value not in taken | {old for old, _ in layer.values()})
    values = {}
    table = np.arange(256)
    for key, (old, level) in layer.items():
        values[key] = LABELS[level] if level else next(free) if old in taken else old
        table[old] = values[key]
    if image is None:  # of segments that hold nothing
        return {key: (None, value) for key, value in values.items()}
    copy = slicer.vtkOrientedImageData()
    copy.DeepCopy(image)
    if copy.GetPointData().GetScalars() is not None:
        voxels = vtk_to_numpy(copy.GetPointData().GetScalars())
        voxels[:] = table[voxels]
    return {key: (copy, value) for key, value in values.items()}
