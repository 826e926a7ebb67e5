"""Results without networks, for the tests of what comes after them: phantoms with their exact labels as segmentation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from IVDSegmentationLib.dixon.case import DixonCase, case_from_volumes
from IVDSegmentationLib.images import Volume, put_back
from IVDSegmentationLib.measure.segmented import Disc
from IVDSegmentationLib.phantom import Anatomy, Phantom, make_phantom
from IVDSegmentationLib.pipeline.segmentation import Provenance, Segmentation, software_versions
from scipy.ndimage import gaussian_filter


def result_of_phantom(seed: int, size: tuple[int, int, int] = (36, 96, 176), anatomy: Anatomy | None = None) -> Segmentation:
    """The perfect segmentation of a phantom; its probability is the label map blurred by 0.6 voxels."""
    phantom = make_phantom(seed, size, anatomy=anatomy)
    case = case_from_volumes(
        {channel: Volume(voxels, phantom.grid, channel) for channel, voxels in phantom.channels.items()}, "made"
    )
    return result_of_case(phantom, case)


def result_of_case(phantom: Phantom, case: DixonCase) -> Segmentation:
    """The same of a case that was read from files of the phantom, whose working grid is the phantom's own."""
    probability = np.asarray(gaussian_filter((phantom.labels > 0).astype(np.float32), 0.6))
    discs = []
    for truth in phantom.truth:
        i, j, k = (float(c) for c in case.working_grid.to_ijk(np.asarray(truth.center_mm)))
        discs.append(Disc(truth.level, truth.label, truth.center_mm, (i, j, k), 0.9))
    on_input = put_back(probability, phantom.labels, case.working_grid, case.input_grid)
    return Segmentation(
        case=case,
        found=tuple(discs),
        probability=probability,
        labels=phantom.labels,
        label_volume=Volume(on_input, case.input_grid, "discs"),
        run_findings=case.findings,
        provenance=Provenance(
            channels_given=tuple(sorted(case.channels)),
            model="default",
            model_checksums={"localizer": "0" * 64},
            timings_s={"localize": 0.5, "segment": 0.6},
            versions=software_versions(),
        ),
    )


def files_below(folder: Path) -> list[str]:
    """Every file below a folder, hidden ones too, as sorted relative names."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
