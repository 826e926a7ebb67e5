"""The commands beside `segment`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .campaign import Build, add
from .cases import BYTES, NAN, SMALL, copy, small


def evaluate(make: Callable[[Path], np.ndarray | None], both: bool = False) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        voxels = make(folder)
        if voxels is not None:
            small(folder / "a.nii.gz", voxels, voxels.dtype)
        if both:
            return ["evaluate", "a.nii.gz", "a.nii.gz"]
        small(folder / "b.nii.gz", np.pad(np.ones((4, 6, 3)), [(5, 11), (9, 25), (8, 29)]), np.uint8)
        return ["evaluate", "a.nii.gz", "b.nii.gz"]

    return build


RNG = np.random.default_rng(2)
add("evaluate noise", evaluate(lambda folder: (RNG.random((60, 200, 200)) > 0.7).astype(np.uint8)))
add("evaluate noise in one piece", evaluate(lambda folder: (RNG.random((120, 250, 250)) > 0.5).astype(np.uint8), both=True))
add("evaluate 200 labels", evaluate(lambda folder: np.arange(32000).reshape(SMALL).astype(np.int32) % 200))
add("evaluate fractions", evaluate(lambda folder: RNG.random(SMALL).astype(np.float32)))
add("evaluate negative", evaluate(lambda folder: -np.ones(SMALL).astype(np.int16) * np.arange(40)))
add("evaluate NaN", evaluate(lambda folder: np.full(SMALL, NAN, np.float32)))
add("evaluate a pipe", evaluate(lambda folder: os.mkfifo(folder / "a.nii.gz")))
add("evaluate a device", evaluate(lambda folder: (folder / "a.nii.gz").symlink_to("/dev/zero")))
add("evaluate absent", evaluate(lambda folder: None))
add(
    "evaluate a file and a folder",
    lambda folder, sound: (small(folder / "a.nii"), (folder / "b").mkdir(), ["evaluate", "a.nii", "b"])[-1],
)
add(
    "evaluate empty folders", lambda folder, sound: ((folder / "a").mkdir(), (folder / "b").mkdir(), ["evaluate", "a", "b"])[-1]
)
add("evaluate pipes in folders", lambda folder, sound: (
    [((folder / n).mkdir(), os.mkfifo(folder / n / "x.nii.gz")) for n in "ab"], ["evaluate", "a", "b"])[-1])  # fmt: skip


def phantom_over(name: str, make: Callable[[Path], object] = lambda path: path.write_text("an expert's"), *more: str) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        (folder / "p").mkdir()
        make(folder / "p" / name)
        return ["phantom", "p", *more]

    return build


for _name in ("water.nii.gz", "reference.nii.gz"):
    add(f"phantom over {_name}", phantom_over(_name))
add("phantom over a link", phantom_over("fat.nii.gz", lambda path: path.symlink_to("../x")))
add("phantom over a pipe", phantom_over("fat.nii.gz", os.mkfifo))
add("phantom over a folder", phantom_over("fat.nii.gz", os.mkdir))
add("phantom over what it may", phantom_over("water.nii.gz", lambda path: path.write_text("x"), "--overwrite"), "right")
add("phantom into a file", lambda folder, sound: ((folder / "p").write_text("x"), ["phantom", "p"])[-1])
for _to in ("/dev/null", "/dev/full/x", "/proc/x", "p" * 300, BYTES, "\udcff/x"):
    add(f"phantom into {_to[:12]!r}", lambda folder, sound, to=_to: ["phantom", to])
add("phantom with a huge seed", lambda folder, sound: ["phantom", "p", "--seed", "4294967295"], "right")
for _seed in ("4294967296", "1e9", "٣", "", " 1", "0x10", "-0"):
    add(f"usage phantom --seed {_seed!r}", lambda folder, sound, seed=_seed: ["phantom", "p", "--seed", seed], "usage")
for _arguments in (
    ["segment", "case", "-o", "out", "--engine", "abacus"],
    ["segment", "case", "-o", "out", "--as", "\x1b[31m"],
    ["segment", "case", "-o", "out", "\x1b[31m", "more\n"],
    ["segment", "case", "-o", "out", "--study"],
    ["segment", "case", "case", "-o", "out"],
    ["segment", "case", "-o", "out", "--dicom", ""],
    ["segment", "case", "-o", "out", "--\x1b[2J"],
    ["cohort"],
    ["cohort", "x"],
    ["cohort", "x", "-o", "out", "--workers", "-1"],
    ["cohort", "x", "-o", "out", "--workers", "0"],
    ["cohort", "x", "-o", "out", "--workers", "10000000"],
    ["cohort", "x", "-o", "out", "--workers", "٣"],
    ["cohort", "x", "-o", "out", "--only", "x"],
    ["cohort", "x", "-o", "out", "--memory-limit", "much"],
    ["cohort", "x", "-o", "out", "--memory-limit", "-1"],
    ["cohort", "x", "-o", "out", "--memory-limit", "1kB"],
    ["cohort", "x", "-o", "out", "--memory-limit", "9" * 400],
    ["cohort", "x", "-o", ""],
    ["check", "--phantoms", "1.5"],
    ["check", "--first-seed", "x"],
    ["check", "--every", "0"],
    ["train", "x", "-o", "out"],
    ["crossvalidate", "segmenter", "-o", "out", "--folds", "5"],
    ["crossvalidate", "segmenter", "-o", "out", "--only", "-1"],
    ["fit", "x", "--runs", "r", "-o", "out"],
    ["paper", "-o", "out", "--table", "VI"],
    [],
    [""],
    ["--debug"],
    ["segment\n"],
):
    add(f"usage {' '.join(_arguments)!r}", lambda folder, sound, given=_arguments: given, "usage")
for _arguments in (
    ["check", "--model", "none"],
    ["check", "--model", "/dev/zero"],
    ["check", "--model", "./m"],
    ["check", "--model", BYTES],
    ["check", "--real", "nowhere"],
    ["check", "--real", "/dev/zero"],
    ["check", "--real", "nowhere", "--variants", "x\x1b"],
    ["train", "segmenter", "--data", "nowhere", "-o", "out"],
    ["train", "segmenter", "--data", "/dev/null", "-o", "out"],
    ["train", "localizer", "--data", "nowhere", "-o", "out", "--leave-out", "9/0"],
    ["train", "segmenter", "--data", "nowhere", "-o", "out", "--start", "/dev/zero"],
    ["crossvalidate", "segmenter", "--data", "nowhere", "-o", "out", "--only", "77"],
    ["fit", "levels", "--data", "nowhere", "--runs", "r", "-o", "out"],
    ["fit", "levels", "--data", "nowhere", "--runs", "/dev/zero", "-o", "out"],
    ["paper", "--data", "nowhere", "-o", "out"],
    ["paper", "--data", "/dev/zero", "-o", "out"],
    ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    ["release", "--localizer", "l", "--segmenter", "s", "--card", "/dev/zero", "-o", "out"],
    ["cohort", "nowhere", "-o", "out"],
    ["cohort", "/dev/zero", "-o", "out"],
    ["cohort", BYTES, "-o", "out"],
    ["cohort", "x" * 300, "-o", "out"],
    ["cohort", "--summary", "nowhere"],
    ["cohort", "--summary", "/dev/zero"],
    ["cohort", "--summary", BYTES],
    ["evaluate", "/dev/zero", "/dev/zero"],
    ["evaluate", "x" * 300, "b"],
    ["evaluate", BYTES, BYTES],
    ["evaluate", ".", "."],
):
    add(f"refused {' '.join(_arguments)!r:.90}", lambda folder, sound, given=_arguments: given)
add(
    "release with a pipe for a card",
    lambda folder, sound: (
        os.mkfifo(folder / "c"),
        ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    )[-1],
)
add(
    "release with a deep card",
    lambda folder, sound: (
        (folder / "c").write_text("[" * 10**6),
        ["release", "--localizer", "l", "--segmenter", "s", "--card", "c", "-o", "out"],
    )[-1],
)


def table(content: bytes, *more: str) -> Build:
    return lambda folder, sound: ((folder / "t.csv").write_bytes(content), ["cohort", "t.csv", "-o", "out", "--quiet", *more])[
        -1
    ]


for _name, _content in {
    "empty": b"",
    "of zeros": bytes(5000),
    "not utf-8": b"case,water\n\xff\xfe,x\n",
    "without a column": b"name,water\na,b\n",
    "without a line": b"case,water\n",
    "with a case twice": b"case,water\na,x\na,y\n",
    "of no name": b"case,water\n,x\n",
    "of an unknown level": b"case,water,lowest_level\na,x,L9\n",
    "of one long field": b'case,water\n"' + b"x" * 3_000_000,
    "of quotes": b'case,water\n"""""",x\n"',
    "a spreadsheet": b"PK\x03\x04" + bytes(range(256)) * 20,
}.items():
    add(f"cohort table {_name}", table(_content))
add(
    "cohort of pipes",
    lambda folder, sound: (
        (folder / "in/a").mkdir(parents=True),
        os.mkfifo(folder / "in/a/x.dcm"),
        (folder / "in/z").symlink_to("/dev/zero"),
        ["cohort", "in", "-o", "out", "--quiet"],
    )[-1],
)
add("cohort of an empty folder", lambda folder, sound: ((folder / "in").mkdir(), ["cohort", "in", "-o", "out", "--quiet"])[-1])
add(
    "cohort in a circle",
    lambda folder, sound: (
        (folder / "in").mkdir(),
        (folder / "in/a").symlink_to(".."),
        (folder / "in/b").symlink_to("b"),
        ["cohort", "in", "-o", "out", "--quiet"],
    )[-1],
)
for _name, _make in {
    "a pipe": os.mkfifo,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": os.mkdir,
    "sparse": lambda path: (path.write_bytes(b""), os.truncate(path, 5 << 30)),
}.items():
    add(
        f"cohort pseudonyms {_name}",
        lambda folder, sound, make=_make: (
            copy(sound, folder),
            make(folder / "p.csv"),
            ["cohort", "case", "-o", "out", "--quiet", "--pseudonyms", "p.csv"],
        )[-1],
    )
for _option, _value in (
    ("--workers", "10000"),
    ("--scheduler", "nonsense"),
    ("--scheduler", "tcp://127.0.0.1:9"),
    ("--model", "none"),
    ("--model", "a\nb"),
):
    add(
        f"cohort {_option} {_value!r}",
        lambda folder, sound, option=_option, value=_value: (
            copy(sound, folder),
            ["cohort", "case", "-o", "out", "--quiet", option, value],
        )[-1],
    )
add(
    "cohort into a file",
    lambda folder, sound: (copy(sound, folder), (folder / "out").write_text("x"), ["cohort", "case", "-o", "out", "--quiet"])[
        -1
    ],
)
add(
    "cohort over another's page",
    lambda folder, sound: (
        copy(sound, folder),
        (folder / "out").mkdir(),
        (folder / "out/index.html").write_text("an expert's"),
        ["cohort", "case", "-o", "out", "--quiet"],
    )[-1],
)
add(
    "cohort over an expert's discs",
    lambda folder, sound: (
        copy(sound, folder),
        (folder / "out/cases/case").mkdir(parents=True),
        (folder / "out/cases/case/discs.nii.gz").write_text("an expert's"),
        ["cohort", "case", "-o", "out", "--quiet"],
    )[-1],
    "either",
    check=lambda work, sound: "" if (work / "out/cases/case/discs.nii.gz").read_bytes() == b"an expert's" else "replaced",
)


def sick_cohort(folder: Path, sound: Path) -> list[str]:
    """A sound case among some that are none."""
    (folder / "in").mkdir()
    shutil.copytree(copy(sound, folder), folder / "in" / "good")
    for name, content in {"short": b"x", "empty": b"", "nrrd": b"NRRD0004\n"}.items():
        (folder / "in" / name).mkdir()
        (folder / "in" / name / "water.nii").write_bytes(content)
    (folder / "in" / "pipe").mkdir()
    os.mkfifo(folder / "in/pipe/water.nii")
    (folder / "in" / os.fsdecode(b"\xff")).mkdir()
    (folder / "in" / os.fsdecode(b"\xff") / "water.nii").write_bytes(b"x")
    (folder / "in" / "dicom").mkdir()
    (folder / "in" / "dicom" / "a.dcm").write_bytes(b"x" * 5000)
    return ["cohort", "in", "-o", "out", "--quiet", "--workers", "1"]


def one_is_done(work: Path, sound: Path) -> str:
    import pandas

    states = sorted(pandas.read_parquet(work / "out" / "cases.parquet")["status"])
    return "" if states == ["done", *["failed"] * 6] else f"cases ended as {states}"


add("cohort of sick cases", sick_cohort, "right", check=one_is_done)

for _name, _make in {
    "labels of 1e300": lambda folder: np.where(np.arange(32000).reshape(SMALL) % 7, 0, 1e38).astype(np.float32),
    "60000 labels": lambda folder: np.arange(32000).reshape(SMALL).astype(np.uint16),
    "a checkerboard": lambda folder: (np.indices(SMALL).sum(axis=0) % 2).astype(np.uint8),
    "a single voxel": lambda folder: np.pad(np.ones((1, 1, 1), np.uint8), [(9, 10), (19, 20), (19, 20)]),
    "all of it": lambda folder: np.ones(SMALL, np.uint8),
    "a plane": lambda folder: np.pad(np.ones((20, 40, 1), np.uint8), [(0, 0), (0, 0), (20, 19)]),
    "nothing": lambda folder: np.zeros(SMALL, np.uint8),
}.items():
    add(f"evaluate {_name}", evaluate(_make), "either")
    add(f"evaluate {_name} with itself", evaluate(_make, both=True), "either")
add(
    "evaluate far away",
    lambda folder, sound: (
        small(folder / "a.nii"),
        sitk.WriteImage(moved(sitk.ReadImage(str(folder / "a.nii"))), str(folder / "b.nii")),
        ["evaluate", "a.nii", "b.nii"],
    )[-1],
)
add(
    "evaluate folders in a circle",
    lambda folder, sound: (
        [
            ((folder / n).mkdir(), (folder / n / "up").symlink_to(".."), (folder / n / "x.nii").symlink_to("x.nii"))
            for n in "ab"
        ],
        ["evaluate", "a", "b"],
    )[-1],
)
add(
    "evaluate devices in folders",
    lambda folder, sound: (
        [((folder / n).mkdir(), (folder / n / "x.nii").symlink_to("/dev/zero")) for n in "ab"],
        ["evaluate", "a", "b"],
    )[-1],
)
add(
    "evaluate names not utf-8 in folders",
    lambda folder, sound: (
        [small(folder / n / "x.nii", np.pad(np.ones((4, 6, 3)), [(5, 11), (9, 25), (8, 29)])) for n in "ab"],
        [os.rename(folder / n / "x.nii", folder / n / f"{BYTES}.nii") for n in "ab"],
        ["evaluate", "a", "b"],
    )[-1],
    "either",
)


def moved(image: sitk.Image) -> sitk.Image:
    image.SetOrigin((1e6, 1e6, 1e6))
    return image
