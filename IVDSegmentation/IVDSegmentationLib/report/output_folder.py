"""The folder that a segmentation is written to: what belongs there, and whose it is (owned_outputs.py)."""

from __future__ import annotations

import shutil
from contextlib import AbstractContextManager
from pathlib import Path

from .. import owned_outputs
from ..levels.labelling import SPINE

OUTPUTS = (
    *("discs.nii.gz", "discs.seg.nrrd", "report.json", "measurements.csv", "report.html", "surfaces"),
    *("discs.dcm", "measurements.dcm"),
)
"""What a run writes to its folder: files, and the folder of the surfaces; the last two where the input is DICOM."""

REPORT = "report.json"


def outputs_of(folder: Path, *, overwrite: bool = False) -> AbstractContextManager[Path]:
    """Write the outputs of a run so that all of them take their places, or none.

    Args:
        folder: Where they belong; created with its parents where it is missing.
        overwrite: Replace files of the same names, whoever wrote them.

    Returns:
        A context manager that gives an empty folder for the block to write them to; its report.json lists the others
        (`checksums_of`).

    Raises:
        OutputError: As `owned_outputs`; the folder is then as it was.
    """
    return owned_outputs.owned_outputs(folder, REPORT, overwrite=overwrite)


def check_output_folder(folder: Path, *, overwrite: bool = False) -> None:
    """Refuse, before any work is done, a folder that results could not be written to.

    Args:
        folder: The folder; it need not exist.
        overwrite: As that of `outputs_of`.

    Raises:
        OutputError: The folder cannot be written or created, or holds a file of an output's name that no earlier run wrote.
    """
    expected = [Path(name) for name in OUTPUTS if name != "surfaces"]
    expected += [Path("surfaces", f"{level}.vtp") for level in SPINE]
    owned_outputs.check_place(folder, REPORT, expected, overwrite=overwrite)


def place_outputs(made: Path, folder: Path) -> None:
    """Copy the outputs of one folder into another, in place of those of an earlier run.

    Args:
        made: Folder that holds the outputs.
        folder: Where they belong; created where it is missing.

    Raises:
        OutputError: As `outputs_of`.
    """
    with outputs_of(folder) as temporary:
        for source in sorted(made.rglob("*")):  # a folder comes before what is in it
            target = temporary / source.relative_to(made)
            target.mkdir() if source.is_dir() else shutil.copyfile(source, target)


def checksums_of(folder: Path) -> dict[str, str]:
    """The checksums by which a later run knows the files of this one.

    Args:
        folder: Holds outputs; report.json is left out.

    Returns:
        Path of each file relative to the folder, with slashes -> SHA-256, hexadecimal.
    """
    return owned_outputs.checksums_of(folder, REPORT)
