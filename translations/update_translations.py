"""`make translations`: every text that Slicer's users read, collected into the .ts files of this folder, and these compiled.

Run in .venv-slicer: python translations/update_translations.py. What is new in the sources appears in each .ts as unfinished,
what is gone leaves it; a translation that is there stays, also where its text has moved to another file. Then each .ts is
compiled (lrelease, of PySide6) to IVDSegmentation/Resources/Translations. Ends with 1 while a translation is missing.

A text is the string in a call of `_`, `tr` or `translate`, under the context by which slicer.i18n looks it up (the file, with
its folder where that is a package); a <string> of the .ui that is not marked notr, under the .ui's class; or one of the
tables of texts in the library (`TABLES`), that such a call gets as a variable. Slicer's lupdate finds only the .ui's.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "IVDSegmentation"
LIBRARY = MODULE / "IVDSegmentationLib"
COMPILED = MODULE / "Resources" / "Translations"
LANGUAGES = {"de": "de_DE"}
"""Suffix of the files -> language, as Qt calls it."""

Text = tuple[str, str]
"""Context and source."""


def texts() -> list[Text]:
    """All texts, once each, in the order of their contexts."""
    scripts = [MODULE / "IVDSegmentation.py", *sorted(LIBRARY.rglob("*.py"))]
    found = [text for script in scripts for text in texts_of_script(script)]
    found += texts_of_ui(MODULE / "Resources" / "UI" / "IVDSegmentation.ui")
    found += texts_of_tables()
    return sorted(dict.fromkeys(found), key=lambda text: text[0])


def texts_of_script(path: Path) -> Iterator[Text]:
    """The literal texts that a script asks translations of. Raises ValueError for an f-string, which none can match."""
    package = f"{path.parent.name}." if (path.parent / "__init__.py").exists() else ""
    own = package + path.stem
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        if name not in ("_", "tr", "translate", "_translate") or not node.args:
            continue
        *context, source = node.args
        if isinstance(source, ast.JoinedStr):
            raise ValueError(f"{path.name}:{node.lineno}: an f-string cannot be translated: use placeholders and format")
        # With a context of its own it is a text of Slicer's, as the category, and found in Slicer's translations.
        if isinstance(source, ast.Constant) and isinstance(source.value, str) and not context:
            yield own, source.value


def texts_of_ui(path: Path) -> Iterator[Text]:
    """The texts of a .ui that Qt's loader translates."""
    root = ElementTree.parse(path).getroot()
    context = root.findtext("class") or ""
    untranslated = {id(one) for holder in root.iter("stringlist") if holder.get("notr") == "true" for one in holder}
    for string in root.iter("string"):
        if string.text and string.get("notr") != "true" and id(string) not in untranslated:
            yield context, string.text


def texts_of_tables() -> Iterator[Text]:
    """The texts of the library that are handed to a translation as variables."""
    sys.path.insert(0, str(MODULE))
    from IVDSegmentationLib.dixon.channels import PLAIN_NAMES
    from IVDSegmentationLib.findings import KINDS, WORDS
    from IVDSegmentationLib.report import tables
    from IVDSegmentationLib.worker.session import STAGES

    sentences = (text for kind in KINDS.values() for text in (kind.text, kind.singular) if text)
    headings = (heading for columns in (tables.SIZES, tables.CONTRAST, tables.AGREEMENT) for heading, _, _ in columns)
    listed: dict[str, Iterable[str]] = {
        "IVDSegmentationLib.findings": (*sentences, *WORDS),
        "slicer.texts": PLAIN_NAMES.values(),
        "report.tables": (*PLAIN_NAMES.values(), *headings),
        "worker.session": STAGES.values(),
    }
    for context, sources in listed.items():
        for source in sources:
            yield context, source


def read_ts(path: Path) -> dict[Text, str]:
    """Context and source -> translation of a .ts file, without those that are unfinished."""
    if not path.exists():
        return {}
    return {
        (context.findtext("name") or "", message.findtext("source") or ""): message.findtext("translation") or ""
        for context in ElementTree.parse(path).getroot().iter("context")
        for message in context.iter("message")
        if message.findtext("translation")
    }


def write_ts(path: Path, language: str, wanted: Iterable[Text], translations: dict[Text, str]) -> list[Text]:
    """Write a .ts file with these texts. Returns those without a translation."""
    by_source = {source: translation for (_, source), translation in translations.items()}
    root = ElementTree.Element("TS", version="2.1", language=language, sourcelanguage="en_US")
    contexts: dict[str, ElementTree.Element] = {}
    missing = []
    for context, source in wanted:
        if context not in contexts:
            contexts[context] = ElementTree.SubElement(root, "context")
            ElementTree.SubElement(contexts[context], "name").text = context
        message = ElementTree.SubElement(contexts[context], "message")
        ElementTree.SubElement(message, "source").text = source
        translation = translations.get((context, source)) or by_source.get(source)
        element = ElementTree.SubElement(message, "translation")
        element.text = translation
        if not translation:
            element.set("type", "unfinished")
            missing.append((context, source))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    path.write_text(f'<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n{text}\n', encoding="utf-8", newline="\n")
    return missing


def main() -> None:
    """Update every language; ends with an error that lists what is not translated."""
    missing = []
    COMPILED.mkdir(exist_ok=True)
    for suffix, language in LANGUAGES.items():
        path = ROOT / "translations" / f"IVDSegmentation_{suffix}.ts"
        untranslated = write_ts(path, language, texts(), read_ts(path))
        missing += [f"{path.name}: {context}: {source}" for context, source in untranslated]
        compiled = COMPILED / f"IVDSegmentation_{suffix}.qm"
        subprocess.run(
            [Path(sys.executable).parent / "pyside6-lrelease", "-silent", "-nounfinished", path, "-qm", compiled], check=True
        )
    if missing:
        raise SystemExit("\n".join(["not translated yet:", *missing]))


if __name__ == "__main__":
    main()
