"""What several tests use: the folder of real data, and whether the released model is there."""

import os
from pathlib import Path

import pytest
import slicer_harness  # noqa: F401  in place before any test imports what asks for Slicer's Python files

REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The real MRI of shared/data; tests that need it skip where it is absent."""
    folder = Path(os.environ.get("IVDSEG_DATA", REPOSITORY.parent / "shared" / "data"))
    if not (folder / "ivdm3seg-patches").is_dir():
        pytest.skip(f"real data is not in {folder.name}: set IVDSEG_DATA to its folder")
    return folder
