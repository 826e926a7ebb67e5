"""A small picture of a case for the contact sheet: the mid-sagittal slice with outlines and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dixon.channels import REFERENCE_ORDER

if TYPE_CHECKING:
    from ..pipeline.segmentation import Segmentation

_STYLE = (
    "path{fill:none;stroke-width:1.4}text{font:600 9px sans-serif;paint-order:stroke;stroke:#000;stroke-width:2px}"
    "text.side{fill:#fff}"
)


def thumbnail_svg(segmentation: Segmentation) -> str:
    """The thumbnail of a segmentation.

    Args:
        segmentation: With at least one disc.

    Returns:
        A self-contained SVG file; it names levels, and no person.
    """
    from ..report.pictures import SAGITTAL, channel_svg, spine_plane

    plane = spine_plane(segmentation, SAGITTAL)
    channel = next(name for name in REFERENCE_ORDER if name in segmentation.case.channels)
    picture = channel_svg(segmentation.case.channels[channel], plane, "Mid-sagittal slice")
    background = '<rect x="-100" width="1000" height="1000"/>'
    start, rest = picture.split(">", 1)
    return f'{start} xmlns="http://www.w3.org/2000/svg"><style>{_STYLE}</style>{background}{rest}\n'
