"""Fitting how levels are read: the chain's few parameters, the calibration of its probability, the limit of the warning."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from ..atomic import atomic_file
from ..errors import InputError
from ..levels.chain import SACRAL, STATES, ChainParameters, log_probability, read_chain
from ..levels.evidence import CLASSES, Evidence
from .calibration import check_matplotlib
from .level_truth import UNKNOWN

START = ChainParameters(1.0, -3.0, -1.0, (3.55, 0.0, -0.004), 0.18, (1.0, 0.0, 0.0, 0.0), 0.5)
"""Where the search begins; nothing of it stays but the order of magnitude."""

MOST_CASES = 160
"""So many cases, at random, suffice for three parameters."""

BINS = 10
"""Of the reliability diagram."""


@dataclass(frozen=True)
class ChainCase:
    """The candidates of one volume with the truth.

    Attributes:
        fold: In which its person was left out.
        name: Of the volume.
        variant: How it was changed.
        centers_mm: (n, 3), caudal to cranial.
        evidence: Of that fold's networks, which have not seen the person.
        classes: Of each candidate, index of CLASSES or UNKNOWN.
        levels: Of each candidate its place in SPINE where that is known, negative further down the sacrum; None elsewhere.
    """

    fold: int
    name: str
    variant: str
    centers_mm: np.ndarray
    evidence: Evidence
    classes: tuple[int, ...]
    levels: tuple[int | None, ...]

    def allowed(self) -> np.ndarray:
        """The readings of each candidate that are right.

        Returns:
            bool (n, states + 1), as of chain.allowed_like.
        """
        allowed = np.ones((len(self.classes), len(STATES) + 1), bool)
        for row, (kind, level) in enumerate(zip(self.classes, self.levels, strict=True)):
            if level is not None and level >= 1:
                allowed[row] = False
                allowed[row, SACRAL + level] = True
            elif kind in (0, len(CLASSES) - 1) or (level is not None and level < 1):
                allowed[row, SACRAL + 1 : -1] = False
            elif kind != UNKNOWN:
                allowed[row, : SACRAL + kind] = False
                allowed[row, -1] = False
        return allowed

    def right(self, levels: Sequence[int | None]) -> bool:
        """Whether a reading gives every disc its own name. What is no disc and has a name is an error of another kind.

        Args:
            levels: Of each candidate, as chain.Reading.levels.

        Returns:
            True where all are right.
        """
        rows = self.allowed()
        rows[[kind == len(CLASSES) - 1 for kind in self.classes]] = True
        return all(
            rows[n, SACRAL + level] if level is not None else bool(rows[n, :SACRAL].any() or rows[n, -1])
            for n, level in enumerate(levels)
        )


def fit_chain(cases: Sequence[ChainCase]) -> ChainParameters:
    """Fit the parameters of the chain, but not its calibration.

    Steps and their spread are those between neighbours of known level, by least squares; weight, gap, stray make the true
    readings as probable as can be (maximum conditional likelihood; Lafferty et al., ICML 2001), by Nelder and Mead's method.

    Args:
        cases: Of people.

    Returns:
        The parameters.
    """
    from scipy.optimize import minimize

    steps, middles = [], []
    for case in cases:
        known = [n for n, level in enumerate(case.levels) if level is not None and level >= 1]
        for low, high in pairwise(known):
            if (case.levels[high] or 0) - (case.levels[low] or 0) == 1:
                steps.append(np.log(np.linalg.norm(case.centers_mm[high] - case.centers_mm[low])))
                middles.append((case.levels[low] or 0) + 0.5)
    at = np.array(middles)
    design = np.stack([np.ones_like(at), at, at**2], 1)
    a, b, c = np.linalg.lstsq(design, np.array(steps))[0]
    spread = float(np.sqrt(np.mean(np.square(np.array(steps) - design @ [a, b, c]))))
    first = replace(START, step=(float(a), float(b), float(c)), spread=max(spread, 0.05))
    cases = [cases[n] for n in np.random.default_rng(0).permutation(len(cases))[:MOST_CASES]]
    truths = [case.allowed() for case in cases]

    def loss(values: np.ndarray) -> float:
        tried = _with(first, values)
        logs = [
            log_probability(case.centers_mm, case.evidence.levels, tried, truth)
            for case, truth in zip(cases, truths, strict=True)
        ]
        # One case that no reading fits must not rule: a log probability counts down to -12.
        return float(-np.mean(np.maximum(logs, -12.0)) + 0.002 * np.square(values).sum())

    values = np.array([np.log(first.weight), first.gap, first.stray, 0.4])
    # Steps of its own for each: those that scipy takes of a value near 0 are too small to leave it.
    simplex = np.stack([values, *(values + np.diag([0.4, 1.0, 1.0, 0.4]))])
    options = {"maxfev": 70, "xatol": 0.02, "fatol": 2e-4, "initial_simplex": simplex}
    found = minimize(loss, values, method="Nelder-Mead", options=options)
    return _with(first, found.x)


def _with(first: ChainParameters, values: np.ndarray) -> ChainParameters:
    """Parameters with the logarithm of the weight, gap, stray, and the logarithm of a factor of the spread."""
    weight, gap, stray, wider = (float(v) for v in values)
    return replace(first, weight=float(np.exp(weight)), gap=gap, stray=stray, spread=first.spread * float(np.exp(wider)))


@dataclass(frozen=True)
class Judged:
    """A volume whose levels were read with parameters that have not seen its person.

    Attributes:
        case: The volume.
        right: Whether all its names are right.
        features: Of the calibration (chain.Reading.features), (4,).
    """

    case: ChainCase
    right: bool
    features: np.ndarray


def judge(cases: Sequence[ChainCase], parameters: ChainParameters) -> list[Judged]:
    """Read the levels of volumes.

    Args:
        cases: The volumes.
        parameters: Of the chain.

    Returns:
        One a volume, in order.
    """
    judged = []
    for case in cases:
        reading = read_chain(case.centers_mm, case.evidence, parameters)
        judged.append(Judged(case, case.right(reading.levels), reading.features()))
    return judged


def fit_calibration(judged: Sequence[Judged]) -> tuple[float, float, float, float]:
    """Fit P(all names are right) by logistic regression with a little ridge (Platt, 1999, with two more features).

    Args:
        judged: Volumes.

    Returns:
        As ChainParameters.calibration.
    """
    from scipy.optimize import minimize

    features = np.stack([one.features for one in judged])
    truth = np.array([one.right for one in judged], float)
    # Platt's targets: a few volumes cannot say that something never happens.
    target = np.where(truth > 0, (truth.sum() + 1) / (truth.sum() + 2), 1 / ((1 - truth).sum() + 2))

    def loss(values: np.ndarray) -> float:
        logits = features @ values
        return float(np.mean(np.logaddexp(0, logits) - target * logits) + 1e-4 * np.square(values).sum())

    odds, begins_above, as_stored, intercept = (
        float(v) for v in minimize(loss, np.array([0.5, 0.0, 0.0, 0.0]), method="BFGS").x
    )
    return odds, begins_above, as_stored, intercept


def probabilities(judged: Sequence[Judged], calibration: Sequence[float]) -> np.ndarray:
    """What a calibration makes of volumes.

    Args:
        judged: The n volumes.
        calibration: As ChainParameters.calibration.

    Returns:
        P(all names are right) of each, (n,).
    """
    logits = np.stack([one.features for one in judged]) @ np.asarray(calibration)
    return np.asarray(1 / (1 + np.exp(-np.clip(logits, -30, 30))))


def choose_limit(probability: np.ndarray, right: np.ndarray) -> float:
    """The probability below which names are warned of: just above the surest wrong one, so that none of these was silent.

    Args:
        probability: P(all names are right), each without its own person, (n,).
        right: Whether they are, (n,).

    Returns:
        0.5 to 0.999, half way from the surest wrong volume to the next surer right one.
    """
    surest = float(probability[~right].max(initial=0.5))
    surer = probability[right & (probability > surest)]
    return float(np.clip((surest + float(surer.min(initial=1.0))) / 2, 0.5, 0.999))


def calibration_metrics(probability: np.ndarray, right: np.ndarray) -> dict[str, float]:
    """How true probabilities are.

    Args:
        probability: (n,).
        right: (n,).

    Returns:
        Expected calibration error over BINS bins (Naeini et al., AAAI 2015), logarithmic loss, Brier score.
    """
    clipped = np.clip(probability, 1e-6, 1 - 1e-6)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    error = sum(
        float((bins == n).mean()) * abs(float(probability[bins == n].mean()) - float(right[bins == n].mean()))
        for n in np.unique(bins)
    )
    return {
        "expected calibration error": round(error, 4),
        "log loss": round(float(-np.mean(np.where(right, np.log(clipped), np.log(1 - clipped)))), 4),
        "Brier score": round(float(np.mean(np.square(probability - right))), 4),
    }


@dataclass(frozen=True)
class LevelFit:
    """What `fit_levels` found.

    Attributes:
        parameters: Of all cases, for the model that is released.
        of_fold: Of all cases but a fold's, for the networks of that fold.
        judged: Every case by the parameters that have not seen its fold.
        probability: P(all names are right) of each, as these parameters say.
    """

    parameters: ChainParameters
    of_fold: tuple[ChainParameters, ...]
    judged: tuple[Judged, ...]
    probability: np.ndarray


def fit_levels(cases: Sequence[ChainCase]) -> LevelFit:
    """Fit how levels are read, for all folds and leaving out each in turn.

    Args:
        cases: Of two folds or more.

    Returns:
        Parameters and how they do on those left out.
    """
    folds = sorted({case.fold for case in cases})
    of_fold = tuple(_fitted([case for case in cases if case.fold != fold]) for fold in folds)
    judged: list[Judged] = []
    probability: list[float] = []
    for fold, parameters in zip(folds, of_fold, strict=True):
        mine = judge([case for case in cases if case.fold == fold], parameters)
        judged += mine
        probability += probabilities(mine, parameters.calibration).tolist()
    held_out = np.array(probability)
    # The limit is that of the cases left out: on those that it was fitted to, every probability flatters.
    limit = choose_limit(held_out, np.array([one.right for one in judged]))
    return LevelFit(replace(_fitted(cases), limit=limit), of_fold, tuple(judged), held_out)


def _fitted(cases: Sequence[ChainCase]) -> ChainParameters:
    """Chain, calibration and limit of some cases."""
    chain = fit_chain(cases)
    judged = judge(cases, chain)
    calibration = fit_calibration(judged)
    limit = choose_limit(probabilities(judged, calibration), np.array([one.right for one in judged]))
    return replace(chain, calibration=calibration, limit=limit)


FIT_FILE = "fit.json"


def write_fit(fit: LevelFit, folder: Path) -> None:
    """Write what was found: `fit.json`, `cases.csv`, and `reliability.svg`.

    Args:
        fit: What was found.
        folder: Created where it is missing.

    Raises:
        InputError: matplotlib, which draws the diagram, is missing.
        OutputError: The folder cannot be written.
    """
    check_matplotlib()
    folder.mkdir(parents=True, exist_ok=True)
    right = np.array([one.right for one in fit.judged])
    content = {
        "chain": fit.parameters.as_card(),
        "folds": [parameters.as_card() for parameters in fit.of_fold],
        "held out": calibration_metrics(fit.probability, right),
    }
    with atomic_file(folder / FIT_FILE) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    with atomic_file(folder / "cases.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("fold", "name", "variant", "right", "probability", "log_odds"))
        for one, probability in zip(fit.judged, fit.probability, strict=True):
            case = one.case
            rows.writerow((case.fold, case.name, case.variant, one.right, f"{probability:.4f}", f"{one.features[0]:.3f}"))
    _write_diagram(fit.probability, right, fit.parameters.limit, folder / "reliability.svg")


def read_fit(folder: Path, fold: int | None = None) -> ChainParameters:
    """The parameters that `write_fit` wrote.

    Args:
        folder: As given to it.
        fold: For the networks of this fold; None for the released model.

    Returns:
        The parameters.

    Raises:
        InputError: There are none.
        ModelError: They are not complete.
    """
    try:
        content = json.loads((folder / FIT_FILE).read_text(encoding="utf-8"))
        return ChainParameters.of({"chain": content["chain"] if fold is None else content["folds"][fold]})
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise InputError(f"{folder.name} holds no {FIT_FILE} of `ivdseg fit levels`: run it to its end") from error


def _write_diagram(probability: np.ndarray, right: np.ndarray, limit: float, path: Path) -> None:
    """The reliability diagram: share of right names against their mean probability in each bin, sized by its volumes."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(xlim=(0, 1), ylim=(0, 1.02), xlabel="P(all names right)", ylabel="share with all names right")
    axes.axline((0, 0), slope=1, linestyle="--", color="0.5", linewidth=1)
    axes.axvline(limit, color="tab:red", linewidth=1, gid="limit")
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)
    for n in np.unique(bins):
        mine = bins == n
        axes.plot(probability[mine].mean(), right[mine].mean(), "o", markersize=4 + 2 * np.log(mine.sum()), color="tab:blue")
    error = calibration_metrics(probability, right)["expected calibration error"]
    axes.set_title(f"{len(right)} volumes by networks that had not seen them, ECE {error:.3f}", fontsize="medium")
    with rc_context({"svg.hashsalt": "ivdseg", "svg.fonttype": "none"}), atomic_file(path) as temporary:
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def describe_fit(fit: LevelFit) -> str:
    """How the fit does on what was left out, for a terminal.

    Args:
        fit: What was found.

    Returns:
        A Markdown table with a row a variant, and the calibration.
    """
    right = np.array([one.right for one in fit.judged])
    silent = fit.probability >= fit.parameters.limit
    lines = ["| exams | number | right | right but warned | wrong and warned | wrong and silent |", "|---|---|---|---|---|---|"]
    for variant in sorted({one.case.variant for one in fit.judged}):
        mine = np.array([one.case.variant == variant for one in fit.judged])
        counts = [mine, mine & right, mine & right & ~silent, mine & ~right & ~silent, mine & ~right & silent]
        lines.append(f"| {variant} | {' | '.join(str(int(count.sum())) for count in counts)} |")
    metrics = calibration_metrics(fit.probability, right)
    return "\n".join([*lines, "", f"limit {fit.parameters.limit:.3f}; " + ", ".join(f"{k} {v}" for k, v in metrics.items())])
