"""What the segmentation process needs beside Slicer: whether it is there, how large it is, and how it is installed."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from slicer.i18n import tr as _

from ..errors import IVDSegmentationError

if TYPE_CHECKING:
    from ..worker.client import WorkerClient

RESOURCES = Path(__file__).resolve().parents[2] / "Resources"
REQUIREMENTS = RESOURCES / "requirements.txt"
ALONE = "pymeshmetrics"
"""Installed without what it asks for: it names the packages of VTK and SimpleITK, which Slicer brings itself."""

BUNDLED = ("numpy", "scipy", "SimpleITK", "vtk", "requests", "pydicom", "setuptools")
"""What Slicer brings and no installation of ours may replace."""

_NEEDED = ("tensorflow", "skimage", "scipy", "tqdm", "meshmetrics")
_PACKAGES = ("TensorFlow", "scikit-image", "tqdm", "pymeshmetrics")
_DOWNLOAD_GB, _ON_DISK_GB = 0.7, 2


class SetupError(IVDSegmentationError):
    """What the segmentation needs could not be installed; the message says what to do."""


def missing() -> list[str]:
    """The packages, by import name, that the segmentation process would not find. Imports none of them."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


def question() -> str:
    """What to ask before anything is installed."""
    return _(
        "IVD Segmentation needs Python packages that Slicer does not bring: {packages} (about {download} GB to download, "
        "{disk} GB on disk, once). They are installed into this Slicer; nothing that belongs to Slicer is replaced.\n\n"
        "Install them now?"
    ).format(packages=", ".join(_PACKAGES), download=_DOWNLOAD_GB, disk=_ON_DISK_GB)


def declined() -> SetupError:
    """The user said no."""
    message = _("Nothing was installed: press Segment again when these may be installed: {packages}")
    return SetupError(message.format(packages=", ".join(_PACKAGES)))


class Packaging(Protocol):
    """slicer.packaging, of Slicer 5.12 and newer."""

    def load_requirements(self, path: str) -> list[Any]: ...

    def pip_ensure(self, requirements: list[Any], *, constraints: str, prompt_install: bool, requester: str) -> object: ...


def install(pip_install: Callable[[list[str]], object], packaging: Packaging | None) -> None:
    """Install what is missing, the user having said yes. pip_install: slicer.util's, with pip's arguments. packaging:
    slicer.packaging, which shows the progress; None before Slicer 5.12.

    Raises SetupError where it fails or something is missing still.
    """
    try:
        with _constraints() as constraints:
            if packaging is None:
                pip_install(["-r", str(REQUIREMENTS), "-c", str(constraints)])
            else:
                wanted = packaging.load_requirements(str(REQUIREMENTS))
                packaging.pip_ensure(wanted, constraints=str(constraints), prompt_install=False, requester="IVD Segmentation")
        pip_install(["--no-deps", ALONE])
    except Exception as error:  # pip's failures have no common type across Slicer versions
        raise SetupError(_failed()) from error
    importlib.invalidate_caches()
    if missing():
        raise SetupError(_failed())


def _failed() -> str:
    return _(
        "The packages could not be installed: connect this computer to the internet and press Segment again, or install "
        "them from a folder of wheels with slicer.util.pip_install({arguments})"
    ).format(arguments=f"'--no-index --find-links FOLDER -r \"{REQUIREMENTS}\"'")


@contextmanager
def _constraints() -> Iterator[Path]:
    """A pip constraints file that holds what Slicer brings at the version it is."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text("".join(f"{name}=={held}\n" for name, held in _bundled_versions().items()), encoding="utf-8")
        yield path


def _bundled_versions() -> dict[str, str]:
    versions = {}
    for name in BUNDLED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # compiled in, unknown to pip, as VTK is
    return versions


def make_worker(module_folder: Path) -> WorkerClient:
    """The worker of this Slicer, not started yet. module_folder: of the module's script; the worker runs the copy of the
    library that lies there. Raises SetupError: this Slicer has no Python of its own."""
    from ..worker.client import WorkerClient

    return WorkerClient(worker_command(module_folder))


def worker_command(module_folder: Path) -> list[str]:
    """The command of a worker in Slicer: its own Python, which Slicer puts on the path as PythonSlicer, and the script of
    the module's copy. Raises SetupError: no PythonSlicer."""
    from ..worker.client import WORKER

    python = shutil.which("PythonSlicer")
    if python is None:
        raise SetupError(_("PythonSlicer executable not found: start Slicer by its own launcher, or install it again"))
    return [python, str(module_folder / WORKER)]


def other_copy(module_folder: Path) -> str:
    """What to say where this library is not the module's own, but a copy that was installed with pip; else empty."""
    library = Path(__file__).resolve().parents[2]
    if library == module_folder.resolve():
        return ""
    return _(
        "The panel runs with another copy of IVDSegmentationLib than its own, in {folder}: remove it with "
        "slicer.util.pip_uninstall('ivdsegmentation') and restart Slicer."
    ).format(folder=library)
