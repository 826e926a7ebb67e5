"""What the module does, without its panel: volumes of the scene are found, segmented, renamed and reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import qt
import slicer
import vtk
from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.util import VTKObservationMixin

from ..dixon import read_channels
from ..dixon.channels import REFERENCE_ORDER
from ..errors import Cancelled, InputError
from ..findings import finding
from ..pipeline.request import Request
from ..pipeline.segmentation import Segmentation
from ..worker.session import Callbacks, JobRunner, Worker
from . import setup
from .attributes import CASE
from .loaded_channels import candidates, find_channels
from .renaming import rename_result
from .result_nodes import place_result
from .scene_result import SceneCase, SceneResult, is_edited
from .texts import own_reference
from .volume_nodes import add_channels, labels_of, volume_of

_POLL_MS = 50


class SegmentationLogic(VTKObservationMixin):
    """Segments volumes of the scene; the panel and the console use it alike.

    >>> logic = slicer.util.getModuleLogic("IVDSegmentation")
    >>> result = logic.segment(water=slicer.util.getNode("water"), fat=slicer.util.getNode("fat"))
    """

    def __init__(self, make_worker: Callable[[], Worker]) -> None:
        """Prepare; nothing is started.

        Args:
            make_worker: Called when the first case comes.
        """
        VTKObservationMixin.__init__(self)
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MS)
        self.job_runner: JobRunner[Any] = JobRunner(make_worker, self._timer, _)
        self._timer.connect("timeout()", self.job_runner.poll)
        self._inputs: tuple[str, ...] = ()

    @property
    def running(self) -> bool:
        """Whether a segmentation or report is under way."""
        return self.job_runner.running

    def findDixonVolumes(self) -> tuple[dict[str, Any], list[str]]:
        """Find the volumes of the scene that look like Dixon channels.

        Returns:
            Channel -> volume node; and sentences on channels that several volumes look like.
        """
        found, ambiguous = find_channels(candidates())
        return {channel: slicer.mrmlScene.GetNodeByID(key) for channel, key in found.items()}, ambiguous

    def loadFolder(self, folder: str | Path) -> dict[str, Any]:
        """Load the Dixon channels in a folder.

        Args:
            folder: Of one examination.

        Returns:
            Channel -> new volume node.

        Raises:
            InputError: No channel is found, or one cannot be read; nothing is loaded then.
        """
        return add_channels(read_channels(Path(folder)), Path(folder).name)

    def installPackages(self, engine: str = "") -> str:
        """Install what the segmentation needs beside Slicer, the user having said yes.

        Args:
            engine: `openvino` or `tensorflow`, what is to compute; empty for the smaller that serves this computer.

        Returns:
            What the user should know of it, may be empty.

        Raises:
            SetupError: It fails.
        """
        try:
            from slicer import packaging
        except ImportError:  # Slicer 5.10
            packaging = None
        return setup.install(slicer.util.pip_install, packaging, engine or setup.best_engine())

    def segment(  # noqa: PLR0917
        self,
        water: vtkMRMLScalarVolumeNode | None = None,
        fat: vtkMRMLScalarVolumeNode | None = None,
        inPhase: vtkMRMLScalarVolumeNode | None = None,
        opposedPhase: vtkMRMLScalarVolumeNode | None = None,
        reference: vtkMRMLSegmentationNode | vtkMRMLLabelMapVolumeNode | None = None,
        lowestLevel: str | None = None,
        device: str = "auto",
        *,
        keepResults: bool = False,
        wait: bool = True,
        onProgress: Callable[[str, float], None] = lambda stage, fraction: None,
        onFinished: Callable[[SceneResult], None] = lambda result: None,
        onFailed: Callable[[Exception], None] = lambda error: None,
    ) -> SceneResult | None:
        """Segment the discs of a case, given as any channels but fat alone, and put them into the scene.

        Args:
            water: Volume node of the water channel.
            fat: Of fat.
            inPhase: Of in-phase.
            opposedPhase: Of opposed-phase.
            reference: An expert's segmentation to compare with.
            lowestLevel: Name of the lowest disc, such as `L5-S1`; None where it is to be decided.
            device: Where the networks run: `auto`, `cpu` or `gpu`.
            keepResults: Add to earlier results of the case instead of replacing them.
            wait: Return when the result is there, events processed meanwhile; otherwise return at once and call back.
            onProgress: Called with the stage in words and the fraction done.
            onFinished: Called once with the SceneResult,
            onFailed: or once with the exception.

        Returns:
            The result; None without `wait`.

        Raises:
            InputError, ModelError, OutputError, WorkerFailed, Cancelled: It cannot be segmented (without `wait` handed to
                onFailed, too); the scene is then as it was.
        """
        given = {"water": water, "fat": fat, "in_phase": inPhase, "opposed_phase": opposedPhase}
        nodes = {channel: node for channel, node in given.items() if node is not None}
        if not set(nodes) - {"fat"}:
            raise InputError(_("no volume is given in which discs show: give water, in-phase or opposed-phase"))
        if own_reference(reference):
            raise InputError(own_reference(reference))
        grid = next(nodes[channel] for channel in REFERENCE_ORDER if channel in nodes)
        inputs = {channel: node.GetID() for channel, node in nodes.items()}
        case = SceneCase(
            name=grid.GetAttribute(CASE) or grid.GetName(),
            volumes={channel: volume_of(node) for channel, node in nodes.items()},
            inputs=inputs,
            request=Request(
                lowest_level=lowestLevel,
                reference=None if reference is None else labels_of(reference, grid),
                device=device,
            ),
        )

        def place(segmentation: Segmentation) -> SceneResult:
            return place_result(segmentation, case, grid, keep_earlier=keepResults)

        def ended(callback: Callable[[Any], None]) -> Callable[[Any], None]:
            def call(outcome: Any) -> None:
                self.removeObservers()
                callback(outcome)

            return call

        callbacks = Callbacks(onProgress, ended(onFinished), ended(onFailed))
        self.job_runner.begin(case.volumes, case.name, case.request, place, callbacks)
        self._inputs = tuple(inputs.values())
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._scene_closes)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._node_leaves)
        return self._outcome() if wait else None

    def _outcome(self) -> Any:
        """What the run under way comes to, events processed meanwhile. Raises its exception."""
        while self.running:
            slicer.app.processEvents()
            time.sleep(0.02)
        if isinstance(self.job_runner.outcome, Exception):
            raise self.job_runner.outcome
        return self.job_runner.outcome

    def renameLevels(self, result: SceneResult, lowestLevel: str | None) -> SceneResult:
        """Call the lowest disc of a result by another level, and count the others on from it; nothing is segmented again.

        Args:
            result: The result.
            lowestLevel: The level; None gives back the automatic names.

        Returns:
            The renamed result; its nodes are renamed, too.

        Raises:
            InputError: The discs cannot be counted from it; nothing is changed.
        """
        return rename_result(result, lowestLevel)

    def saveReport(
        self,
        result: SceneResult,
        folder: str | Path,
        *,
        wait: bool = True,
        onProgress: Callable[[str, float], None] = lambda stage, fraction: None,
        onFinished: Callable[[Path], None] = lambda folder: None,
        onFailed: Callable[[Exception], None] = lambda error: None,
    ) -> Path | None:
        """Write what `ivdseg segment` writes of a result, with the names it has, into a folder.

        The files of an earlier report there are replaced; after a failure they are as they were. The pictures are of the
        volumes' voxels as they are now. A result that was edited is reported as it was segmented, and the report says so.

        Args:
            result: The result.
            folder: Where to.
            wait: As in `segment`.
            onProgress: The same.
            onFinished: Called once with the folder,
            onFailed: or once with the exception.

        Returns:
            The folder; None without `wait`.

        Raises:
            InputError, OutputError, WorkerFailed, Cancelled: It cannot be written (without `wait` handed to onFailed, too).
        """
        callbacks = Callbacks(onProgress, onFinished, onFailed)
        named = result.named.with_findings(finding("edited")) if is_edited(result) else result.named
        self.job_runner.begin_report(result.case.volumes, result.case.name, named, Path(folder), callbacks)
        return self._outcome() if wait else None

    def cancel(self) -> None:
        """Stop the segmentation or report under way, if any; the scene and the files stay as they are."""
        self.job_runner.abort(Cancelled(_("Cancelled.")))

    def close(self) -> None:
        """Stop what is under way and end the segmentation process."""
        self.job_runner.close()

    def _scene_closes(self, caller: Any, event: str) -> None:
        self.job_runner.abort(Cancelled(_("Cancelled: the scene was closed.")))

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _node_leaves(self, caller: Any, event: str, node: Any) -> None:
        if node.GetID() in self._inputs:
            message = _("{name} was deleted while it was being segmented: load it again")
            self.job_runner.abort(InputError(message.format(name=node.GetName())))
