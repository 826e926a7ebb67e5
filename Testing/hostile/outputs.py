"""Output folders that hold what others made, or cannot be written to."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from .campaign import Build, add
from .cases import copy, sound_case


def output(make: Callable[[Path], object], *arguments: str, to: str = "out") -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        copy(sound, folder)
        make(folder)
        return ["segment", "case", "-o", to, *arguments]

    return build


def theirs(name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        (folder / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "out" / name).write_text("an expert's")

    return make


for _name in ("discs.nii.gz", "report.json", "report.html", "measurements.csv", "surfaces/L4-L5.vtp"):
    add(f"out holds another's {_name}", output(theirs(_name)))
add("out holds another's surface", output(theirs("surfaces/femur.vtp")), "right")
add("out is a file", output(lambda folder: (folder / "out").write_text("x")))
add("out is empty", output(lambda folder: None, to=""), "usage")
add("out over a folder that is not there", output(lambda folder: None, to="new/../out"), "right")
add("out in a circle", output(lambda folder: (folder / "out").symlink_to(folder / "out")))
add("out is a device", output(lambda folder: None, to="/dev/null/out"))
add("out cannot be written", output(lambda folder: None, to="/proc/out"))
add("out of 300 letters", output(lambda folder: None, to="z" * 300))
add("out holds a pipe for a report", output(lambda folder: ((folder / "out").mkdir(), os.mkfifo(folder / "out/report.json"))))
add("out holds a folder for a label map", output(lambda folder: (folder / "out/discs.nii.gz").mkdir(parents=True)))
add(
    "out holds a deep report",
    output(lambda folder: ((folder / "out").mkdir(), (folder / "out/report.json").write_text("[" * 10**6))),
)
add("out not utf-8", output(lambda folder: None, to=os.fsdecode(b"\xff/out")))


NOTHING = lambda folder: None  # noqa: E731
for _name, _to in {
    "out a device": "/dev/null",
    "out full": "/dev/full",
    "out below a device": "/dev/null/x",
    "out in proc": "/proc/self/x",
    "out of 300 letters": "o" * 300,
    "out deep": "/".join(["d" * 200] * 30),
    "out the root's": "/proc",
}.items():
    add(_name, output(NOTHING, to=_to))
add("out below a file", output(lambda folder: (folder / "f").write_text("x"), to="f/out"))
add("out a file", output(lambda folder: (folder / "out").write_text("x")))
add("out a pipe", output(lambda folder: os.mkfifo(folder / "out")))
add(
    "out a link to nothing",
    output(lambda folder: (folder / "out").symlink_to("nothing/there")),
    "either",
    check=lambda work, sound: "",
)
add("out a link to a file", output(lambda folder: ((folder / "f").write_text("x"), (folder / "out").symlink_to("f"))))
add(
    "out surfaces lead elsewhere",
    output(
        lambda folder: ((folder / "out").mkdir(), (folder / "else").mkdir(), (folder / "out/surfaces").symlink_to("../else"))
    ),
)
add(
    "out discs lead elsewhere",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            (folder / "theirs").write_text("x"),
            (folder / "out/discs.nii.gz").symlink_to("../theirs"),
        )
    ),
)
add("out surfaces a file", output(lambda folder: ((folder / "out").mkdir(), (folder / "out/surfaces").write_text("x"))))
add(
    "out a report that lists others'",
    output(
        lambda folder: (
            theirs("discs.nii.gz")(folder),
            (folder / "out/report.json").write_text(
                json.dumps({"versions": {"ivdseg": "0"}, "files": {"discs.nii.gz": "0" * 64}})
            ),
        )
    ),
)
add(
    "out a report that lists a pipe",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            os.mkfifo(folder / "out/discs.nii.gz"),
            (folder / "out/report.json").write_text(
                json.dumps({"versions": {"ivdseg": "0"}, "files": {"discs.nii.gz": "0" * 64}})
            ),
        )
    ),
)
add(
    "out a report of numbers",
    output(
        lambda folder: (
            (folder / "out").mkdir(),
            (folder / "out/report.json").write_text('{"versions": {"ivdseg": "0"}, "files": [[1, 2], 3]}'),
        )
    ),
)
add("out is the case", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "case"])[-1], "right")
add("out is the current folder", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "."])[-1], "right")
add("out goes up", lambda folder, sound: (copy(sound, folder), ["segment", "case", "-o", "new/../other/../out"])[-1], "right")
add("json nobody can be shown", sound_case("--json"), "refused", redirection=">/dev/full")
add("json to a closed stream", sound_case("--json"), "right", redirection=">&-")
add("files of 100 kB at most", sound_case(), "refused", shell="ulimit -f 100")
add("eighteen open files", sound_case(), "either", shell="ulimit -n 18")
add("current folder is gone", lambda folder, sound: ["segment", "../case", "-o", "out"], shell="mkdir g; cd g; rmdir ../g")
add("current folder is gone, evaluate", lambda folder, sound: ["evaluate", "a", "b"], shell="mkdir g; cd g; rmdir ../g")
