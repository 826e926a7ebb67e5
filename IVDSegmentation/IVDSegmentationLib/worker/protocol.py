"""What worker and client say to each other: events, JSON lines, and the files that carry the volumes.

A line is one JSON object with "protocol": 1.
Client to worker: {"request": "warm", "model", "device"}, {"request": "segment", "id"}, {"request": "report", "id"}.
Worker to client: {"event": "hello"}, {"event": "heartbeat"}, {"event": "progress", "id", "stage", "fraction"},
{"event": "finished", "id"}, {"event": "written", "id"}, {"event": "failed", "id", "kind", "message"}.
Lines stay short, so that no pipe ever fills: request and result lie in the folder of their id, as JSON and plain .npy; the
files of a report in its folder REPORT, for the client to put where the user wants them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from ..arrays import read_npy
from ..dixon.channels import PLAIN_NAMES
from ..errors import InputError, OutputError
from ..findings import Finding, finding_of
from ..images import Grid, Volume
from ..images.regular_file import check_regular_file
from ..pipeline.result import Disc

PROTOCOL = 1
REPORT = "report"
"""Folder of the files of a report, within that of its request."""
NO_REQUEST = -1
"""The id in an answer to a line that could not be understood."""
GPU_MEMORY = "gpu_memory"
"""Kind of a failure between worker and client only: the client answers it by segmenting on the CPU."""

_MOST_ARRAY_BYTES = 1 << 33
"""Of one volume: more than any that Slicer shows, and less than ends the process."""
_LONGEST_JSON = 1 << 24

FailureKind = Literal["input", "model", "crash", "hang", "protocol", "output"]
FAILURE_KINDS: tuple[str, ...] = ("input", "model", "crash", "protocol", "output", GPU_MEMORY)
"""What a worker may answer; `hang` is for its client to find."""


class ProtocolError(ValueError):
    """A line or file of the other side is not what this version understands."""


@dataclass(frozen=True)
class WorkerResult:
    """What came back.

    label_volume: uint8 on the grid of the input. discs: caudal to cranial. findings: about the case and the run.
    channels_given, channels_derived: names of the channels loaded, and of those computed from them. timings_s: seconds
    by stage. model: its name. report: what report.json holds. probability: float32 [x, y, z] on the working grid, 0..1;
    labels: uint8, the same: what the pictures and surfaces of a report are made from.
    """

    label_volume: Volume
    discs: tuple[Disc, ...]
    findings: tuple[Finding, ...]
    channels_given: tuple[str, ...]
    channels_derived: tuple[str, ...]
    timings_s: Mapping[str, float]
    model: str
    report: Mapping[str, Any]
    probability: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Progress:
    """Stage in words and fraction of the whole job done, 0..1, never falling within one attempt."""

    stage: str
    fraction: float


@dataclass(frozen=True)
class Finished:
    """The one last event of a segmentation that succeeded."""

    result: WorkerResult


@dataclass(frozen=True)
class Written:
    """The one last event of a report that was written. folder: where."""

    folder: Path


@dataclass(frozen=True)
class Failed:
    """The one last event of a segmentation or report that failed.

    message: one sentence for the user. log_tail: the end of the worker's log where it helps, else empty.
    kind: `input`, `model`, `output`: the errors of errors.py. `crash`: the worker ended or met an unexpected error.
    `hang`: it gave no sign of life. `protocol`: it answered rubbish.
    """

    message: str
    log_tail: str
    kind: FailureKind


Event = Progress | Finished | Written | Failed


@dataclass(frozen=True)
class SegmentRequest:
    """One case to segment. volumes: by channel, each on its own grid. reference: an expert mask. The rest is as in
    `segmentation.Pipeline`."""

    volumes: Mapping[str, Volume]
    name: str
    reference: Volume | None
    lowest_level: str | None
    device: str
    model: str

    def without_names(self) -> tuple[SegmentRequest, dict[str, str]]:
        """The request with placeholders for the names a user gave, and the name behind each placeholder.

        Names of cases and nodes can be those of patients: what the worker never learns, its log cannot tell.
        """
        names = {"{case}": self.name}
        volumes = {}
        for channel, volume in self.volumes.items():
            volumes[channel] = _nameless(volume, f"{{{channel}}}", names)
        reference = None if self.reference is None else _nameless(self.reference, "{reference}", names)
        return replace(self, name="{case}", volumes=volumes, reference=reference), names


def _volume_entry(volume: Volume) -> dict[str, Any]:
    """What request.json says of a volume."""
    return {"grid": asdict(volume.grid), "source": volume.source, "files": [str(path) for path in volume.files]}


def _nameless(volume: Volume, placeholder: str, names: dict[str, str]) -> Volume:
    if not volume.source:
        return volume
    names[placeholder] = volume.source
    return replace(volume, source=placeholder)


def with_names(content: Any, names: Mapping[str, str]) -> Any:
    """JSON content (str, list, tuple, dict, number) with the placeholders of `without_names` replaced by the names."""
    if isinstance(content, str):
        for placeholder, name in names.items():
            content = content.replace(placeholder, name)
        return content
    if isinstance(content, Mapping):
        return {with_names(key, names): with_names(value, names) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(with_names(value, names) for value in content)
    return content


def result_with_names(result: WorkerResult, names: Mapping[str, str]) -> WorkerResult:
    """The result with the placeholders in its findings replaced by the names, those in its report, which is written to files
    and handed on, by words that name nobody."""
    words = {placeholder: f"the {placeholder.strip('{}').replace('_', '-')}" for placeholder in names}
    words |= {f"{{{channel}}}": f"the {plain} volume" for channel, plain in PLAIN_NAMES.items()}
    findings = tuple(replace(one, values=with_names(one.values, names)) for one in result.findings)
    return replace(result, findings=findings, report=with_names(result.report, words))


def encode_line(**fields: Any) -> bytes:
    """One line of the protocol, newline included."""
    return json.dumps({"protocol": PROTOCOL, **fields}).encode() + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """The fields of a line. Raises ProtocolError: not a JSON object, or of another version."""
    try:
        fields = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {line[:80]!r}") from error
    if not isinstance(fields, dict):
        raise ProtocolError(f"not a JSON object: {line[:80]!r}")
    if fields.get("protocol") != PROTOCOL:
        raise ProtocolError(f"protocol {fields.get('protocol')!r} instead of {PROTOCOL}: {line[:80]!r}")
    return fields


def write_request(folder: Path, request: SegmentRequest) -> None:
    """Write a request into a new folder. Raises OutputError: disk full; InputError: voxels that are no
    numbers, a channel that is no word."""
    arrays = dict(request.volumes) | ({} if request.reference is None else {"reference": request.reference})
    content = {
        "name": request.name,
        "lowest_level": request.lowest_level,
        "device": request.device,
        "model": request.model,
        "volumes": {key: _volume_entry(volume) for key, volume in arrays.items()},
    }
    for key, volume in arrays.items():
        if not key.isidentifier():
            raise InputError(f"{key!r} is not a Dixon channel: use fat, in_phase, opposed_phase, water")
        if volume.voxels.dtype.kind not in "biufc":
            raise InputError(f"{volume.source or 'a volume'} holds no numbers: load an image")
    _write(folder, "request.json", content, {key: volume.voxels for key, volume in arrays.items()})


def read_request(folder: Path) -> SegmentRequest:
    """Read what `write_request` wrote. Raises ProtocolError."""
    return _understood(folder / "request.json", _request_of)


def _request_of(folder: Path, content: Mapping[str, Any]) -> SegmentRequest:
    volumes = {
        key: Volume(
            _load(folder, key), _grid_of(entry["grid"]), str(entry["source"]), tuple(Path(file) for file in entry["files"])
        )
        for key, entry in content["volumes"].items()
    }
    reference = volumes.pop("reference", None)
    lowest_level = content["lowest_level"]
    return SegmentRequest(
        volumes=volumes,
        name=str(content["name"]),
        reference=reference,
        lowest_level=None if lowest_level is None else str(lowest_level),
        device=str(content["device"]),
        model=str(content["model"]),
    )


def write_result(folder: Path, result: WorkerResult) -> None:
    """Write a result into the folder of its request. Raises OutputError (disk full)."""
    content = {
        "grid": asdict(result.label_volume.grid),
        "source": result.label_volume.source,
        "discs": [{**asdict(disc), "flags": [flag.to_json() for flag in disc.flags]} for disc in result.discs],
        "findings": [one.to_json() for one in result.findings],
        "channels_given": result.channels_given,
        "channels_derived": result.channels_derived,
        "timings_s": result.timings_s,
        "model": result.model,
        "report": result.report,
    }
    maps = {"probability": result.probability, "working_labels": result.labels}
    _write(folder, "result.json", content, {"labels": result.label_volume.voxels, **maps})


def read_result(folder: Path) -> WorkerResult:
    """Read what `write_result` wrote. Raises ProtocolError: missing, damaged, not uint8 labels that fill their grid,
    maps of another kind or shape than each other."""
    return _understood(folder / "result.json", _result_of)


def _result_of(folder: Path, content: Mapping[str, Any]) -> WorkerResult:
    labels, grid = _load(folder, "labels"), _grid_of(content["grid"])
    if labels.dtype != np.uint8 or labels.shape != grid.size:
        raise ProtocolError(f"labels are {labels.dtype} {labels.shape} on a grid of {grid.size} voxels")
    probability, working = _load(folder, "probability"), _load(folder, "working_labels")
    if probability.dtype != np.float32 or working.dtype != np.uint8 or probability.shape != working.shape:
        raise ProtocolError(f"maps are {probability.dtype} {probability.shape} and {working.dtype} {working.shape}")
    return WorkerResult(
        label_volume=Volume(labels, grid, str(content["source"])),
        discs=tuple(_disc_of(disc) for disc in content["discs"]),
        findings=tuple(finding_of(one) for one in content["findings"]),
        channels_given=tuple(str(channel) for channel in content["channels_given"]),
        channels_derived=tuple(str(channel) for channel in content["channels_derived"]),
        timings_s={str(stage): float(seconds) for stage, seconds in content["timings_s"].items()},
        model=str(content["model"]),
        report=dict(content["report"]),
        probability=probability,
        labels=working,
    )


def _disc_of(content: Mapping[str, Any]) -> Disc:
    return Disc(
        level=str(content["level"]),
        label=int(content["label"]),
        center_mm=_floats(content["center_mm"]),
        center_ijk=_floats(content["center_ijk"]),
        confidence=_floats([content["confidence"], 0, 0])[0],
        flags=tuple(finding_of(flag) for flag in content["flags"]),
    )


def _grid_of(content: Mapping[str, Any]) -> Grid:
    i, j, k = (int(count) for count in content["size"])
    direction = tuple(_floats(row) for row in content["direction"])
    return Grid((i, j, k), _floats(content["spacing_mm"]), _floats(content["origin_mm"]), direction)


def _floats(values: Any) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    if not all(map(math.isfinite, (first, second, third))):
        raise ProtocolError(f"not three numbers: {values!r:.80}")
    return first, second, third


def _write(folder: Path, name: str, content: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    try:
        folder.mkdir(exist_ok=True)
        for key, array in arrays.items():
            np.save(folder / f"{key}.npy", array, allow_pickle=False)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "not all of it could be written"
        raise OutputError(f"the folder for temporary files could not be written ({reason}): make room on its disk") from error


def _load(folder: Path, key: str) -> np.ndarray:
    """The array of a key. The key comes from JSON, so it must not lead out of the folder."""
    if not key.isidentifier():
        raise ProtocolError(f"{key!r} is not the name of a volume")
    return read_npy(folder / f"{key}.npy", _MOST_ARRAY_BYTES)


def _understood(path: Path, build: Callable[[Path, Mapping[str, Any]], Any]) -> Any:
    """What `build` makes of a JSON file; whatever is missing, misshapen or damaged in it becomes a ProtocolError."""
    try:
        check_regular_file(path)
        if path.stat().st_size > _LONGEST_JSON:
            raise ProtocolError(f"it is longer than {_LONGEST_JSON} bytes")
        return build(path.parent, json.loads(path.read_text(encoding="utf-8")))
    except Exception as error:
        raise ProtocolError(f"{path.name} is not understood: {type(error).__name__}: {error}") from error
