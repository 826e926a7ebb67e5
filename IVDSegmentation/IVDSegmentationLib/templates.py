"""Pages and pictures that are made from templates in Resources; what is put into them is escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_FOLDER = Path(__file__).resolve().parent / "Resources"


def template(name: str) -> Template:
    """Load a template.

    Args:
        name: File in Resources, which ends in .jinja.

    Returns:
        The template. It escapes every value that is put into it, and raises jinja2.UndefinedError for one that is missing.
    """
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
