"""One examination of the phantom: a spine is built, painted and acquired; its labels and measures are exact."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .. import __version__
from ..dixon.channels import CHANNELS
from ..errors import InputError
from ..images import Grid, Volume, write_volume
from ..levels.labelling import LABELS
from ..owned_outputs import check_place, checksums_of, owned_outputs
from .acquisition import acquire
from .anatomy import Anatomy
from .canvas import Canvas
from .signals import Signals
from .spine import build_spine
from .spine_tissue import paint_body, paint_disc
from .surroundings import Surroundings
from .truth import DiscTruth, anatomical_name, exact_truth, visible_fraction
from .whole_body import WholeBody

RECORD = "phantom.json"
"""Seed and version of a phantom, and the checksums of its files."""

_SMALLEST_EXTENT_MM = 40.0
_WHOLE = 1 - 1e-4
"""Visible share of a disc from which it counts as whole."""


@dataclass(frozen=True)
class Phantom:
    """One examination of the phantom.

    Attributes:
        seed: What it was drawn from.
        channels: fat, in_phase, opposed_phase, water -> int16 [x, y, z], in scanner units of a random gain.
        labels: uint8 [x, y, z]: the label of the disc that fills at least half of a voxel; 0 elsewhere.
        tissue: uint8 [x, y, z]: the tissue classes of canvas.py.
        grid: The grid of all of them; axes to the left, to posterior, to superior.
        truth: The discs with at least one labelled voxel, caudal to cranial.
    """

    seed: int
    channels: dict[str, np.ndarray]
    labels: np.ndarray
    tissue: np.ndarray
    grid: Grid
    truth: tuple[DiscTruth, ...]


def make_phantom(
    seed: int,
    size: tuple[int, int, int] = (36, 256, 256),
    spacing_mm: tuple[float, float, float] = (2.0, 1.25, 1.25),
    *,
    anatomy: Anatomy | None = None,
    whole_body: bool = False,
) -> Phantom:
    """The phantom of a seed. The same seed, size, spacing and anatomy give the same arrays.

    Args:
        seed: >= 0. Trainings use 1 and up, tests and checks 1000 and up.
        size: Voxels left-right, antero-posterior, caudal-cranial.
        spacing_mm: Voxel size along these.
        anatomy: What is asked of the anatomy; None leaves all of it to the seed.
        whole_body: Whether the trunk has an outline, limbs, a head, and beside a thigh a structure that resembles a spine.

    Returns:
        The phantom.

    Raises:
        InputError: The field of view is under 40 mm along an axis.
    """
    if min(n * step for n, step in zip(size, spacing_mm, strict=True)) < _SMALLEST_EXTENT_MM:
        raise InputError(f"phantom: {size} voxels of {spacing_mm} mm hold no disc; choose 40 mm or more along every axis")
    anatomy = anatomy or Anatomy()
    rng = np.random.default_rng(seed)
    canvas = Canvas(size, spacing_mm)
    signals = Signals.draw(rng)
    spine = build_spine(rng, anatomy, canvas.extent_mm)
    labels = np.zeros(size, np.uint8)

    surroundings = Surroundings(canvas, spine, signals, rng)
    surroundings.paint()
    if whole_body:
        WholeBody(canvas, spine, signals, surroundings.fine, rng).paint()
    for below, above in itertools.pairwise(spine):
        paint_body(canvas, below, above, signals=signals, texture=surroundings.fine, rng=rng)
    for disc in spine:
        paint_disc(canvas, disc, labels, signals=signals, texture=surroundings.fine, rng=rng)

    shift = rng.uniform(-60, 60, 3).round(3)
    truth = []
    for disc in spine:
        if disc.kind == "disc" and (labels == LABELS[disc.level]).any():
            facts = exact_truth(disc, anatomical_name(disc.level, anatomy.transitional))
            seen = visible_fraction(disc, canvas.extent_mm)
            x, y, z = (float(value) for value in np.asarray(facts.center_mm) + shift)
            truth.append(replace(facts, center_mm=(x, y, z), visible_fraction=seen, cut=seen < _WHOLE))
    corner = shift - (canvas.extent_mm - canvas.spacing_mm) / 2
    return Phantom(
        seed=seed,
        channels=acquire(canvas, rng),
        labels=labels,
        tissue=canvas.tissue,
        grid=Grid(size, spacing_mm, (float(corner[0]), float(corner[1]), float(corner[2]))),
        truth=tuple(truth),
    )


def write_phantom_case(phantom: Phantom, folder: str | Path, *, overwrite: bool = False) -> None:
    """Write the channels of a phantom and its exact labels to a folder, all or none of them.

    Args:
        phantom: The phantom.
        folder: Receives fat, in_phase, opposed_phase, water and reference, each as .nii.gz, and RECORD; created where it is
            missing. Files of an earlier phantom are replaced.
        overwrite: Whether to replace files of the same names that are none of an earlier phantom, too.

    Raises:
        OutputError: The folder cannot be created or written, or holds another's files of these names.
    """
    with owned_outputs(Path(folder), RECORD, overwrite=overwrite) as beside:
        for name, voxels in {**phantom.channels, "reference": phantom.labels}.items():
            write_volume(Volume(voxels, phantom.grid), beside / f"{name}.nii.gz")
        record = {"seed": phantom.seed, "versions": {"ivdseg": __version__}, "files": checksums_of(beside, RECORD)}
        (beside / RECORD).write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def check_phantom_folder(folder: str | Path, *, overwrite: bool = False) -> None:
    """Refuse, before any work is done, a folder that a phantom could not be written to.

    Args:
        folder: The folder; it need not exist.
        overwrite: As that of `write_phantom_case`.

    Raises:
        OutputError: As `write_phantom_case`.
    """
    expected = [Path(f"{name}.nii.gz") for name in (*CHANNELS, "reference")]
    check_place(Path(folder), RECORD, [*expected, Path(RECORD)], overwrite=overwrite)
