"""report.html: one self-contained page, read on a screen, light or dark, or printed on A4; no script, no network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from ..dixon.channels import CHANNELS, PLAIN_NAMES
from ..pipeline.segmentation import Segmentation
from .chart import levels_chart
from .pictures import CORONAL, SAGITTAL, channel_svg, css_colour, png_uri, spine_plane
from .surface_picture import render_surfaces
from .tables import TextTable, agreement_summary, agreement_table, contrast_table, measurements_table

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2027; --dim: #5a6472; --page: #fff; --line: #d5dae1;
  --warn: #8a4b00; --warn-page: #fff4e0 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e9ee; --dim: #a0a9b6; --page: #14171c; --line: #343b46;
    --warn: #ffc56b; --warn-page: #33270f }
}
@media print { :root { --ink: #000; --dim: #444; --page: #fff; --line: #bbb; --warn: #6b3a00; --warn-page: #fff4e0 } }
@page { size: A4; margin: 14mm }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.2rem; max-width: 70rem; background: var(--page); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 1.6rem 0 .5rem; break-after: avoid }
p { margin: .3rem 0 } .dim { color: var(--dim) }
.warnings { background: var(--warn-page); color: var(--warn); border-left: 4px solid; padding: .6rem 1rem; margin: 1rem 0 }
.warnings ul { margin: .2rem 0; padding-left: 1.2rem }
.pictures { display: grid; grid-template-columns: repeat(4, 1fr); gap: .6rem }
figure { margin: 0; break-inside: avoid } figcaption { color: var(--dim); font-size: .85rem }
figure svg, figure img { display: block; max-width: 100%; max-height: 27rem; border-radius: 4px; background: #000 }
figure img { background: none; margin: auto }
figure path { fill: none; stroke-width: 1.1 }
figure text { font: 600 8px sans-serif; paint-order: stroke; stroke: #000; stroke-width: 1.6px }
figure text.side { fill: #fff }
.both { display: grid; grid-template-columns: 1fr 2fr; gap: 1.5rem; align-items: center }
.chart { width: 100%; background: none }
.chart text { font: 12px sans-serif; fill: var(--ink) } .chart .head { font-weight: 600 }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100%; font-size: .85rem; font-variant-numeric: tabular-nums }
th, td { padding: .25rem .4rem; text-align: right; border-bottom: 1px solid var(--line); vertical-align: bottom }
th:first-child, td:first-child { text-align: left; white-space: nowrap } tr { break-inside: avoid }
.dot { display: inline-block; width: .7em; height: .7em; border-radius: 50%; margin-right: .4em }
@media (max-width: 45rem) { .pictures { grid-template-columns: repeat(2, 1fr) } .both { grid-template-columns: 1fr } }
@media print { body { font-size: 9.5pt; padding: 0; max-width: none } table { font-size: 7pt } th, td { padding: .15rem .2rem }
  .wide { overflow: visible } * { print-color-adjust: exact; -webkit-print-color-adjust: exact } }
"""


def report_html(segmentation: Segmentation, report: Mapping[str, Any]) -> str:
    """Make the page.

    Args:
        segmentation: The segmentation, with its channels.
        report: Content of its report.json.

    Returns:
        HTML.
    """
    discs = report["discs"]
    span = discs[0]["level"] if len(discs) == 1 else f"{discs[0]['level']} to {discs[-1]['level']}"
    body = [
        "<h1>Intervertebral discs</h1>",
        f'<p class="dim">{len(discs)} {"disc" if len(discs) == 1 else "discs"}, {span}. {_channels(report["channels"])}</p>',
        _findings(report),
        _pictures(segmentation),
        f'<h2>Height and volume by level</h2><div class="both">{_rendered(segmentation.surfaces)}{levels_chart(discs)}</div>',
        "<h2>Measurements</h2>",
        _table(measurements_table(report), _dot),
        _lordosis(report),
        "<h2>Contrast of the discs against everything else</h2>",
        _table(contrast_table(report)),
        _agreement(report["metrics"]),
        _making(report),
    ]
    head = (
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Intervertebral discs</title><style>{_STYLE}</style>"
    )
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n' + "\n".join(body) + "\n</body></html>\n"


def _channels(channels: Mapping[str, Sequence[str]]) -> str:
    given = ", ".join(PLAIN_NAMES[name] for name in channels["given"])
    derived = ", ".join(PLAIN_NAMES[name] for name in channels["derived"])
    return f"Channels loaded: {given}." + (f" Computed from them: {derived}." if derived else "")


def _findings(report: Mapping[str, Any]) -> str:
    """Findings about the case and flags of the discs, or that there are none."""
    sentences = [escape(finding["text"]) for finding in report["findings"]]
    for disc in reversed(report["discs"]):
        sentences += [f"<b>{disc['level']}</b> {escape(flag['text'])}" for flag in disc["flags"]]
    if not sentences:
        return '<p class="dim">No warnings.</p>'
    items = "".join(f"<li>{sentence}</li>" for sentence in sentences)
    return f'<div class="warnings"><b>Check</b><ul>{items}</ul></div>'


def _pictures(segmentation: Segmentation) -> str:
    names = [name for name in CHANNELS if name in segmentation.case.channels]
    rows = []
    for kind, title in ((SAGITTAL, "Mid-sagittal"), (CORONAL, "Coronal")):
        plane = spine_plane(segmentation, kind)
        figures = []
        for name in names:
            caption = PLAIN_NAMES[name] + (" (computed)" if name in segmentation.case.derived else "")
            picture = channel_svg(segmentation.case.channels[name], plane, f"{title}, {caption}")
            figures.append(f"<figure>{picture}<figcaption>{caption}</figcaption></figure>")
        rows.append(f'<h2>{title}, along the spine</h2><div class="pictures">{"".join(figures)}</div>')
    return "".join(rows)


def _rendered(surfaces: Mapping[str, vtkPolyData]) -> str:
    picture = f'<img src="{png_uri(render_surfaces(surfaces))}" alt="Surfaces of the discs">'
    return f"<figure>{picture}<figcaption>from the front left</figcaption></figure>"


def _dot(level: str) -> str:
    return f'<span class="dot" style="background:{css_colour(level)}"></span>{level}'


def _table(table: TextTable, name: Callable[[str], str] = escape) -> str:
    """A table as HTML. name: makes the HTML of a row's first cell of its text."""
    head = "".join(f"<th>{heading}</th>" for heading in table.headings)
    rows = [
        f"<tr><td>{name(first)}</td>" + "".join(f"<td>{text}</td>" for text in rest) + "</tr>" for first, *rest in table.rows
    ]
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _lordosis(report: Mapping[str, Any]) -> str:
    angle = report["lumbar_lordosis_deg"]
    note = "Heights in each disc's own frame; fat fraction is that of the signal, not the proton density fat fraction."
    if angle is not None:
        note = f"Lordosis between the mid-planes of L5-S1 and L1-L2: {angle:.1f}°. {note}"
    return f'<p class="dim">{note}</p>'


def _agreement(metrics: Mapping[str, Any] | None) -> str:
    """The tables of agreement with a reference; nothing without one."""
    if metrics is None:
        return ""
    table = _table(agreement_table(metrics))
    return f'<h2>Agreement with the reference</h2>{table}<p class="dim">{escape(agreement_summary(metrics))}</p>'


def _making(report: Mapping[str, Any]) -> str:
    """Model, versions and times."""
    model, engine = report["model"], report["engine"]
    sums = ", ".join(f"{role} {digest[:12]}" for role, digest in model["sha256"].items())
    versions = ", ".join(f"{escape(name)} {escape(number)}" for name, number in report["versions"].items())
    times = ", ".join(f"{escape(stage)} {seconds:.2f}" for stage, seconds in report["timings_s"].items())
    computed = f" on {escape(engine['name'])} {escape(engine['version'])} ({escape(engine['device'])})" if engine else ""
    return (
        f'<h2>How this was made</h2><p class="dim">Model {escape(model["name"])}{f" ({sums})" if sums else ""}{computed}. '
        f"{versions}. Seconds: {times}. For research, not for diagnosis.</p>"
    )
