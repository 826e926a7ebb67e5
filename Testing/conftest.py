"""What several tests use: the folder of real data; and that nothing went wrong behind a test's back."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import slicer_harness  # noqa: F401  in place before any test imports what asks for Slicer's Python files
from real_data import BOXES, DATA


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real MRI; tests that need it skip where it is absent."""
    if not BOXES:
        pytest.skip(f"real data is not in {DATA.name}: set IVDSEG_DATA to its folder")
    return DATA


@pytest.fixture(autouse=True)
def nothing_is_left_behind() -> Iterator[None]:
    """Slicer prints what is raised in a slot and goes on, and a cursor that nobody takes back stays."""
    yield
    printed, boxes = sys.modules.get("slicer_harness.printed"), sys.modules.get("slicer_harness.boxes")
    assert printed is None or printed.take_printed() == []
    assert boxes is None or boxes.CURSORS == []
