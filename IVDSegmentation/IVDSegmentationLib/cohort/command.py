"""`ivdseg cohort`: its options, its progress bar, and what it says at the end."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from ..errors import InputError, OutputError
from ..printable import printable

if TYPE_CHECKING:
    from .case import CohortCase
    from .run import Progress

_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_LEAST_MEMORY_BYTES = 10**9
"""A worker with libraries and networks in it takes some hundred megabytes; one that is ended for that is started for ever."""

ONLY = ("tables", "labels", "all")
_NEEDED = ("distributed", "pyarrow")


def add_parser(commands: Any, path_type: Callable[[str], Path]) -> argparse.ArgumentParser:
    """Add the command to those of `ivdseg`.

    Args:
        commands: What `add_subparsers` made.
        path_type: Makes a path of an argument.

    Returns:
        The parser of the command.
    """
    parser: argparse.ArgumentParser = commands.add_parser("cohort", help="segment many examinations, on many cores or machines")
    parser.add_argument("case", nargs="?", type=path_type, metavar="INPUT",
                        help="folder of cases, BIDS data set, DICOM archive, or table (CSV: case, water, ...)")  # fmt: skip
    parser.add_argument("-o", "--output", type=path_type, metavar="OUT", help="folder for the results; a run resumes in it")
    parser.add_argument("--only", choices=ONLY, default="all", help="what is written of each case (default: all)")
    parser.add_argument("--scheduler", metavar="ADDRESS", help="a Dask cluster that exists, instead of workers of its own")
    parser.add_argument("--workers", type=_positive, help="processes on this machine (default: one a core, as memory allows)")
    parser.add_argument("--memory-limit", type=_memory, default="auto", metavar="SIZE", help="of each of them, such as 4GB")
    parser.add_argument("--pseudonyms", type=path_type, metavar="FILE", help="CSV: case, pseudonym; the names of the results")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto", help="where the networks run")
    parser.add_argument("--model", default="default", metavar="NAME", help="installed model, or a model's folder")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument("--summary", type=path_type, metavar="OUT",
                        help="instead: distributions by level of a cohort that is done, as table and pictures")  # fmt: skip
    parser.set_defaults(run=run, parser=parser)
    return parser


def run(options: argparse.Namespace) -> None:
    """Run the command.

    Args:
        options: As the parser of `add_parser` gives them.

    Raises:
        SystemExit: Wrong usage.
        InputError: There is no case, or no Dask.
        OutputError: The output cannot be written.
        ModelError: The model cannot be loaded.
        WorkersLostError: All workers were lost.
    """
    if options.summary is not None:
        from .summary import SUMMARY, summarise

        print(summarise(options.summary).to_string(index=False, float_format="{:.4g}".format))
        print(f"-> {options.summary / SUMMARY}, {options.summary / 'curves'}")
        return
    if options.case is None or options.output is None:
        options.parser.error("INPUT and -o OUT are needed (or --summary OUT)")
    from tqdm import tqdm

    from .find import find_cases, with_pseudonyms

    with tqdm(desc="Looking for cases", unit="case", leave=False, disable=options.quiet or None) as bar:
        cases = find_cases(options.case, lambda count: bar.update(count - bar.n))
    if options.pseudonyms is not None:
        cases = with_pseudonyms(cases, options.pseudonyms)
    state = segment_cohort(cases, options)
    print(f"{state.done} of {len(cases)} cases, {state.failed} without a result -> {options.output / 'index.html'}")


def segment_cohort(cases: Sequence[CohortCase], options: argparse.Namespace) -> Progress:
    """Segment the cases, and write tables and page of what there is, also where the user stops it.

    Args:
        cases: All of the cohort.
        options: Those of the command.

    Returns:
        How many have a row, and how many of these no result.

    Raises:
        InputError: The extra `cohort` is not installed, or there is no scheduler at the address.
        OutputError: The output cannot be written.
        ModelError: The model cannot be loaded.
        WorkersLostError: All workers were lost; tables and page of what there is are written.
    """
    from tqdm import tqdm

    from .cluster import workers_of
    from .page import PAGE, write_page
    from .run import run_cases
    from .tables import CASES, MEASUREMENTS, MEASUREMENTS_CSV, write_tables
    from .task import Settings

    _check_installed()
    output = options.output.resolve()  # workers have another working folder
    settings = Settings(output, options.only, _model_of(options.model), options.device, model_checksum(options.model))
    created = _created(output, (PAGE, MEASUREMENTS, MEASUREMENTS_CSV, CASES))
    begun = False
    try:
        with _stopped_by_an_exception(), workers_of(options.scheduler, options.workers, options.memory_limit) as client:
            begun = True
            if not options.quiet:
                print(f"{len(client.nthreads())} workers, dashboard {client.dashboard_link}", file=sys.stderr)
            bar = tqdm(total=len(cases), unit="case", disable=options.quiet, smoothing=0.05)
            with bar:

                def show(state: Progress) -> None:
                    bar.update(1)
                    bar.set_postfix(failed=state.failed, refresh=False)

                return run_cases(client, cases, settings, show)
    finally:
        if begun:
            write_page(output, write_tables(output, [case.name for case in cases]))
        for folder in () if begun else created:
            with suppress(OSError):
                folder.rmdir()


def _created(output: Path, written: Sequence[str]) -> list[Path]:
    """Make the folder of a cohort; the folders that were made, the innermost first. OutputError: it is no place for one."""
    cases = output / "cases"
    try:
        if not cases.is_dir() and (theirs := [name for name in written if os.path.lexists(output / name)]):
            raise OutputError(f"{theirs[0]} in {printable(output.name)} is of no earlier cohort: choose another folder")
        created = [folder for folder in (cases, *cases.parents) if not folder.exists()]
        cases.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{printable(output.name)} could not be written: choose another folder") from error
    return created


def _check_installed() -> None:
    """Refuse, before any work is done, to run without the packages of the extra."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise InputError(f'a cohort needs {", ".join(missing)}: pip install "ivdsegmentation[cohort]"')


@contextmanager
def _stopped_by_an_exception() -> Iterator[None]:
    """Have Ctrl-C and SIGTERM raise KeyboardInterrupt within the block: workers are to be ended, and tables to be written."""
    import signal
    import threading

    def stop(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt(number)

    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def model_checksum(model: str) -> str:
    """What tells a model from others: a retrained one under the same name has another.

    Args:
        model: Installed model, or a model's folder.

    Returns:
        The checksums of its weights, joined.

    Raises:
        ModelError: Its card is missing or damaged.
    """
    from ..networks.models import MODELS_FOLDER, ROLES, load_card

    folder = Path(model) if Path(model).is_dir() else MODELS_FOLDER / model
    card = load_card(folder)
    return " ".join(card[role]["sha256"] for role in ROLES if role in card)


def _model_of(model: str) -> str:
    """The model as a worker in another folder finds it."""
    return str(Path(model).resolve()) if Path(model).is_dir() else model


def _positive(text: str) -> int:
    """An argument that is a whole number from 1."""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= 10_000:
        raise argparse.ArgumentTypeError("must be a whole number from 1")
    return int(text)


def _memory(text: str) -> str:
    """An argument that is a size of memory in which a worker can begin, or one of Dask's words for it."""
    found = re.fullmatch(r"([0-9]{1,15})(|[kMGT]i?B)", text)
    if text != "auto" and (found is None or not (text == "0" or int(found[1]) * _UNITS[found[2][:1]] >= _LEAST_MEMORY_BYTES)):
        raise argparse.ArgumentTypeError("must be auto, 0 for no limit, or at least 1GB")
    return text
