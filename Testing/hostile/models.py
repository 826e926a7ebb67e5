"""Models that are damaged, or not what their cards say."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from IVDSegmentationLib.networks.models import MODELS_FOLDER

from .campaign import Build, add
from .cases import BYTES, NAN, copy, segment, sound_case


def model(change: Callable[[Path], object]) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        copy(sound, folder)
        shutil.copytree(MODELS_FOLDER / "default", folder / "model")
        change(folder / "model")
        return segment("--model", "./model")

    return build


def card(**changes) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = json.loads((folder / "card.json").read_text())
        for key, value in changes.items():
            content[key] = {**content[key], **value} if isinstance(value, dict) else value
        (folder / "card.json").write_text(json.dumps(content))

    return change


def weights(content: bytes) -> Callable[[Path], None]:
    import hashlib

    def change(folder: Path) -> None:
        (folder / "localizer.npz").write_bytes(content)
        card(localizer={"sha256": hashlib.sha256(content).hexdigest()})(folder)

    return change


def bomb() -> bytes:
    path = Path(tempfile.gettempdir()) / "hostile-bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": (10**9,)})
        for _ in range(200):
            file.write(bytes(10**7))
    content = path.read_bytes()
    path.unlink()
    return content


MODELS: dict[str, Callable[[Path], object]] = {
    "no card": lambda folder: (folder / "card.json").unlink(),
    "card empty": lambda folder: (folder / "card.json").write_text(""),
    "card a list": lambda folder: (folder / "card.json").write_text("[1]"),
    "card deep": lambda folder: (folder / "card.json").write_text("[" * 10**6),
    "card not utf-8": lambda folder: (folder / "card.json").write_bytes(b'{"name": "\xff"}'),
    "card a pipe": lambda folder: ((folder / "card.json").unlink(), os.mkfifo(folder / "card.json")),
    "name a number": card(name=5),
    "weights a path": card(localizer={"weights": "../../../etc/passwd"}),
    "weights a number": card(localizer={"weights": 7}),
    "checksum of another": card(localizer={"sha256": "0" * 64}),
    "architecture unknown": card(localizer={"architecture": "gan"}),
    "features text": card(localizer={"parameters": {"features": "abc"}}),
    "features huge": card(localizer={"parameters": {"features": [10**8, 10**8]}}),
    "parameters none": card(localizer={"parameters": None}),
    "confidence text": card(confidence={"segmenter": "high"}),
    "least probability infinite": card(least_probability=1e999),
    "weights missing": lambda folder: (folder / "segmenter.npz").unlink(),
    "weights a pipe": lambda folder: ((folder / "localizer.npz").unlink(), os.mkfifo(folder / "localizer.npz")),
    "weights a byte changed": lambda folder: (folder / "localizer.npz").write_bytes(
        (folder / "localizer.npz").read_bytes()[:-1]
    ),
    "weights empty": weights(b""),
    "weights a pickle": weights(b"\x80\x04K\x05."),
    "weights a bomb": weights(bomb()),
}
for _name, _change in MODELS.items():
    add(f"model {_name}", model(_change))
add("model absent", lambda folder, sound: (copy(sound, folder), segment("--model", "none"))[-1])
add("model name with a newline", lambda folder, sound: (copy(sound, folder), segment("--model", "a\nb"))[-1])


def levels_card(**changes) -> Callable[[Path], None]:
    return card(levels=changes)


for _name, _change in {
    "chain missing": levels_card(chain=None),
    "chain nan": levels_card(chain={"step": [NAN] * 6}),
    "chain a text": levels_card(chain="x"),
    "levels a list": card(levels=[1]),
    "levels features 0": levels_card(parameters={"features": [0, 0]}),
    "levels features negative": levels_card(parameters={"features": [-8]}),
    "levels features nan": levels_card(parameters={"features": [NAN]}),
    "segmenter channels none": card(segmenter={"parameters": {}}),
    "confidence infinite": card(confidence={"segmenter": [1e308, 1e308]}),
    "confidence missing": card(confidence=None),
    "no segmenter": card(segmenter=None),
    "inputs unknown": card(segmenter={"inputs": ["x"]}),
    "weights its own card": card(localizer={"weights": "card.json"}),
    "card a device": lambda folder: ((folder / "card.json").unlink(), (folder / "card.json").symlink_to("/dev/zero")),
    "weights in a circle": lambda folder: (
        (folder / "localizer.npz").unlink(),
        (folder / "localizer.npz").symlink_to("localizer.npz"),
    ),
    "weights sparse": lambda folder: os.truncate(folder / "localizer.npz", 8 << 30),
    "weights of the other network": lambda folder: shutil.copy(folder / "segmenter.npz", folder / "localizer.npz"),
}.items():
    add(f"model {_name}", model(_change), "either" if _name in ("inputs unknown", "confidence infinite") else "refused")
for _model in ("", ".", "..", "/", "/dev/zero", "default/../../x", "./" + "m" * 300, BYTES):
    add(f"model called {_model[:20]!r}", sound_case("--model", _model))
