"""report.html: one self-contained page, read on a screen, light or dark, or printed on A4; no script, no network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..dixon.channels import CHANNELS, PLAIN_NAMES
from ..pipeline.segmentation import Segmentation
from ..templates import template
from .chart import levels_chart
from .pictures import CORONAL, SAGITTAL, channel_svg, css_colour, png_uri, spine_plane
from .surface_picture import render_surfaces
from .tables import agreement_summary, agreement_table, contrast_table, measurements_table

_PLANES = ((SAGITTAL, "Mid-sagittal"), (CORONAL, "Coronal"))


def report_html(segmentation: Segmentation, report: Mapping[str, Any]) -> str:
    """Make the page.

    Args:
        segmentation: The segmentation, with its channels.
        report: Content of its report.json.

    Returns:
        HTML.
    """
    discs, metrics = report["discs"], report["metrics"]
    return template("report.html.jinja").render(
        report=report,
        given=[PLAIN_NAMES[name] for name in report["channels"]["given"]],
        derived=[PLAIN_NAMES[name] for name in report["channels"]["derived"]],
        flags=[(disc["level"], flag["text"]) for disc in reversed(discs) for flag in disc["flags"]],
        pictures=[(title, list(_slices(segmentation, kind, title))) for kind, title in _PLANES],
        surfaces=png_uri(render_surfaces(segmentation.surfaces)),
        chart=levels_chart(discs),
        measurements=measurements_table(report),
        colours={disc["level"]: css_colour(disc["level"]) for disc in discs},
        contrast=contrast_table(report),
        agreement=agreement_table(metrics) if metrics is not None else None,
        agreement_summary=agreement_summary(metrics) if metrics is not None else None,
    )


def _slices(segmentation: Segmentation, kind: str, title: str) -> Iterator[tuple[str, str]]:
    """Caption and SVG of every channel on a plane along the spine."""
    plane = spine_plane(segmentation, kind)
    for name in CHANNELS:
        if name in segmentation.case.channels:
            caption = PLAIN_NAMES[name] + (" (computed)" if name in segmentation.case.derived else "")
            yield caption, channel_svg(segmentation.case.channels[name], plane, f"{title}, {caption}")
