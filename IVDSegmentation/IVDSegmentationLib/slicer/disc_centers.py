"""The centres of the discs as a point list, which shows the names of the levels in the views."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from ..worker.protocol import WorkerResult
from .coordinates import RAS_LPS, to_world


def add_centers(result: WorkerResult, case: str, reference: Any) -> Any:
    """A new point list of the centres, in the coordinates of the node `reference`, each named by its level."""
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{case} disc centers")
    world_to_node = np.linalg.inv(to_world(reference))
    for disc in result.discs:
        point = world_to_node @ RAS_LPS @ [*disc.center_mm, 1.0]
        node.AddControlPoint(*(float(value) for value in point[:3]), disc.level)
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SetGlyphScale(1.5)
    node.GetDisplayNode().SetTextScale(2.5)
    return node
