"""What Slicer's Python brings or lacks: no PythonSlicer, another copy of the library installed with pip."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

from IVDSegmentationLib.errors import IVDSegmentationError
from IVDSegmentationLib.slicer import setup as slicer_setup
from IVDSegmentationLib.worker.client import WorkerClient
from IVDSegmentationLib.worker.protocol import Failed
from slicer_harness.launcher import write_launcher
from slicer_harness.person import Person, scene_state
from worker_cases import rest, small_case

TESTING = Path(__file__).parent
MODULE = TESTING.parent / "IVDSegmentation"


def other_library(folder: Path) -> Path:
    """A folder of site-packages with a copy of the library that cannot work."""
    package = folder / "IVDSegmentationLib"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('the copy in site-packages was taken')\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("safe_path", ["", "1"])
def test_the_worker_runs_the_copy_of_the_module_and_not_one_in_site_packages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, safe_path: str
) -> None:
    module = tmp_path / "qt-scripted-modules"
    shutil.copytree(MODULE / "IVDSegmentationLib", module / "IVDSegmentationLib", ignore=shutil.ignore_patterns("*.npz"))
    write_launcher(tmp_path, other_library(tmp_path / "site-packages"), *(Path(p) for p in sys.path if "site-packages" in p))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("PYTHONSAFEPATH", safe_path)
    monkeypatch.chdir(other_library(tmp_path / "working directory"))
    with WorkerClient(slicer_setup.worker_command(module), hang_s=100) as client:
        last = run_to_end(client)
    assert "site-packages was taken" not in last.log_tail
    assert last.kind == "model", last  # the copy has no weights, and says so


def run_to_end(client: WorkerClient) -> Failed:
    client.segment(small_case(), "case")
    last = rest(client)[-1]
    assert isinstance(last, Failed)
    return last


def test_without_pythonslicer_the_error_is_slicers_sentence_as_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    Person()  # the sentence is translated by the application
    monkeypatch.setenv("PATH", "")
    with pytest.raises(IVDSegmentationError, match="PythonSlicer executable not found"):
        slicer_setup.make_worker(MODULE)


def test_without_pythonslicer_segment_shows_one_box_with_slicers_sentence(monkeypatch):
    person = Person()
    person.load("water", "fat")
    person.click(person.ui.findButton)
    person.logic.job_runner.worker = None
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
