"""What several tests use: the folder of real data."""

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
