"""What a hostile input is, how one is run, and how it must end (docs/security.md)."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
PLANTED = "Geheim_Petra"
"""A name that stands in file names, folder names and fields, and must be in no output."""
LONGEST_S = 120.0
MOST_MB = 1000
DICE = 0.85

Build = Callable[[Path, Path], list[str]]
"""Makes an input in a folder, from the folder of a sound case; returns the arguments, relative to the folder."""


@dataclass
class Hostile:
    """An input.

    expected: `refused`, `right`, `either`, `usage`, or the name of a signal that it is ended by. shell: commands before it.
    check: what is wrong with the results in the input's folder, from that and the folder of the sound case.
    """

    name: str
    build: Build
    expected: str = "refused"
    environment: dict[str, str] = field(default_factory=dict)
    redirection: str = ""
    shell: str = ":"
    check: Callable[[Path, Path], str] | None = None


INPUTS: list[Hostile] = []


def add(name: str, build: Build, expected: str = "refused", **options) -> None:
    INPUTS.append(Hostile(name, build, expected, **options))


def discs_are_right(work: Path, sound: Path) -> str:
    """What is wrong with a label map of whatever format of the phantom, or an empty text."""
    found = sitk.ReadImage(str(work / "out" / "discs.nii.gz"))
    truth = sitk.ReadImage(str(sound / "reference.nii.gz"))
    found = sitk.GetArrayFromImage(sitk.Resample(found, truth, sitk.Transform(), sitk.sitkNearestNeighbor)) > 0
    expected = sitk.GetArrayFromImage(truth) > 0
    dice = 2 * (found & expected).sum() / (found.sum() + expected.sum())
    return "" if dice > 0.85 else f"a wrong result: Dice {dice:.2f} with the exact discs"


def right(name: str, build: Build, **options) -> None:
    add(name, build, "right", check=discs_are_right, **options)


@dataclass
class Ended:
    """How a run ended. before, after: files of its folder."""

    code: int
    shown: bytes
    said: bytes
    peak_mb: float
    before: dict[str, object]
    after: dict[str, object]
    temporary: list[str]


def listing(folder: Path) -> dict[str, object]:
    return {
        path.relative_to(folder).as_posix(): (path.lstat().st_size, path.lstat().st_mode)
        for path in sorted(folder.rglob("*"))
        if not path.is_dir() or path.is_symlink()
    }


def run(one: Hostile, folder: Path, arguments: list[str]) -> Ended:
    """Run the command line in `folder / work`, within limits."""
    work, temporary = folder / "work", folder / "tmp"
    temporary.mkdir()
    before = listing(work)
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "IVDSegmentation"), "TMPDIR": str(temporary), **one.environment}
    environment["HOME"] = str(work) if one.environment.get("HOME") == "." else environment.get("HOME", "/")
    script = f'ulimit -t {LONGEST_S:.0f}; ulimit -c 0; ulimit -f 2097152; {one.shell}; exec "$@" {one.redirection}'
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "IVDSegmentationLib.cli", *arguments]
    with open(folder / "stdout", "wb") as out, open(folder / "stderr", "wb") as err:
        process = subprocess.Popen(command, cwd=work, env=environment, stdout=out, stderr=err)
        if one.expected.startswith("SIG"):
            name, delay_s = one.expected.split()
            time.sleep(float(delay_s))
            os.kill(process.pid, getattr(signal, name))  # not `send_signal`, which would take the status of one that is done
        deadline = time.monotonic() + 10 * LONGEST_S
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            if time.monotonic() > deadline:
                process.kill()
            time.sleep(0.02)
    code, peak_mb = os.waitstatus_to_exitcode(ended[1]), ended[2].ru_maxrss / 1024
    shown, said = (folder / "stdout").read_bytes(), (folder / "stderr").read_bytes()
    return Ended(code, shown, said, peak_mb, before, listing(work), [path.name for path in temporary.iterdir()])


def complaint(one: Hostile, folder: Path, sound: Path) -> str:
    """Run an input; what is not as promised, or an empty text."""
    (folder / "work").mkdir()
    arguments = one.build(folder / "work", sound)
    ended = run(one, folder, arguments)
    if ended.temporary:
        return f"left {ended.temporary} among temporary files"
    if ended.code == 0 and one.expected not in ("refused", "usage"):
        if one.check is not None:
            return one.check(folder / "work", sound)
        return wrong_result(folder / "work", arguments, sound, ended.said) if arguments[0] == "segment" else ""
    promised = {"usage": 2, "refused": 1, "either": 1}.get(one.expected)
    if one.expected.startswith("SIG"):
        promised = 128 + getattr(signal, one.expected.split()[0])
    if ended.code != promised:
        return f"status {ended.code} instead of {one.expected}: {ended.said[-300:]!r}"
    keeps = one.expected.startswith("SIG") and arguments[0] == "cohort"  # what is done, for the run that goes on with it
    if ended.after != ended.before and not keeps:
        return f"left {sorted(ended.after.keys() ^ ended.before.keys())}"
    return "" if one.expected == "usage" else wrong_refusal(one, ended)


def wrong_refusal(one: Hostile, ended: Ended) -> str:
    """What is not as promised where a run ended without results, or an empty text."""
    lines = ended.said.decode("utf-8", "replace").splitlines()
    one_line = len(lines) == 1 and lines[0].startswith("ivdseg: ") and lines[0].isprintable()
    if "2>" not in one.redirection and not one_line:
        return f"not one line: {ended.said[-300:]!r}"
    if b"fault of its own" in ended.said:
        return f"a fault of the program: {ended.said!r}"
    if ended.shown:
        return f"wrote to stdout: {ended.shown[:100]!r}"
    return f"took {ended.peak_mb:.0f} MB" if ended.peak_mb > MOST_MB else ""


def wrong_result(work: Path, arguments: list[str], sound: Path, said: bytes) -> str:
    """What is wrong with the results of a run that ended with status 0, or an empty text."""
    case, out = work / arguments[1], Path(os.path.realpath(work / arguments[3]))
    source = next(path for path in sorted(case.iterdir()) if "water" in path.name)
    discs, image = nibabel.load(out / "discs.nii.gz"), nibabel.load(source)
    if not np.allclose(discs.affine, image.affine, atol=1e-3):
        return "the label map does not lie on the input in nibabel"
    shutil.copy(source, work / f"copy{''.join(source.suffixes)}")  # under a name that ITK can take
    mine, given = sitk.ReadImage(str(out / "discs.nii.gz")), sitk.ReadImage(str(work / f"copy{''.join(source.suffixes)}"))
    placed = [one.GetOrigin() + one.GetDirection() + one.GetSpacing() for one in (mine, given)]
    if not np.allclose(*placed, atol=1e-3):
        return "the label map does not lie on the input in ITK"
    truth = np.asarray(nibabel.load(sound / "reference.nii.gz").dataobj) > 0
    found = np.asarray(discs.dataobj) > 0
    agreement = 2 * (truth & found).sum() / (truth.sum() + found.sum()) if truth.shape == found.shape else 0.0
    if agreement < DICE:
        return f"a wrong result: Dice {agreement:.2f} with the exact discs"
    for path in sorted(out.rglob("*")):
        content = path.read_bytes() if path.is_file() else b""
        content = gzip.decompress(content) if path.name.endswith(".gz") else content
        if PLANTED.encode() in content or PLANTED in path.name:
            return f"{path.name} holds the planted name"
    others = [line for line in said.decode("utf-8", "replace").splitlines() if not line.startswith(("warning: ", "note: "))]
    return f"more than findings on stderr: {others}" if others else ""
