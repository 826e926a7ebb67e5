"""The command `fit`, and what `train levels` and `check --real` do."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import InputError

if TYPE_CHECKING:
    from ..training.presets import Preset
    from ..training.scans import Scan


def add_fit(commands: argparse._SubParsersAction[Any], path: Callable[[str], Path]) -> None:
    """Add the command `fit`.

    Args:
        commands: Of the parser.
        path: Makes a path of an argument.
    """
    fit = commands.add_parser("fit", help="fit how levels are read, on networks that have not seen the subjects")
    fit.add_argument("what", choices=("levels",))
    fit.add_argument("--data", type=path, default=os.environ.get("IVDSEG_DATA") or None,
                     help="folder of the sources (default: $IVDSEG_DATA)")  # fmt: skip
    fit.add_argument("--runs", type=path, required=True, metavar="FOLDER",
                     help="holds localizer/fold-N and levels/fold-N of every fold")  # fmt: skip
    fit.add_argument("-o", "--output", type=path, required=True, metavar="FOLDER", help="fit.json and the reliability diagram")
    fit.set_defaults(run=_fit)


def _whole_scans(data: Path | None) -> list[Scan]:
    from ..training.sources import WHOLE_SOURCES, read_scans

    if data is None:
        raise InputError("no data are given: name their folder, or set IVDSEG_DATA to it")
    return read_scans(data, WHOLE_SOURCES)


def _fit(options: argparse.Namespace) -> None:
    from ..training.level_cases import folds_of, held_out_cases
    from ..training.level_fit import describe_fit, fit_levels, write_fit

    scans = _whole_scans(options.data)
    fit = fit_levels(held_out_cases(scans, options.runs, folds_of(options.runs)))
    write_fit(fit, options.output)
    print(describe_fit(fit))


def train_levels_command(options: argparse.Namespace, scans: list[Scan], preset: Preset) -> None:
    """`ivdseg train levels`.

    Args:
        options: localizer, start, output, seed.
        scans: Training scans of all sources.
        preset: The preset.

    Raises:
        InputError: The localizer's training is not finished.
        TrainingError: The training diverged.
    """
    from ..networks.models import load_model
    from ..training.level_train import train_levels
    from ..training.loop import load_trained, trained_network
    from ..training.sources import WHOLE_SOURCES

    network = load_model().networks["localizer"] if options.localizer is None else trained_network(options.localizer)
    start = None if options.start is None else load_trained(options.start)
    whole = [scan for scan in scans if scan.source in WHOLE_SOURCES]
    train_levels(whole, network, preset, options.output, seed=options.seed, start=start)


def check_real_command(options: argparse.Namespace) -> None:
    """`ivdseg check --real`.

    Args:
        options: real, crossvalidated, variants, every, model.

    Raises:
        InputError: Data or runs are missing, or a variant is unknown.
    """
    from ..pipeline.segment import Pipeline
    from ..validation.real import check_real, crossvalidated, pipeline_of_fold, table
    from ..validation.variants import VARIANTS

    variants = options.variants or list(VARIANTS)
    if unknown := sorted(set(variants) - set(VARIANTS)):
        raise InputError(f"{unknown[0]} is no form of an examination: use {', '.join(VARIANTS)}")
    scans = _whole_scans(options.real)
    if options.crossvalidated is None:
        pipeline = Pipeline(options.model)
        checks = check_real(scans, variants, lambda scan: pipeline, options.every)
    else:
        checks = check_real(scans, variants, crossvalidated(scans, options.crossvalidated, pipeline_of_fold), options.every)
    print(table(checks))
    print()
    print(table([check for check in checks if check.variant == variants[0]], by=lambda check: check.source))
