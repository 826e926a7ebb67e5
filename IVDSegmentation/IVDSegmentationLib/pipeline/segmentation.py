"""The one result: the discs of a case with names, flags, surfaces and measurements, and what they were made with.

The command line, the worker, the panel and the report all take a `Segmentation`; between processes it travels in the one
serialised form of `worker/exchange.py`.
"""

from __future__ import annotations

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..dixon.case import DixonCase
from ..findings import Finding, renamed_findings
from ..images import Grid, Volume
from ..images.grid import turned_about_z
from ..levels.labelling import LABELS, shifted
from ..measure.segmented import Disc

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

    from ..measure.measured_case import MeasuredCase

_PACKAGES = ("numpy", "scipy", "scikit-image", "SimpleITK", "vtk", "pymeshmetrics")


@dataclass(frozen=True)
class Provenance:
    """What a segmentation was made of and with.

    Attributes:
        channels_given: Names of the channels that were loaded, sorted.
        channels_derived: Of those that were computed from them, sorted.
        model: Name of the model.
        model_checksums: Role -> SHA-256 of the weights that ran.
        engine: What computed the networks (networks.engine.described); empty where that is not known.
        timings_s: Seconds by stage.
        versions: Of this project, Python and the packages that compute.
    """

    channels_given: tuple[str, ...] = ()
    channels_derived: tuple[str, ...] = ()
    model: str = ""
    model_checksums: Mapping[str, str] = field(default_factory=dict)
    engine: Mapping[str, str] = field(default_factory=dict)
    timings_s: Mapping[str, float] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Computed:
    """What was computed of a segmentation so far."""

    measured: MeasuredCase | None = None
    surfaces: Mapping[str, vtkPolyData] | None = None


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The segmentation of one case.

    >>> segmentation = Pipeline().segment(load_case("examination"))
    >>> [(disc.level, disc.flags) for disc in segmentation.discs]
    >>> segmentation.measured.discs["L4-L5"]["volume_mm3"]
    >>> segmentation = segmentation.renamed("L4-L5")

    Attributes:
        case: The case. One that was handed over by another process has no channels.
        found: The discs, caudal to cranial, as they were found and named; `discs` has their flags, too.
        probability: Probability of disc, float32 [x, y, z] on the working grid, 0..1.
        labels: uint8 [x, y, z] on the working grid.
        label_volume: uint8 on the grid of the input.
        run_findings: About the channels, the run and the names; `findings` has those of the measurements, too.
        provenance: What it was made of and with.
        reference: An expert's labels or mask that it is compared with.
        exchanged: Whether the header exchanges front and back, left and right, by what the image shows.
    """

    case: DixonCase
    found: tuple[Disc, ...]
    probability: np.ndarray
    labels: np.ndarray
    label_volume: Volume
    run_findings: tuple[Finding, ...] = ()
    provenance: Provenance = field(default_factory=Provenance)
    reference: Volume | None = None
    exchanged: bool = False
    _computed: _Computed = field(default_factory=_Computed, init=False, repr=False)

    @property
    def person_grid(self) -> Grid:
        """The working grid in the person: that of the case, turned by 180 degrees about the z axis where the header is wrong.

        What is measured there, front and rear heights, tilts and sides, is the person's; what is placed in the file's
        space, surfaces and centres, is not.
        """
        return turned_about_z(self.case.working_grid) if self.exchanged else self.case.working_grid

    @property
    def measured(self) -> MeasuredCase:
        """The measurements and flags; computed when first asked for."""
        if self._computed.measured is None:
            from ..measure.measured_case import measure_case

            self._computed.measured = measure_case(self, self.reference)
        return self._computed.measured

    @property
    def surfaces(self) -> Mapping[str, vtkPolyData]:
        """Level -> closed mesh, LPS mm; computed when first asked for."""
        if self._computed.surfaces is None:
            from ..measure.surfaces import disc_surfaces

            self._computed.surfaces = disc_surfaces(self)
        return self._computed.surfaces

    @property
    def discs(self) -> tuple[Disc, ...]:
        """The discs, caudal to cranial, with their flags."""
        return tuple(replace(disc, flags=self.measured.flags[disc.level]) for disc in self.found)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a person should know or check about the case as a whole."""
        return (*self.run_findings, *self.measured.findings)

    def renamed(self, lowest_level: str) -> Segmentation:
        """The same discs under other names; nothing is segmented or measured again.

        Args:
            lowest_level: The name that the lowest disc gets; the others are counted on from it.

        Returns:
            The segmentation with new names, labels, lumbar lordosis, and flags and findings that depend on the names.

        Raises:
            InputError: The level is unknown, or the discs would leave the levels of a spine.
        """
        names = shifted([disc.level for disc in self.found], lowest_level)
        new = replace(
            self,
            found=tuple(replace(disc, level=names[disc.level], label=LABELS[names[disc.level]]) for disc in self.found),
            labels=relabelled(self.labels, names),
            label_volume=replace(self.label_volume, voxels=relabelled(self.label_volume.voxels, names)),
            run_findings=renamed_findings(self.run_findings, names),
        )
        if self._computed.measured is not None:
            new._computed.measured = self._computed.measured.renamed(names)
        if self._computed.surfaces is not None:
            new._computed.surfaces = {names[level]: surface for level, surface in self._computed.surfaces.items()}
        return new

    def with_findings(self, *findings: Finding) -> Segmentation:
        """The same segmentation, of which more is to be said.

        Args:
            *findings: What a person should know beside what is known.

        Returns:
            The segmentation with these findings after its own; nothing is computed again.
        """
        return self._like(replace(self, run_findings=(*self.run_findings, *findings)))

    def with_case(self, case: DixonCase) -> Segmentation:
        """The same segmentation with its channels.

        Args:
            case: The case that was segmented.

        Returns:
            The segmentation with this case; nothing is computed again.
        """
        return self._like(replace(self, case=case))

    def given(self, measured: MeasuredCase, surfaces: Mapping[str, vtkPolyData]) -> Segmentation:
        """The same segmentation with what another process has computed of it.

        Args:
            measured: Its measurements.
            surfaces: Level -> closed mesh, LPS mm.

        Returns:
            The segmentation, which computes neither.
        """
        new = replace(self)
        new._computed.measured, new._computed.surfaces = measured, surfaces
        return new

    def _like(self, new: Segmentation) -> Segmentation:
        new._computed.measured, new._computed.surfaces = self._computed.measured, self._computed.surfaces
        return new


def relabelled(labels: np.ndarray, names: Mapping[str, str]) -> np.ndarray:
    """Exchange the label of each level for that of its new name.

    Args:
        labels: uint8, any shape.
        names: Level before -> level now.

    Returns:
        The labels, of the same type and shape; values that are none of these levels stay.
    """
    table = np.arange(256, dtype=labels.dtype)
    for old, new in names.items():
        table[LABELS[old]] = LABELS[new]
    return table[labels]


def software_versions() -> dict[str, str]:
    """What runs here.

    Returns:
        Name -> version, of this project, Python and the packages that compute, as far as installed.
    """
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    from importlib.metadata import PackageNotFoundError, version

    versions = {"ivdseg": __version__, "python": platform.python_version()}
    for package in _PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:  # Slicer's own builds carry no package record
            continue
    return versions
