"""The panel in German: every text is translated, what must not be translated is not, and the whole job works in it."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

from PySide6 import QtCore

TESTING = Path(__file__).parent
ROOT = TESTING.parent
MODULE = ROOT / "IVDSegmentation"
sys.path.append(str(ROOT / "translations"))
import update_translations as translations  # noqa: E402

GERMAN = translations.read_ts(ROOT / "translations" / "IVDSegmentation_de.ts")
COMPILED = MODULE / "Resources" / "Translations" / "IVDSegmentation_de.qm"
UI = ElementTree.parse(MODULE / "Resources" / "UI" / "IVDSegmentation.ui").getroot()


def fields(text):
    """The placeholders of a text, as slicer.i18n compares them."""
    return set(re.findall(r"(?<!\{)\{([^\{\}]+)\}(?!\})", text))


def test_every_text_is_translated_and_no_other():
    wanted = set(translations.texts())
    assert len(wanted) > 100
    assert sorted(wanted - set(GERMAN)) == [], "run `make translations` and translate what is unfinished"
    assert sorted(set(GERMAN) - wanted) == [], "run `make translations`"


@pytest.mark.parametrize(("context", "source"), list(GERMAN), ids=lambda text: text[:40])
def test_a_translation_keeps_placeholders_and_line_ends(context, source):
    german = GERMAN[context, source]
    assert fields(german) == fields(source)
    assert german.count("\n") == source.count("\n")
    assert source.endswith("...") == german.endswith("...")
    assert source[:1].isspace() == german[:1].isspace()
    assert german.count("&") == source.count("&")


def test_every_key_of_the_keyboard_has_one_meaning_in_german():
    keys = {german: german[german.index("&") + 1].lower() for german in GERMAN.values() if "&" in german}
    assert len(keys) > 8
    assert len(set(keys.values())) == len(keys), keys


def test_the_compiled_translation_is_that_of_the_source():
    translator = QtCore.QTranslator()
    assert translator.load(str(COMPILED))
    compiled = {(context, source): translator.translate(context, source) for context, source in GERMAN}
    assert compiled == GERMAN, "run `make translations`"


def test_what_names_parameters_and_node_types_is_not_translated():
    marked = {"SlicerParameterName": 0, "nodeTypes": 0}
    for holder in UI.iter("property"):
        if holder.get("name") in marked:
            assert holder[0].get("notr") == "true", ElementTree.tostring(holder)
            marked[holder.get("name")] += 1
    assert marked["nodeTypes"] == 5
    assert marked["SlicerParameterName"] >= 8


def scripts_of_slicers_side():
    return [MODULE / "IVDSegmentation.py", *sorted((MODULE / "IVDSegmentationLib" / "slicer").glob("*.py"))]


def is_sentence(node):
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    said = "".join(part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str))
    return re.search(r"[A-Za-z]{2}.* .*[A-Za-z]{2}", said) is not None


@pytest.mark.parametrize("script", scripts_of_slicers_side(), ids=lambda path: path.name)
def test_no_sentence_reaches_the_user_untranslated(script):
    """A literal sentence that is raised, or becomes a text or a tooltip, without a call of `_`."""
    found = []
    for node in ast.walk(ast.parse(script.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            said = node.exc.args
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "attr", "") in ("text", "toolTip", "title", "helpText"):
            said = [node.value]
        else:
            continue
        found += [ast.unparse(one) for one in said if isinstance(one, (ast.Constant, ast.JoinedStr)) and is_sentence(one)]
    assert found == []


@pytest.mark.parametrize("script", scripts_of_slicers_side(), ids=lambda path: path.name)
def test_no_text_is_asked_for_while_a_file_is_imported(script):
    """It would stay English: translations are loaded when the module is made."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    at_import = [node for node in tree.body if not isinstance(node, (ast.FunctionDef, ast.ClassDef))]
    at_import += [
        node for one in tree.body if isinstance(one, ast.ClassDef) for node in one.body if not isinstance(node, ast.FunctionDef)
    ]
    calls = [node for one in at_import for node in ast.walk(one) if isinstance(node, ast.Call)]
    assert [ast.unparse(call) for call in calls if getattr(call.func, "id", "") in ("_", "tr", "translate")] == []


def told_in(locale):
    """What the panel says before and after a run, in a Slicer of this locale, as a dict."""
    script = """
import json
import slicer
from slicer_harness.application import as_started
from slicer_harness.boot import boot, load_module
boot()
as_started(slicer.app, locale=LOCALE)
load_module()
from slicer_harness.person import PHANTOM, Person
person = Person()
ui = person.ui
told = {"title": slicer.modules.ivdsegmentation.title, "empty": ui.segmentButton.toolTip, "results": ui.resultsMessage.text}
nodes = person.load("water", "fat")
person.click(ui.findButton)
told["found"] = ui.inputsMessage.text
told["parameters"] = [getattr(ui, f"{name}Selector").currentNode() is nodes[name] for name in nodes]
told["button"] = ui.segmentButton.text
told["choices"] = [ui.lowestLevelBox.currentText, *(ui.deviceBox.itemText(number) for number in range(3))]
ui.deviceBox.setCurrentText(told["choices"][2])
told["stored"] = person.logic.getParameterNode().device
person.worker.hold_at = "segment"
person.click(ui.segmentButton)
person.wait(lambda: ui.progressBar.value > 40)
told["running"] = [ui.segmentButton.text, ui.stageMessage.text]
person.worker.hold_at = None
person.wait(lambda: not person.logic.running)
told["after"] = [ui.stageMessage.text, ui.resultsMessage.text]
table = ui.measurementsTable
told["headings"] = [table.horizontalHeaderItem(column).text() for column in (0, 1)]
told["contrast"] = ui.contrastTable.item(0, 0).text()
other = "L4-L5" if person.panel.results.result.discs[0].level == "L5-S1" else "L5-S1"
ui.lowestLevelBox.setCurrentText(other)
told["renamed"] = [table.item(table.rowCount - 1, 0).text(), other]
told["boxes"] = person.boxes
print("TOLD" + json.dumps(told))
""".replace("LOCALE", repr(locale))
    paths = os.pathsep.join([str(MODULE), str(TESTING)])
    environment = os.environ | {"PYTHONPATH": paths, "QT_QPA_PLATFORM": "offscreen", "PYTHONUTF8": "1"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, encoding="utf-8", env=environment, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    (line,) = [line for line in run.stdout.splitlines() if line.startswith("TOLD")]
    return json.loads(line[4:])


@pytest.mark.parametrize("locale", ["de_DE", "de_AT"])
def test_the_whole_job_works_in_german(locale):
    told = told_in(locale)
    assert (
        told["empty"]
        == "Wählen Sie zuerst Wasser, In-Phase oder Gegenphase: im Fettbild allein sind Bandscheiben nicht zu sehen."
    )
    assert told["results"] == "Noch kein Ergebnis."
    assert told["found"] == "Gefunden: Wasser, Fett."  # in the order of the selectors
    assert told["parameters"] == [True, True]
    assert told["button"] == "Se&gmentieren"
    assert told["choices"] == ["automatisch", "automatisch", "Prozessor", "Grafikkarte"]
    assert told["stored"] == "cpu"
    assert told["running"] == ["&Abbrechen", "Die Bandscheiben werden segmentiert..."]
    assert told["after"][0] == "Fertig."
    assert re.search(r"\d Bandscheiben, L5-S1 bis ", told["after"][1])
    assert told["headings"] == ["Niveau", "Volumen, mm3"]
    assert told["contrast"].split(" ")[0] in ("Wasser", "Fett")
    assert told["renamed"][0] == told["renamed"][1]
    assert told["boxes"] == []


def test_without_a_translation_of_the_language_the_panel_is_english():
    told = told_in("fr_FR")
    assert told["button"] == "&Segment"
    assert told["after"][0] == "Done."
