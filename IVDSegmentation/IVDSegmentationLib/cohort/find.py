"""The cases in what a user points at: a table, a BIDS data set, a folder of cases, or a DICOM archive."""

from __future__ import annotations

import csv
import itertools
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from ..dixon.channels import CHANNELS, PLAIN_NAMES, recognise_channel
from ..dixon.dicom import dicom_files_of, find_studies
from ..errors import InputError
from ..images import is_volume_file
from ..images.regular_file import check_regular_file
from ..levels.labelling import check_known
from .case import CohortCase

Progress = Callable[[int], None]
"""Called with the number of cases found so far."""

_BIDS_ENTITY = re.compile(r"(sub|ses)-[A-Za-z0-9]+")
_BIDS_RUN = re.compile(r"_(run-[A-Za-z0-9]+)")
_BIDS_OTHERS = frozenset(("derivatives", "sourcedata", "code", "stimuli"))
"""Folders beside the subjects of a BIDS data set, which hold no examination, or the same again."""
_SEPARATORS = (",", ";", "\t")
"""Of the columns of a table; spreadsheets write semicolons where the comma is the decimal sign."""
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST_NAME = 100
_LONGEST_TABLE = 1 << 26
"""Bytes: half a million lines."""


def find_cases(source: Path, progress: Progress = lambda count: None) -> list[CohortCase]:
    """The cases of a cohort.

    Args:
        source: A CSV table (columns case, fat, in_phase, opposed_phase, water, lowest_level; paths relative to the table),
            or a folder: a BIDS data set (sub-LABEL/[ses-LABEL/]...), folders with files that are named as Dixon channels,
            or DICOM files of any number of studies.
        progress: Called as cases are found.

    Returns:
        The cases, sorted by name; no two have the same.

    Raises:
        InputError: The source is missing or holds no case, or the table has no valid header, a case twice, or a level that
            there is not.
    """
    if source.is_file():
        return _cases_of_table(source)
    if not source.is_dir():
        raise InputError(f"{source.name} does not exist: give a table (CSV), or a folder of cases or DICOM files")
    found = list(_cases_of_folder(source, progress))
    if not found:
        raise InputError(
            f"{source.name} holds no case: no folder with files named as Dixon channels, and no DICOM study with one"
        )
    return sorted(_with_names_of_their_own(found), key=lambda case: case.name)


def with_pseudonyms(cases: Iterable[CohortCase], table: Path) -> list[CohortCase]:
    """The cases under other names.

    Args:
        cases: As `find_cases` finds them.
        table: CSV with the columns case and pseudonym.

    Returns:
        The cases, sorted by pseudonym.

    Raises:
        InputError: The table cannot be read, a case has no pseudonym, or two have the same. No name is in the message.
    """
    rows = _rows_of(table, ("case", "pseudonym"))
    pseudonyms = {row["case"]: safe_name(row["pseudonym"]) for row in rows if row["pseudonym"]}
    cases = list(cases)
    missing = sum(case.name not in pseudonyms for case in cases)
    if missing:
        raise InputError(f"{table.name} has no pseudonym for {missing} of {len(cases)} cases: add them, names as in the input")
    renamed = [case.under(pseudonyms[case.name]) for case in cases]
    if len({case.name for case in renamed}) < len(renamed):
        raise InputError(f"{table.name} gives two cases the same pseudonym: make them differ")
    return sorted(renamed, key=lambda case: case.name)


def safe_name(name: str) -> str:
    """A name as a folder may be called.

    Args:
        name: Any text.

    Returns:
        Letters, digits, `.`, `_` and `-` of it, at most 100 of them; never empty, and never one that leads elsewhere.
    """
    return _UNSAFE.sub("_", name).strip("._")[:_LONGEST_NAME] or "case"


def _rows_of(table: Path, needed: Iterable[str]) -> list[dict[str, str]]:
    """The rows of a CSV file; raises InputError unless it has the needed columns."""
    check_regular_file(table)
    if table.stat().st_size > _LONGEST_TABLE:
        raise InputError(f"{table.name} is longer than {_LONGEST_TABLE >> 20} MB, and is no table of cases")
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            separator = max(_SEPARATORS, key=first.count)  # of equally many the comma
            reader = csv.DictReader(file, strict=True, delimiter=separator)
            columns = [_column(name) for name in reader.fieldnames or ()]
            rows = [{_column(key): (value or "").strip() for key, value in row.items() if isinstance(value, str)}
                    for row in reader if any(row.values())]  # fmt: skip
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table.name} cannot be read as a table: save it as CSV, UTF-8, with commas") from error
    if twice := [name for name in dict.fromkeys(columns) if name and columns.count(name) > 1]:
        raise InputError(f"{table.name} has two columns {twice[0]}: leave one of them out")
    if missing := [name for name in needed if name not in columns]:
        raise InputError(f"{table.name} has no column {missing[0]}: its first line must name the columns")
    return rows


def _column(name: str | None) -> str:
    """A column's name as this program calls it: `Opposed-phase` is opposed_phase."""
    return re.sub(r"[-\s]+", "_", (name or "").strip().lower())


def _cases_of_table(table: Path) -> list[CohortCase]:
    """The cases of a table."""
    cases: dict[str, CohortCase] = {}
    for number, row in enumerate(_rows_of(table, ("case",)), start=2):
        name = safe_name(row["case"])
        if not row["case"]:
            raise InputError(f"{table.name}, line {number}: the case has no name")
        if name in cases:
            raise InputError(f"{table.name}, line {number}: {name} is there twice")
        level = row.get("lowest_level") or None
        if level is not None:
            check_known(level)
        files = {channel: table.parent / row[channel] for channel in CHANNELS if row.get(channel)}
        fault = "" if files else f"{name} has no file of any channel in the table"
        cases[name] = CohortCase(name, files, lowest_level=level, fault=fault)
    if not cases:
        raise InputError(f"{table.name} holds no case: there must be a line for each, below the names of the columns")
    return sorted(cases.values(), key=lambda case: case.name)


def _cases_of_folder(source: Path, progress: Progress) -> Iterable[CohortCase]:
    """The cases of a folder, by files and by DICOM studies; their names may be alike."""
    studies: dict[str, set[Path]] = defaultdict(set)
    count = 0
    others = _BIDS_OTHERS if (source / "dataset_description.json").is_file() else frozenset()
    for current, folders, names in os.walk(source, followlinks=False):
        folder = Path(current)
        left_out = others if folder == source else frozenset()
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in left_out)
        volumes = sorted(folder / name for name in names if not name.startswith(".") and is_volume_file(Path(name)))
        for case in _cases_of_volumes(source, folder, volumes):
            count += 1
            progress(count)
            yield case
        if len(volumes) < len(names) and (dicom := dicom_files_of(folder)):
            try:
                found = find_studies(dicom)
            except InputError as error:
                yield CohortCase(_name_of(source, folder), folders=(folder,), study="", fault=str(error))
                continue
            for study in found:
                if study.channels:
                    studies[study.uid].add(folder)
                    progress(count + len(studies))
    for uid, holding in studies.items():
        common = Path(os.path.commonpath([str(folder) for folder in holding]))
        yield CohortCase(_name_of(source, common), folders=tuple(sorted(holding)), study=uid)


def _cases_of_volumes(source: Path, folder: Path, volumes: list[Path]) -> Iterable[CohortCase]:
    """The cases of the volume files of one folder: one, or in BIDS one for each subject, session and, of several, run."""
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    faults: dict[str, str] = {}
    channels: list[tuple[Path, str, str, str]] = []
    for path in volumes:
        entities = "_".join(match.group(0) for match in _BIDS_ENTITY.finditer(path.name))
        channel = recognise_channel(_BIDS_RUN.sub("", _BIDS_ENTITY.sub("", path.name)))
        run = _BIDS_RUN.search(path.name) if entities else None
        if channel is not None:
            channels.append((path, channel, entities, run.group(1) if run else ""))
    for path, channel, entities, run_entity in channels:
        several = len({run for _, _, own, run in channels if own == entities}) > 1
        name = "_".join(part for part in (entities, run_entity if several else "") if part) or _name_of(source, folder)
        if channel in found[name]:
            faults[name] = f"several of its files look like the {PLAIN_NAMES[channel]} channel: leave one, or give a table"
        found[name].setdefault(channel, path)
    for name, files in found.items():
        yield CohortCase(name, files, fault=faults.get(name, ""))


def _name_of(source: Path, folder: Path) -> str:
    """Name of a case from the folders between the source and it."""
    inside = folder.relative_to(source).parts
    return safe_name("_".join(inside) if inside else source.resolve().name)


def _with_names_of_their_own(cases: Iterable[CohortCase]) -> list[CohortCase]:
    """The cases, those of one name numbered: L, L-2, L-3; a number that is another case's own name is passed over."""
    cases = list(cases)
    taken: set[str] = set()
    own = {case.name for case in cases}
    named = []
    for case in cases:
        numbered = (f"{case.name}-{number}" for number in itertools.count(2))
        free = (name for name in numbered if name not in taken and name not in own)
        name = case.name if case.name not in taken else next(free)
        taken.add(name)
        named.append(case if name == case.name else replace(case, name=name))
    return named
