"""What the panel remembers with the scene: the names of its parameters, their choices, and what keeps them valid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import vtk

from ..levels.labelling import SPINE

AUTOMATIC = "automatic"
"""What the parameter lowestLevel says where the names are decided from the discs."""

CHOICES: Mapping[str, tuple[str, ...]] = {"lowestLevel": (AUTOMATIC, *SPINE), "device": ("auto", "cpu", "gpu")}
"""Parameter -> its choices, the default first."""

CHANNEL_PARAMETERS: Mapping[str, str] = {
    "water": "water",
    "fat": "fat",
    "in_phase": "inPhase",
    "opposed_phase": "opposedPhase",
}
"""Channel -> how a parameter and an argument of the logic's `segment` call it."""

NODE_PARAMETERS = (*CHANNEL_PARAMETERS.values(), "reference")
"""The parameters that hold a node of the scene."""


def lowest_level(parameters: Any) -> str | None:
    """The lowest level that is chosen.

    Args:
        parameters: A parameter node.

    Returns:
        The level; None for automatic names.
    """
    return None if parameters.lowestLevel == AUTOMATIC else str(parameters.lowestLevel)


def let_go(parameters: Any, node: Any) -> None:
    """Set the parameters that hold a node to none: it leaves the scene, and its selector would choose the next one.

    Args:
        parameters: A parameter node.
        node: The node that leaves.
    """
    for name in NODE_PARAMETERS:
        if getattr(parameters, name) is node:
            setattr(parameters, name, None)


class ParameterNodes:
    """One wrapper for as long as the scene keeps its parameter node, and valid choices in it."""

    def __init__(self, wrapper: Any) -> None:
        """Prepare; nothing is observed yet.

        Args:
            wrapper: The class of Slicer's parameterNodeWrapper.
        """
        self._wrapper = wrapper
        self._wrapped: Any = None
        self._valid: _ValidChoices | None = None

    def wrapped(self, node: Any) -> Any:
        """The wrapper of a node. A wrapper costs observers for as long as anyone keeps it.

        Args:
            node: A vtkMRMLScriptedModuleNode.

        Returns:
            The one wrapper.
        """
        if self._wrapped is None or self._wrapped.parameterNode is not node:
            self.forget()
            self._valid = _ValidChoices(node)
            self._wrapped = self._wrapper(node)
        return self._wrapped

    def forget(self) -> None:
        """Keep no wrapper, and observe its node no more."""
        if self._valid is not None:
            self._valid.stop()
        self._wrapped = self._valid = None


class _ValidChoices:
    """Keeps the choices of a parameter node valid: one that this version does not know becomes the default.

    A scene of another version, or a script, can hold any text, which Slicer's parameter node wrapper hands on as it is and its
    binding to the panel then refuses. To be made before the first wrapper of the node.
    """

    def __init__(self, node: Any) -> None:
        """node: a vtkMRMLScriptedModuleNode."""
        self._node = node
        self._tags = [
            # VTK calls the first of a node's observers last. That must be none of the caches of the wrapper: the panel would
            # be notified of a change and read the value before it.
            node.AddObserver(vtk.vtkCommand.ModifiedEvent, lambda caller, event: None),
            node.AddObserver(vtk.vtkCommand.ModifiedEvent, self._correct, 1.0),
        ]
        self._correct()

    def stop(self) -> None:
        """Observe the node no more."""
        for tag in self._tags:
            self._node.RemoveObserver(tag)
        self._tags = []

    def _correct(self, caller: Any = None, event: str = "") -> None:
        held = self._node.GetParameterNames()
        for name, choices in CHOICES.items():
            if name in held and self._node.GetParameter(name) not in choices:
                self._node.SetParameter(name, choices[0])
