"""The report's chart: height and volume by level, as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..templates import template
from .pictures import css_colour
from .tables import volume_ml

_ROW, _BARS, _NAMES, _GAP = 22, 210, 64, 60


def levels_chart(discs: Sequence[Mapping[str, Any]]) -> str:
    """Bars of mean height and volume by level, as inline SVG.

    Args:
        discs: The discs of report.json, caudal to cranial.

    Returns:
        The SVG element, cranial on top; `-` where there is no measurement.
    """
    rows = list(reversed(discs))
    measured = (
        ("Mean height, mm", [disc.get("mean_height_mm") for disc in rows]),
        ("Volume, ml", [volume_ml(disc) for disc in rows]),
    )
    columns = []
    for column, (title, values) in enumerate(measured):
        longest = max((value for value in values if value is not None), default=1.0)
        bars = [
            {
                "y": _ROW * (row + 1) + 3,
                "length": 0.0 if value is None else _BARS * value / longest,
                "colour": css_colour(disc["level"]),
                "text": "-" if value is None else f"{value:.1f}",
            }
            for row, (disc, value) in enumerate(zip(rows, values, strict=True))
        ]
        columns.append({"title": title, "x": _NAMES + column * (_BARS + _GAP), "bars": bars})
    return template("levels.svg.jinja").render(
        width=_NAMES + len(columns) * (_BARS + _GAP),
        height=_ROW * (len(rows) + 1) + 6,
        names=[{"level": disc["level"], "x": _NAMES - 8, "y": _ROW * (row + 1) + 15} for row, disc in enumerate(rows)],
        columns=columns,
    )
