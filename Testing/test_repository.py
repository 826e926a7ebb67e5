"""The files that services and newcomers read: workflows, citation and site are valid, and what the documents name is there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def check(schema, *files):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflows_are_valid():
    assert [path.name for path in WORKFLOWS] == ["ci.yml", "fuzz.yml", "slicer.yml"]
    check("vendor.github-workflows", *WORKFLOWS)


def test_the_citation_is_valid():
    check("vendor.citation-file-format", ROOT / "CITATION.cff")


@pytest.mark.parametrize(
    "document", ["CONTRIBUTING.md", "README.md", *(f".github/workflows/{name}.yml" for name in ("ci", "fuzz", "slicer"))]
)
def test_every_make_target_that_a_document_names_is_there(document):
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:`|run: )make ([\w-]+)", (ROOT / document).read_text(encoding="utf-8")))
    assert named
    assert named <= targets


def test_the_tests_of_the_workflow_cover_the_pythons_that_the_package_supports():
    classified = re.findall(r"Python :: (3\.\d+)", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (matrix,) = re.findall(r"python: \[(.*)\]", WORKFLOWS[0].read_text(encoding="utf-8"))
    assert re.findall(r"3\.\d+", matrix) == classified


def test_every_document_is_in_the_site_and_every_link_leads_somewhere(tmp_path):
    pytest.importorskip("mkdocs", reason="mkdocs is not installed here: pip install -e '.[docs]'")
    environment = {**os.environ, "NO_COLOR": "1"}
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    page = (tmp_path / "site" / "reference" / "images" / "index.html").read_text(encoding="utf-8")
    assert 'id="IVDSegmentationLib.images' in page
