"""What the segmentation process needs beside Slicer: whether it is there, how large it is, and how it is installed."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any, Protocol

import slicer
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
    """What the segmentation needs could not be installed; the message says what to do. shown: Slicer has shown the failure
    in a box of its own already."""

    def __init__(self, message: str, *, shown: bool = False) -> None:
        super().__init__(message)
        self.shown = shown


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


def declined() -> str:
    """What to say where the user said no."""
    return _("Nothing was installed: press Segment again when these may be installed: {packages}").format(
        packages=", ".join(_PACKAGES)
    )


class Packaging(Protocol):
    """slicer.packaging, of Slicer 5.12 and newer."""

    def load_requirements(self, path: str) -> list[Any]: ...

    def pip_install(
        self, requirements: list[str], constraints: str, no_deps_requirements: list[str], *, requester: str
    ) -> object: ...


def install(pip_install: Callable[[list[str]], object], packaging: Packaging | None) -> str:
    """Install what is missing, the user having said yes; nothing while Slicer is tested.

    pip_install: slicer.util's, with pip's arguments. packaging: slicer.packaging, which shows the progress, and a box of its
    own where pip fails; None before Slicer 5.12.

    Returns which packages in use have become others, and that Slicer is to be started again; empty in the common case.
    Raises SetupError where it fails or something is missing still.
    """
    if slicer.app.testingEnabled():
        raise SetupError(_("Nothing is installed while Slicer is tested."))
    before = _versions_in_use()
    try:
        with _constraints() as constraints:
            if packaging is None:
                pip_install(["-r", str(REQUIREMENTS), "-c", str(constraints)])
                pip_install(["--no-deps", ALONE])
            else:
                # Not pip_ensure: it would ask, in the middle of this, whether to restart Slicer.
                wanted = [str(one) for one in packaging.load_requirements(str(REQUIREMENTS))]
                packaging.pip_install(wanted, str(constraints), [ALONE], requester="IVD Segmentation")
    except Exception as error:  # pip's failures have no common type across Slicer versions
        raise SetupError(_failed(), shown=packaging is not None and isinstance(error, CalledProcessError)) from error
    importlib.invalidate_caches()
    if missing():
        raise SetupError(_failed())
    after = _versions_in_use()
    return _renewed([name for name, held in before.items() if after.get(name, held) != held])


def _failed() -> str:
    return _(
        "The packages could not be installed: connect this computer to the internet and press Segment again, or install "
        "them from a folder of wheels with slicer.util.pip_install({arguments})"
    ).format(arguments=f"'--no-index --find-links FOLDER -r \"{REQUIREMENTS}\"'")


def _renewed(names: list[str]) -> str:
    if not names:
        return ""
    return _("Other versions of {packages}, which were in use, were installed: restart Slicer when you are done.").format(
        packages=", ".join(sorted(names))
    )


def _versions_in_use() -> dict[str, str]:
    """Distribution -> version of those that this Slicer has imported a package of."""
    importlib.invalidate_caches()
    names = {name for package, owners in packages_distributions().items() if package in sys.modules for name in owners}
    return {name: version(name) for name in names}


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
