"""Enhanced (multi-frame) MR objects after the attribute sets of vendors, written with pydicom for the tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from IVDSegmentationLib.dixon.channels import CHANNELS
from IVDSegmentationLib.images import Grid
from IVDSegmentationLib.phantom import Phantom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage, generate_uid

PATIENT = {"PatientName": "Secret^Person", "PatientID": "4711", "PatientBirthDate": "19700101", "PatientSex": "F"}

PHILIPS = {
    "water": ["DERIVED", "PRIMARY", "W", "W"],
    "fat": ["DERIVED", "PRIMARY", "F", "F"],
    "in_phase": ["ORIGINAL", "PRIMARY", "IP", "IP"],
    "opposed_phase": ["ORIGINAL", "PRIMARY", "OP", "OP"],
}
"""FrameType of mDIXON, all four in one object."""
SIEMENS = {
    "water": ["DERIVED", "PRIMARY", "DIXON", "WATER"],
    "fat": ["DERIVED", "PRIMARY", "DIXON", "FAT"],
    "in_phase": ["ORIGINAL", "PRIMARY", "DIXON", "IN_PHASE"],
    "opposed_phase": ["ORIGINAL", "PRIMARY", "DIXON", "OPP_PHASE"],
}
"""Of VIBE Dixon on syngo MR XA."""
GE_NAMES = {"water": "WATER", "fat": "FAT", "in_phase": "InPhase", "opposed_phase": "OutPhase"}
"""Beginning of SeriesDescription of LAVA Flex; the frame types say nothing."""


@dataclass(frozen=True)
class Frame:
    """One frame. stored: uint16 [row, column]. Tags that are None are left out."""

    stored: np.ndarray
    position_mm: Sequence[float]
    kind: Sequence[str]
    slope: float = 1.0
    intercept: float = 0.0
    echo_ms: float = 2.3
    time_point: int | None = None
    component: str = "MAGNITUDE"
    spacing_mm: Sequence[float] | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


def item(**tags: Any) -> Dataset:
    """A data set of these tags; a list of data sets becomes a sequence."""
    made = Dataset()
    for tag, value in tags.items():
        setattr(made, tag, value)
    return made


def code(value: str, scheme: str, meaning: str) -> Dataset:
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def sagittal(index: int, step_mm: float = 2.0) -> list[float]:
    """Position of a sagittal slice: slices go right."""
    return [20.0 - step_mm * index, -25.0, 60.0]


def frames_of(stored: Mapping[str, np.ndarray], kinds: Mapping[str, Sequence[str]], interleaved: bool = True) -> list[Frame]:
    """The frames of channels (uint16 [slice, row, column]): slice by slice, or channel after channel."""
    count = len(next(iter(stored.values())))
    order = [(index, channel) for index in range(count) for channel in stored]
    if not interleaved:
        order = [(index, channel) for channel in stored for index in range(count)]
    return [Frame(stored[channel][index], sagittal(index), kinds[channel]) for index, channel in order]


def write_enhanced(
    path: Path,
    frames: Sequence[Frame],
    *,
    series: str | None = None,
    study: str | None = None,
    number: int = 4,
    description: str = "mDIXON sag",
    pixel_mm: float = 1.25,
    manufacturer: str = "Maker",
    frame_of_reference: str = "1.2.826.0.1.3680043.8.498.4711",
    **tags: Any,
) -> Path:
    """Write an Enhanced MR Image object with all that the standard asks of one."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = EnhancedMRImageStorage, generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID, data.Modality = EnhancedMRImageStorage, meta.MediaStorageSOPInstanceUID, "MR"
    for tag, value in PATIENT.items():
        setattr(data, tag, value)
    kinds = {tuple(frame.kind) for frame in frames}
    data.ImageType = list(kinds.pop()) if len(kinds) == 1 else ["DERIVED", "PRIMARY", "MIXED", "NONE"]
    data.StudyInstanceUID, data.SeriesInstanceUID = study or generate_uid(), series or generate_uid()
    data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20260102", "101112", "7", ""
    data.ReferringPhysicianName, data.SeriesNumber, data.SeriesDescription = "", number, description
    data.InstanceNumber, data.ContentDate, data.ContentTime = 1, "20260102", "101500"
    data.AcquisitionDateTime, data.AcquisitionDuration = "20260102101400", 60.0
    data.Manufacturer, data.ManufacturerModelName = manufacturer, "Model"
    data.DeviceSerialNumber, data.SoftwareVersions = "1", "1"
    data.FrameOfReferenceUID, data.PositionReferenceIndicator = frame_of_reference, ""
    data.MagneticFieldStrength, data.ResonantNucleus, data.KSpaceFiltering = 3.0, "1H", "NONE"
    data.ContentQualification, data.ApplicableSafetyStandardAgency = "RESEARCH", "IEC"
    data.PixelPresentation, data.VolumetricProperties, data.VolumeBasedCalculationTechnique = "MONOCHROME", "VOLUME", "NONE"
    data.ComplexImageComponent, data.AcquisitionContrast, data.BurnedInAnnotation = "MAGNITUDE", "T1", "NO"
    data.LossyImageCompression, data.PresentationLUTShape, data.AcquisitionContextSequence = "00", "IDENTITY", []
    data.PatientPosition = "HFS"
    data.Rows, data.Columns = frames[0].stored.shape
    data.SamplesPerPixel, data.PhotometricInterpretation, data.NumberOfFrames = 1, "MONOCHROME2", len(frames)
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
    organization = generate_uid()
    data.DimensionOrganizationSequence = [item(DimensionOrganizationUID=organization)]
    data.DimensionIndexSequence = [
        item(DimensionOrganizationUID=organization, DimensionIndexPointer=pointer, FunctionalGroupPointer=group)
        for pointer, group in ((0x00209056, 0x00209111), (0x00209057, 0x00209111))
    ]
    data.SharedFunctionalGroupsSequence = [_shared(pixel_mm)]
    places = sorted({tuple(frame.position_mm) for frame in frames})
    data.PerFrameFunctionalGroupsSequence = [_own(frame, places) for frame in frames]
    data.PixelData = np.stack([frame.stored for frame in frames]).astype(np.uint16).tobytes()
    for tag, value in tags.items():
        setattr(data, tag, value)
    data.save_as(path, enforce_file_format=True)
    return path


def _shared(pixel_mm: float) -> Dataset:
    return item(
        PixelMeasuresSequence=[item(PixelSpacing=[pixel_mm, pixel_mm], SliceThickness=2.0, SpacingBetweenSlices=2.0)],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[0.0, 1.0, 0.0, 0.0, 0.0, -1.0])],
        FrameAnatomySequence=[
            item(FrameLaterality="U", AnatomicRegionSequence=[code("421060004", "SCT", "Vertebral column")]),
        ],
        FrameVOILUTSequence=[item(WindowCenter=200.0, WindowWidth=400.0)],
        MRTimingAndRelatedParametersSequence=[
            item(
                RepetitionTime=6.0,
                FlipAngle=9.0,
                EchoTrainLength=1,
                RFEchoTrainLength=0,
                GradientEchoTrainLength=1,
                SpecificAbsorptionRateSequence=[
                    item(SpecificAbsorptionRateDefinition="IEC_WHOLE_BODY", SpecificAbsorptionRateValue=0.5)
                ],
                OperatingModeSequence=[item(OperatingModeType="STATIC FIELD", OperatingMode="IEC_NORMAL")],
            )
        ],
    )


def _own(frame: Frame, places: Sequence[Sequence[float]]) -> Dataset:
    stack = 1 + places.index(tuple(frame.position_mm))
    content = item(
        FrameAcquisitionNumber=1,
        FrameAcquisitionDuration=60000.0,
        FrameReferenceDateTime="20260102101400",
        FrameAcquisitionDateTime="20260102101400",
        StackID="1",
        InStackPositionNumber=stack,
        DimensionIndexValues=[1, stack],
    )
    if frame.time_point is not None:
        content.TemporalPositionIndex = frame.time_point
    own = item(
        FrameContentSequence=[content],
        PlanePositionSequence=[item(ImagePositionPatient=[float(mm) for mm in frame.position_mm])],
        MRImageFrameTypeSequence=[
            item(
                FrameType=list(frame.kind),
                PixelPresentation="MONOCHROME",
                VolumetricProperties="VOLUME",
                VolumeBasedCalculationTechnique="NONE",
                ComplexImageComponent=frame.component,
                AcquisitionContrast="T1",
            )
        ],
        MREchoSequence=[item(EffectiveEchoTime=frame.echo_ms)],
        PixelValueTransformationSequence=[
            item(RescaleIntercept=frame.intercept, RescaleSlope=frame.slope, RescaleType="US"),
        ],
    )
    if frame.spacing_mm is not None:
        own.PixelMeasuresSequence = [item(PixelSpacing=list(frame.spacing_mm), SliceThickness=2.0)]
    for tag, value in frame.more.items():
        setattr(own, tag, value)
    return own


def phantom_slices(voxels: np.ndarray) -> np.ndarray:
    """A phantom's channel [x, y, z] as sagittal slices [slice, row, column]: rows caudal, columns posterior."""
    return np.clip(np.rint(voxels), 0, 65535).astype(np.uint16).transpose(0, 2, 1)[:, ::-1]


def phantom_position(grid: Grid, index: int) -> list[float]:
    """ImagePositionPatient of a slice of a phantom."""
    return [round(float(mm), 3) for mm in grid.to_mm(np.array([index, 0, grid.size[2] - 1]))]


def enhanced_phantom(path: Path, phantom: Phantom, channels: Sequence[str] = CHANNELS, **tags: Any) -> Path:
    """A phantom as one object of Philips' kind."""
    stored = {channel: phantom_slices(phantom.channels[channel]) for channel in channels}
    frames = [
        Frame(stored[channel][index], phantom_position(phantom.grid, index), PHILIPS[channel])
        for index in range(phantom.grid.size[0])
        for channel in channels
    ]
    return write_enhanced(path, frames, manufacturer="Philips", **tags)


def classic_phantom(folder: Path, phantom: Phantom, channels: Sequence[str] = CHANNELS, **tags: Any) -> Path:
    """A phantom as one classic series a channel, with all that the standard asks of one."""
    folder.mkdir(parents=True, exist_ok=True)
    study, frame_of_reference = generate_uid(), generate_uid()
    for number, channel in enumerate(channels, start=4):
        series = generate_uid()
        for index, stored in enumerate(phantom_slices(phantom.channels[channel])):
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = MRImageStorage, generate_uid()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            path = folder / f"{channel}{index:03d}.dcm"
            data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
            data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
            for tag, value in PATIENT.items():
                setattr(data, tag, value)
            data.Modality, data.StudyInstanceUID, data.SeriesInstanceUID = "MR", study, series
            data.StudyDate, data.StudyTime, data.StudyID, data.AccessionNumber = "20260102", "101112", "7", ""
            data.ReferringPhysicianName, data.SeriesNumber, data.InstanceNumber = "", number, index + 1
            data.ImageType, data.SeriesDescription = ["DERIVED", "PRIMARY", "DIXON", SIEMENS[channel][3]], "dixon"
            data.FrameOfReferenceUID, data.PositionReferenceIndicator = frame_of_reference, ""
            data.Rows, data.Columns = stored.shape
            data.PixelSpacing = [float(phantom.grid.spacing_mm[2]), float(phantom.grid.spacing_mm[1])]
            data.SliceThickness, data.PatientPosition = float(phantom.grid.spacing_mm[0]), "HFS"
            data.ImageOrientationPatient = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]
            data.ImagePositionPatient = phantom_position(phantom.grid, index)
            data.ScanningSequence, data.SequenceVariant, data.ScanOptions = "GR", "SK", ""
            data.MRAcquisitionType, data.EchoTime, data.EchoTrainLength, data.RepetitionTime = "3D", 2.3, 1, 6.0
            data.Manufacturer = "Siemens"
            data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
            data.PixelData = stored.tobytes()
            for tag, value in tags.items():
                setattr(data, tag, value)
            data.save_as(path, enforce_file_format=True)
    return folder
