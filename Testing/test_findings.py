"""findings.py: every code can be made, said, written and read; what is none is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import KINDS, WORDS, Finding, finding, finding_of, has_uncertain_levels, renamed_findings

LIBRARY = Path(__file__).resolve().parents[1] / "IVDSegmentation" / "IVDSegmentationLib"


def example(code: str) -> Finding:
    """A finding of a code, with a number or a text in each place of its sentence."""
    kind = KINDS[code]
    parts = {name: spec for _, name, spec, _ in Formatter().parse(kind.text) if name}
    values: dict[str, Any] = {name: 1.5 if spec else "left" for name, spec in parts.items()}
    for name in ("level", "other_level", "levels"):
        values.pop(name, None)
    if "count" in values:
        values["count"] = 3
    return finding(code, "L5-S1", "L4-L5", **values)


@pytest.mark.parametrize("code", KINDS)
def test_every_code_is_said_written_and_read(code: str) -> None:
    made = example(code)
    text = made.text()
    assert text.endswith(".") and "{" not in text and "  " not in text
    written = json.loads(json.dumps(made.to_json()))
    assert written["text"] == text
    assert written["severity"] in ("note", "warning")
    assert finding_of(written) == made


def test_every_code_is_used_and_every_used_code_is_known() -> None:
    sources = {path: path.read_text(encoding="utf-8") for path in LIBRARY.rglob("*.py") if path.name != "findings.py"}
    quoted = set(re.findall(r'"([a-z0-9_]+)"', "".join(sources.values())))
    assert set(KINDS) - quoted == set()


def test_one_is_said_in_the_singular() -> None:
    assert finding("structures_off_spine", count=1).text().startswith("1 structure that resembles a disc lies off")
    assert finding("structures_off_spine", count=2).text().startswith("2 structures that resemble discs lie off")


def test_the_text_is_translated_and_its_words_too_but_no_name() -> None:
    german = {KINDS["asymmetric"].text: "{side}: {share:.0%}", "left": "links"}
    made = finding("asymmetric", "L4-L5", side="left", share=0.25)
    assert made.text(lambda text: german[text]) == "links: 25%"
    named = finding("no_reference", name="left")
    assert named.text(lambda text: text.upper() if text in WORDS else text) == "left has no reference and was left out."


def test_a_name_with_braces_is_said_as_it_is() -> None:
    assert finding("no_reference", name="{0} {name}").text().startswith("{0} {name} has no reference")


@pytest.mark.parametrize(
    ("code", "levels", "values", "words"),
    [
        ("nothing", (), {}, "code of no finding"),
        ("low_confidence", ("L5-S1",), {}, "needs confidence"),
        ("names_counted", (), {}, "needs level"),
        ("lowest_level_uncertain", ("L5-S1",), {"probability": 0.5, "other_probability": 0.4}, "needs other_level"),
    ],
)
def test_what_no_sentence_can_be_made_of_is_refused(
    code: str, levels: tuple[str, ...], values: dict[str, float], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        finding(code, *levels, **values)


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"code": "cut", "levels": 3, "values": {}},
        {"code": "cut", "levels": [], "values": [1]},
        {"code": "low_confidence", "levels": ["L5-S1"], "values": {"confidence": "high"}},
        {"code": "low_confidence", "levels": ["L5-S1"], "values": {"confidence": [1]}},
        {"code": "of another version", "levels": [], "values": {}},
    ],
)
def test_what_is_no_finding_is_refused_when_it_is_read(content: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        finding_of(content)


def test_who_sets_the_lowest_level_settles_what_was_uncertain() -> None:
    uncertain = finding("names_counted", "L5-S1")
    gap = finding("disc_not_found", "L4-L5", "L3-L4")
    assert has_uncertain_levels([gap, uncertain]) and not has_uncertain_levels([gap])
    names = {"L5-S1": "L4-L5", "L4-L5": "L3-L4", "L3-L4": "L2-L3"}
    assert renamed_findings([uncertain, gap], names) == (finding("disc_not_found", "L3-L4", "L2-L3"),)


def test_numbers_are_written_to_six_digits_and_the_text_is_that_of_the_numbers() -> None:
    written = finding("low_confidence", "L5-S1", confidence=0.7849999999).to_json()
    assert written["values"] == {"confidence": 0.785}
    assert written["text"] == finding_of(written).text()
