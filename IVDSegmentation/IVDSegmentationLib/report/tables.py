"""The tables of a report as text: one set of headings, units and decimals for the page and for the panel in Slicer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..dixon.channels import CHANNELS, PLAIN_NAMES

MISSING = "–"
"""Stands for what could not be measured."""

_UNITS = {"mm": "mm", "mm3": "mm3", "ml": "ml", "deg": "°", "percent": "%"}
"""Last word of a measurement's name -> its unit."""

Translate = Callable[[str], str]
"""From an English text of this file to that of another language, placeholders untouched; Slicer's `tr` is one."""

Column = tuple[str, str, int]
"""Heading with its unit, name of the measurement in report.json, decimals."""

SIZES: tuple[Column, ...] = (
    ("Volume, mm3", "volume_mm3", 0), ("Mean height, mm", "mean_height_mm", 1), ("Anterior, mm", "anterior_height_mm", 1),
    ("Middle, mm", "middle_height_mm", 1), ("Posterior, mm", "posterior_height_mm", 1), ("Depth, mm", "depth_mm", 1),
    ("Width, mm", "width_mm", 1), ("Height index", "height_index", 2), ("Wedge, °", "wedge_deg", 1),
    ("Tilt, °", "tilt_deg", 1), ("To next, °", "lordosis_to_next_deg", 1), ("Fat fraction", "signal_fat_fraction", 2),
    ("Confidence", "confidence", 2),
)  # fmt: skip
CONTRAST: tuple[Column, ...] = (
    ("Weber contrast", "contrast", 2), ("Discs, mean", "disc_mean", 1), ("Discs, SD", "disc_sd", 1),
    ("Rest, mean", "background_mean", 1), ("Rest, SD", "background_sd", 1),
)  # fmt: skip
AGREEMENT: tuple[Column, ...] = (
    ("Dice", "dice", 3), ("Hausdorff, mm", "hausdorff_mm", 2), ("Hausdorff 95 %, mm", "hausdorff95_mm", 2),
    ("Mean surface distance, mm", "assd_mm", 2), ("Volume difference, mm3", "volume_difference_mm3", 0),
    ("Volume difference, %", "volume_difference_percent", 1), ("Centre distance, mm", "center_distance_mm", 2),
)  # fmt: skip


@dataclass(frozen=True)
class TextTable:
    """headings: of the columns, the first that of the names. rows: as many texts each, the first the name."""

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def heading(name: str) -> str:
    """The heading of a measurement.

    Args:
        name: Its name in report.json, or in the other rows of this file.

    Returns:
        The heading with its unit.
    """
    known = {key: title for title, key, _ in (*SIZES, *CONTRAST, *AGREEMENT)}
    if name in known:
        return known[name]
    words, _, unit = name.rpartition("_")
    if unit not in _UNITS:
        return name.replace("_", " ").capitalize()
    words = words.replace("_", " ").capitalize()
    return f"{words}{' ' if words[-1].isdigit() else ', '}{_UNITS[unit]}"


def measurement_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The discs of a report as flat rows.

    Args:
        report: Content of report.json.

    Returns:
        One row a disc, caudal to cranial: the measurements under their names, flags as one text.
    """
    rows = []
    for disc in report["discs"]:
        row = {name: value for name, value in disc.items() if name not in ("center_mm", "flags")}
        row |= dict(zip(("center_l_mm", "center_p_mm", "center_s_mm"), disc["center_mm"], strict=True))
        rows.append({**row, "flags": " ".join(flag["text"] for flag in disc["flags"])})
    return rows


def contrast_rows(report: Mapping[str, Any], translate: Translate = str) -> list[dict[str, Any]]:
    """The Weber contrasts of a report as flat rows, for its discs and, where there is one, for the reference's.

    Args:
        report: Content of report.json.
        translate: To the reader's language.

    Returns:
        One row a channel. `channel` is in words, with `computed` where it was not loaded and `reference` where the discs are
        the reference's.
    """
    named = [("", report["weber_contrast"])]
    if report["metrics"] is not None:
        named.append((translate(", reference"), report["metrics"]["weber_contrast"]))
    rows = []
    for whose, contrasts in named:
        for channel in CHANNELS:
            if channel in contrasts:
                values = dict(contrasts[channel])
                computed = translate(" (computed)") if values.pop("derived") else ""
                rows.append({"channel": translate(PLAIN_NAMES[channel]) + computed + whose, **values})
    return rows


def agreement_rows(metrics: Mapping[str, Any], translate: Translate = str) -> list[dict[str, Any]]:
    """The matched discs of a report as flat rows.

    Args:
        metrics: Of report.json.
        translate: To the reader's language.

    Returns:
        One row a disc, caudal to cranial.
    """
    return [{**row, "level": row["level"] or translate("unnamed")} for row in metrics["discs"]]


def overall_rows(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Agreement over all discs together as rows.

    Args:
        metrics: Of report.json.

    Returns:
        Rows of metric, value and, of those missing and those too many, levels.
    """
    shares = [name for name, value in metrics.items() if not isinstance(value, (list, Mapping))]
    counted = [(name, len(metrics[name]), ", ".join(metrics[name])) for name in ("missing", "extra")]
    listed = [*((name, metrics[name], "") for name in shares), *counted]
    return [{"metric": heading(name), "value": value, "levels": levels} for name, value, levels in listed]


def volume_ml(disc: Mapping[str, Any]) -> float | None:
    """The volume of a disc as the chart shows it.

    Args:
        disc: A disc of report.json.

    Returns:
        Millilitres, or None where the volume is not known.
    """
    volume_mm3 = disc.get("volume_mm3")
    return None if volume_mm3 is None else volume_mm3 / 1000


def levels_rows(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Height and volume by level, as the chart shows them.

    Args:
        report: Content of report.json.

    Returns:
        Level, mean height (mm) and volume (ml) of each disc, caudal to cranial.
    """
    return [
        {"level": disc["level"], "mean_height_mm": disc.get("mean_height_mm"), "volume_ml": volume_ml(disc)}
        for disc in report["discs"]
    ]


def measurements_table(report: Mapping[str, Any], translate: Translate = str) -> TextTable:
    """The discs of a report.

    Args:
        report: Content of report.json.
        translate: To the reader's language.

    Returns:
        One row a disc, cranial on top.
    """
    return _table(translate("Level"), ((disc["level"], disc) for disc in reversed(report["discs"])), SIZES, translate)


def contrast_table(report: Mapping[str, Any], translate: Translate = str) -> TextTable:
    """The Weber contrast of a report, for its discs and, where there is one, for the reference's.

    Args:
        report: Content of report.json.
        translate: To the reader's language.

    Returns:
        One row a channel.
    """
    rows = contrast_rows(report, translate)
    return _table(translate("Channel"), ((row["channel"], row) for row in rows), CONTRAST, translate)


def agreement_table(metrics: Mapping[str, Any], translate: Translate = str) -> TextTable:
    """The matched discs of a report.

    Args:
        metrics: Of report.json.
        translate: To the reader's language.

    Returns:
        One row a disc, cranial on top.
    """
    rows = reversed(agreement_rows(metrics, translate))
    return _table(translate("Level"), ((row["level"], row) for row in rows), AGREEMENT, translate)


def agreement_summary(metrics: Mapping[str, Any], translate: Translate = str) -> str:
    """Agreement over all discs together, those missing and those too many.

    Args:
        metrics: Of report.json.
        translate: To the reader's language.

    Returns:
        A sentence.
    """

    def listed(levels: Sequence[str]) -> str:
        return f"{len(levels)} ({', '.join(level or translate('unnamed') for level in levels)})" if levels else "0"

    return translate(
        "Dice over all voxels {overall_dice}, mean over discs {mean_dice}; missing: {missing}, extra: {extra}; centres: "
        "{within_2_mm} within 2 mm, {within_4_mm} within 4 mm, {within_6_mm} within 6 mm."
    ).format(
        overall_dice=f"{metrics['overall_dice']:.3f}",
        mean_dice=f"{metrics['mean_dice']:.3f}",
        missing=listed(metrics["missing"]),
        extra=listed(metrics["extra"]),
        **{f"within_{mm}_mm": f"{metrics[f'located_within_{mm}_mm']:.0%}" for mm in (2, 4, 6)},
    )


def _table(
    first: str, rows: Iterable[tuple[str, Mapping[str, Any]]], columns: Sequence[Column], translate: Translate
) -> TextTable:
    texts = [(name, *(_number(row.get(key), places) for _, key, places in columns)) for name, row in rows]
    return TextTable((first, *(translate(heading) for heading, _, _ in columns)), tuple(texts))


def _number(value: float | None, places: int) -> str:
    return MISSING if value is None else f"{value:.{places}f}"
