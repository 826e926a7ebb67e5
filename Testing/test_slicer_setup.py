"""What Slicer's Python brings or lacks: no PythonSlicer, another copy of the library installed with pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

from slicer_harness.person import Person, scene_state

TESTING = Path(__file__).parent
MODULE = TESTING.parent / "IVDSegmentation"


def test_without_pythonslicer_segment_shows_one_box_with_slicers_sentence(monkeypatch):
    person = Person()
    person.load("water", "fat")
    person.click(person.ui.findButton)
    person.logic.segmenter.worker = None
    monkeypatch.setenv("PATH", "")
    before = scene_state()
    person.click(person.ui.segmentButton)
    (text,) = person.boxes
    assert "PythonSlicer executable not found" in text
    assert scene_state() == before
    assert not person.logic.running
    assert person.ui.segmentButton.enabled


def message_of_a_panel_with_library_from(folder):
    """The text of copyMessage, and whether it shows, in a fresh Python where the library comes from this folder."""
    script = (
        "from slicer_harness.person import Person; import IVDSegmentationLib; person = Person(); "
        "print(person.ui.copyMessage.text); print(person.ui.copyMessage.isHidden()); print(IVDSegmentationLib.__file__)"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), str(TESTING)]), "QT_QPA_PLATFORM": "offscreen"}
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env=environment, timeout=120, check=True
    )
    text, hidden, imported = run.stdout.splitlines()[-3:]
    assert Path(imported).parents[1] == folder
    return text, hidden == "True"


def test_a_panel_that_met_another_copy_of_the_library_says_so(tmp_path):
    other = tmp_path / "site-packages"
    shutil.copytree(MODULE / "IVDSegmentationLib", other / "IVDSegmentationLib")
    text, hidden = message_of_a_panel_with_library_from(other)
    assert str(other) in text
    assert "slicer.util.pip_uninstall('ivdsegmentation')" in text
    assert not hidden


def test_a_panel_with_its_own_library_says_nothing():
    assert message_of_a_panel_with_library_from(MODULE) == ("", True)
