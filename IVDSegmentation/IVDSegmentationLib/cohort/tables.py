"""The tables of a cohort, made from the folders of its cases: measurements.parquet and .csv, cases.parquet."""

from __future__ import annotations

import csv
from array import array
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..atomic import atomic_file
from .task import DONE, read_case_file

if TYPE_CHECKING:
    import pyarrow

MEASUREMENTS, MEASUREMENTS_CSV, CASES = "measurements.parquet", "measurements.csv", "cases.parquet"

OUTLIER = 3.5
"""Modified z-score, 0.6745 (x - median) / MAD, from which a measurement counts as an outlier: Iglewicz and Hoaglin, How to
Detect and Handle Outliers (1993), as the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.17, recommends."""

LEAST_FOR_OUTLIERS = 10
"""Discs of one level from which there is a distribution to lie outside of."""

_COMPARED = ("volume_mm3", "mean_height_mm", "depth_mm", "width_mm")
_BATCH = 2000
_TEXTS = ("case", "level", "flags")
_CASE_COLUMNS = {
    **dict.fromkeys(("case", "status", "sentence"), "string"),
    **dict.fromkeys(("discs", "warning_count", "flag_count"), "int64"),
    **dict.fromkeys(("lowest_level", "highest_level"), "string"),
    "uncertain_levels": "bool",
    **dict.fromkeys(("warnings", "channels", "model"), "string"),
    **dict.fromkeys(("least_confidence", "lumbar_lordosis_deg", "largest_z_score", "seconds"), "float64"),
}


@dataclass(frozen=True)
class CaseCard:
    """What the contact sheet shows of a case.

    Attributes:
        name: Of the case.
        status: As in its row.
        sentence: Why it has no result.
        levels: Lowest and highest disc.
        discs: Their number.
        uncertain: Whether the names of the levels may be wrong.
        warnings: Sentences about the case.
        flags: Number of flags of its discs.
        z_score: The largest modified z-score of its measurements among all discs of the level, 0 where there is none.
        outlier: The measurement and level of that score, in words.
    """

    name: str
    status: str
    sentence: str = ""
    levels: str = ""
    discs: int = 0
    uncertain: bool = False
    warnings: str = ""
    flags: int = 0
    z_score: float = 0.0
    outlier: str = ""

    @property
    def marks(self) -> tuple[str, ...]:
        """All of KINDS that the case is, in their order; `clear` where there is nothing to look at."""
        if self.status != DONE:
            return ("failed",)
        true = {
            "uncertain": self.uncertain,
            "flagged": self.flags > 0,
            "outlier": self.z_score >= OUTLIER,
            "warned": bool(self.warnings) and not self.uncertain,
        }
        return tuple(mark for mark, holds in true.items() if holds) or ("clear",)

    @property
    def kind(self) -> str:
        """What needs a look first: the first of its marks."""
        return self.marks[0]


KINDS = ("failed", "uncertain", "flagged", "outlier", "warned", "clear")
"""The kinds of cases in the order in which a person looks at them."""


def write_tables(output: Path, names: Sequence[str]) -> list[CaseCard]:
    """Write the tables of a cohort from the folders of its cases.

    Args:
        output: Folder of the cohort.
        names: The cases; those without a readable file in their folder are left out.

    Returns:
        The cards of the contact sheet, what needs a look first on top.

    Raises:
        OutputError: The folder cannot be written.
    """
    columns, spreads = _survey(output, names)
    cards = []
    with ExitStack() as stack:
        measurements = stack.enter_context(_ParquetTable(output / MEASUREMENTS, columns))
        cases = stack.enter_context(_ParquetTable(output / CASES, _CASE_COLUMNS))
        text = stack.enter_context(_CsvTable(output / MEASUREMENTS_CSV, list(columns)))
        for content in _contents(output, names):
            score, words = _largest_z_score(content["discs"], spreads)
            row = content["case"]
            cases.add({**row, "largest_z_score": score if content["discs"] else None})
            cards.append(_card(row, score, words))
            for disc in content["discs"]:
                measurements.add(disc)
                text.add(disc)
    return sorted(cards, key=lambda card: (KINDS.index(card.kind), -card.flags, -card.z_score, card.name))


def _contents(output: Path, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    for name in names:
        content = read_case_file(output / "cases" / name)
        if content is not None:
            yield content


def _survey(output: Path, names: Sequence[str]) -> tuple[dict[str, str], dict[tuple[str, str], tuple[float, float]]]:
    """The columns of the measurements with their types, and median and MAD of each level's compared measurements."""
    columns: dict[str, str] = dict.fromkeys(_TEXTS[:2], "string")
    values: dict[tuple[str, str], array[float]] = defaultdict(lambda: array("d"))
    for content in _contents(output, names):
        for disc in content["discs"]:
            for column in disc:
                if column not in columns:
                    columns[column] = _type_of(column)
            for measurement in _COMPARED:
                if disc.get(measurement) is not None and not disc.get("cut"):
                    values[disc["level"], measurement].append(disc[measurement])
    spreads = {}
    for key, found in values.items():
        if len(found) >= LEAST_FOR_OUTLIERS:
            every = np.array(found)
            median = float(np.median(every))
            spreads[key] = median, float(np.median(np.abs(every - median)))
    return columns, spreads


def _type_of(column: str) -> str:
    if column in _TEXTS:
        return "string"
    return {"cut": "bool", "label": "int64"}.get(column, "float64")


def _largest_z_score(
    discs: Sequence[Mapping[str, Any]], spreads: Mapping[tuple[str, str], tuple[float, float]]
) -> tuple[float, str]:
    """The largest modified z-score of a case's discs, and what has it."""
    largest, words = 0.0, ""
    for disc in discs:
        for measurement in _COMPARED:
            median, mad = spreads.get((disc["level"], measurement), (0.0, 0.0))
            if mad > 0 and disc.get(measurement) is not None and not disc.get("cut"):
                score = 0.6745 * abs(disc[measurement] - median) / mad
                if score > largest:
                    largest, words = score, f"{measurement.rsplit('_', 1)[0].replace('_', ' ')} of {disc['level']}"
    return largest, words


def _card(row: Mapping[str, Any], score: float, words: str) -> CaseCard:
    lowest, highest = row.get("lowest_level", ""), row.get("highest_level", "")
    return CaseCard(
        name=str(row["case"]),
        status=str(row["status"]),
        sentence=str(row.get("sentence", "")),
        levels=lowest if lowest == highest else f"{lowest} to {highest}",
        discs=int(row.get("discs", 0)),
        uncertain=bool(row.get("uncertain_levels")),
        warnings=str(row.get("warnings", "")),
        flags=int(row.get("flag_count", 0)),
        z_score=score,
        outlier=words,
    )


class _ParquetTable:
    """A Parquet file that is written in batches, whole or not at all."""

    def __init__(self, path: Path, columns: Mapping[str, str]) -> None:
        import pyarrow

        types = {"string": pyarrow.string(), "bool": pyarrow.bool_(), "int64": pyarrow.int64(), "float64": pyarrow.float64()}
        self._schema: pyarrow.Schema = pyarrow.schema([(name, types[kind]) for name, kind in columns.items()])
        self._path, self._rows, self._stack = path, list[dict[str, Any]](), ExitStack()

    def __enter__(self) -> _ParquetTable:
        from pyarrow.parquet import ParquetWriter

        temporary = self._stack.enter_context(atomic_file(self._path))
        self._writer = self._stack.enter_context(ParquetWriter(temporary, self._schema, compression="zstd"))
        return self

    def __exit__(self, *raised: Any) -> None:
        if raised[0] is None:
            self._flush()
        self._stack.__exit__(*raised)

    def add(self, row: dict[str, Any]) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH:
            self._flush()

    def _flush(self) -> None:
        import pyarrow

        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, schema=self._schema))
            self._rows = []


class _CsvTable:
    """A CSV file, whole or not at all."""

    def __init__(self, path: Path, columns: list[str]) -> None:
        self._path, self._columns, self._stack = path, columns, ExitStack()

    def __enter__(self) -> _CsvTable:
        temporary = self._stack.enter_context(atomic_file(self._path))
        file = self._stack.enter_context(temporary.open("w", encoding="utf-8", newline=""))
        self._writer = csv.DictWriter(file, self._columns, lineterminator="\n")
        self._writer.writeheader()
        return self

    def __exit__(self, *raised: Any) -> None:
        self._stack.__exit__(*raised)

    def add(self, row: dict[str, Any]) -> None:
        self._writer.writerow(row)
