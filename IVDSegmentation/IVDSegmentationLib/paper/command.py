"""`ivdseg paper`: its options, and what it says at the end."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import InputError, TrainingError


def add_parser(commands: Any, path_type: Callable[[str], Path]) -> argparse.ArgumentParser:
    """Add the command to those of `ivdseg`.

    Args:
        commands: What `add_subparsers` made.
        path_type: Makes a path of an argument.

    Returns:
        The parser of the command.
    """
    parser: argparse.ArgumentParser = commands.add_parser("paper", help="reproduce the paper's systems and tables")
    parser.add_argument("--data", type=path_type, default=os.environ.get("IVDSEG_DATA") or None,
                        help="folder of ivdm3seg or ivdm3seg-patches (default: $IVDSEG_DATA)")  # fmt: skip
    parser.add_argument("--preset", choices=("paper", "paper-fast"), default="paper-fast",
                        help="the paper's schedule, for a GPU, or one that two CPU cores can run (default)")  # fmt: skip
    parser.add_argument("--table", choices=("I", "III", "IV", "V", "augmentation", "speed"), help="one of them; default: all")
    parser.add_argument("-o", "--output", type=path_type, required=True, metavar="RUNS",
                        help="trainings, scores, paper.md; a later call resumes them")  # fmt: skip
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Args:
        options: As the parser of `add_parser` gives them.

    Raises:
        InputError: There is no data, matplotlib is missing, or the folder holds other runs.
        OutputError: The folder cannot be written.
        TrainingError: Something failed; everything else is done then.
    """
    from .presets import PRESETS
    from .reproduce import PAGE, reproduce
    from .systems import TABLES

    if options.data is None:
        raise InputError("no training data is given: name its folder with --data, or set IVDSEG_DATA to it")
    tables = TABLES if options.table is None else (options.table,)
    failures = reproduce(options.data, PRESETS[options.preset], tables, options.output)
    print(f"{', '.join(tables)} -> {options.output / PAGE}")
    if failures:
        raise TrainingError(
            f"{len(failures)} failed, and everything else is done: {PAGE} says which and why; the same call tries them again"
        )
