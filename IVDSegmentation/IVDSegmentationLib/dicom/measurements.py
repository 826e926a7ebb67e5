"""The measurements as a DICOM measurement report (TID 1500), each disc's tied to its segment by tracking UID."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..dixon.channels import CHANNELS, PLAIN_NAMES
from .codes import DISC_MEASUREMENTS, LORDOSIS, CodedMeasurement, code_of, contrast_measurement, disc_code
from .segmentation import MANUFACTURER, PRODUCT, algorithm_parts, series_number

if TYPE_CHECKING:
    import highdicom
    import pydicom

SERIES_DESCRIPTION = "Measurements of intervertebral discs"


def build_measurements(
    report: Mapping[str, Any], segmentation: highdicom.seg.Segmentation, sources: Sequence[pydicom.Dataset]
) -> highdicom.sr.ComprehensiveSR:
    """The measurement report of a result.

    Args:
        report: Content of report.json.
        segmentation: Of the same result; its segments are those that the measurements belong to.
        sources: The images that it was made of, without pixels: patient and study are theirs.

    Returns:
        The report: a group for each disc (TID 1411) with those of DISC_MEASUREMENTS that it has, and one for the
        examination with the lordosis and the Weber contrast of each channel.
    """
    import highdicom
    from highdicom import sr
    from pydicom.sr.codedict import codes

    observer = sr.ObserverContext(
        observer_type=codes.DCM.Device,
        observer_identifying_attributes=sr.DeviceObserverIdentifyingAttributes(
            uid=highdicom.UID(), manufacturer_name=MANUFACTURER, model_name=PRODUCT, serial_number=f"{PRODUCT} {__version__}"
        ),
    )
    groups = [
        _of_disc(disc, report, segmentation, description, str(sources[0].SeriesInstanceUID))
        for disc, description in zip(report["discs"], segmentation.SegmentSequence, strict=True)
    ]
    content = sr.MeasurementReport(
        observation_context=sr.ObservationContext(observer_device_context=observer),
        procedure_reported=code_of(("113091006", "SCT", "Magnetic resonance imaging")),
        imaging_measurements=[*groups, *_of_case(report, sources)],
        title=codes.cid7021.ImagingMeasurementReport,
    )
    return sr.ComprehensiveSR(
        evidence=[segmentation, *sources],
        content=content[0],
        series_instance_uid=highdicom.UID(),
        series_number=series_number(sources[0], 2),
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer=MANUFACTURER,
        is_complete=True,
        series_description=SERIES_DESCRIPTION,
    )


def _of_disc(
    disc: Mapping[str, Any],
    report: Mapping[str, Any],
    segmentation: highdicom.seg.Segmentation,
    description: highdicom.seg.SegmentDescription,
    source_series: str,
) -> highdicom.sr.VolumetricROIMeasurementsAndQualitativeEvaluations:
    from highdicom import sr

    site = disc_code(disc["level"])
    return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=sr.TrackingIdentifier(uid=description.tracking_uid, identifier=description.tracking_id),
        referenced_segment=sr.ReferencedSegment(
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            description.segment_number,
            source_series=sr.SourceSeriesForSegmentation(source_series),
        ),
        finding_type=site,
        finding_sites=[sr.FindingSite(site)],
        algorithm_id=_algorithm(report),
        measurements=[
            _measurement(coded, disc[coded.key], site) for coded in DISC_MEASUREMENTS if disc.get(coded.key) is not None
        ],
    )


def _of_case(
    report: Mapping[str, Any], sources: Sequence[pydicom.Dataset]
) -> list[highdicom.sr.MeasurementsAndQualitativeEvaluations]:
    """What is measured of the examination as a whole: one group, or none where there is nothing."""
    import highdicom
    from highdicom import sr

    figures = [(LORDOSIS, report["lumbar_lordosis_deg"])]
    for channel in CHANNELS:
        contrast = report["weber_contrast"].get(channel)
        if contrast is not None:
            figures.append((contrast_measurement(channel, PLAIN_NAMES[channel]), contrast["contrast"]))
    measurements = [_measurement(coded, value) for coded, value in figures if value is not None]
    if not measurements:
        return []
    return [
        sr.MeasurementsAndQualitativeEvaluations(
            tracking_identifier=sr.TrackingIdentifier(uid=highdicom.UID(), identifier="Lumbar spine"),
            source_images=[sr.SourceImageForMeasurementGroup.from_source_image(sources[0])],
            finding_type=code_of(("122496007", "SCT", "Lumbar spine")),
            algorithm_id=_algorithm(report),
            measurements=measurements,
        )
    ]


def _measurement(coded: CodedMeasurement, value: float, site: Any = None) -> highdicom.sr.Measurement:
    from highdicom import sr

    where = None if coded.where is None else [sr.FindingSite(site, topographical_modifier=code_of(coded.where))]
    return sr.Measurement(
        name=code_of(coded.name),
        value=float(value),
        unit=code_of(coded.unit),
        derivation=None if coded.derivation is None else code_of(coded.derivation),
        finding_sites=where,
    )


def _algorithm(report: Mapping[str, Any]) -> highdicom.sr.AlgorithmIdentification:
    from highdicom import sr

    parts = algorithm_parts(report)
    return sr.AlgorithmIdentification(
        name=parts["name"],
        version=parts["version"],
        parameters=[f"{name}: {value}" for name, value in parts["parameters"].items()],
    )
