"""One segmentation and its nodes, and how nodes of a result are told from others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..findings import Finding, finding_of
from ..pipeline.result import Disc
from ..worker.protocol import WorkerResult
from ..worker.session import Request
from .attributes import RESULT


@dataclass(frozen=True)
class SceneResult:
    """One segmentation and its nodes.

    segmentation, labelmap, centers: nodes. models: level -> model node. tables: as tables.add_tables. plot: chart of
    height and volume by level; series: its bars. folder: subject hierarchy item of them all.
    request: what was segmented, inputs: channel -> ID of its node. answer: what came back. named: the same with the names
    that the discs have now. lowest_level: the one these were counted from, None where they are automatic.
    """

    request: Request
    inputs: Mapping[str, str]
    answer: WorkerResult
    named: WorkerResult
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
        return self.named.report

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What its report says of the case."""
        return tuple(finding_of(one) for one in self.report["findings"])


def mark_as_result(node: Any) -> None:
    """Make a node known as one of a result; a copy that the user makes of it is none."""
    node.SetAttribute(RESULT, node.GetID())


def is_of_a_result(node: Any) -> bool:
    """Whether this extension has made a node as one of a result."""
    mark = node.GetAttribute(RESULT)
    return mark is not None and (mark == node.GetID() or mark.isdigit())  # a number in scenes of version 1.0
