"""A case: the Dixon channels of one examination, checked, aligned and on the working grid."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import InputError
from ..images import (
    Grid,
    Volume,
    check_voxels,
    is_volume_file,
    read_volume,
    same_grid,
    to_working_grid,
    working_grid_of,
)
from .channels import CHANNELS, PLAIN_NAMES, complete_channels, recognise_channel

REFERENCE_ORDER: tuple[str, ...] = ("water", "opposed_phase", "in_phase", "fat")
"""The first of these that was loaded lends its grid to the result."""

SMALLEST_FIELD_MM = (30.0, 30.0, 15.0)
"""Left-right, antero-posterior and caudal-cranial: the least that can hold a disc (IVDM3Seg boxes are 70 x 44 x 31)."""

UNDERSTOOD_NAMES = "fat|F, inn|in|ip|in_phase, opp|op|out|opposed_phase, wat|water|W"


@dataclass(frozen=True)
class DixonCase:
    """The channels of one examination on the working grid.

    name: of the case, from its folder; never a patient's name.
    channels: channel name (fat, in_phase, opposed_phase, water) -> float32 [x, y, z] on working_grid, input
        intensities; holds the given channels and those the Dixon relations complete.
    derived: which of the channels were computed, not loaded.
    working_grid: 2.0 x 1.25 x 1.25 mm, axes the input's own, permuted and flipped to come nearest L, P, S.
    input_grid: the grid of the reference channel (first loaded of water, opposed_phase, in_phase, fat); results go
        back to it.
    warnings: sentences for the user.
    """

    name: str
    channels: Mapping[str, np.ndarray]
    derived: frozenset[str]
    working_grid: Grid
    input_grid: Grid
    warnings: tuple[str, ...] = ()


def load_case(
    folder: Path,
    *,
    fat: Path | None = None,
    in_phase: Path | None = None,
    opposed_phase: Path | None = None,
    water: Path | None = None,
    name: str | None = None,
) -> DixonCase:
    """The case in a folder of NIfTI, NRRD or MetaImage files, or, where none of them is a channel, of DICOM series.

    Files named by channel (absolute, relative to the working directory or to `folder`) are taken as they are named; the
    other channels are recognised by file name or DICOM tags. `name` defaults to that of the folder.

    Raises InputError: folder missing, no channel recognised, two files for one channel, and all that `read_volume`,
    `read_dicom_folder` and `case_from_volumes` refuse.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError(f"{folder.name} does not exist: give the folder of the examination")
    if not folder.is_dir():
        raise InputError(f"{folder.name} is a file: give its folder, and name the file with --water, --fat, ...")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise InputError(f"{folder.name} may not be read: check the permissions of the folder")
    named = {"fat": fat, "in_phase": in_phase, "opposed_phase": opposed_phase, "water": water}
    paths = {channel: _found(Path(path), folder) for channel, path in named.items() if path is not None}
    paths |= recognised_files(folder, paths)
    if paths:
        volumes = {channel: read_volume(path) for channel, path in paths.items()}
    else:
        from .dicom import holds_dicom, read_dicom_folder

        if not holds_dicom(folder):
            present = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
            listed = ", ".join(present[:8]) + (", ..." if len(present) > 8 else "") if present else "nothing"
            raise InputError(
                f"{folder.name} holds no Dixon channel ({listed}): name the files {UNDERSTOOD_NAMES} "
                "(.nii, .nii.gz, .nrrd, .mha), or name them with --fat, --in-phase, --opposed-phase, --water"
            )
        volumes = read_dicom_folder(folder)
    return case_from_volumes(volumes, name or folder.resolve().name)


def _found(path: Path, folder: Path) -> Path:
    return path if path.exists() or not (folder / path).exists() else folder / path


def recognised_files(folder: Path, named: Mapping[str, Path]) -> dict[str, Path]:
    """Channel -> file of the folder, of the channels and files that are not named already."""
    taken = {path.resolve() for path in named.values()}
    paths: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".")
        if hidden or not path.is_file() or not is_volume_file(path) or path.resolve() in taken:
            continue
        channel = recognise_channel(path.name)
        if channel is None or channel in named:
            continue
        if channel in paths:
            option = channel.replace("_", "-")
            raise InputError(
                f"{paths[channel].name} and {path.name} both look like the {PLAIN_NAMES[channel]} channel: "
                f"name the right one with --{option}"
            )
        paths[channel] = path
    return paths


def case_from_volumes(volumes: Mapping[str, Volume], name: str) -> DixonCase:
    """The case of volumes by channel (any subset of fat, in_phase, opposed_phase, water), each on its own grid.

    Channels on other grids are resampled onto that of the reference channel, with a warning.

    Raises InputError: no channel, fat alone, an unknown channel, voxels `check_voxels` refuses, no overlap with the
    reference channel, a field of view too small for one disc.
    """
    if unknown := sorted(set(volumes) - set(CHANNELS)):
        raise InputError(f"{unknown[0]} is not a Dixon channel: use {', '.join(CHANNELS)}")
    if not volumes:
        raise InputError(f"{name} holds no Dixon channel: load water, opposed-phase or in-phase")
    sources = {channel: volume.source or PLAIN_NAMES[channel] for channel, volume in volumes.items()}
    if set(volumes) == {"fat"}:
        raise InputError(f"{sources['fat']} is the only channel, and discs do not show in fat: add water or in-phase")
    for volume in volumes.values():
        check_voxels(volume)
    reference = next(channel for channel in REFERENCE_ORDER if channel in volumes)
    input_grid = volumes[reference].grid
    working_grid = working_grid_of(input_grid)
    field_mm = np.multiply(working_grid.size, working_grid.spacing_mm)
    if (field_mm < SMALLEST_FIELD_MM).any():
        raise InputError(
            f"{sources[reference]} covers {_times(field_mm)} mm (left-right, antero-posterior, caudal-cranial), too "
            f"little for one disc: {_times(SMALLEST_FIELD_MM)} mm are needed"
        )
    warnings = []
    for channel, volume in volumes.items():
        if same_grid(volume.grid, input_grid):
            continue
        share = _overlap(input_grid, volume.grid)
        ours, theirs = f"{sources[channel]} ({_times(volume.grid.size)} voxels)", _times(input_grid.size)
        if share == 0:
            raise InputError(f"{ours} and {sources[reference]} ({theirs}) do not overlap: load volumes of one examination")
        missing = "" if share == 1 else f"; it covers {share:.0%} of it and is 0 elsewhere"
        warnings.append(f"{ours} was resampled onto the grid of {sources[reference]} ({theirs}){missing}.")
    on_grid = {channel: to_working_grid(volume, working_grid) for channel, volume in volumes.items()}
    channels, derived, relations = complete_channels(on_grid, working_grid.spacing_mm)
    return DixonCase(name, channels, derived, working_grid, input_grid, (*warnings, *relations))


def _times(values: tuple[float, ...] | np.ndarray) -> str:
    return "x".join(f"{value:.0f}" for value in values)


def _overlap(grid: Grid, other: Grid) -> float:
    """The share of the field of view of `grid` that lies in that of `other`, 0..1, from 25 x 25 x 25 points of it."""
    lines = [np.linspace(-0.49, size - 0.51, 25) for size in grid.size]
    points = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1)
    ijk = other.to_ijk(grid.to_mm(points))
    # Half a voxel of slack, or two equal fields of view with other voxels would differ by rounding.
    inside = ((ijk >= -1) & (ijk <= np.asarray(other.size))).all(axis=-1)
    return float(inside.mean())
