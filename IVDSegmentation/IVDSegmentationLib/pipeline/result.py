"""What the pipeline returns: the discs of a case with their names, and the maps they were read from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..dixon.case import DixonCase
from ..findings import Finding
from ..images import Grid, Volume
from ..images.grid import turned_about_z


@dataclass(frozen=True)
class Disc:
    """One disc. level: its name, `L4-L5`. label: its value in the label map. center_mm: LPS. center_ijk: continuous
    voxel position on the working grid. confidence: the Dice with an expert that it may expect,
    0..1 (confidence.py). flags: what to check of it."""

    level: str
    label: int
    center_mm: tuple[float, float, float]
    center_ijk: tuple[float, float, float]
    confidence: float
    flags: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class SegmentationResult:
    """The segmentation of one case.

    discs: caudal to cranial. probability: float32 [x, y, z] on the working grid, 0..1, the probability of disc.
    labels: uint8 [x, y, z] on the working grid. label_volume: uint8 on the grid of the input.
    findings: about the case and the run, what the user should know. timings_s: seconds by stage. model: name of the model.
    model_checksums: role -> SHA-256 of the weights that ran.
    engine: what computed the networks: `name`, `version`, `device`; empty where that is not known.
    exchanged: whether the header exchanges front and back, left and right, by what the image shows.
    """

    case: DixonCase
    discs: tuple[Disc, ...]
    probability: np.ndarray
    labels: np.ndarray
    label_volume: Volume
    findings: tuple[Finding, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)
    model: str = ""
    model_checksums: Mapping[str, str] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)
    exchanged: bool = False

    @property
    def person_grid(self) -> Grid:
        """The working grid in the person: that of the case, turned by 180 degrees about the z axis where the header is wrong.

        What is measured there, front and rear heights, tilts and sides, is the person's; what is placed in the file's
        space, surfaces and centres, is not.
        """
        return turned_about_z(self.case.working_grid) if self.exchanged else self.case.working_grid
