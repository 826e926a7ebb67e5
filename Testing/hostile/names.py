"""Folders, names of files, and what is no file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK as sitk

from .campaign import PLANTED, Build, add
from .cases import ASCII, BYTES, NOT_UTF8, SMALL, copy, segment, small, sound_case, unix_socket
from .headers import text_header


def special(name: str, make: Callable[[Path], object], *arguments: str) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        copy(sound, folder, "opposed_phase")
        make(folder / name)
        return segment(*arguments)

    return build


add("pipe among the channels", special("case/water.nii.gz", os.mkfifo))
add("socket among the channels", special("case/water.nii", unix_socket))
add("device among the channels", special("case/water.nrrd", lambda path: path.symlink_to("/dev/zero")))
add("link to nothing among the channels", special("case/water.mha", lambda path: path.symlink_to("nothing")))
add("links in a circle among the channels", special("case/water.nii", lambda path: path.symlink_to(path)))
add("named pipe", special("pipe.nii", os.mkfifo, "--water", "pipe.nii"))
add("named device", special("x", lambda path: None, "--water", "/dev/zero"))
add("named folder", special("folder.nii", os.mkdir, "--water", "folder.nii"))
add("reference a pipe", special("r.nii.gz", os.mkfifo, "--reference", "r.nii.gz"))
add("reference a device", special("r.nii", lambda path: path.symlink_to("/dev/zero"), "--reference", "r.nii"))
PIPED = text_header("water.mha", "ElementDataFile", "ElementDataFile = pipe.raw")
add("detached data a pipe", lambda folder, sound: (
    PIPED(folder, sound), os.mkfifo(folder / "case/pipe.raw"), segment())[-1])  # fmt: skip
add("case absent", lambda folder, sound: segment())
add("case a file", lambda folder, sound: ((folder / "case").write_text("x"), segment())[-1])
add("case a pipe", lambda folder, sound: (os.mkfifo(folder / "case"), segment())[-1])
add("case a device", lambda folder, sound: ["segment", "/dev/zero", "-o", "out"])
add("case a circle", lambda folder, sound: ((folder / "case").symlink_to(folder / "case"), segment())[-1])
add("case empty", lambda folder, sound: ((folder / "case").mkdir(), segment())[-1])
add("case of 300 letters", lambda folder, sound: ["segment", "x" * 300, "-o", "out"])
add("file of 300 letters", special("x", lambda path: None, "--water", "y" * 300 + ".nii"))
add("name with control characters", lambda folder, sound: ["segment", "a\x1b[31m\nb\x07", "-o", "out"])
add("name not utf-8", lambda folder, sound: ["segment", os.fsdecode(b"\xff\xfe"), "-o", "out"])
add("folder not utf-8", lambda folder, sound: (
    os.rename(copy(sound, folder), folder / os.fsdecode(b"\xff")), ["segment", os.fsdecode(b"\xff"), "-o", "out"])[-1],
    "either")  # fmt: skip
add("file not utf-8", lambda folder, sound: (
    os.rename(copy(sound, folder, "water") / "water.nii.gz", folder / "case" / NOT_UTF8), segment())[-1], "either")  # fmt: skip
add("lowest level unknown", lambda folder, sound: (copy(sound, folder), segment("--lowest-level", "L9"))[-1])
add("the same channel twice", lambda folder, sound: (
    shutil.copy(copy(sound, folder) / "water.nii.gz", folder / "case" / "W.nii.gz"), segment())[-1])  # fmt: skip
add("name planted everywhere", lambda folder, sound: (
    [os.rename(path, path.with_name(f"{PLANTED}_{path.name}")) for path in copy(sound, folder).iterdir()],
    os.rename(folder / "case", folder / PLANTED), ["segment", PLANTED, "-o", "out"])[-1], "right")  # fmt: skip
add("emoji where letters are ascii", lambda folder, sound: (
    os.rename(copy(sound, folder), folder / "\U0001f9b4"), ["segment", "\U0001f9b4", "-o", "out\U0001f9b4"])[-1],
    "either", environment=ASCII)  # fmt: skip


def planted_grids(folder: Path, sound: Path) -> list[str]:
    """Channels on two grids, so that a sentence about them is due, with a name in files, folder and header."""
    case = copy(sound, folder)
    other = sitk.ReadImage(str(case / "opposed_phase.nii.gz"))[2:-2, 8:-8, 8:-8]
    sitk.WriteImage(other, str(case / f"{PLANTED}_opp.nii.gz"))
    (case / "opposed_phase.nii.gz").unlink()
    image = nibabel.load(case / "water.nii.gz")
    image.header["descrip"], image.header["db_name"], image.header["intent_name"] = (PLANTED,) * 3
    nibabel.save(image, case / f"{PLANTED}_water.nii.gz")
    (case / "water.nii.gz").unlink()
    return segment()


add("name planted with a warning due", planted_grids, "right")


for _option in ("--reference", "--water", "--model", "--dicom", "--study", "--lowest-level", "--fat"):
    for _word, _value in {
        "not utf-8": BYTES,
        "control": "a\x1b[31m\nb",
        "long": "x" * 4000,
        "a dash": "./-",
        "%": "%s%n{}",
    }.items():
        _expected = "right" if _option == "--study" else "refused"
        add(f"{_option} {_word}", sound_case(_option, _value), _expected)
add("--as without a file", sound_case("--as", "water"))
add("--study of files", sound_case("--study", "0"), "right")
add("reference a folder", special("r.nii", os.mkdir, "--reference", "r.nii"))
add(
    "reference of another place",
    lambda folder, sound: (
        copy(sound, folder),
        small(folder / "r.nii", np.pad(np.ones((4, 6, 3)), [(5, 11), (9, 25), (8, 29)])),
        segment("--reference", "r.nii"),
    )[-1],
    "right",
)
add(
    "reference of noise",
    lambda folder, sound: (
        copy(sound, folder),
        small(folder / "r.nii", np.random.default_rng(1).integers(0, 2, (60, 200, 200))),
        segment("--reference", "r.nii"),
    )[-1],
    "right",
)
add(
    "reference empty",
    lambda folder, sound: (copy(sound, folder), small(folder / "r.nii", np.zeros(SMALL)), segment("--reference", "r.nii"))[-1],
)
add(
    "reference planted",
    lambda folder, sound: (
        copy(sound, folder),
        shutil.copy(sound / "reference.nii.gz", folder / f"{PLANTED}.nii.gz"),
        segment("--reference", f"{PLANTED}.nii.gz"),
    )[-1],
    "right",
)
add(
    "named files planted",
    lambda folder, sound: (
        copy(sound, folder),
        shutil.copy(sound / "fat.nii.gz", folder / f"{PLANTED}.nii.gz"),
        segment("--fat", f"{PLANTED}.nii.gz"),
    )[-1],
    "right",
)
add("case is the current folder", lambda folder, sound: (copy(sound, folder), ["segment", ".", "-o", "out"])[-1])
add("case is empty and the current folder", lambda folder, sound: ["segment", ".", "-o", "out"])
add("case is the root", lambda folder, sound: ["segment", "/proc/self/fd", "-o", "out"])
add(
    "case in a circle of folders",
    lambda folder, sound: (
        (folder / "case").mkdir(),
        (folder / "case/a").symlink_to(".."),
        (folder / "case/b").symlink_to("b"),
        segment(),
    )[-1],
)
add(
    "files in a circle",
    lambda folder, sound: (
        (folder / "a.nii").symlink_to("b.nii"),
        (folder / "b.nii").symlink_to("a.nii"),
        ["segment", "a.nii", "--as", "water", "-o", "out"],
    )[-1],
)
add(
    "data file of a header is a circle",
    lambda folder, sound: (
        text_header("water.mha", "ElementDataFile", "ElementDataFile = c.raw")(folder, sound),
        (folder / "case/c.raw").symlink_to("c.raw"),
        segment(),
    )[-1],
)
add(
    "data file of a header leads elsewhere",
    lambda folder, sound: (
        text_header("water.mha", "ElementDataFile", "ElementDataFile = c.raw")(folder, sound),
        (folder / "case/c.raw").symlink_to("/etc/passwd"),
        segment(),
    )[-1],
)
add(
    "file not utf-8 in ascii",
    lambda folder, sound: (os.rename(copy(sound, folder, "water") / "water.nii.gz", folder / "case" / NOT_UTF8), segment())[-1],
    "either",
    environment=ASCII,
)
for _bytes in (b"\xed\xa0\x80", b"\xc3(", b"\xf0\x9f\xa6\xb4"):
    add(f"case called {_bytes!r}", lambda folder, sound, name=_bytes: ["segment", os.fsdecode(name), "-o", "out"])
