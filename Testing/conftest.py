"""What several tests use: the folder of real data; and that nothing went wrong behind a test's back."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_data import BOXES, DATA
from slicer_harness import sources


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real MRI; tests that need it skip where it is absent."""
    if not BOXES:
        pytest.skip(f"real data is not in {DATA.name}: set IVDSEG_DATA to its folder")
    return DATA


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whose Python files a test of the panel runs over stands in its name, where it is not the imitation."""
    if metafunc.module.__name__.startswith("test_slicer_") and sources.FOLDER is not None:
        metafunc.fixturenames.append("slicers_files")
        metafunc.parametrize("slicers_files", [sources.name()])


@pytest.fixture
def slicers_files(request: pytest.FixtureRequest) -> str:
    """The version of Slicer whose Python files are in use."""
    return request.param


def pytest_report_header() -> str:
    """Say once that the imitation is all there is."""
    if sources.FOLDER is None:
        return "panel tests: over the harness's imitation of Slicer's Python files (SLICER_SOURCE=DIR for Slicer's own)"
    return f"panel tests: over Slicer's own Python files, {sources.name()}, in SLICER_SOURCE"


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Slicer prints what is raised in a slot and goes on, and a cursor that nobody takes back stays."""
    yield
    printed, boxes = sys.modules.get("slicer_harness.printed"), sys.modules.get("slicer_harness.boxes")
    assert printed is None or printed.take_printed() == []
    assert boxes is None or boxes.CURSORS == []


@pytest.fixture(scope="session")
def phantom_boxes(tmp_path_factory) -> Path:
    """A data folder with boxes of three phantoms in the layout of the published ones; not to be changed."""
    from paper_data import write_boxes

    return write_boxes(tmp_path_factory.mktemp("phantom-boxes"))
