"""`ivdseg evaluate`: predictions against references, one pair of files or two folders, as a table by level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..findings import Finding, finding
from ..images import SUFFIXES, Volume, is_volume_file, read_volume
from ..levels.labelling import SPINE
from .agreement import LOCATED_WITHIN_MM, CaseAgreement, compare
from .dataframes import to_data_frame

if TYPE_CHECKING:
    import pandas

MASK_NAMES = ("discs", "disc", "reference", "segmentation", "labels", "mask")
"""Names of files that hold a mask beside other volumes; such a file is known by its folder."""

_COLUMNS = {
    "dice": ("Dice", 3),
    "hausdorff_mm": ("HD (mm)", 2),
    "hausdorff95_mm": ("HD95 (mm)", 2),
    "assd_mm": ("ASSD (mm)", 2),
    "volume_difference_percent": ("volume (%)", 1),
    "volume_difference_mm3": ("volume (mm3)", 0),
    "center_distance_mm": ("centre (mm)", 2),
}


@dataclass(frozen=True)
class Evaluation:
    """cases: name -> agreement, in order of name. findings: cases without a partner."""

    cases: Mapping[str, CaseAgreement]
    findings: tuple[Finding, ...] = ()

    def rows(self) -> list[dict[str, Any]]:
        """The matched discs of all cases.

        Returns:
            One flat dict a disc, with its case.
        """
        return [{"case": name, **row} for name, case in self.cases.items() for row in case.rows()]

    def to_frame(self) -> pandas.DataFrame:
        """The matched discs as a pandas table.

        Returns:
            One row a disc.

        Raises:
            OutputError: pandas is not installed.
        """
        return to_data_frame(self.rows())

    def table(self) -> str:
        """Mean and SD (of the sample) of the matched discs, by level and over all.

        Returns:
            A Markdown table, and below it how many discs were found, missed and false positive, and how many located.
        """
        rows = self.rows()
        levels = sorted({row["level"] for row in rows}, key=lambda level: (level not in SPINE, _rank(level)))
        lines = [("level", "n", *(title for title, _ in _COLUMNS.values()))]
        for level in levels:
            lines.append(_line(level or "not named", [row for row in rows if row["level"] == level]))
        if len(levels) != 1 and rows:
            lines.append(_line("all", rows))
        ruled = [lines[0], ("---",) * len(lines[0]), *lines[1:]]
        return "\n".join("| " + " | ".join(line) + " |" for line in ruled) + "\n\n" + self._counts()

    def _counts(self) -> str:
        cases = list(self.cases.values())
        missing, extra = sum(len(case.missing) for case in cases), sum(len(case.extra) for case in cases)
        discs = sum(len(case.discs) for case in cases) + missing
        located = ", ".join(
            f"{sum(case.located(mm) * (len(case.discs) + len(case.missing)) for case in cases) / discs:.1%} within {mm:g} mm"
            for mm in LOCATED_WITHIN_MM
        )
        overall = np.mean([case.overall_dice for case in cases])
        return (
            f"{len(cases)} case{'s' if len(cases) != 1 else ''}, {discs} discs in the reference: {missing} missing, "
            f"{extra} extra; located {located}.\nDice over all voxels of a case: {overall:.3f} (mean)."
        )


def evaluate(prediction: Path, reference: Path) -> Evaluation:
    """Compare a predicted label map or mask with a reference, or all of a folder with those of another.

    Folders may hold files named by case, or folders by case (at any depth) with one file of MASK_NAMES each; where there is
    one such file, files of other names are taken for images. Cases are paired by that name.

    Args:
        prediction: File or folder.
        reference: The same of the references.

    Returns:
        The agreement of every case. A reference without a prediction counts as a case whose discs are all missing; a prediction
        without a reference is left out; a finding says so.

    Raises:
        InputError: A path is missing, a file is given with a folder, no case is in both, a case has two masks, or
            `read_volume` or `compare` refuses one.
    """
    prediction, reference = Path(prediction), Path(reference)
    for path in (prediction, reference):
        if not path.exists():
            raise InputError(f"{path.name} does not exist: check the name")
    if prediction.is_dir() != reference.is_dir():
        folder, file = (prediction, reference) if prediction.is_dir() else (reference, prediction)
        raise InputError(f"{folder.name} is a folder and {file.name} a file: give two files or two folders")
    if not prediction.is_dir():
        agreement = compare(read_volume(prediction, mask=True), read_volume(reference, mask=True))
        return Evaluation({_stem(prediction): agreement})
    ours, theirs = _masks(prediction), _masks(reference)
    if not ours.keys() & theirs.keys():
        raise InputError(f"{prediction.name} and {reference.name} have no case in common: name files or folders alike in both")
    cases = {}
    findings = [finding("no_reference", name=name) for name in sorted(ours.keys() - theirs.keys())]
    for name, path in sorted(theirs.items()):
        expert = read_volume(path, mask=True)
        if name in ours:
            cases[name] = compare(read_volume(ours[name], mask=True), expert)
        else:
            cases[name] = compare(Volume(np.zeros_like(expert.voxels), expert.grid, name), expert)
            findings.append(finding("no_prediction", name=name))
    return Evaluation(cases, tuple(findings))


def _masks(folder: Path) -> dict[str, Path]:
    """Case -> file of the masks below a folder."""
    files = [path for path in sorted(folder.rglob("*")) if is_volume_file(path) and not path.name.startswith(".")]
    named = [path for path in files if _stem(path).lower() in MASK_NAMES]
    cases: dict[str, Path] = {}
    for path in named or files:
        inside = path.relative_to(folder).parent
        name = inside.as_posix() if named else (inside / _stem(path)).as_posix()
        if name in cases:
            raise InputError(f"{cases[name].name} and {path.name} are both masks of {name}: keep one of them")
        cases[name] = path
    return cases


def _stem(path: Path) -> str:
    suffix = next((end for end in sorted(SUFFIXES, key=len, reverse=True) if path.name.lower().endswith(end)), "")
    return path.name[: len(path.name) - len(suffix)]


def _rank(level: str) -> int:
    return SPINE.index(level) if level in SPINE else 0


def _line(name: str, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    cells = [name, str(len(rows))]
    for key, (_, digits) in _COLUMNS.items():
        values = [row[key] for row in rows]
        spread = f" ± {np.std(values, ddof=1):.{digits}f}" if len(values) > 1 else ""
        cells.append(f"{np.mean(values):.{digits}f}{spread}")
    return tuple(cells)
