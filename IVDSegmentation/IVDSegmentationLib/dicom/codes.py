"""Codes of what a result says: SNOMED CT and DICOM codes where there are any, our own (99IVDSEG) where there are none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..levels.labelling import SACRAL_LEVEL

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

SCHEME = "99IVDSEG"
"""Designator of our own codes; 99 says that a scheme is private (DICOM PS3.16, 8.2)."""

ANATOMICAL_STRUCTURE = ("123037004", "SCT", "Anatomical Structure")
"""Category of the segments, as the Slicer module and dcmqi give it."""


@dataclass(frozen=True)
class CodedMeasurement:
    """How a measurement of report.json is coded.

    Attributes:
        key: Its name in report.json.
        name: Code of what is measured: value, scheme, meaning.
        unit: UCUM code: value, scheme, meaning.
        where: Code of the part of the disc, where the name does not say it.
        derivation: Code of how one value was made of many.
    """

    key: str
    name: tuple[str, str, str]
    unit: tuple[str, str, str]
    where: tuple[str, str, str] | None = None
    derivation: tuple[str, str, str] | None = None


_MM3 = ("mm3", "UCUM", "cubic millimeter")
_MM = ("mm", "UCUM", "mm")
_DEGREE = ("deg", "UCUM", "degree")
_NO_UNIT = ("1", "UCUM", "no units")
_HEIGHT = ("121207", "DCM", "Height")
_MEAN = ("373098007", "SCT", "Mean")

DISC_MEASUREMENTS: tuple[CodedMeasurement, ...] = (
    CodedMeasurement("volume_mm3", ("118565006", "SCT", "Volume"), _MM3),
    CodedMeasurement("mean_height_mm", _HEIGHT, _MM, derivation=_MEAN),
    CodedMeasurement("anterior_height_mm", _HEIGHT, _MM, where=("255549009", "SCT", "Anterior")),
    CodedMeasurement("middle_height_mm", _HEIGHT, _MM, where=("26216008", "SCT", "Central")),
    CodedMeasurement("posterior_height_mm", _HEIGHT, _MM, where=("255551008", "SCT", "Posterior")),
    CodedMeasurement("depth_mm", ("131197000", "SCT", "Depth"), _MM),
    CodedMeasurement("width_mm", ("103355008", "SCT", "Width"), _MM),
    CodedMeasurement("height_index", ("height_index", SCHEME, "Disc height index"), _NO_UNIT),
    CodedMeasurement("wedge_deg", ("wedge", SCHEME, "Angle between end plates"), _DEGREE),
    CodedMeasurement("tilt_deg", ("tilt", SCHEME, "Sagittal tilt of mid-plane"), _DEGREE),
    CodedMeasurement("lateral_tilt_deg", ("lateral_tilt", SCHEME, "Coronal tilt of mid-plane"), _DEGREE),
    CodedMeasurement("lordosis_to_next_deg", ("lordosis", SCHEME, "Lordosis to next disc above"), _DEGREE),
    CodedMeasurement("signal_fat_fraction", ("signal_fat", SCHEME, "Signal fat fraction"), _NO_UNIT),
    CodedMeasurement("confidence", ("confidence", SCHEME, "Expected Dice with an expert"), _NO_UNIT),
)
"""What is written of a disc. The signal fat fraction is not DICOM's (129100, DCM, "Fat fraction"), which is a proton density
fat fraction."""

LORDOSIS = CodedMeasurement("lumbar_lordosis_deg", ("lumbar_lordosis", SCHEME, "Lordosis L1-L2 to L5-S1"), _DEGREE)
"""Between the discs' mid-planes: not the Cobb angle (285285000, SCT)."""


_ANY_DISC = ("360499006", "SCT", "Intervertebral disc")


def contrast_measurement(channel: str, plain_name: str) -> CodedMeasurement:
    """How the Weber contrast of a channel is coded.

    Args:
        channel: One of CHANNELS.
        plain_name: The channel in words.

    Returns:
        The code, with the channel in its value and meaning.
    """
    name = (f"weber_{channel}"[:16], SCHEME, f"Weber contrast of discs, {plain_name}")
    return CodedMeasurement("contrast", name, _NO_UNIT)


def disc_code(level: str) -> Code:
    """The SNOMED CT code of a disc (DICOM CID 7604, Intervertebral Disc).

    Args:
        level: One of labelling.SPINE, such as L4-L5.

    Returns:
        Its code, such as (84020006, SCT, "L4/L5 disc"); that of any disc for S1-S2, which has none of its own.
    """
    from pydicom.sr.codedict import codes

    if level == SACRAL_LEVEL:
        return code_of(_ANY_DISC)
    code: Code = getattr(codes.cid7604, f"{level.replace('-', '')}Disc")
    return code


def code_of(parts: tuple[str, str, str]) -> Code:
    """A code of its parts.

    Args:
        parts: Value, scheme, meaning.

    Returns:
        The code as pydicom has it.
    """
    from pydicom.sr.coding import Code

    return Code(*parts)
