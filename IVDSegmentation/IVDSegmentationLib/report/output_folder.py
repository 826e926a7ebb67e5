"""The folder that results are written to: all of OUTPUTS take their places at once, or none of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from ..atomic import atomic_outputs

OUTPUTS = ("discs.nii.gz", "report.json", "measurements.csv", "report.html", "surfaces")
"""What a run writes to its folder: files, and the folder of the surfaces."""


def check_output_folder(folder: Path) -> None:
    """Refuse, before any work is done, a folder that results could not be written to.

    Args:
        folder: The folder; it need not exist.

    Raises:
        OutputError: The folder cannot be written or created.
    """
    with atomic_outputs(Path(folder), OUTPUTS, keep=False):
        pass


def place_outputs(made: Path, folder: Path) -> None:
    """Copy the OUTPUTS of one folder into another, in place of those of an earlier run.

    Args:
        made: Folder that holds the outputs.
        folder: Where they belong; created where it is missing.

    Raises:
        OutputError: The folder cannot be written or the disk is full; the folder is then as it was.
    """
    with atomic_outputs(Path(folder), OUTPUTS) as temporary:
        for source in sorted(made.rglob("*")):  # a folder comes before what is in it
            target = temporary / source.relative_to(made)
            target.mkdir() if source.is_dir() else shutil.copyfile(source, target)
