"""`ivdseg segment`: its options, its progress bar, and what it says at the end."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import InputError
from .boundary import say, show, tell

CHANNEL_OPTIONS = {"fat": "fat", "in-phase": "in_phase", "opposed-phase": "opposed_phase", "water": "water"}
"""Name of a channel on the command line -> its name in the library."""

_LOADED, _SEGMENTED = 0.15, 0.8
"""How much of the work is done once the images are loaded, and once the discs are segmented: of a cold run."""


def add_parser(commands: Any, path_type: Callable[[str], Path]) -> argparse.ArgumentParser:
    """Add the command to those of `ivdseg`.

    Args:
        commands: What `add_subparsers` made.
        path_type: Makes a path of an argument.

    Returns:
        The parser of the command.
    """
    parser: argparse.ArgumentParser = commands.add_parser("segment", help="segment the discs of one examination")
    parser.add_argument("case", nargs="?", type=path_type, metavar="CASE",
                        help="folder of NIfTI, NRRD or MetaImage files or of DICOM, one such file, or nothing but the options "
                        "below")  # fmt: skip
    parser.add_argument("-o", "--output", type=path_type, required=True, metavar="OUT", help="folder for the results")
    for option in CHANNEL_OPTIONS:
        parser.add_argument(f"--{option}", type=path_type, metavar="FILE", help="this channel's file, whatever its name")
    parser.add_argument(
        "--as", dest="as_channel", choices=tuple(CHANNEL_OPTIONS), help="the channel of CASE, if it does not say"
    )
    parser.add_argument("--study", metavar="STUDY", help="number or UID of one of several DICOM studies in CASE")
    parser.add_argument("--dicom", type=path_type, metavar="FOLDER",
                        help="DICOM series that the volumes were converted from: results become DICOM, too")  # fmt: skip
    parser.add_argument("--reference", type=path_type, metavar="FILE", help="expert mask to compare with")
    parser.add_argument("--lowest-level", metavar="LEVEL", help="name of the lowest disc of the result, such as L5-S1")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="where the networks run")
    parser.add_argument("--engine", choices=("auto", "openvino", "tensorflow"), default="auto",
                        help="what computes the networks; auto: TensorFlow on a GPU, else OpenVINO")  # fmt: skip
    parser.add_argument("--model", default="default", metavar="NAME", help="installed model, or a model's folder")
    parser.add_argument("--overwrite", action="store_true", help="replace files in OUT that no earlier run wrote")
    parser.add_argument("--quiet", action="store_true", help="say nothing but errors")
    parser.add_argument("--json", action="store_true", help="write the report to stdout, and nothing else there")
    parser.set_defaults(run=run)
    return parser


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Args:
        options: As the parser of `add_parser` gives them.

    Raises:
        InputError: The input cannot be segmented.
        ModelError: The model cannot be loaded.
        OutputError: The results cannot be written.
    """
    from ..dixon.inputs import dicom_source_of, load_input
    from ..images import read_volume
    from ..report.files import report_json, write_outputs
    from ..report.output_folder import check_output_folder

    check_output_folder(options.output, overwrite=options.overwrite)
    if options.dicom is not None:
        _check_highdicom()
    with _progress_bar(options.quiet) as progress:
        progress("check", 0.0)
        reference = None if options.reference is None else read_volume(options.reference)
        named = {channel: path for channel in CHANNEL_OPTIONS.values() if (path := getattr(options, channel)) is not None}
        as_channel = None if options.as_channel is None else CHANNEL_OPTIONS[options.as_channel]
        case = load_input(options.case, named, study=options.study, as_channel=as_channel)
        if options.dicom is not None:
            case = dicom_source_of(case, options.dicom)
        progress("networks", 0.05)
        from ..pipeline.request import Request
        from ..pipeline.segment import Pipeline

        request = Request(options.lowest_level, reference, options.model, options.device, options.engine)
        segmentation = Pipeline(request.model, request.device, request.engine).segment(
            case,
            request,
            progress=lambda stage, fraction: progress(stage, _LOADED + (_SEGMENTED - _LOADED) * fraction),
        )
        shown = (lambda report: show(report_json(report))) if options.json else (lambda report: None)
        report = write_outputs(segmentation, options.output, overwrite=options.overwrite, show=shown)
        progress("write", 1.0)
    if not options.quiet:
        _say_findings(report)
    if not options.json and not options.quiet:
        levels = [disc.level for disc in segmentation.found]
        tell(f"{case.name}: {len(levels)} discs, {', '.join(levels)} -> {options.output}")


def _say_findings(report: dict[str, Any]) -> None:
    """What a person should know of the result, a line each."""
    from ..findings import finding_of

    for finding in map(finding_of, report["findings"]):
        option = " (option --lowest-level)" if finding.kind.uncertain_levels else ""
        say(f"{finding.severity}: {finding.text()}{option}")


def _check_highdicom() -> None:
    """Refuse, before any work is done, to write DICOM without what writes it."""
    from ..dicom import dicom_is_installed

    if not dicom_is_installed():
        raise InputError('--dicom needs highdicom: pip install "ivdsegmentation[dicom]"')


@contextmanager
def _progress_bar(quiet: bool) -> Iterator[Callable[[str, float], None]]:
    """Show the stages with the time they take, where stderr is a terminal; the bar is gone at the end."""
    if quiet or not sys.stderr.isatty():
        yield lambda stage, fraction: None
        return
    from tqdm import tqdm

    from ..worker.session import STAGES

    form = "{desc} {percentage:3.0f}%|{bar}| {elapsed}"
    with tqdm(total=1.0, bar_format=form, file=sys.stderr, leave=False) as bar:

        def show(stage: str, fraction: float) -> None:
            bar.n = min(fraction, 1.0)
            bar.set_description_str(STAGES.get(stage, stage.capitalize()), refresh=True)

        yield show
