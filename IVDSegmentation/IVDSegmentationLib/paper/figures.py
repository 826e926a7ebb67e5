"""A figure for each table of Dice: a dot for every held-out volume, our mean, and the paper's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..atomic import atomic_file
from . import published
from .page import Outcome
from .scores import VOLUME
from .systems import row_title, rows_of, systems


def write_figures(folder: Path, outcome: Outcome, tables: Sequence[str]) -> None:
    """Write `table-NAME.svg` for every table of Dice that has a finished system.

    Args:
        folder: Receives them; created where it is missing.
        outcome: What is there so far.
        tables: Some of systems.TABLES.

    Raises:
        OutputError: A file cannot be written.
    """
    each_set = outcome.preset.localizer_of_each_set
    for table in (name for name in tables if name not in ("I", "speed")):
        rows = [(row, key) for row, key in rows_of(table, each_set) if key in outcome.scores]
        if rows:
            folder.mkdir(parents=True, exist_ok=True)
            _draw(folder / f"table-{table}.svg", table, rows, outcome)


def _draw(path: Path, table: str, rows: Sequence[tuple[str, str]], outcome: Outcome) -> None:
    """One figure: a row for each system."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    known = systems(outcome.preset.localizer_of_each_set)
    figure = Figure(figsize=(7, 1.2 + 0.35 * len(rows)), layout="constrained")
    axes = figure.add_subplot(xlabel="Dice by volume, %")
    names = []
    for height, (row, key) in enumerate(rows):
        values = [100 * score.dice for score in outcome.scores[key] if score.disc == VOLUME]
        axes.plot(values, [height] * len(values), "o", markersize=4, alpha=0.5, color="tab:blue")
        axes.plot([sum(values) / len(values)], [height], "|", markersize=16, color="tab:blue")
        if (paper := published.DICE.get((table, row))) is not None:
            axes.plot([paper[0]], [height], "|", markersize=16, color="tab:red")
        names.append(row_title(table, row, known[key]))
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_title(f"{outcome.preset.name}: each volume and mean (blue), the paper's mean (red)", fontsize="medium")
    # The same figures give the same file: no date, no random identifiers; text stays text.
    with rc_context({"svg.hashsalt": "ivdseg", "svg.fonttype": "none"}), atomic_file(path) as temporary:
        figure.savefig(temporary, metadata={"Date": None})
