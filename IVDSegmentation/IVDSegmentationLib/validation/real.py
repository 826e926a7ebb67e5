"""Real volumes, as they are and in other forms, through the whole pipeline: what is found, how it is outlined and named."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..dixon.case import case_from_volumes
from ..errors import InputError
from ..networks.models import Model
from ..pipeline.located import LEVELS_ROLE
from ..pipeline.segment import Pipeline
from ..pipeline.segmentation import Segmentation
from ..training.folds import split
from ..training.level_cases import folds_of, networks_of_fold
from ..training.level_fit import read_fit
from ..training.loop import trained_network
from ..training.scans import Scan
from ..training.true_levels import level_at
from .variants import VARIANTS, Exam

FOUND = 0.5
"""Share of a disc's voxels that the result must hold for it to be found, and that must be in view for it to be looked for."""
FALSE_POSITIVE = 0.8
"""Share of a disc of the result in surely no disc from which it is one."""


@dataclass(frozen=True)
class RealCheck:
    """How one form of one scan went.

    Attributes:
        source: Of the scan.
        name: Of the scan.
        variant: One of VARIANTS.
        discs: Labelled discs in view.
        found: How many of them the result holds.
        dice: Of each of them, where the reference outlines discs as a whole.
        recall: Share of the surely-disc voxels that the result holds, where it does not; None elsewhere.
        outside: Share of the result's voxels in surely no disc; None where nothing is found.
        false_positives: Discs of the result that lie in surely no disc.
        wrong: Discs of the result with another name than their true one, as `is:should be`.
        warned: Whether the result says that its names are uncertain.
        refused: The message, where there is no result; else empty.
    """

    source: str
    name: str
    variant: str
    discs: int = 0
    found: int = 0
    dice: tuple[float, ...] = ()
    recall: float | None = None
    outside: float | None = None
    false_positives: int = 0
    wrong: tuple[str, ...] = ()
    warned: bool = False
    refused: str = ""


PipelineOf = Callable[[Scan], Pipeline]
"""The pipeline that a scan goes through."""


def check_real(
    scans: Sequence[Scan], variants: Iterable[str], pipeline_of: PipelineOf, every: int = 1, seed: int = 0
) -> list[RealCheck]:
    """Segment scans in several forms, and compare with what is known of them.

    Args:
        scans: Of sources.WHOLE_SOURCES.
        variants: Names of VARIANTS.
        pipeline_of: Which pipeline a scan goes through.
        every: Of the forms but the first take every so many scans only, others for each form.
        seed: Of noise and other random changes.

    Returns:
        One check an exam; a form that a scan does not have is left out.
    """
    from tqdm import tqdm

    asked = [
        (scan, name)
        for number, name in enumerate(variants)
        for place, scan in enumerate(scans)
        if number == 0 or place % every == number % every
    ]
    checks = []
    for scan, name in tqdm(asked, desc="exams", unit="exam"):
        exam = VARIANTS[name](scan, np.random.default_rng(seed))
        if exam is not None:
            checks.append(check_exam(scan, name, exam, pipeline_of(scan)))
    return checks


def check_exam(scan: Scan, variant: str, exam: Exam, pipeline: Pipeline) -> RealCheck:
    """Segment one exam and compare.

    Args:
        scan: What it is a form of.
        variant: Its name.
        exam: The form.
        pipeline: Segments it.

    Returns:
        How it went.
    """
    try:
        result = pipeline.segment(case_from_volumes(exam.volumes, f"{scan.source} {scan.name}"))
    except InputError as error:
        return RealCheck(scan.source, scan.name, variant, refused=str(error))
    return _compared(scan, variant, exam, result)


def _compared(scan: Scan, variant: str, exam: Exam, result: Segmentation) -> RealCheck:
    from scipy import ndimage

    predicted = result.label_volume.voxels
    turn, offset = exam.to_scan[:3, :3], exam.to_scan[:3, 3]

    def seen(of_scan: np.ndarray) -> np.ndarray:
        moved = ndimage.affine_transform(of_scan.astype(np.uint8), turn, offset, predicted.shape, order=0, cval=0)
        return np.asarray(moved)

    truth, known = seen(scan.discs), seen(scan.known) > 0
    share = abs(float(np.linalg.det(turn)))  # scan voxels in one of the exam's
    whole = np.bincount(scan.discs.ravel(), minlength=256)
    there = np.bincount(truth.ravel(), minlength=256)
    numbers = [n for n in range(1, 256) if whole[n] and there[n] * share >= FOUND * whole[n]]
    together = np.histogram2d(truth.ravel(), predicted.ravel(), bins=(np.arange(257), np.arange(257)))[0]
    size = np.bincount(predicted.ravel(), minlength=256)
    found = [n for n in numbers if together[n, 1:].sum() >= FOUND * there[n]]
    dice: list[float] = []
    recall = None
    if scan.outlined:
        best = {n: 1 + int(np.argmax(together[n, 1:])) for n in numbers}
        dice = [float(2 * together[n, best[n]] / (there[n] + size[best[n]])) for n in numbers]
    elif numbers:
        recall = float(together[numbers, 1:].sum() / there[numbers].sum())
    nowhere = (truth == 0) & known
    outside = np.bincount(predicted[nowhere].ravel(), minlength=256)
    labels = [int(n) for n in np.flatnonzero(size) if n]
    wrong = []
    for disc in result.found:
        center = ndimage.center_of_mass(predicted == disc.label) if size[disc.label] else None
        true = None if center is None else level_at(scan, tuple(float(c) for c in turn @ np.array(center) + offset))
        if true is not None and true != disc.level:
            wrong.append(f"{disc.level}:{true}")
    return RealCheck(
        scan.source,
        scan.name,
        variant,
        discs=len(numbers),
        found=len(found),
        dice=tuple(dice),
        recall=recall,
        outside=float(outside[1:].sum() / size[1:].sum()) if labels else None,
        false_positives=sum(bool(outside[n] >= FALSE_POSITIVE * size[n]) for n in labels),
        wrong=tuple(wrong),
        warned=any(one.kind.uncertain_levels for one in result.run_findings),
    )


@dataclass
class _Sums:
    """Counts of a row of the table."""

    exams: int = 0
    refused: int = 0
    discs: int = 0
    found: int = 0
    false_positives: int = 0
    right: int = 0
    right_warned: int = 0
    wrong_warned: int = 0
    silent: list[str] = field(default_factory=list)
    dice: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    outside: list[float] = field(default_factory=list)


def table(checks: Sequence[RealCheck], by: Callable[[RealCheck], str] = lambda check: check.variant) -> str:
    """The checks as a Markdown table, and below it the exams whose names were wrong without a warning.

    Args:
        checks: At least one.
        by: What a row is about.

    Returns:
        Lines.
    """
    rows: dict[str, _Sums] = {}
    for check in checks:
        row = rows.setdefault(by(check), _Sums())
        row.exams += 1
        if check.refused:
            row.refused += 1
            continue
        row.discs += check.discs
        row.found += check.found
        row.false_positives += check.false_positives
        row.dice += check.dice
        row.recall += [] if check.recall is None else [check.recall]
        row.outside += [] if check.outside is None or check.recall is None else [check.outside]
        row.right += not check.wrong
        row.right_warned += not check.wrong and check.warned
        row.wrong_warned += bool(check.wrong) and check.warned
        if check.wrong and not check.warned:
            row.silent.append(f"{check.source} {check.name}, {check.variant}: {', '.join(check.wrong)}")
    lines = [
        "| exams | number | refused | found | Dice | recall | in no disc | false positives | names right | right but warned "
        "| wrong and warned | wrong and silent |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = [
            name, row.exams, row.refused, f"{row.found} of {row.discs}", _mean(row.dice), _mean(row.recall),
            _mean(row.outside), row.false_positives, row.right, row.right_warned, row.wrong_warned, len(row.silent),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(str(cell) for cell in cells)} |")
    silent = [one for row in rows.values() for one in row.silent]
    return "\n".join([*lines, *(["", "Wrong and silent:"] if silent else []), *(f"- {one}" for one in silent)])


def _mean(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f}" if values else ""


def crossvalidated(scans: Sequence[Scan], runs: Path, pipeline_of_fold: Callable[[Path, int], Pipeline]) -> PipelineOf:
    """Networks that have not seen a scan's subject.

    Args:
        scans: Everything that the trainings were split from.
        runs: Folder of the runs, with `levels/fold-N` for every fold.
        pipeline_of_fold: Loads the networks of a fold.

    Returns:
        Which pipeline a scan goes through.

    Raises:
        InputError: There are no folds.
    """
    count = folds_of(runs)
    fold_of = {scan.subject: fold for fold in range(count) for scan in split(scans, fold, count)[1]}
    pipelines: dict[int, Pipeline] = {}

    def pipeline_of(scan: Scan) -> Pipeline:
        fold = fold_of[scan.subject]
        if fold not in pipelines:
            pipelines[fold] = pipeline_of_fold(runs, fold)
        return pipelines[fold]

    return pipeline_of


def pipeline_of_fold(runs: Path, fold: int) -> Pipeline:
    """The networks of a fold, with the reading of levels that was fitted without its subjects.

    Args:
        runs: Folder with `localizer/fold-N`, `segmenter/fold-N`, `levels/fold-N` and `levels-fit`.
        fold: N.

    Returns:
        The pipeline.

    Raises:
        InputError: One of them is missing.
    """
    networks = {**networks_of_fold(runs, fold), "segmenter": trained_network(runs / "segmenter" / f"fold-{fold}")}
    card = {LEVELS_ROLE: {"chain": read_fit(runs / "levels-fit", fold).as_card()}}
    return Pipeline(Model(f"fold-{fold}", card, networks))
