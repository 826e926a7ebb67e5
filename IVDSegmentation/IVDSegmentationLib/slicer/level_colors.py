"""The colour table of the levels in the scene."""

from __future__ import annotations

from typing import Any

import slicer

from ..levels.colors import LEVEL_COLORS
from ..levels.labelling import LABELS
from .attributes import LEVELS_TABLE

_NAME = "Intervertebral discs"


def level_table() -> Any:
    """The colour table of the levels, one for the whole scene.

    Returns:
        The node; made where there is none.
    """
    found = slicer.util.getFirstNodeByClassByName("vtkMRMLColorTableNode", _NAME)
    if found is not None and found.GetAttribute(LEVELS_TABLE):
        return found
    table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", _NAME)
    table.SetAttribute(LEVELS_TABLE, "1")
    table.SetTypeToUser()
    table.SetNumberOfColors(len(LABELS) + 1)
    table.SetColor(0, "background", 0.0, 0.0, 0.0, 0.0)
    for level, label in LABELS.items():
        table.SetColor(label, level, *LEVEL_COLORS[level], 1.0)
    table.SetHideFromEditors(False)
    return table
