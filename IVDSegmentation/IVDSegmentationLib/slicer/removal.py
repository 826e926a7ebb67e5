"""Earlier results of a case are removed from the scene, and nothing that the user has made."""

from __future__ import annotations

import slicer

from .attributes import CASE
from .scene_result import SceneResult, is_of_a_result


def remove_results(case: str, keep: SceneResult | None = None) -> None:
    """Remove every result of a case, its folder and display nodes included.

    Args:
        case: Name of the case.
        keep: The result that stays.
    """
    scene = slicer.mrmlScene
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    kept = set() if keep is None else set(keep.nodes)
    nodes = [scene.GetNthNode(index) for index in range(scene.GetNumberOfNodes())]
    earlier = [node for node in nodes if node.GetAttribute(CASE) == case and is_of_a_result(node) and node not in kept]
    folders = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in earlier}
    for node in earlier:
        for index in range(node.GetNumberOfDisplayNodes() - 1 if node.IsA("vtkMRMLDisplayableNode") else -1, -1, -1):
            scene.RemoveNode(node.GetNthDisplayNode(index))
        if node.IsA("vtkMRMLStorableNode") and node.GetStorageNode() is not None:
            scene.RemoveNode(node.GetStorageNode())
        # The item first: one that loses its node stays in the hierarchy's cache, under an address that comes again.
        hierarchy.RemoveItem(hierarchy.GetItemByDataNode(node), False, False)
        scene.RemoveNode(node)
    for folder in folders:
        # A folder that the user has put something else into stays, and so does what the results were dragged to.
        ours_alone = hierarchy.GetItemDataNode(folder) is None and folder != hierarchy.GetSceneItemID()
        if ours_alone and hierarchy.GetNumberOfItemChildren(folder) == 0:
            hierarchy.RemoveItem(folder)
