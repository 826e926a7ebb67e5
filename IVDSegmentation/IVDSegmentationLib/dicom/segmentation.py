"""The discs as a DICOM Segmentation object, one segment a disc."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..images import Volume
from ..levels.colors import LEVEL_COLORS
from .codes import ANATOMICAL_STRUCTURE, code_of, disc_code

if TYPE_CHECKING:
    import highdicom
    import pydicom

MANUFACTURER = "IVDSegmentation project"
PRODUCT = "ivdseg"
SERIES_DESCRIPTION = "Intervertebral discs"
_SERIES_STEP = 1000
"""Added to the number of the source's series: as far as viewers sort by it, results come behind the images."""


def build_segmentation(
    labels: Volume, report: Mapping[str, Any], sources: Sequence[pydicom.Dataset]
) -> highdicom.seg.Segmentation:
    """The Segmentation object of a result.

    Args:
        labels: Label map, uint8 [i, j, k], on the grid of the sources.
        report: Content of report.json: the discs, caudal to cranial, and the model.
        sources: The images of the channel whose grid it is, without pixels: patient, study and frame of reference are
            theirs.

    Returns:
        The object, BINARY. Its segments are numbered caudal to cranial from 1, each with its SNOMED CT code, its tracking
        UID and the algorithm.
    """
    import highdicom

    numbers = np.zeros(256, np.uint8)
    for number, disc in enumerate(report["discs"], start=1):
        numbers[disc["label"]] = number
    first, enhanced = sources[0], "NumberOfFrames" in sources[0]
    return highdicom.seg.Segmentation(
        # An enhanced object is a source by itself; of several, one for each slice, the others are named beside it.
        source_images=[first] if enhanced else list(sources),
        further_source_images=list(sources[1:]) if enhanced and len(sources) > 1 else None,
        pixel_array=_volume_of(labels, numbers, str(first.FrameOfReferenceUID)),
        segmentation_type=highdicom.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(number, disc, report) for number, disc in enumerate(report["discs"], start=1)],
        series_instance_uid=highdicom.UID(),
        series_number=series_number(first, 1),
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=PRODUCT,
        software_versions=__version__,
        device_serial_number=f"{PRODUCT} {__version__}",
        content_label="DISCS",
        content_description=SERIES_DESCRIPTION,
        series_description=SERIES_DESCRIPTION,
        omit_empty_frames=True,
    )


def series_number(source: pydicom.Dataset, step: int) -> int:
    """Number of a new series.

    Args:
        source: An image that the series belongs to.
        step: Which of the new series, from 1.

    Returns:
        A number beyond that of the source's series.
    """
    number = source.get("SeriesNumber")
    return _SERIES_STEP * step + (int(number) if number is not None and 0 < int(number) < _SERIES_STEP else 0)


def algorithm_parts(report: Mapping[str, Any]) -> dict[str, Any]:
    """What identifies the algorithm in both objects.

    Args:
        report: Content of report.json.

    Returns:
        Arguments of highdicom's AlgorithmIdentificationSequence.
    """
    from pydicom.sr.codedict import codes

    sums = {f"{role} sha256": digest for role, digest in report["model"]["sha256"].items()}
    return {
        "name": PRODUCT,
        "family": codes.cid7162.ArtificialIntelligence,
        "version": __version__,
        "source": MANUFACTURER,
        "parameters": {"model": report["model"]["name"] or "unnamed", **sums},
    }


def _volume_of(labels: Volume, numbers: np.ndarray, frame_of_reference: str) -> highdicom.Volume:
    """Segment numbers [k, j, i] with their place in the patient."""
    import highdicom

    grid = labels.grid
    affine = np.eye(4)
    affine[:3, :3] = (np.asarray(grid.direction) * np.asarray(grid.spacing_mm))[:, ::-1]
    affine[:3, 3] = grid.origin_mm
    return highdicom.Volume(
        np.ascontiguousarray(numbers[labels.voxels].T),
        affine,
        coordinate_system=highdicom.CoordinateSystemNames.PATIENT,
        frame_of_reference_uid=frame_of_reference,
    )


def _description(number: int, disc: Mapping[str, Any], report: Mapping[str, Any]) -> highdicom.seg.SegmentDescription:
    """What is said of a segment."""
    import highdicom

    red, green, blue = (round(255 * part) for part in LEVEL_COLORS[disc["level"]])
    return highdicom.seg.SegmentDescription(
        segment_number=number,
        segment_label=disc["level"],
        segmented_property_category=code_of(ANATOMICAL_STRUCTURE),
        segmented_property_type=disc_code(disc["level"]),
        algorithm_type=highdicom.seg.SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=highdicom.AlgorithmIdentificationSequence(**algorithm_parts(report)),
        tracking_uid=highdicom.UID(),
        tracking_id=f"Intervertebral disc {disc['level']}",
        display_color=highdicom.color.CIELabColor.from_rgb(red, green, blue),
    )
