"""What the segmentation process needs beside Slicer: whether it is there, how large it is, and how it is installed."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError
from typing import TYPE_CHECKING, Any, Protocol

import slicer
from slicer.i18n import tr as _

from ..errors import IVDSegmentationError
from ..networks.engine import accelerator_present

if TYPE_CHECKING:
    from ..worker.client import WorkerClient

RESOURCES = Path(__file__).resolve().parents[2] / "Resources"
REQUIREMENTS = RESOURCES / "requirements.txt"
ALONE = "pymeshmetrics"
"""Installed without what it asks for: it names the packages of VTK and SimpleITK, which Slicer brings itself."""

BUNDLED = ("numpy", "scipy", "SimpleITK", "vtk", "requests", "pydicom", "setuptools")
"""What Slicer brings and no installation of ours may replace."""

_NEEDED = ("skimage", "scipy", "tqdm", "jinja2", "meshmetrics")
_PACKAGES = ("scikit-image", "tqdm", "Jinja2", "pymeshmetrics")
_WHEELS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Windows", "AMD64"), ("Darwin", "arm64"), ("Darwin", "x86_64")}
"""Systems and processors that OpenVINO has wheels for."""


@dataclass(frozen=True)
class EnginePackage:
    """A package that computes the networks.

    Attributes:
        title: Its name.
        requirement: What pip is asked for.
        download_gb: Of all that is installed with it, about.
        on_disk_gb: The same, unpacked.
    """

    title: str
    requirement: str
    download_gb: float
    on_disk_gb: float


ENGINE_PACKAGES: Mapping[str, EnginePackage] = {
    "openvino": EnginePackage("OpenVINO", "openvino>=2025.0", 0.1, 0.3),
    "tensorflow": EnginePackage("TensorFlow", "tensorflow>=2.16", 0.7, 2),
}
"""By import name; either one suffices."""


class SetupError(IVDSegmentationError):
    """What the segmentation needs could not be installed; the message says what to do.

    Attributes:
        shown: Whether Slicer has shown the failure in a box of its own already.
    """

    def __init__(self, message: str, *, shown: bool = False) -> None:
        """Keep whether Slicer has shown it.

        Args:
            message: What to do.
            shown: Slicer has shown the failure in a box of its own already.
        """
        super().__init__(message)
        self.shown = shown


def missing() -> list[str]:
    """Look which packages the segmentation process would not find; none of them is imported.

    Returns:
        Their import names.
    """
    lacking = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    return lacking if _installed_engine() else [best_engine(), *lacking]


def _installed_engine() -> str | None:
    return next((name for name in ENGINE_PACKAGES if importlib.util.find_spec(name) is not None), None)


def best_engine() -> str:
    """Choose what computes on this computer.

    Returns:
        The smallest of ENGINE_PACKAGES that serves it: OpenVINO, where there is a wheel of it.
    """
    return "openvino" if (platform.system(), platform.machine()) in _WHEELS else "tensorflow"


def ask() -> str | None:
    """Ask the user what may be installed, in one box.

    Returns:
        The engine that the user has chosen (of ENGINE_PACKAGES), to be given to `install`; None for a no.
    """
    title = _("IVD Segmentation")
    engine = _installed_engine() or best_engine()
    if _installed_engine() or engine == "tensorflow" or not accelerator_present():
        return engine if slicer.util.confirmOkCancelDisplay(question(engine), title) else None
    import qt

    buttons = qt.QMessageBox.Yes | qt.QMessageBox.No | qt.QMessageBox.Cancel
    answer = slicer.util.messageBox(question_of_card(), windowTitle=title, standardButtons=buttons)
    return {qt.QMessageBox.Yes: "tensorflow", qt.QMessageBox.No: "openvino"}.get(answer)


def question(engine: str) -> str:
    """What to ask before anything is installed.

    Args:
        engine: Of ENGINE_PACKAGES, the one that is to compute.

    Returns:
        The question.
    """
    package = ENGINE_PACKAGES[engine]
    installed = _installed_engine() is not None
    return _(
        "IVD Segmentation needs Python packages that Slicer does not bring: {packages} (about {download} GB to download, "
        "{disk} GB on disk, once). They are installed into this Slicer; nothing that belongs to Slicer is replaced.\n\n"
        "Install them now?"
    ).format(
        packages=", ".join(_PACKAGES if installed else (package.title, *_PACKAGES)),
        download=0.1 if installed else package.download_gb,
        disk=0.1 if installed else package.on_disk_gb,
    )


def question_of_card() -> str:
    """What to ask where there is a graphics card besides the processor.

    Returns:
        The question.
    """
    card, processor = ENGINE_PACKAGES["tensorflow"], ENGINE_PACKAGES["openvino"]
    return _(
        "IVD Segmentation needs Python packages that Slicer does not bring, and this computer has a graphics card. Shall the "
        "graphics card compute?\n\n"
        "Yes: {card} is installed, which can train networks, too (about {card_download} GB to download, {card_disk} GB on "
        "disk).\n"
        "No: {processor} is installed, which computes on the processor (about {download} GB to download, {disk} GB on "
        "disk).\n\n"
        "With it come {packages}. All are installed once, into this Slicer; nothing that belongs to Slicer is replaced."
    ).format(
        card=card.title,
        card_download=card.download_gb,
        card_disk=card.on_disk_gb,
        processor=processor.title,
        download=processor.download_gb,
        disk=processor.on_disk_gb,
        packages=", ".join(_PACKAGES),
    )


def declined() -> str:
    """What to say where the user said no.

    Returns:
        A sentence.
    """
    installed = _installed_engine() is not None
    packages = _PACKAGES if installed else (ENGINE_PACKAGES[best_engine()].title, *_PACKAGES)
    return _("Nothing was installed: press Segment again when these may be installed: {packages}").format(
        packages=", ".join(packages)
    )


class Packaging(Protocol):
    """slicer.packaging, of Slicer 5.12 and newer."""

    def load_requirements(self, path: str) -> list[Any]:
        """Read a file of requirements.

        Args:
            path: The file.

        Returns:
            The requirements.
        """

    def pip_install(
        self, requirements: list[str], constraints: str, no_deps_requirements: list[str], *, requester: str
    ) -> None:
        """Install packages, with the progress shown.

        Args:
            requirements: What to install.
            constraints: File of constraints.
            no_deps_requirements: What to install without what it asks for.
            requester: Who asks.
        """


def install(pip_install: Callable[[list[str]], object], packaging: Packaging | None, engine: str) -> str:
    """Install what is missing, the user having said yes; nothing while Slicer is tested.

    Args:
        pip_install: slicer.util's, with pip's arguments.
        packaging: slicer.packaging, which shows the progress, and a box of its own where pip fails; None before Slicer 5.12.
        engine: Of ENGINE_PACKAGES, the one that is to compute.

    Returns:
        Which packages in use have become others, and that Slicer is to be started again; empty in the common case.

    Raises:
        SetupError: It fails, or something is missing still.
    """
    if slicer.app.testingEnabled():
        raise SetupError(_("Nothing is installed while Slicer is tested."))
    before = _versions_in_use()
    requirement = ENGINE_PACKAGES[engine].requirement
    try:
        with _constraints() as constraints:
            if packaging is None:
                pip_install([requirement, "-r", str(REQUIREMENTS), "-c", str(constraints)])
                pip_install(["--no-deps", ALONE])
            else:
                # Not pip_ensure: it would ask, in the middle of this, whether to restart Slicer.
                wanted = [requirement, *(str(one) for one in packaging.load_requirements(str(REQUIREMENTS)))]
                packaging.pip_install(wanted, str(constraints), [ALONE], requester="IVD Segmentation")
    except Exception as error:  # pip's failures have no common type across Slicer versions
        raise SetupError(_failed(engine), shown=packaging is not None and isinstance(error, CalledProcessError)) from error
    importlib.invalidate_caches()
    if missing():
        raise SetupError(_failed(engine))
    after = _versions_in_use()
    return _renewed([name for name, held in before.items() if after.get(name, held) != held])


def _failed(engine: str) -> str:
    return _(
        "The packages could not be installed: connect this computer to the internet and press Segment again, or install "
        "them from a folder of wheels with slicer.util.pip_install({arguments})"
    ).format(arguments=f"'--no-index --find-links FOLDER {engine} -r \"{REQUIREMENTS}\"'")


def _renewed(names: list[str]) -> str:
    if not names:
        return ""
    return _("Other versions of {packages}, which were in use, were installed: restart Slicer when you are done.").format(
        packages=", ".join(sorted(names))
    )


def _versions_in_use() -> dict[str, str]:
    """Distribution -> version of those that this Slicer has imported a package of."""
    from importlib.metadata import packages_distributions, version

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
    from importlib.metadata import PackageNotFoundError, version

    versions = {}
    for name in BUNDLED:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue  # compiled in, unknown to pip, as VTK is
    return versions


def make_worker(module_folder: Path) -> WorkerClient:
    """Make the worker of this Slicer, not started yet.

    Args:
        module_folder: Of the module's script; the worker runs the copy of the library that lies there.

    Returns:
        The worker.

    Raises:
        SetupError: This Slicer has no Python of its own.
    """
    from ..worker.client import WorkerClient

    return WorkerClient(worker_command(module_folder))


def worker_command(module_folder: Path) -> list[str]:
    """The command of a worker in Slicer: its own Python, which Slicer puts on the path as PythonSlicer, and the script.

    Args:
        module_folder: Of the module's script.

    Returns:
        The command.

    Raises:
        SetupError: There is no PythonSlicer.
    """
    from ..worker.client import WORKER

    python = shutil.which("PythonSlicer")
    if python is None:
        raise SetupError(_("PythonSlicer executable not found: start Slicer by its own launcher, or install it again"))
    return [python, str(module_folder / WORKER)]


def other_copy(module_folder: Path) -> str:
    """What to say where this library is not the module's own, but a copy that was installed with pip.

    Args:
        module_folder: Of the module's script.

    Returns:
        A sentence; else empty.
    """
    library = Path(__file__).resolve().parents[2]
    if library == module_folder.resolve():
        return ""
    return _(
        "The panel runs with another copy of IVDSegmentationLib than its own, in {folder}: remove it with "
        "slicer.util.pip_uninstall('ivdsegmentation') and restart Slicer."
    ).format(folder=library)
