"""A pip that records what it is asked to install, below whichever packaging this Slicer has. Nothing is installed."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import slicer


class Pip:
    """`calls`: what was asked for. `answer`: what the machine does with it; may raise CalledProcessError."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.answer: Callable[[list[str]], None] = lambda requirements: None

    def install(self, requirements: Any, constraints: Any = None, no_deps_requirements: Any = None, **more: Any) -> None:
        """slicer.packaging.pip_install of Slicer 5.12: where pip fails, Slicer's own box and the exception."""
        held = Path(constraints).read_text(encoding="utf-8").splitlines() if constraints else []
        wanted = [requirements] if isinstance(requirements, str) else [str(one) for one in requirements]
        self.calls.append({"requirements": wanted, "constraints": held, "alone": no_deps_requirements, **more})
        try:
            self.answer(wanted)
        except subprocess.CalledProcessError:
            slicer.util.errorDisplay("Package installation failed.", "Installation failed")
            raise

    def install_of_5_10(self, arguments: Any) -> None:
        """slicer.util.pip_install of Slicer 5.10: pip's arguments, no box."""
        self.calls.append({"arguments": arguments})
        self.answer([])


def _asks_to_restart(*arguments: Any, **keywords: Any) -> None:
    raise AssertionError("pip_ensure asks whether to restart Slicer, in the middle of a click")


def replaced_pip(monkeypatch: pytest.MonkeyPatch) -> Pip:
    """The pip in place of that of this Slicer."""
    pip = Pip()
    try:
        from slicer import packaging
    except ImportError:  # Slicer 5.10
        monkeypatch.setattr(slicer.util, "pip_install", pip.install_of_5_10)
    else:
        monkeypatch.setattr(packaging, "pip_install", pip.install)
        monkeypatch.setattr(packaging, "pip_ensure", _asks_to_restart)
    return pip
