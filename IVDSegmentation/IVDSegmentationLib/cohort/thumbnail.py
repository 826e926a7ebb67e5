"""A small picture of a case for the contact sheet: the mid-sagittal slice with outlines and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dixon.channels import REFERENCE_ORDER
from ..templates import template

if TYPE_CHECKING:
    from ..pipeline.segmentation import Segmentation

_LETTERS = 0.045
"""Height of the letters by that of the picture: on the sheet all pictures are equally high."""
_NAMES = 5
"""Width of the strip for the names in heights of letters: T11-T12."""


def thumbnail_svg(segmentation: Segmentation) -> str:
    """The thumbnail of a segmentation.

    Args:
        segmentation: With at least one disc.

    Returns:
        A self-contained SVG file; it names levels, and no person.
    """
    from ..report.pictures import SAGITTAL, drawn_discs, grey_pixels, png_uri, spine_plane

    plane = spine_plane(segmentation, SAGITTAL)
    channel = next(name for name in REFERENCE_ORDER if name in segmentation.case.channels)
    letter_mm = _LETTERS * plane.height_mm
    return template("thumbnail.svg.jinja").render(
        image=png_uri(grey_pixels(segmentation.case.channels[channel], plane)),
        width_mm=round(plane.width_mm, 2),
        height_mm=round(plane.height_mm, 2),
        letter_mm=letter_mm,
        strip_mm=round(_NAMES * letter_mm, 2),
        discs=drawn_discs(plane),
    )
