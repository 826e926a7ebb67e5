"""How a prediction is judged: Dice of the volume and of each disc, and the distances between each disc's surfaces."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np

from ..atomic import atomic_file
from ..images import WORKING_SPACING_MM
from ..measure.metrics import dice, surface_distances
from .spines import Spine

VOLUME = 0
"""Number, in the place of a disc's, of what is about the whole volume."""


@dataclass(frozen=True)
class Score:
    """One disc of one held-out subject, or all of its volume.

    Attributes:
        system: Key of the system.
        subject: The subject.
        disc: Number of the disc, 1 the most caudal; VOLUME for all voxels of the volume.
        dice: 0..1.
        average_mm: Average distance of the surfaces, over both of them; None for volumes, and where nothing was found.
        percentile_95_mm: 95th percentile of the distances; None likewise.
        maximum_mm: Maximum of the distances, the Hausdorff distance; None likewise.
    """

    system: str
    subject: str
    disc: int
    dice: float
    average_mm: float | None = None
    percentile_95_mm: float | None = None
    maximum_mm: float | None = None


def judge(system: str, mask: np.ndarray, spine: Spine) -> list[Score]:
    """Compare a prediction with the reference.

    Args:
        system: Key of the system.
        mask: bool [x, y, z].
        spine: The examination; each voxel counts for the disc of its region.

    Returns:
        That of the volume, then one a disc, caudal to cranial.
    """
    overall = dice(mask, spine.discs > 0)
    assert overall is not None  # a reference holds discs
    found = [Score(system, spine.subject, VOLUME, overall)]
    for number in range(1, int(spine.discs.max()) + 1):
        ours, theirs = mask & (spine.regions == number), spine.discs == number
        overlap = dice(ours, theirs)
        assert overlap is not None
        distances = surface_distances(ours, theirs, WORKING_SPACING_MM) if ours.any() else (None, None, None)
        found.append(Score(system, spine.subject, number, overlap, *distances))
    return found


def write_scores(path: Path, scores: Sequence[Score]) -> None:
    """Write scores as CSV.

    Args:
        path: The file.
        scores: Its rows.

    Raises:
        OutputError: The file cannot be written.
    """
    with atomic_file(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Score)])
        writer.writeheader()
        writer.writerows({k: round(v, 5) if isinstance(v, float) else v for k, v in asdict(s).items()} for s in scores)


def read_scores(path: Path) -> list[Score]:
    """The scores of a file that `write_scores` wrote.

    Args:
        path: The file.

    Returns:
        Its rows.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    distances = ("average_mm", "percentile_95_mm", "maximum_mm")
    return [
        Score(row["system"], row["subject"], int(row["disc"]), float(row["dice"]),
              *(float(row[name]) if row[name] else None for name in distances))
        for row in rows
    ]  # fmt: skip
