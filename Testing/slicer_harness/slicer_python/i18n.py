"""Imitates slicer.i18n: the context of a text is the file that asks for it, with its package where it is in one."""

import functools
import inspect
import os
import string
from pathlib import Path

import slicer


def tr(text: str) -> str:
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return translate(_context(frame.f_back.f_code.co_filename), text)


@functools.cache
def _context(filename: str) -> str:
    path = Path(filename)
    package = f"{path.parent.name}." if os.path.isfile(path.parent / "__init__.py") else ""
    return package + path.stem


def translate(context: str, text: str) -> str:
    translated = slicer.app.translate(context, text)
    if _fields(translated) != _fields(text):
        slicer.util.logging.warning("%s: other fields than %s", translated, text)
        return text
    return translated


def _fields(text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:  # a brace that stands alone
        return set()
