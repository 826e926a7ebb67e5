"""A small picture of a case for the contact sheet: the mid-sagittal slice with outlines and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..dixon.channels import REFERENCE_ORDER

if TYPE_CHECKING:
    from ..pipeline.segmentation import Segmentation


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
    return channel_svg(segmentation.case.channels[channel], plane, "Mid-sagittal slice", alone=True)
