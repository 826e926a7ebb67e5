"""The command line, `ivdseg COMMAND`. Heavy imports wait for their command."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from .. import __version__
from ..cohort.command import add_parser as add_cohort
from ..errors import InputError, OutputError
from ..paper.command import add_parser as add_paper
from ..printable import printable
from ..training.precision import PRECISIONS
from .boundary import CANNOT, guarded, run_alone, say, show, tell
from .level_commands import add_fit, check_real_command, train_levels_command
from .segment import add_parser as add_segment

if TYPE_CHECKING:
    from ..training.presets import Preset
    from ..training.scans import Scan

SOURCES = ("ivdm3seg-patches", "myosegmentum-water", "chu-vertebrae", "zukic-vertebrae", "spider-space", "ivdm3seg")
_QUIET = ("segment", "cohort", "evaluate", "phantom")
"""Commands of which the user sees our own lines alone; the others show how far they have come."""


def main(arguments: list[str] | None = None) -> int:
    """Run `ivdseg`.

    Args:
        arguments: Those of the command line; sys.argv where it is None.

    Returns:
        Exit status: 0 done, 1 the input cannot be segmented (one line on stderr says why), 2 wrong usage.
    """
    return _command(arguments)()


def _command(arguments: list[str] | None) -> Callable[[], int]:
    """The command that the arguments ask for."""
    options = _parser().parse_args(arguments)
    names = ("case", "prediction", "folder", "output", "command")
    about = next(value for name in names if (value := getattr(options, name, None)))
    return lambda: guarded(lambda: options.run(options), printable(Path(about).name), debug=options.debug)


def entry() -> NoReturn:
    """The console command."""
    arguments = sys.argv[1:]
    run_alone(_command, arguments, quiet=arguments[:1] != [] and arguments[0] in _QUIET and "--debug" not in arguments)


def _path(text: str) -> Path:
    """An argument that names a file or folder."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty")
    return Path(text)


def _count(text: str) -> int:
    """An argument that is a whole number from 0; a seed of the random numbers takes as much."""
    if not re.fullmatch(r"[0-9]{1,10}", text) or int(text) >= 2**32:
        raise argparse.ArgumentTypeError("must be a whole number from 0 to 4294967295")
    return int(text)


def _positive(text: str) -> int:
    """An argument that is a whole number from 1."""
    if _count(text) == 0:
        raise argparse.ArgumentTypeError("must be at least 1")
    return _count(text)


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in visible characters: an argument may hold those that steer a terminal."""

    def error(self, message: str) -> NoReturn:
        super().error(printable(message))

    def _print_message(self, message: str, file: Any = None) -> None:
        if file is not sys.stdout:
            super()._print_message(message, file)
            return
        try:  # argparse would take it for shown
            show(message)
        except OutputError as error:
            say(f"ivdseg: {error}")
            raise SystemExit(CANNOT) from error


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="ivdseg", description="Intervertebral discs from Dixon MRI of the lumbar spine. Research use only.")
    parser.add_argument("--version", action="version", version=f"ivdseg {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)

    add_segment(commands, _path)
    add_cohort(commands, _path)
    add_paper(commands, _path)

    evaluate = commands.add_parser("evaluate", help="compare predictions with references")
    evaluate.add_argument("prediction", type=_path, metavar="PREDICTION", help="label map or mask, or a folder of them")
    evaluate.add_argument("reference", type=_path, metavar="REFERENCE", help="the same of the references")
    evaluate.set_defaults(run=_evaluate)

    phantom = commands.add_parser("phantom", help="write a phantom case with its exact reference")
    phantom.add_argument("folder", type=_path, metavar="FOLDER")
    phantom.add_argument("--seed", type=_count, default=2026, help="which phantom")
    phantom.add_argument("--overwrite", action="store_true", help="replace files in FOLDER that are none of a phantom")
    phantom.set_defaults(run=_phantom)

    _add_training(commands)
    add_fit(commands, _path)

    release = commands.add_parser("release", help="make a model of trained networks")
    release.add_argument("--localizer", type=_path, required=True, metavar="FOLDER", help="of `ivdseg train localizer`")
    release.add_argument("--segmenter", type=_path, required=True, metavar="FOLDER", help="of `ivdseg train segmenter`")
    release.add_argument("--levels", type=_path, metavar="FOLDER", help="of `ivdseg train levels`")
    release.add_argument("--levels-fit", type=_path, metavar="FOLDER", help="of `ivdseg fit levels`")
    release.add_argument("--crossvalidation", type=_path, metavar="FOLDER",
                         help="of `ivdseg crossvalidate segmenter`: calibrates the confidence")  # fmt: skip
    release.add_argument("--card", type=_path, required=True, metavar="FILE", help="JSON: what else the model card says")
    release.add_argument("-o", "--output", type=_path, required=True, metavar="FOLDER", help="the model's folder")
    release.set_defaults(run=_release)

    check = commands.add_parser("check", help="segment phantoms or real volumes and compare with what is known of them")
    check.add_argument("--real", type=_path, metavar="DATA", help="real volumes instead of phantoms: the folder of the sources")
    check.add_argument("--crossvalidated", type=_path, metavar="RUNS",
                       help="with --real: each through networks that have not seen its subject")  # fmt: skip
    check.add_argument("--variants", nargs="+", metavar="NAME", help="with --real: some of the forms of an examination")
    check.add_argument("--every", type=_positive, default=1, metavar="N",
                       help="with --real: all forms but the first of one volume in N only")  # fmt: skip
    check.add_argument("--phantoms", type=_positive, default=50)
    check.add_argument("--first-seed", type=_count, default=1000)
    check.add_argument("--model", default="default", metavar="NAME")
    check.add_argument("--unusual", action="store_true",
                       help="cut fields of view, transitional anatomy, fused levels; half of them water alone")  # fmt: skip
    check.set_defaults(run=_check)
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", help="show what libraries write, and the traceback of an error")
    return parser


def _add_training(commands: argparse._SubParsersAction[Any]) -> None:
    """The commands `train` and `crossvalidate`."""
    for name, text in (("train", "train a network on everything"), ("crossvalidate", "train and test by subject")):
        command = commands.add_parser(name, help=text)
        levels = ("levels",) if name == "train" else ()
        command.add_argument("network", choices=("localizer", "segmenter", *levels))
        command.add_argument("--data", type=_path, default=os.environ.get("IVDSEG_DATA") or None,
                             help="folder of the sources (default: $IVDSEG_DATA)")  # fmt: skip
        command.add_argument("--sources", nargs="+", choices=SOURCES, default=list(SOURCES[:-1]), help="which of them")
        command.add_argument("--steps", type=_positive, help="instead of the preset's")
        command.add_argument("--precision", choices=PRECISIONS,
                             help="what to compute in; auto: bfloat16 where this machine is faster in it")  # fmt: skip
        command.add_argument("--seed", type=_count, default=0)
        command.add_argument("-o", "--output", type=_path, required=True, metavar="FOLDER", help="checkpoints, log, results")
        command.set_defaults(run=_train if name == "train" else _crossvalidate)
        if name == "train":
            command.add_argument("--leave-out", metavar="FOLD/FOLDS", help="leave out this fold's subjects, such as 0/2")
            command.add_argument(
                "--localizer", type=_path, metavar="FOLDER", help="with levels: a localizer's training, not the released one"
            )
            command.add_argument("--start", type=_path, metavar="FOLDER", help="a finished training, to fine-tune it")
        if name == "crossvalidate":
            command.add_argument(
                "--folds", type=int, choices=(2, 3, 6), default=2, help="parts of the subjects, each left out once"
            )
            command.add_argument("--only", type=_count, nargs="+", metavar="FOLD", help="some of the folds, from 0")
            command.add_argument("--segmenter", type=_path, metavar="FOLDER",
                                 help="with localizer: a cross-validation of the segmenter, to test both together")  # fmt: skip


def _evaluate(options: argparse.Namespace) -> None:
    from ..measure.evaluation import evaluate

    evaluation = evaluate(options.prediction, options.reference)
    for name, case in evaluation.cases.items():
        for finding in case.findings:
            say(f"{finding.severity}: {name}: {finding.text()}")
    for finding in evaluation.findings:
        say(f"{finding.severity}: {finding.text()}")
    print(evaluation.table())


def _phantom(options: argparse.Namespace) -> None:
    from ..phantom import check_phantom_folder, make_phantom, write_phantom_case

    check_phantom_folder(options.folder, overwrite=options.overwrite)
    write_phantom_case(make_phantom(options.seed), options.folder, overwrite=options.overwrite)
    tell(f"phantom {options.seed} -> {options.folder}")


def _scans(options: argparse.Namespace) -> list[Scan]:
    from ..training.sources import read_scans

    if options.data is None:
        raise InputError("no training data is given: name its folder with --data, or set IVDSEG_DATA to it")
    return read_scans(options.data, options.sources)


def _train(options: argparse.Namespace) -> None:
    from ..training.loop import load_trained
    from ..training.train import train_localizer, train_segmenter

    scans, preset = _training_scans(options), _preset(options, options.network)
    if options.network == "levels":
        train_levels_command(options, scans, preset)
    else:
        train = train_localizer if options.network == "localizer" else train_segmenter
        start = None if options.start is None else load_trained(options.start)
        train(scans, preset, options.output, options.seed, start)
    print(f"{options.network} -> {options.output / 'weights.npz'}")


def _training_scans(options: argparse.Namespace) -> list[Scan]:
    """The scans to train on: all, or all but those of a fold."""
    from ..training.folds import PARTS, split

    if options.leave_out is None:
        return _scans(options)
    fold, _, folds = options.leave_out.partition("/")
    possible = [n for n in range(2, PARTS + 1) if PARTS % n == 0]
    if not (fold.isdecimal() and folds.isdecimal() and int(folds) in possible and int(fold) < int(folds)):
        numbers = ", ".join(str(n) for n in possible)
        raise InputError(f"--leave-out {options.leave_out}: write FOLD/FOLDS, such as 0/2, {numbers} FOLDS and FOLD from 0")
    return split(_scans(options), int(fold), int(folds))[0]


def _preset(options: argparse.Namespace, network: str) -> Preset:
    from ..training.presets import PRESETS, with_changes

    return with_changes(PRESETS[network]["default"], options.steps, options.precision)


def _crossvalidate(options: argparse.Namespace) -> None:
    import json

    from ..training import crossvalidation as training

    scans, preset = _scans(options), _preset(options, options.network)
    folds, only = options.folds, options.only or ()
    if outside := [n for n in only if not 0 <= n < folds]:
        raise InputError(f"--only {outside[0]}: there are folds 0 to {folds - 1}")
    if options.network == "segmenter":
        training.crossvalidate_segmenter(scans, preset, options.output, folds=folds, only=only, seed=options.seed)
    else:
        training.crossvalidate_localizer(
            scans, preset, options.output, folds=folds, only=only, segmenters=options.segmenter, seed=options.seed
        )
    print(json.dumps(json.loads((options.output / "summary.json").read_text(encoding="utf-8")), indent=2))


def _release(options: argparse.Namespace) -> None:
    from ..training.release import release_model

    given = {
        "localizer": options.localizer,
        "segmenter": options.segmenter,
        "levels": options.levels,
    }
    release_model(
        {role: folder for role, folder in given.items() if folder},
        options.card,
        options.output,
        options.crossvalidation,
        options.levels_fit,
    )
    print(f"model -> {options.output}")


def _check(options: argparse.Namespace) -> None:
    from ..phantom.check import check_phantoms, describe

    if options.real is not None:
        check_real_command(options)
        return

    seeds = range(options.first_seed, options.first_seed + options.phantoms)
    print(describe(check_phantoms(seeds, options.model, options.unusual)))
