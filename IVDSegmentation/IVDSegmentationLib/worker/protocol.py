"""What worker and client say to each other: events and JSON lines.

A line is one JSON object with "protocol": 1.
Client to worker: {"request": "warm", "model", "device"}, {"request": "segment", "id"}, {"request": "report", "id"}.
Worker to client: {"event": "hello"}, {"event": "heartbeat"}, {"event": "progress", "id", "stage", "fraction"},
{"event": "finished", "id"}, {"event": "written", "id"}, {"event": "failed", "id", "kind", "message"}.
Lines stay short, so that no pipe ever fills: job and segmentation lie in the folder of their id (`exchange.py`); the files of a
report in its folder REPORT, for the client to put where the user wants them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..pipeline.segmentation import Segmentation

PROTOCOL = 1
REPORT = "report"
"""Folder of the files of a report, within that of its request."""
NO_REQUEST = -1
"""The id in an answer to a line that could not be understood."""
GPU_MEMORY = "gpu_memory"
"""Kind of a failure between worker and client only: the client answers it by segmenting on the CPU."""

FailureKind = Literal["input", "model", "crash", "hang", "protocol", "output"]
FAILURE_KINDS: tuple[str, ...] = ("input", "model", "crash", "protocol", "output", GPU_MEMORY)
"""What a worker may answer; `hang` is for its client to find."""


class ProtocolError(ValueError):
    """A line or file of the other side is not what this version understands."""


@dataclass(frozen=True)
class Progress:
    """Stage in words and fraction of the whole job done, 0..1, never falling within one attempt."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Finished:
    """The one last event of a segmentation that succeeded."""

    segmentation: Segmentation


@dataclass(frozen=True)
class Written:
    """The one last event of a report that was written. folder: where."""

    folder: Path


@dataclass(frozen=True)
class Failed:
    """The one last event of a segmentation or report that failed.

    message: one sentence for the user. log_tail: the end of the worker's log where it helps, else empty.
    kind: `input`, `model`, `output`: the errors of errors.py. `crash`: the worker ended or met an unexpected error.
    `hang`: it gave no sign of life. `protocol`: it answered something else than the protocol.
    """

    message: str
    log_tail: str
    kind: FailureKind


Event = Progress | Finished | Written | Failed


def encode_line(**fields: Any) -> bytes:
    """Make one line of the protocol.

    Args:
        **fields: Its content.

    Returns:
        The line, newline included.
    """
    return json.dumps({"protocol": PROTOCOL, **fields}).encode() + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """Read a line of the protocol.

    Args:
        line: The line.

    Returns:
        Its fields.

    Raises:
        ProtocolError: It is no JSON object, or of another version.
    """
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(fields, dict):
        raise ProtocolError(f"not a JSON object: {line[:80]!r}")
    if fields.get("protocol") != PROTOCOL:
        raise ProtocolError(f"protocol {fields.get('protocol')!r} instead of {PROTOCOL}: {line[:80]!r}")
    return fields
