"""Imitates slicer.packaging of Slicer 5.12: records what would be installed, installs nothing.

`answer` says what the machine does: a callable that gets the requirement strings and may raise, as pip would.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

calls: list[dict[str, Any]] = []
answer: Callable[[list[str]], None] = lambda requirements: None  # noqa: E731


def load_requirements(path: str) -> list[str]:
    lines = [line.partition("#")[0].strip() for line in Path(path).read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if line]


def pip_ensure(
    requirements: list[str],
    constraints: Any = None,
    prompt_install: bool = True,
    requester: str | None = None,
) -> None:
    _record(requirements, constraints, {"prompt_install": prompt_install, "requester": requester})


def pip_install(
    requirements: str | list[str],
    constraints: Any = None,
    no_deps_requirements: list[str] | None = None,
    requester: str | None = None,
) -> None:
    more = {"requester": requester, "alone": no_deps_requirements}
    _record([requirements] if isinstance(requirements, str) else requirements, constraints, more)


def _record(requirements: list[str], constraints: Any, more: dict[str, Any]) -> None:
    held = Path(constraints).read_text(encoding="utf-8").splitlines() if constraints else []
    calls.append({"requirements": list(requirements), "constraints": held, **more})
    answer(list(requirements))
