"""Distributions of a cohort by level: a table of medians and quartiles, and reference curves as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import atomic_file
from ..errors import InputError
from ..levels.labelling import SPINE
from ..report.tables import heading
from .tables import MEASUREMENTS

if TYPE_CHECKING:
    import pandas

SUMMARY = "summary.csv"
SUMMARISED = (
    *("volume_mm3", "mean_height_mm", "anterior_height_mm", "posterior_height_mm", "depth_mm", "width_mm"),
    *("height_index", "wedge_deg", "tilt_deg", "signal_fat_fraction", "confidence"),
)
"""Names of the measurements that the summary has."""

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def summarise(output: Path) -> pandas.DataFrame:
    """Write the distributions of a cohort by level: SUMMARY, and `curves/MEASUREMENT.svg` of each measurement.

    Discs that the edge of the field of view cuts are left out.

    Args:
        output: Folder of a cohort, with its measurements.

    Returns:
        The table: level, measurement, n, and the quantiles p5, p25, median, p75, p95.

    Raises:
        InputError: The folder holds no measurements, or pandas or matplotlib is not installed.
        OutputError: The folder cannot be written.
    """
    try:
        import matplotlib  # noqa: F401  asked for before the work, not after it
        import pandas
    except ImportError as error:
        raise InputError('a summary needs pandas and matplotlib: pip install "ivdsegmentation[cohort]"') from error
    if not (output / MEASUREMENTS).is_file():
        raise InputError(f"{output.name} holds no {MEASUREMENTS}: run `ivdseg cohort INPUT -o {output.name}` first")
    discs = pandas.read_parquet(output / MEASUREMENTS)
    discs = discs[~discs["cut"].fillna(value=False).astype(bool)]
    rows = []
    for level in SPINE:
        for measurement in SUMMARISED:
            if measurement not in discs:
                continue
            values = discs.loc[discs["level"] == level, measurement].dropna()
            if len(values):
                low, lower, median, upper, high = values.quantile(list(_QUANTILES))
                rows.append(
                    {"level": level, "measurement": measurement, "n": len(values), "p5": low, "p25": lower, "median": median,
                     "p75": upper, "p95": high}
                )  # fmt: skip
    table = pandas.DataFrame(rows, columns=["level", "measurement", "n", "p5", "p25", "median", "p75", "p95"])
    with atomic_file(output / SUMMARY) as temporary:
        table.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
    curves = output / "curves"
    curves.mkdir(exist_ok=True)
    for measurement, its_rows in table.groupby("measurement"):
        with atomic_file(curves / f"{measurement}.svg") as temporary:
            _draw(str(measurement), its_rows, temporary)
    return table


def _draw(measurement: str, rows: Any, path: Path) -> None:
    """The median of a measurement by level, with the bands of the quartiles and of 5 to 95 %, as SVG; levels as in the body."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(4.2, 4.8), layout="constrained")
    FigureCanvasSVG(drawing)
    axes = drawing.add_subplot()
    at = list(range(len(rows)))
    axes.fill_betweenx(at, rows["p5"], rows["p95"], color="#4c78a8", alpha=0.18, linewidth=0, label="5 to 95 %")
    axes.fill_betweenx(at, rows["p25"], rows["p75"], color="#4c78a8", alpha=0.38, linewidth=0, label="quartiles")
    axes.plot(rows["median"], at, color="#1f4e79", marker="o", markersize=4, label="median")
    axes.set_yticks(at, [f"{level} ({n})" for level, n in zip(rows["level"], rows["n"], strict=True)])
    axes.set_xlabel(heading(measurement))
    axes.grid(axis="x", color="#cccccc", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="best")
    drawing.savefig(path, format="svg", metadata={"Date": None})
