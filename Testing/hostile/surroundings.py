"""Where the program runs: streams, settings, memory, disks, signals."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from .campaign import Build, add
from .cases import ASCII, SMALL, copy, segment, sound_case
from .commands import evaluate
from .outputs import output


def no_case(folder: Path, sound: Path) -> list[str]:
    return segment()


for _where in (">&-", ">/dev/full", "2>&-", "2>/dev/full", "<&-"):
    add(f"stream {_where}", sound_case(), "right", redirection=_where)
    add(f"stream {_where} and an error", no_case, "refused", redirection=_where)
add("stream closed, evaluate", evaluate(lambda folder: (np.arange(32000).reshape(SMALL) % 900 < 9).astype(np.uint8)), "either",
    redirection=">/dev/full")  # fmt: skip
for _settings in (
    {"KERAS_BACKEND": "torch"},
    {"KERAS_BACKEND": "nonsense"},
    {"PYTHONWARNINGS": "error"},
    {"TF_USE_LEGACY_KERAS": "1"},
    {"OMP_NUM_THREADS": "many"},
    {"LC_ALL": "tr_TR.UTF-8", "LANG": "tr_TR.UTF-8"},
    {"COLUMNS": "-1"},
    ASCII,
):
    add(f"settings {next(iter(_settings.items()))}", sound_case(), "right", environment=_settings)


def keras_settings(content: str) -> Build:
    def build(folder: Path, sound: Path) -> list[str]:
        (folder / ".keras").mkdir()
        (folder / ".keras" / "keras.json").write_text(content)
        return sound_case()(folder, sound)

    return build


for _content in ('{"floatx": "float16", "backend": "jax", "image_data_format": "channels_first"}', "{", "[]", "[" * 10**5):
    add(f"keras.json {_content[:20]}", keras_settings(_content), "right", environment={"HOME": "."})
for _arguments in (
    ["phantom", "p", "--seed", "-1"],
    ["phantom", "p", "--seed", "x"],
    ["phantom", ""],
    ["check", "--phantoms", "-1"],
    ["segment"],
    ["segment", "case", "-o", "out", "--device", "abacus"],
    ["nonsense"],
    ["evaluate", "", ""],
):
    add(f"usage {' '.join(_arguments)}", lambda folder, sound, given=_arguments: given, "usage")
for _signal in ("SIGINT", "SIGTERM", "SIGHUP"):
    for _delay in (0.7, 2.5):
        add(f"{_signal} after {_delay} s", sound_case(), f"{_signal} {_delay}")


for _settings in (
    {"KERAS_BACKEND": "jax"},
    {"KERAS_HOME": "/dev/null"},
    {"TMPDIR": "/nonexistent"},
    {"TMPDIR": "/dev/null"},
    {"TMPDIR": "/proc"},
    {"HOME": "/nonexistent"},
    {"LC_ALL": "xx_XX.nonsense"},
    {"PYTHONOPTIMIZE": "2"},
    {"PYTHONDEVMODE": "1"},
    {"PYTHONUNBUFFERED": "1"},
    {"OMP_NUM_THREADS": "-1"},
    {"OPENBLAS_NUM_THREADS": "x"},
    {"CUDA_VISIBLE_DEVICES": "nonsense"},
    {"TF_CPP_MIN_LOG_LEVEL": "x"},
    {"ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "-3"},
    {"ITK_GLOBAL_DEFAULT_THREADER": "nonsense"},
    {"ITK_AUTOLOAD_PATH": "/nonexistent"},
    {"TERM": "nonsense", "COLUMNS": "x", "LINES": "-1"},
    {"MPLBACKEND": "nonsense"},
    {"OPENVINO_LOG_LEVEL": "5"},
    {"ONEDNN_VERBOSE": "2"},
    {"TQDM_MININTERVAL": "x", "TQDM_NCOLS": "x"},
    {"SITK_SHOW_COMMAND": "x"},
):
    add(f"settings {next(iter(_settings.items()))}", sound_case(), "right", environment=_settings)
for _engine in ("tensorflow", "openvino"):
    add(
        f"settings of {_engine}",
        sound_case("--engine", _engine),
        "right",
        environment={"KERAS_BACKEND": "torch", "TF_USE_LEGACY_KERAS": "1"},
    )
add("a graphics card that is not there", sound_case("--device", "gpu"))
for _where in (">&- 2>&-", ">/dev/full 2>/dev/full", "<&- >&- 2>&-", "</dev/zero", "2>&1 >/dev/full"):
    add(f"stream {_where}", sound_case(), "right", redirection=_where)
add("help nobody can be shown", lambda folder, sound: ["--help"], "refused", redirection=">/dev/full")
add("version nobody can be shown", lambda folder, sound: ["--version"], "refused", redirection=">/dev/full")
add(
    "planted settings folder",
    lambda folder, sound: ((folder / ".keras").mkdir(), os.mkfifo(folder / ".keras/keras.json"), sound_case()(folder, sound))[
        -1
    ],
    "right",
    environment={"HOME": "."},
)
add(
    "settings folder is a file",
    lambda folder, sound: ((folder / ".keras").write_text("x"), sound_case()(folder, sound))[-1],
    "right",
    environment={"HOME": "."},
)
add(
    "a dead run's leftovers",
    output(
        lambda folder: (
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef").mkdir(parents=True),
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef.lock").touch(),
            (folder / "out/.ivdseg-0123456789abcdef0123456789abcdef/moves").write_text("../../x\t/etc/passwd\n"),
        )
    ),
    "right",
)

for _signal in ("SIGINT", "SIGTERM", "SIGHUP"):
    for _delay in (0.35, 0.5, 1.0, 1.5, 2.0, 3.0):
        add(f"{_signal} after {_delay} s", sound_case(), f"{_signal} {_delay}")
for _command, _given in {
    "phantom": ["phantom", "p"],
    "check": ["check", "--phantoms", "3"],
    "cohort": ["cohort", "case", "-o", "out", "--quiet"],
}.items():
    for _signal, _delay in (("SIGINT", 0.6), ("SIGINT", 1.5), ("SIGTERM", 1.2)):
        add(
            f"{_signal} after {_delay} s, {_command}",
            lambda folder, sound, given=_given: (copy(sound, folder), given)[-1],
            f"{_signal} {_delay}",
        )
