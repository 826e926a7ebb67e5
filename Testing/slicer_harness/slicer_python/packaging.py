"""Imitates slicer.packaging of Slicer 5.12: records what would be installed, installs nothing.

`answer` says what the machine does: a callable that gets the requirement strings and may raise CalledProcessError, as pip
would; Slicer then shows its own box. `restart_asked` counts Slicer's own questions whether to restart.
"""

import subprocess
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import slicer
from packaging.requirements import Requirement

calls: list[dict[str, Any]] = []
answer: Callable[[list[str]], None] = lambda requirements: None  # noqa: E731
restart_asked = 0


def load_requirements(path: str) -> list[Requirement]:
    """Only whole lines are comments; one behind a requirement is an error."""
    lines = [line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [Requirement(line) for line in lines if line and not line.startswith(("#", "-r", "-c"))]


def pip_check(requirements: Any) -> bool:
    """Whether they are installed, by the names of distributions."""
    for one in requirements if isinstance(requirements, list) else [requirements]:
        wanted = one if isinstance(one, Requirement) else Requirement(one)
        try:
            if not wanted.specifier.contains(version(wanted.name), prereleases=True):
                return False
        except PackageNotFoundError:
            return False
    return True


def pip_ensure(  # noqa: PLR0917
    requirements: list[Any],
    constraints: Any = None,
    skip_packages: list[str] | None = None,
    prompt_install: bool = True,
    prompt_restart: bool = True,
    requester: str | None = None,
    skip_in_testing: bool = True,
    show_progress: bool = True,
) -> None:
    global restart_asked  # noqa: PLW0603
    if skip_in_testing and slicer.app.testingEnabled():
        return
    lacking = [one for one in requirements if not pip_check(one)]
    if not lacking:
        return
    if prompt_install and not slicer.util.confirmOkCancelDisplay(f"Install {lacking}?", "Install Python packages?"):
        raise RuntimeError("User declined to install required packages")
    pip_install(lacking, constraints, requester=requester, show_progress=show_progress)
    if prompt_restart:
        restart_asked += 1


def pip_install(  # noqa: PLR0917
    requirements: Any,
    constraints: Any = None,
    no_deps_requirements: Any = None,
    skip_packages: list[str] | None = None,
    blocking: bool = True,
    show_progress: bool = True,
    requester: str | None = None,
    logCallback: Any = None,
    completedCallback: Any = None,
) -> None:
    """Also in testing. Where pip fails, a box of Slicer's own, and CalledProcessError."""
    wanted = [requirements] if isinstance(requirements, str) else [str(one) for one in requirements]
    held = Path(constraints).read_text(encoding="utf-8").splitlines() if constraints else []
    calls.append({"requirements": wanted, "constraints": held, "requester": requester, "alone": no_deps_requirements})
    try:
        answer(wanted)
    except subprocess.CalledProcessError:
        if show_progress:
            slicer.util.errorDisplay("Package installation failed.", "Installation failed")
        raise
