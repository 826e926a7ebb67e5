"""One segmentation and its nodes, and how nodes of a result are told from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..findings import Finding
from ..images import Volume
from ..measure.segmented import Disc
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from ..report.files import build_report
from .attributes import RESULT


@dataclass(frozen=True)
class SceneCase:
    """A case of the scene as it was segmented.

    Attributes:
        name: Its name.
        volumes: Channel -> volume.
        inputs: Channel -> ID of its node.
        request: What was asked for.
    """

    name: str
    volumes: Mapping[str, Volume]
    inputs: Mapping[str, str]
    request: Request


@dataclass(frozen=True)
class SceneResult:
    """One segmentation and its nodes.

    segmentation, labelmap, centers: nodes. models: level -> model node. tables: as tables.add_tables. plot: chart of
    height and volume by level; series: its bars. folder: subject hierarchy item of them all.
    case: what was segmented. original: what came back. named: the same with the names that the discs have now.
    lowest_level: the one these were counted from, None where they are automatic.
    """

    case: SceneCase
    original: Segmentation
    named: Segmentation
    lowest_level: str | None
    folder: int
    segmentation: Any
    labelmap: Any
    models: Mapping[str, Any]
    centers: Any
    tables: Mapping[str, Any]
    plot: Any
    series: tuple[Any, ...]

    @property
    def nodes(self) -> Iterator[Any]:
        """All nodes, those of the patient's space first."""
        yield from self.in_space
        yield from (*self.tables.values(), self.plot, *self.series)

    @property
    def in_space(self) -> tuple[Any, ...]:
        """The nodes that lie in the patient's space."""
        return (self.segmentation, self.labelmap, *self.models.values(), self.centers)

    @property
    def discs(self) -> tuple[Disc, ...]:
        """Caudal to cranial, with their flags."""
        return self.named.discs

    @property
    def report(self) -> Mapping[str, Any]:
        """The content of report.json."""
        return build_report(self.named)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a person should know or check about the case as a whole."""
        return self.named.findings


def mark_as_result(node: Any) -> None:
    """Make a node known as one of a result; a copy that the user makes of it is none.

    Args:
        node: The node.
    """
    node.SetAttribute(RESULT, node.GetID())


def is_of_a_result(node: Any) -> bool:
    """Whether this extension has made a node as one of a result.

    Args:
        node: Any node.

    Returns:
        True where it has.
    """
    mark = node.GetAttribute(RESULT)
    return mark is not None and (mark == node.GetID() or mark.isdigit())  # a number in scenes of version 1.0
