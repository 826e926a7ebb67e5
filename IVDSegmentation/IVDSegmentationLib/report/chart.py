"""The report's chart: height and volume by level, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .pictures import css_colour

_ROW, _BARS, _NAMES, _GAP = 22.0, 210.0, 64.0, 60.0


def levels_chart(discs: Sequence[Mapping[str, Any]]) -> str:
    """Bars of mean height and volume by level, as inline SVG.

    Args:
        discs: The discs of report.json, caudal to cranial.

    Returns:
        The SVG element, cranial on top; `-` where there is no measurement.
    """
    rows = list(reversed(discs))
    columns = (
        ("Mean height, mm", [disc.get("mean_height_mm") for disc in rows]),
        ("Volume, ml", [disc["volume_mm3"] / 1000 for disc in rows]),
    )
    height = _ROW * (len(rows) + 1) + 6
    width = _NAMES + len(columns) * (_BARS + _GAP)
    parts = [f'<svg class="chart" viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="Height and volume by level">']
    for row, disc in enumerate(rows):
        y = _ROW * (row + 1) + 15
        parts.append(f'<text x="{_NAMES - 8:.0f}" y="{y:.0f}" text-anchor="end">{disc["level"]}</text>')
    for column, (title, values) in enumerate(columns):
        x = _NAMES + column * (_BARS + _GAP)
        longest = max((value for value in values if value is not None), default=1.0)
        parts.append(f'<text x="{x:.0f}" y="14" class="head">{title}</text>')
        for row, (disc, value) in enumerate(zip(rows, values, strict=True)):
            y = _ROW * (row + 1) + 3
            length = 0.0 if value is None else _BARS * value / longest
            text = "-" if value is None else f"{value:.1f}"
            parts.append(
                f'<rect x="{x:.0f}" y="{y:.0f}" width="{length:.1f}" height="16" rx="2" fill="{css_colour(disc["level"])}"/>'
                f'<text x="{x + length + 6:.1f}" y="{y + 12:.0f}">{text}</text>'
            )
    return "".join(parts) + "</svg>"
