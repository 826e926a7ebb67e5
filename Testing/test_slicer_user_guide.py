"""The console examples of the user guide run as printed, and what it says of the panel is so."""

import contextlib
import io
import re
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
from slicer_harness.person import Person

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "user-guide.md").read_text(encoding="utf-8")


def test_the_console_examples_run():
    person = Person()
    person.load("water", "fat")
    examples = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)
    assert len(examples) == 2
    names, printed = {"slicer": slicer}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        for example in examples:
            exec(compile(example, "user-guide.md", "exec"), names)  # our own document, not data from outside
            person.wait(lambda: not person.logic.running)
    lines = printed.getvalue().splitlines()
    assert lines[0].startswith("L5-S1 (")
    assert any(re.fullmatch(r"L4-L5 \d+(\.\d+)?", line) for line in lines)
    assert [str(report["folder"]) for report in person.worker.reports] == [f"{slicer.app.temporaryPath}/report"]
    assert "0% Starting the segmentation process" in lines
    assert lines[-1] == str([disc.level for disc in names["result"].original.found])  # as they were named by themselves


def test_every_picture_of_the_guide_is_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", GUIDE)
    assert len(pictures) == 4
    assert [picture for picture in pictures if not (ROOT / "docs" / picture).resolve().is_file()] == []


def test_the_guide_names_every_control():
    ui = Person().ui
    table = GUIDE[GUIDE.index("## Every control") : GUIDE.index("## In the Python console")]
    buttons = [ui.findButton.text, ui.loadFolderButton.text, ui.segmentButton.text, ui.keepResultsBox.text]
    buttons += [ui.saveReportButton.text, *(ui.resultTabs.tabText(index) for index in range(ui.resultTabs.count))]
    labels = [widget.text.rstrip(":") for widget in vars(ui).values() if widget.name.endswith("Label")]
    assert len(labels) == 7
    assert [text for text in buttons + labels if text.replace("&", "") not in table] == []
