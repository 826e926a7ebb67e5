"""What is measured: the discs of a case, where they lie, and the maps they were read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..dixon.case import DixonCase
from ..findings import Finding
from ..images import Grid, Volume


@dataclass(frozen=True)
class Disc:
    """One disc.

    Attributes:
        level: Its name, such as `L4-L5`.
        label: Its value in the label map.
        center_mm: Centre, LPS.
        center_ijk: Centre as a continuous voxel position of the working grid.
        confidence: The Dice with an expert that it may expect, 0..1 (pipeline/confidence.py).
        flags: What to check of it.
    """

    level: str
    label: int
    center_mm: tuple[float, float, float]
    center_ijk: tuple[float, float, float]
    confidence: float
    flags: tuple[Finding, ...] = ()


class Segmented(Protocol):
    """What the measurements need of a segmentation; `pipeline.segmentation.Segmentation` has it."""

    @property
    def case(self) -> DixonCase:
        """The channels and the working grid."""

    @property
    def found(self) -> tuple[Disc, ...]:
        """The discs, caudal to cranial; their flags are not known yet."""

    @property
    def probability(self) -> np.ndarray:
        """Probability of disc, float32 [x, y, z] on the working grid, 0..1."""

    @property
    def labels(self) -> np.ndarray:
        """Labels, uint8 [x, y, z] on the working grid."""

    @property
    def exchanged(self) -> bool:
        """Whether the header exchanges front and back, left and right, by what the image shows."""

    @property
    def person_grid(self) -> Grid:
        """The working grid in the person: that of the case, or turned where the header is wrong."""

    @property
    def label_volume(self) -> Volume:
        """Labels, uint8 on the grid of the input."""
