"""The files that describe the extension say the same, and the CMake lists name exactly the files there are."""

import json
import re
import struct
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[1]
MODULE = ROOT / "IVDSegmentation"
CMAKE = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
ENTRY = json.loads((ROOT / "IVDSegmentation.json").read_text(encoding="utf-8"))
S4EXT = dict(
    (*line.split(" ", 1), "")[:2]
    for line in (ROOT / "IVDSegmentation.s4ext").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
)
SCHEMA = "https://raw.githubusercontent.com/Slicer/Slicer/main/Schemas/slicer-extension-catalog-entry-schema-v1.0.2.json#"
REQUIRED = {"$schema", "category", "scm_url"}
FIELDS = {
    "$schema": str, "category": str, "scm_url": str, "scm_revision": str, "scm_type": str, "build_dependencies": list,
    "dicom_support_rule": str, "build_subdirectory": str, "enabled": bool, "tier": int,
}  # fmt: skip
"""What SCHEMA, version 1.0.2 of Slicer's Schemas/, asks of an entry of the Extensions Index, written anew: fields and types."""


def cmake(name):
    return re.search(rf'set\({name} "?([^")]*)"?\)', CMAKE).group(1)


def listed(name):
    text = (MODULE / "CMakeLists.txt").read_text(encoding="utf-8")
    entries = re.search(rf"set\({name}\n(.*?)\)", text, re.DOTALL).group(1).split()
    return [entry.replace("${MODULE_NAME}", "IVDSegmentation") for entry in entries]


def versioned(*patterns):
    """Files of the module under these patterns, less what git ignores."""
    files = [path for pattern in patterns for path in MODULE.glob(pattern) if path.is_file()]
    names = "\n".join(str(path) for path in files)
    ignored = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=ROOT, input=names, capture_output=True, text=True, check=False
    ).stdout.splitlines()
    return sorted(path.relative_to(MODULE).as_posix() for path in files if str(path) not in ignored)


def test_every_script_is_listed_and_every_listed_script_is_there():
    assert sorted(listed("MODULE_PYTHON_SCRIPTS")) == versioned("*.py", "IVDSegmentationLib/**/*.py")


def test_every_resource_is_listed_and_every_listed_resource_is_there():
    assert sorted(listed("MODULE_PYTHON_RESOURCES")) == versioned("Resources/**/*", "IVDSegmentationLib/Resources/**/*")


def faults_of(entry):
    """What the schema, and the Extensions Index beyond it, would refuse in an entry."""
    faults = [f"{name} is missing" for name in sorted(REQUIRED - set(entry))]
    faults += [f"{name} is unknown" for name in sorted(set(entry) - set(FIELDS))]
    faults += [
        f"{name} is no {FIELDS[name].__name__}" for name in FIELDS if name in entry and type(entry[name]) is not FIELDS[name]
    ]
    if not faults:
        faults += [] if entry["$schema"] == SCHEMA else ["$schema is another"]
        faults += [] if entry.get("scm_type", "git") in ("git", "local") else ["scm_type is neither git nor local"]
        faults += [] if 1 <= entry.get("tier", 1) <= 5 else ["tier is not 1 to 5"]
        faults += [] if all(type(name) is str for name in entry.get("build_dependencies", [])) else ["a dependency is no name"]
    return faults


def test_the_entry_follows_the_schema_of_the_extensions_index():
    assert faults_of(ENTRY) == []
    assert ENTRY["build_dependencies"] == []
    assert ENTRY["scm_url"].startswith("https://")


@pytest.mark.parametrize(
    "change",
    [{"tier": 6}, {"tier": "1"}, {"tier": True}, {"scm_type": "svn"}, {"homepage": "x"}, {"$schema": "v1.0.0"},
     {"build_dependencies": "NA"}, {"build_dependencies": [1]}, {"category": None}],
)  # fmt: skip
def test_an_entry_that_breaks_the_schema_is_found(change):
    assert len(faults_of({**ENTRY, **change})) == 1


@pytest.mark.parametrize("name", sorted(REQUIRED))
def test_an_entry_that_lacks_a_field_is_found(name):
    assert faults_of({key: value for key, value in ENTRY.items() if key != name}) == [f"{name} is missing"]


def test_the_descriptions_say_the_same():
    name = re.search(r"project\((\w+)\)", CMAKE).group(1)
    assert name == "IVDSegmentation" == MODULE.name
    assert not name.startswith("Slicer")
    assert ENTRY["scm_url"].rsplit("/", 1)[1] == f"Slicer{name}"
    assert cmake("EXTENSION_CATEGORY") == ENTRY["category"] == S4EXT["category"]
    assert cmake("EXTENSION_HOMEPAGE") == ENTRY["scm_url"] == S4EXT["scmurl"] == S4EXT["homepage"]
    assert cmake("EXTENSION_DESCRIPTION") == S4EXT["description"]
    assert cmake("EXTENSION_CONTRIBUTORS") == S4EXT["contributors"]
    assert cmake("EXTENSION_ICONURL") == S4EXT["iconurl"]
    assert cmake("EXTENSION_SCREENSHOTURLS") == S4EXT["screenshoturls"]
    assert ENTRY["scm_revision"] == S4EXT["scmrevision"]
    script = (MODULE / "IVDSegmentation.py").read_text(encoding="utf-8")
    assert f'"{ENTRY["category"]}")]' in script
    assert cmake("EXTENSION_CONTRIBUTORS") in script


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    return struct.unpack(">II", data[16:24])


def test_icon_and_screenshots_of_the_description_are_there():
    for url in [cmake("EXTENSION_ICONURL"), *cmake("EXTENSION_SCREENSHOTURLS").split()]:
        assert url.startswith("https://raw.githubusercontent.com/")
        path = ROOT / url.split("/main/", 1)[1]
        assert png_size(path)[0] >= 128, path
    assert png_size(ROOT / cmake("EXTENSION_ICONURL").split("/main/", 1)[1]) == (128, 128)
    assert png_size(MODULE / "Resources" / "Icons" / "IVDSegmentation.png") == (128, 128)


def test_the_licence_is_in_the_root():
    text = (ROOT / "LICENSE.txt").read_text(encoding="utf-8")
    assert text.lstrip().startswith("Apache License")
    assert "END OF TERMS AND CONDITIONS" in text
    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def test_the_ui_hands_the_scene_to_every_selector():
    root = ElementTree.parse(MODULE / "Resources" / "UI" / "IVDSegmentation.ui").getroot()
    selectors = {w.get("name") for w in root.iter("widget") if w.get("class") == "qMRMLNodeComboBox"}
    connected = {
        connection.findtext("receiver")
        for connection in root.iter("connection")
        if connection.findtext("signal") == "mrmlSceneChanged(vtkMRMLScene*)"
        and connection.findtext("slot") == "setMRMLScene(vtkMRMLScene*)"
    }
    assert selectors == connected
    assert len(selectors) == 5


def test_text_files_end_lines_with_lf():
    text = [ROOT / "CMakeLists.txt", ROOT / "IVDSegmentation.s4ext", ROOT / "IVDSegmentation.json"]
    text += [p for p in MODULE.rglob("*") if p.suffix in {".py", ".ui", ".txt", ".json"} and "egg-info" not in str(p)]
    assert len(text) > 20
    assert [path.name for path in text if b"\r" in path.read_bytes()] == []


def test_the_library_imports_slicer_in_its_slicer_package_only():
    pattern = re.compile(r"^\s*(import|from) (slicer|qt|ctk)\b", re.MULTILINE)
    library = MODULE / "IVDSegmentationLib"
    importing = [p.relative_to(library) for p in library.rglob("*.py") if pattern.search(p.read_text(encoding="utf-8"))]
    assert Path("slicer/volume_nodes.py") in importing
    assert [path for path in importing if path.parts[0] != "slicer"] == []


def test_the_terminology_file_holds_the_disc():
    term = json.loads((MODULE / "Resources" / "IntervertebralDiscs.term.json").read_text(encoding="utf-8"))
    (category,) = term["SegmentationCodes"]["Category"]
    assert (category["CodeValue"], category["Type"][0]["CodeValue"]) == ("123037004", "360499006")
    source = (MODULE / "IVDSegmentationLib" / "levels" / "terminology.py").read_text(encoding="utf-8")
    assert term["SegmentationCategoryTypeContextName"] in source
