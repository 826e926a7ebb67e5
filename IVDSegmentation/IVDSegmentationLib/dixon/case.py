"""A case: the Dixon channels of one examination, checked, aligned and on the working grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding
from ..images import Grid, Volume, check_voxels, same_grid, to_working_grid, working_grid_of
from ..images.grid import grid_over
from ..images.resampling import coarse_copy, part_on_grid
from .channels import CHANNELS, PLAIN_NAMES, REFERENCE_ORDER
from .folder import read_channels
from .intensities import check_intensities
from .relations import complete_channels

SMALLEST_FIELD_MM = (10.0, 30.0, 15.0)
"""Left-right, antero-posterior and caudal-cranial: the least that shows a disc, cut at its sides in a sagittal slab."""

LARGEST_FIELD_VOXELS = 6_000_000
"""Voxels of the working grid that the localizer sees in one pass: 2.5 times the 36 x 256 x 256 of a lumbar examination. In a
larger field of view the spine is searched for first."""

SEARCH_SPACING_MM = (8.0, 5.0, 5.0)
"""Voxel size of the coarse copy that is searched: twice that of the localizer's grid."""


@dataclass(frozen=True)
class DixonCase:
    """The channels of one examination on the working grid.

    Attributes:
        name: Name of the case, from its folder; never a patient's name.
        channels: Channel -> float32 [x, y, z] on working_grid, input intensities, in the order of CHANNELS. Holds the
            given channels and those that the Dixon relations complete.
        derived: The channels that were computed, not given.
        working_grid: 2.0 x 1.25 x 1.25 mm, axes the input's own, reordered to come nearest left, posterior, superior.
        input_grid: The grid of the reference channel (the first given of REFERENCE_ORDER). Results go back to it.
        findings: What the user should know of the channels.
        given: The channels as they were given, where the field of view is too large for one pass of the networks
            (LARGEST_FIELD_VOXELS). channels and working_grid are then those of a copy of SEARCH_SPACING_MM, and
            `case_on` makes the case of a part. Empty otherwise.
        dicom_files: The DICOM files of the reference channel; empty where the input is no DICOM.
    """

    name: str
    channels: Mapping[str, np.ndarray]
    derived: frozenset[str]
    working_grid: Grid
    input_grid: Grid
    findings: tuple[Finding, ...] = ()
    given: Mapping[str, Volume] = field(default_factory=dict)
    dicom_files: tuple[Path, ...] = ()

    @property
    def whole_grid(self) -> Grid:
        """The grid of WORKING_SPACING_MM over the whole field of view."""
        return working_grid_of(self.input_grid) if self.given else self.working_grid


def load_case(
    folder: Path,
    *,
    fat: Path | None = None,
    in_phase: Path | None = None,
    opposed_phase: Path | None = None,
    water: Path | None = None,
    name: str | None = None,
    study: str | None = None,
) -> DixonCase:
    """The case in a folder of volume files or of DICOM series.

    Args:
        folder: Folder of NIfTI, NRRD or MetaImage files, or, where none of them is a channel, of DICOM series.
        fat: The file of the fat channel, whatever its name. A path of its own, or one relative to `folder`.
        in_phase: The same of the in-phase channel.
        opposed_phase: The same of the opposed-phase channel.
        water: The same of the water channel.
        name: Name of the case; that of the folder where it is None.
        study: Which of several DICOM studies in the folder: its number in the list that the error names, or its
            StudyInstanceUID.

    Returns:
        The case, with the files named here and the other channels as `read_channels` recognises them.

    Raises:
        InputError: `read_channels` finds no channel or cannot read one, or the channels make no case
            (`case_from_volumes`).
    """
    folder = Path(folder)
    given = {"fat": fat, "in_phase": in_phase, "opposed_phase": opposed_phase, "water": water}
    volumes = read_channels(folder, {channel: Path(path) for channel, path in given.items() if path is not None}, study)
    return _case_of(volumes, name or folder.resolve().name)


def case_from_volumes(volumes: Mapping[str, Volume], name: str) -> DixonCase:
    """The case of volumes that are in memory.

    Args:
        volumes: Channel -> volume, each on its own grid; any subset of CHANNELS with more than fat in it.
        name: Name of the case; never a patient's name.

    Returns:
        The case. Channels on other grids are resampled onto that of the reference channel, with a finding.

    Raises:
        InputError: A channel is unknown, there is none, or fat alone; `check_voxels` refuses a volume; a channel does
            not overlap the reference channel; the field of view is too small for a disc.
    """
    if unknown := sorted(set(volumes) - set(CHANNELS)):
        raise InputError(f"{unknown[0]} is not a Dixon channel: use {', '.join(CHANNELS)}")
    for volume in volumes.values():
        check_voxels(volume)
    return _case_of(volumes, name)


def _case_of(volumes: Mapping[str, Volume], name: str) -> DixonCase:
    """The case of volumes whose voxels are checked."""
    if not volumes:
        raise InputError(f"{name} holds no Dixon channel: load water, opposed-phase or in-phase")
    sources = {channel: volume.source or PLAIN_NAMES[channel] for channel, volume in volumes.items()}
    if set(volumes) == {"fat"}:
        raise InputError(f"{sources['fat']} is the only channel, and discs do not show in fat: add water or in-phase")
    check_intensities(volumes, sources)
    reference = next(channel for channel in REFERENCE_ORDER if channel in volumes)
    input_grid = volumes[reference].grid
    working_grid = working_grid_of(input_grid)
    field_mm = np.multiply(working_grid.size, working_grid.spacing_mm)
    if (field_mm < SMALLEST_FIELD_MM).any():
        raise InputError(
            f"{sources[reference]} covers {_times(field_mm)} mm (left-right, antero-posterior, caudal-cranial), too "
            f"little for one disc: {_times(SMALLEST_FIELD_MM)} mm are needed"
        )
    findings = []
    for channel, volume in volumes.items():
        if same_grid(volume.grid, input_grid):
            continue
        share = _overlap(input_grid, volume.grid)
        ours, theirs = f"{sources[channel]} ({_times(volume.grid.size)} voxels)", _times(input_grid.size)
        if share == 0:
            raise InputError(f"{ours} and {sources[reference]} ({theirs}) do not overlap: load volumes of one examination")
        names = {"channel": PLAIN_NAMES[channel], "size": _times(volume.grid.size), "reference": PLAIN_NAMES[reference]}
        covered = "channel_resampled" if share == 1 else "channel_covers_part"
        findings.append(finding(covered, **names, reference_size=theirs, share=share))
    if np.prod(working_grid.size, dtype=float) > LARGEST_FIELD_VOXELS:
        files = volumes[reference].files
        whole = DixonCase(name, {}, frozenset(), working_grid, input_grid, tuple(findings), dict(volumes), files)
        # What the channels' relations have to say is said of the part that is looked at in full.
        return replace(case_on(whole, grid_over(working_grid, SEARCH_SPACING_MM)), findings=whole.findings, given=whole.given)
    on_grid = {channel: to_working_grid(volume, working_grid) for channel, volume in volumes.items()}
    channels, derived, relations = complete_channels(on_grid, working_grid.spacing_mm)
    return DixonCase(
        name,
        channels,
        derived,
        working_grid,
        input_grid,
        (*findings, *relations),
        dicom_files=volumes[reference].files,
    )


def case_on(case: DixonCase, grid: Grid) -> DixonCase:
    """A case with a large field of view on another grid: a part of it, or a coarse copy.

    Args:
        case: With its channels as given.
        grid: Axes as those of the case's working grid. Becomes the working grid.

    Returns:
        The case of the channels there, completed and checked anew; its input grid is still that of the whole.
    """
    finer = min(case.input_grid.spacing_mm) < min(grid.spacing_mm) and max(grid.spacing_mm) > max(case.whole_grid.spacing_mm)
    on_grid = {name: (coarse_copy if finer else part_on_grid)(volume, grid) for name, volume in case.given.items()}
    channels, derived, relations = complete_channels(on_grid, grid.spacing_mm)
    findings = (*case.findings, *relations)
    return DixonCase(case.name, channels, derived, grid, case.input_grid, findings, dicom_files=case.dicom_files)


def _times(values: tuple[float, ...] | np.ndarray) -> str:
    """Sizes as a sentence shows them: 36x256x256."""
    return "x".join(f"{value:.0f}" for value in values)


def _overlap(grid: Grid, other: Grid) -> float:
    """The share of the field of view of `grid` that lies in that of `other`, 0..1, from 25 x 25 x 25 points of it."""
    lines = [np.linspace(-0.49, size - 0.51, 25) for size in grid.size]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    ijk = other.to_ijk(grid.to_mm(points))
    # Half a voxel of slack, or two equal fields of view with other voxels would differ by rounding.
    inside = ((ijk >= -1) & (ijk <= np.asarray(other.size))).all(axis=-1)
    return float(inside.mean())
