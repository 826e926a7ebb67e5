"""What is asked for beside the case: one request for Python, the command line, the worker and the panel."""

from __future__ import annotations

from dataclasses import dataclass

from ..images import Volume
from ..networks import DEFAULT_MODEL


@dataclass(frozen=True)
class Request:
    """How a case is to be segmented.

    Attributes:
        lowest_level: Name of the lowest disc, such as `L5-S1`, from which the others are counted; which structures are discs
            does not depend on it. None: decided from the image.
        reference: An expert's labels or binary mask to compare with, on any grid.
        model: Name of an installed model, or a model's folder.
        device: Where the networks run: `auto` (a GPU where there is one), `cpu`, `gpu`.
        engine: What computes the networks, one of `networks.engine.ENGINES`.
    """

    lowest_level: str | None = None
    reference: Volume | None = None
    model: str = DEFAULT_MODEL
    device: str = "auto"
    engine: str = "auto"
