"""How long the tests take that two versions have in common: `python benchmarks/common_tests.py --against CHECKOUT`.

CHECKOUT is made by `git worktree add CHECKOUT REVISION`; both need the environments of `make .venv/ready .venv-slicer/ready`. A
test is common where a function of its name is in both; each half, on the harness and without it, runs in one process a version,
both versions in turn.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HALVES = {"on the harness": ".venv-slicer", "library": ".venv"}


def main() -> None:
    """Print one row a half."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, required=True, metavar="CHECKOUT", help="another version")
    versions = [parser.parse_args().against.resolve(), ROOT]
    print("| tests in common | other: passed, s | this: passed, s |\n|---|---|---|")
    for half, environment in HALVES.items():
        found = [collected(version, half, environment) for version in versions]
        common = set.intersection(*({function_of(test) for test in tests} for tests in found))
        cells = [
            passed_and_s(version, environment, [test for test in tests if function_of(test) in common])
            for version, tests in zip(versions, found, strict=True)
        ]
        print(f"| {half} | {' | '.join(cells)} |", flush=True)


def function_of(test: str) -> str:
    """Name of a test's function, without its parameters."""
    return re.sub(r"\[.*", "", test.rsplit("::", maxsplit=1)[-1])


def collected(version: Path, half: str, environment: str) -> list[str]:
    """The tests of one half, as pytest names them."""
    files = sorted((version / "Testing").glob("test_*.py"))
    of_slicer = {path for path in files if path.name.startswith(("test_slicer_", "test_extension_"))}
    mine = [path for path in files if (path in of_slicer) == (half == "on the harness")]
    lines = ran(version, environment, ["--collect-only", *(str(path.relative_to(version)) for path in mine)])
    return [line.strip() for line in lines if "::" in line]


def passed_and_s(version: Path, environment: str, tests: list[str]) -> str:
    """How many of these tests pass, and the seconds they take, start included."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(tests) + "\n")
        names.flush()
        start = time.perf_counter()
        summary = ran(version, environment, [f"@{names.name}"])[-1]
        seconds = time.perf_counter() - start
    passed = re.search(r"(\d+) passed", summary)
    if passed is None or " failed" in summary:
        raise SystemExit(f"{version.name}: {summary}")
    return f"{passed[1]}, {seconds:.0f}"


def ran(version: Path, environment: str, arguments: list[str]) -> list[str]:
    """What pytest writes, line by line."""
    python = version / environment / "bin" / "python"
    variables = {name: value for name, value in os.environ.items() if name != "IVDSEG_DATA"} | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [str(python), "-m", "pytest", *arguments], cwd=version, env=variables, capture_output=True, text=True, check=False
    )
    return done.stdout.strip().splitlines()


if __name__ == "__main__":
    main()
