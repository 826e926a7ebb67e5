"""Case, request and segmentation as files in a folder that worker and client share: JSON, and plain .npy for the arrays.

It is the one serialised form of a `Segmentation`. Its channels are left out: who has them adds them (`with_case`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import read_npy
from ..dixon.case import DixonCase
from ..dixon.channels import PLAIN_NAMES
from ..errors import InputError, OutputError
from ..findings import Finding, finding_of
from ..images import Grid, Volume
from ..images.regular_file import check_regular_file
from ..levels.labelling import LABELS
from ..measure.measured_case import MeasuredCase
from ..measure.segmented import Disc
from ..measure.surfaces import arrays_of_surface, surface_of_arrays
from ..pipeline.request import Request
from ..pipeline.segmentation import Provenance, Segmentation
from .protocol import ProtocolError

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_MOST_ARRAY_BYTES = 1 << 33
"""Of one volume: more than any that Slicer shows, and less than ends the process."""
_LONGEST_JSON = 1 << 24
_CASE = "{case}"


@dataclass(frozen=True)
class Job:
    """A case and what is asked for, as client and worker hand it over.

    Attributes:
        volumes: Channel -> volume, each on its own grid.
        name: Name of the case.
        request: What is asked for.
    """

    volumes: Mapping[str, Volume]
    name: str
    request: Request

    def without_names(self) -> tuple[Job, dict[str, str]]:
        """The job with placeholders for the names that a user gave.

        Names of cases and nodes can be those of patients: what the worker never learns, its log cannot tell.

        Returns:
            The job, and placeholder -> name.
        """
        names = {_CASE: self.name}
        volumes = {channel: _nameless(volume, f"{{{channel}}}", names) for channel, volume in self.volumes.items()}
        reference = self.request.reference
        if reference is not None:
            reference = _nameless(reference, "{reference}", names)
        return Job(volumes, _CASE, replace(self.request, reference=reference)), names


def _nameless(volume: Volume, placeholder: str, names: dict[str, str]) -> Volume:
    if not volume.source:
        return volume
    names[placeholder] = volume.source
    return replace(volume, source=placeholder)


def with_names(text: str, names: Mapping[str, str]) -> str:
    """Put names back into a sentence.

    Args:
        text: With placeholders of `Job.without_names`.
        names: Placeholder -> name.

    Returns:
        The sentence with the names.
    """
    for placeholder, name in names.items():
        text = text.replace(placeholder, name)
    return text


def with_words(segmentation: Segmentation, names: Mapping[str, str]) -> Segmentation:
    """Replace placeholders in the findings, which are written to files and handed on, by words that name nobody.

    Args:
        segmentation: As a worker handed it over.
        names: Of `Job.without_names`.

    Returns:
        The segmentation that speaks of `the water volume`.
    """
    words = {placeholder: f"the {placeholder.strip('{}').replace('_', '-')}" for placeholder in names}
    words |= {f"{{{channel}}}": f"the {plain} volume" for channel, plain in PLAIN_NAMES.items()}

    def said(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(
            replace(one, values={key: with_names(v, words) if isinstance(v, str) else v for key, v in one.values.items()})
            for one in findings
        )

    measured = replace(segmentation.measured, findings=said(segmentation.measured.findings))
    new = replace(segmentation, run_findings=said(segmentation.run_findings))
    return new.given(measured, segmentation.surfaces)


def write_job(folder: Path, job: Job) -> None:
    """Write a job into a new folder.

    Args:
        folder: Where to.
        job: The job.

    Raises:
        OutputError: The disk is full.
        InputError: Voxels are no numbers, or a channel is no word.
    """
    reference = job.request.reference
    arrays = dict(job.volumes) | ({} if reference is None else {"reference": reference})
    for key, volume in arrays.items():
        if not key.isidentifier():
            raise InputError(f"{key!r} is not a Dixon channel: use fat, in_phase, opposed_phase, water")
        if volume.voxels.dtype.kind not in "biufc":
            raise InputError(f"{volume.source or 'a volume'} holds no numbers: load an image")
    content = {
        "name": job.name,
        "lowest_level": job.request.lowest_level,
        "device": job.request.device,
        "model": job.request.model,
        "engine": job.request.engine,
        "volumes": {key: _volume_entry(volume) for key, volume in arrays.items()},
    }
    _write(folder, "job.json", content, {key: volume.voxels for key, volume in arrays.items()})


def _volume_entry(volume: Volume) -> dict[str, Any]:
    """What job.json says of a volume."""
    return {"grid": asdict(volume.grid), "source": volume.source, "files": [str(path) for path in volume.files]}


def read_job(folder: Path) -> Job:
    """Read what `write_job` wrote.

    Args:
        folder: Where from.

    Returns:
        The job.

    Raises:
        ProtocolError: Something is missing, misshapen or damaged.
    """
    return _understood(folder / "job.json", _job_of)


def _job_of(folder: Path, content: Mapping[str, Any]) -> Job:
    volumes = {
        key: Volume(
            _load(folder, key), _grid_of(entry["grid"]), str(entry["source"]), tuple(Path(file) for file in entry["files"])
        )
        for key, entry in content["volumes"].items()
    }
    reference = volumes.pop("reference", None)
    lowest_level = content["lowest_level"]
    return Job(
        volumes,
        str(content["name"]),
        Request(
            lowest_level=None if lowest_level is None else str(lowest_level),
            reference=reference,
            model=str(content["model"]),
            device=str(content["device"]),
            engine=str(content["engine"]),
        ),
    )


def write_segmentation(folder: Path, segmentation: Segmentation) -> None:
    """Write a segmentation, measured and with its surfaces, into the folder of its job.

    Args:
        folder: Where to.
        segmentation: What to write; neither its channels nor its reference are.

    Raises:
        OutputError: The disk is full.
    """
    measured = segmentation.measured
    content = {
        "grid": asdict(segmentation.label_volume.grid),
        "source": segmentation.label_volume.source,
        "working_grid": asdict(segmentation.case.working_grid),
        "found": [{**asdict(disc), "flags": []} for disc in segmentation.found],
        "run_findings": _written(segmentation.run_findings),
        "provenance": asdict(segmentation.provenance),
        "measured": {
            **asdict(replace(measured, flags={}, findings=())),
            "flags": {level: _written(flags) for level, flags in measured.flags.items()},
            "findings": _written(measured.findings),
        },
        "surfaces": list(segmentation.surfaces),
        "exchanged": segmentation.exchanged,
    }
    arrays = {
        "labels": segmentation.label_volume.voxels,
        "probability": segmentation.probability,
        "working_labels": segmentation.labels,
    }
    for level, surface in segmentation.surfaces.items():
        points_mm, triangles, normals = arrays_of_surface(surface)
        for kind, array in (("points", points_mm), ("triangles", triangles), ("normals", normals)):
            arrays[_key(level, kind)] = array
    _write(folder, "segmentation.json", content, arrays)


def read_segmentation(folder: Path) -> Segmentation:
    """Read what `write_segmentation` wrote.

    Args:
        folder: Where from.

    Returns:
        The segmentation; its case has no channels.

    Raises:
        ProtocolError: Something is missing or damaged, labels are not uint8 or do not fill their grid, maps are of another
            kind or shape than each other, or a surface is none.
    """
    return _understood(folder / "segmentation.json", _segmentation_of)


def _segmentation_of(folder: Path, content: Mapping[str, Any]) -> Segmentation:
    labels, grid = _load(folder, "labels"), _grid_of(content["grid"])
    if labels.dtype != np.uint8 or labels.shape != grid.size:
        raise ProtocolError(f"labels are {labels.dtype} {labels.shape} on a grid of {grid.size} voxels")
    working_grid = _grid_of(content["working_grid"])
    probability, working = _load(folder, "probability"), _load(folder, "working_labels")
    shapes = {probability.shape, working.shape, working_grid.size}
    if probability.dtype != np.float32 or working.dtype != np.uint8 or len(shapes) > 1:
        raise ProtocolError(f"maps are {probability.dtype} {probability.shape} and {working.dtype} {working.shape}")
    found = tuple(_disc_of(disc) for disc in content["found"])
    provenance = _provenance_of(content["provenance"])
    segmentation = Segmentation(
        case=DixonCase("", {}, frozenset(provenance.channels_derived), working_grid, grid),
        found=found,
        probability=probability,
        labels=working,
        label_volume=Volume(labels, grid, str(content["source"])),
        run_findings=_read(content["run_findings"]),
        provenance=provenance,
        exchanged=bool(content["exchanged"]),
    )
    measured = _measured_of(content["measured"])
    surfaces = {str(level): _surface(folder, str(level)) for level in content["surfaces"]}
    levels = [disc.level for disc in found]
    if not levels == list(measured.discs) == list(measured.flags) == list(surfaces):
        raise ProtocolError("measurements, flags and surfaces are not those of the discs")
    return segmentation.given(measured, surfaces)


def _disc_of(content: Mapping[str, Any]) -> Disc:
    return Disc(
        level=_level(content["level"]),
        label=int(content["label"]),
        center_mm=_floats(content["center_mm"]),
        center_ijk=_floats(content["center_ijk"]),
        confidence=_floats([content["confidence"], 0, 0])[0],
    )


def _provenance_of(content: Mapping[str, Any]) -> Provenance:
    return Provenance(
        channels_given=tuple(str(channel) for channel in content["channels_given"]),
        channels_derived=tuple(str(channel) for channel in content["channels_derived"]),
        model=str(content["model"]),
        model_checksums={str(role): str(digest) for role, digest in content["model_checksums"].items()},
        engine={str(name): str(value) for name, value in content["engine"].items()},
        timings_s={str(stage): float(seconds) for stage, seconds in content["timings_s"].items()},
        versions={str(name): str(number) for name, number in content["versions"].items()},
    )


def _measured_of(content: Mapping[str, Any]) -> MeasuredCase:
    lordosis_deg, metrics = content["lumbar_lordosis_deg"], content["metrics"]
    return MeasuredCase(
        discs={_level(level): dict(values) for level, values in content["discs"].items()},
        lumbar_lordosis_deg=None if lordosis_deg is None else float(lordosis_deg),
        weber_contrast={str(channel): dict(values) for channel, values in content["weber_contrast"].items()},
        metrics=None if metrics is None else dict(metrics),
        flags={_level(level): _read(flags) for level, flags in content["flags"].items()},
        findings=_read(content["findings"]),
        seconds=float(content["seconds"]),
    )


def _surface(folder: Path, level: str) -> vtkPolyData:
    arrays = (_load(folder, _key(level, kind)) for kind in ("points", "triangles", "normals"))
    return surface_of_arrays(*arrays)


def _key(level: str, kind: str) -> str:
    """The name of an array of a surface."""
    return f"surface_{LABELS[_level(level)]}_{kind}"


def _level(level: Any) -> str:
    if level not in LABELS:
        raise ProtocolError(f"{level!r:.40} is no level")
    return str(level)


def _written(findings: tuple[Finding, ...]) -> list[dict[str, Any]]:
    return [{"code": one.code, "levels": one.levels, "values": dict(one.values)} for one in findings]


def _read(findings: Any) -> tuple[Finding, ...]:
    return tuple(finding_of(one) for one in findings)


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
        (folder / name).write_text(json.dumps(content, default=float), encoding="utf-8")
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
