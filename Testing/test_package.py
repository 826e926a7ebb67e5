"""The package as people install it: the wheel alone, in an empty environment, with nothing of the checkout on the path."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib import __version__
from IVDSegmentationLib.images import read_volume
from IVDSegmentationLib.levels.labelling import LABELS, SACRAL_LEVEL

ROOT = Path(__file__).parents[1]
LIBRARY = ROOT / "IVDSegmentation" / "IVDSegmentationLib"


def run(command, folder):
    """Run a command in a folder, without the variables that could put the checkout on the path; its standard output."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "IVDSEG"))}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "is absent from the" not in done.stderr, "setuptools takes a folder of data for a package"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built from the source distribution, as `python -m build` does, of a copy: the build leaves folders beside its source."""
    folder = tmp_path_factory.mktemp("build")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE.txt"):
        shutil.copy(ROOT / name, source)
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build", "Testing")
    shutil.copytree(ROOT / "IVDSegmentation", source / "IVDSegmentation", ignore=ignored)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / "dist", source], folder)
    (built,) = (folder / "dist").glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The folder of the programs of a virtual environment that holds the wheel.

    Its dependencies come from the environment of the tests by a .pth file, which does not read the .pth files there: an
    editable installation of the checkout stays out.
    """
    folder = tmp_path_factory.mktemp("installed") / "environment"
    run([sys.executable, "-m", "venv", "--without-pip", folder], folder.parent)
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = programs / Path(sys.executable).name
    site = Path(run([python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], folder).strip())
    paths = dict.fromkeys(sysconfig.get_path(kind) for kind in ("purelib", "platlib"))
    (site / "dependencies.pth").write_text("\n".join(paths) + "\n")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    run([*pip, "--ignore-installed", wheel], folder)
    return programs


def test_the_wheel_holds_every_file_of_the_library_and_nothing_else(wheel):
    library = {
        path.relative_to(LIBRARY.parent).as_posix()
        for path in LIBRARY.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert packed == library
    assert "IVDSegmentationLib/py.typed" in packed


def test_version_and_licence_are_those_of_the_repository(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = Parser().parsestr(archive.read(name).decode())
        licence = archive.read(name.replace("METADATA", "licenses/LICENSE.txt"))
    assert metadata["Version"] == __version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata.get_all("License-File") == ["LICENSE.txt"]
    assert licence == (ROOT / "LICENSE.txt").read_bytes()


def test_the_version_is_written_in_one_place_and_the_changelog_and_citation_follow():
    heading = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert heading is not None
    assert heading.group(1) == __version__
    assert f"\nversion: {__version__}\n" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r'^version = "', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE) is None


def test_the_installed_wheel_is_used_and_not_the_checkout(environment, tmp_path):
    code = "import IVDSegmentationLib; print(IVDSegmentationLib.__file__)"
    where = Path(run([environment / Path(sys.executable).name, "-c", code], tmp_path).strip())
    assert where.is_relative_to(environment.parent)
    assert run([environment / "ivdseg", "--version"], tmp_path).strip() == f"ivdseg {__version__}"


def test_the_installed_wheel_segments_a_phantom(environment, tmp_path):
    run([environment / "ivdseg", "phantom", "case"], tmp_path)
    run([environment / "ivdseg", "segment", "case", "-o", "out", "--reference", "case/reference.nii.gz"], tmp_path)
    found = read_volume(tmp_path / "out" / "discs.nii.gz").voxels
    true = read_volume(tmp_path / "case" / "reference.nii.gz").voxels
    # Remnants in the sacrum are no discs of the reference.
    assert set(np.unique(found)) - {LABELS[SACRAL_LEVEL]} == set(np.unique(true))
    both = 2 * ((found > 0) & (true > 0)).sum() / ((found > 0).sum() + (true > 0).sum())
    assert both > 0.85
    report = json.loads((tmp_path / "out" / "report.json").read_text(encoding="utf-8"))
    assert report["versions"]["ivdseg"] == __version__
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    assert len(list((tmp_path / "out" / "surfaces").glob("*.vtp"))) == len(np.unique(found)) - 1
