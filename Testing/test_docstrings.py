"""Docstrings of the library: Google style, every parameter explained, words of the field."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LIBRARY = REPOSITORY / "IVDSegmentation" / "IVDSegmentationLib"
OURS = ("InputError", "OutputError", "ModelError", "TrainingError", "Cancelled")
Function = ast.FunctionDef | ast.AsyncFunctionDef

FILES = sorted(LIBRARY.rglob("*.py"))

GIVEN_UP = {
    r"\btold of\b": "fine-tuned on, or: named in",
    r"\bmade[ -]up\b": "false positive, or: synthesised",
    r"\bwhat speaks for\b": "likelihood",
    r"\bsureness\b": "mean probability, or: confidence",
    r"\bhaze\b": "low probabilities around a disc",
    r"\bbehind our back\b": "meanwhile",
    r"\bgoes on from\b": "is fine-tuned from, or: resumes from",
    r"\brooms? (of the library )?that knows? slicer\b": "the package slicer",
    r"\bto the letter\b": "follows the paper, and say where it does not",
}
"""Words that the project once had of its own -> those of the field (docs/glossary.md)."""


def public_functions(path: Path) -> Iterator[tuple[str, Function]]:
    """Functions and methods of a file that are public, with their names; properties and overrides among them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node.name, node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for member in node.body:
                if isinstance(member, Function) and (member.name == "__init__" or not member.name.startswith("_")):
                    yield f"{node.name}.{member.name}", member


def parameters(function: Function) -> list[str]:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [one.arg for one in named if one.arg not in ("self", "cls")]


def own_statements(function: Function) -> Iterator[ast.AST]:
    """What a function does itself: its nodes without those of functions and lambdas inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        waiting += [n for n in ast.iter_child_nodes(node) if not isinstance(n, (Function, ast.Lambda, ast.ClassDef))]


def returns_a_value(function: Function) -> bool:
    annotation = "" if function.returns is None else ast.unparse(function.returns)
    return annotation not in ("", "None", "NoReturn") and not annotation.startswith("Iterator")


def raises_ours(function: Function) -> set[str]:
    raised = [node.exc for node in own_statements(function) if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)]
    return {name for call in raised if isinstance(call.func, ast.Name) and (name := call.func.id) in OURS}


def faults(path: Path) -> list[str]:
    found = []
    for name, function in public_functions(path):
        text = ast.get_docstring(function) or ""
        decorators = {ast.unparse(one) for one in function.decorator_list}
        if not text:
            found.append(f"{name} has no docstring")
            continue
        sections = dict(re.findall(r"^(Args|Returns|Yields|Raises):\n((?:[ ]{4}.*\n?|\n)+)", text, re.M))
        explained = re.findall(r"^    (\w+):", sections.get("Args", ""), re.M)
        if explained != parameters(function):
            found.append(f"{name} explains {explained}, and takes {parameters(function)}")
        if returns_a_value(function) and "property" not in decorators and "Returns" not in sections:
            found.append(f"{name} does not say what it returns")
        missing = {error for error in raises_ours(function) if error not in sections.get("Raises", "")}
        found += [f"{name} raises {error} and does not say when" for error in sorted(missing)]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(LIBRARY).as_posix())
def test_every_public_function_explains_its_parameters_result_and_errors(path: Path) -> None:
    assert faults(path) == []


def test_the_check_finds_what_is_missing(tmp_path: Path) -> None:
    """The check itself: a function that explains nothing has every fault."""
    source = tmp_path / "example.py"
    source.write_text(
        'def read(path: str) -> int:\n    """Read."""\n    raise InputError("no")\n\n\ndef bare(path: str) -> None:\n    pass\n'
    )
    assert faults(source) == [
        "read explains [], and takes ['path']",
        "read does not say what it returns",
        "read raises InputError and does not say when",
        "bare has no docstring",
    ]


def texts() -> list[Path]:
    """What is written in words: code, documents, descriptions; not the list of words in this file and in the glossary."""
    kinds = (".py", ".md", ".json", ".toml", ".ui", ".txt")
    folders = [REPOSITORY / name for name in ("IVDSegmentation", "docs", "Testing", "benchmarks")]
    files = [path for folder in folders for path in folder.rglob("*") if path.suffix in kinds and path.is_file()]
    files += [path for path in REPOSITORY.iterdir() if path.suffix in kinds]
    lists = {Path(__file__).resolve(), REPOSITORY / "docs" / "glossary.md"}
    return [path for path in files if path.resolve() not in lists and ".venv" not in path.parts]


@pytest.mark.parametrize("word", GIVEN_UP)
def test_words_that_the_project_gave_up_do_not_come_back(word: str) -> None:
    pattern = re.compile(word, re.I)
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()[:80]}"
        for path in texts()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if pattern.search(line)
    ]
    assert not found, f"say {GIVEN_UP[word]}"
