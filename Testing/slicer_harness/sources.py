"""Slicer's own Python files in place of the imitation of them.

SLICER_SOURCE names a checkout of Slicer/Slicer, or what `git archive REV Base/Python Modules/Scripted/SampleData` gives of it.
The files are read where they are, and nothing of them is kept. `make test-slicer SLICER_SOURCE=DIR[:DIR...]` sets it.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from pathlib import Path
from typing import Any

FOLDER: Path | None = Path(os.environ["SLICER_SOURCE"]).resolve() if os.environ.get("SLICER_SOURCE") else None
"""The checkout in use; None: the imitation."""

_IMITATION = Path(__file__).parent


def name() -> str:
    """What to call the files in use in the name of a test."""
    return "imitation" if FOLDER is None else version(FOLDER)


def version(folder: Path) -> str:
    """The version that a checkout gives itself; else the name of its folder."""
    build = folder / "CMakeLists.txt"
    numbers = re.findall(r"set\(Slicer_VERSION_(?:MAJOR|MINOR|PATCH) \"(\d+)\"\)", build.read_text()) if build.is_file() else []
    return ".".join(numbers) if len(numbers) == 3 else folder.name


def use(slicer: Any) -> None:
    """Make `slicer` what it is in Slicer, before anything asks it for more than what is compiled. Raises FileNotFoundError."""
    if FOLDER is None:
        slicer.__path__.append(str(_IMITATION / "slicer_python"))
        return
    package = FOLDER / "Base" / "Python" / "slicer"
    if not (package / "util.py").is_file():
        raise FileNotFoundError(f"{FOLDER} is no checkout of Slicer: it has no Base/Python/slicer/util.py")
    slicer.__path__.insert(0, str(package))
    # The wheel has loaded its own by now.
    spec = importlib.util.spec_from_file_location("slicer.util", package / "util.py")
    assert spec is not None
    assert spec.loader is not None
    slicer.util = sys.modules["slicer.util"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(slicer.util)


def scripted_modules() -> Path:
    """The folder of SampleData.py."""
    if FOLDER is None:
        return _IMITATION / "scripted_modules"
    return FOLDER / "Modules" / "Scripted" / "SampleData"
