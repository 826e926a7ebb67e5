"""IVD Segmentation, a scripted module of 3D Slicer: module, panel, logic and self-test. The work is in IVDSegmentationLib."""

import time
from pathlib import Path
from typing import Annotated

import qt
import slicer
import vtk
from IVDSegmentationLib.dixon import REFERENCE_ORDER, read_channels
from IVDSegmentationLib.errors import Cancelled, InputError
from IVDSegmentationLib.slicer import inputs as slicer_inputs
from IVDSegmentationLib.slicer import nodes as mrml
from IVDSegmentationLib.slicer import renaming as mrml_renaming
from IVDSegmentationLib.slicer import results as mrml_results
from IVDSegmentationLib.slicer import sample as mrml_sample
from IVDSegmentationLib.slicer import setup as slicer_setup
from IVDSegmentationLib.slicer import texts as slicer_texts
from IVDSegmentationLib.slicer.panel import InputsSection, ResultsSection
from IVDSegmentationLib.slicer.parameters import CHANNEL_PARAMETERS, CHOICES, ValidChoices, let_go, lowest_level
from IVDSegmentationLib.worker.session import Callbacks, Request, Segmenter
from slicer import vtkMRMLLabelMapVolumeNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

MODULE_FOLDER = Path(__file__).parent


class IVDSegmentation(ScriptedLoadableModule):
    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("IVD Segmentation")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Segmentation")]
        parent.contributors = ["IVD Segmentation developers"]
        parent.helpText = _(
            "Finds, segments, names and measures the intervertebral discs in Dixon MRI of the lumbar spine. "
            "Research use only. See the user guide of the extension for a tutorial with sample data."
        )
        parent.acknowledgementText = _(
            "Implements the two-stage convolutional network for Dixon MRI whose authors published part of the IVDM3Seg data "
            "with their code (repository Pele324/3D_IVD_Seg); IVDM3Seg: Zheng, Belavy, Li, MICCAI 2018."
        )
        # Two handlers, so that neither is lost with the other.
        for register in (mrml_sample.register_terminology, mrml_sample.register_sample):
            slicer.app.connect("startupCompleted()", register)


@parameterNodeWrapper
class IVDSegmentationParameterNode:
    """The inputs and options of the panel; saved with the scene."""

    water: vtkMRMLScalarVolumeNode
    fat: vtkMRMLScalarVolumeNode
    inPhase: vtkMRMLScalarVolumeNode
    opposedPhase: vtkMRMLScalarVolumeNode
    # None stands last: the wrapper writes a union that holds nothing by its last member.
    reference: vtkMRMLSegmentationNode | vtkMRMLLabelMapVolumeNode | None
    lowestLevel: Annotated[str, Choice(list(CHOICES["lowestLevel"]))] = CHOICES["lowestLevel"][0]
    device: Annotated[str, Choice(list(CHOICES["device"]))] = CHOICES["device"][0]
    keepResults: bool = False


class IVDSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self._parameterNode = self._guiTag = None

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/IVDSegmentation.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.ui.copyMessage.text = slicer_setup.other_copy(MODULE_FOLDER)
        self.ui.copyMessage.visible = self.ui.copyMessage.text != ""
        self.logic = IVDSegmentationLogic()
        self.inputs = InputsSection(self.ui, self.logic, lambda: self._parameterNode)
        self.results = ResultsSection(self.ui, self.logic)
        self._volumesArrived = qt.QTimer()
        self._volumesArrived.setSingleShot(True)
        self._volumesArrived.setInterval(300)
        self._volumesArrived.connect("timeout()", self.inputs.fill_if_empty)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.StartCloseEvent, self._onSceneCloses)
        self.addObserver(scene, scene.StartImportEvent, self._onSceneChanges)
        for changed in (scene.EndCloseEvent, scene.EndImportEvent):
            self.addObserver(scene, changed, self._onSceneChanged)
        self.addObserver(scene, scene.NodeAddedEvent, self._onNodeAdded)
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self._onNodeLeaves)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self.ui.saveReportButton.connect("clicked(bool)", self.onSaveReportButton)
        self._useParameterNode(self.logic.getParameterNode())

    def enter(self):
        self.inputs.fill_if_empty()

    def cleanup(self):
        if self.logic is None:  # setup has failed
            return
        self._volumesArrived.stop()
        self._useParameterNode(None)
        self.removeObservers()
        self.logic.close()

    def _useParameterNode(self, parameterNode):
        """Bind the panel to a parameter node, from the set-up on, and to none only while scenes change: Slicer 5.10 keeps
        whatever was bound, and would keep it for each visit to the module."""
        if parameterNode is self._parameterNode:
            return
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersChanged)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode.parameterNode, vtk.vtkCommand.ModifiedEvent, self._onParametersChanged)
            self._showState()

    def _onSceneCloses(self, caller, event):
        self._onSceneChanges(caller, event)
        self.results.clear()
        self.ui.inputsMessage.text = self.ui.stageMessage.text = ""

    def _onSceneChanges(self, caller, event):
        # The selectors follow the nodes as they go and come; what the parameters hold is not theirs to change.
        self._useParameterNode(None)

    def _onSceneChanged(self, caller, event):
        parameters = self.logic.getParameterNode()
        parameters.Modified()  # the nodes of an imported scene can come after the parameters that refer to them
        self._useParameterNode(parameters)
        if self.parent.isEntered:
            self.inputs.fill_if_empty()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node):
        # Files dropped onto Slicer arrive one after another: look when they have all come.
        if self.parent.isEntered and node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            self._volumesArrived.start()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeLeaves(self, caller, event, node):
        if self._parameterNode is not None:
            let_go(self._parameterNode, node)

    def onSegmentButton(self):
        if self.logic.running:
            self.logic.cancel()
            return
        with slicer.util.tryWithErrorDisplay(waitCursor=True):
            if slicer_setup.missing():
                if not slicer.util.confirmOkCancelDisplay(slicer_setup.question(), _("IVD Segmentation")):
                    self.ui.stageMessage.text = str(slicer_setup.declined())
                    return
                self.logic.installPackages()
            parameters = self._parameterNode
            self.ui.stageMessage.text = ""
            self.ui.progressBar.value = 0
            self.logic.segment(
                **{CHANNEL_PARAMETERS[channel]: node for channel, node in self.inputs.chosen().items()},
                reference=parameters.reference,
                lowestLevel=lowest_level(parameters),
                device=parameters.device,
                keepResults=parameters.keepResults,
                wait=False,
                onProgress=self._onProgress,
                onFinished=self._onFinished,
                onFailed=self._onNotSegmented,
            )
        self._showState()

    def _onProgress(self, stage, fraction):
        self.ui.stageMessage.text = f"{stage}..."
        self.ui.progressBar.value = round(100 * fraction)

    def _onFinished(self, result):
        self.results.show(result)
        self.ui.stageMessage.text = _("Done.")
        self._showState()

    def _onNotSegmented(self, error):
        self._onFailed(error, _("Not segmented."))

    def _onFailed(self, error, message):
        cancelled = isinstance(error, Cancelled)
        self.ui.stageMessage.text = str(error) if cancelled else message
        self._showState()
        if not cancelled:
            slicer.util.errorDisplay(str(error), detailedText=getattr(error, "log_tail", ""))

    def _onParametersChanged(self, caller, event):
        if not self.logic.running:
            self.results.rename_if_asked(self._parameterNode, self.inputs.chosen())
        self._showState()

    def onSaveReportButton(self):
        self.ui.progressBar.value = 0
        self.results.save(self._onProgress, self._onSaved, self._onNotSaved)
        self._showState()

    def _onSaved(self, folder):
        self.ui.stageMessage.text = _("Saved in {folder}.").format(folder=folder)
        self._showState()

    def _onNotSaved(self, error):
        self._onFailed(error, _("No report was saved."))

    def _showState(self):
        running = self.logic.running
        self.ui.progressBar.visible = running
        self.ui.segmentButton.text = _("Cancel") if running else _("Segment")
        for section in (self.ui.inputsSection, self.ui.optionsSection):
            section.enabled = not running
        self.ui.saveReportButton.enabled = self.results.result is not None and not running
        if running:
            self.ui.segmentButton.enabled = True
            self.ui.segmentButton.toolTip = _("Stop; the scene and the files stay as they are.")
        elif self._parameterNode is not None:
            chosen = self.inputs.chosen().items()
            lacking = slicer_texts.lacking({channel: node and node.GetID() for channel, node in chosen})
            self.ui.segmentButton.enabled = not lacking
            self.ui.segmentButton.toolTip = lacking or _("Find, segment and name the discs of these volumes.")


class IVDSegmentationLogic(ScriptedLoadableModuleLogic, VTKObservationMixin):
    """Segments volumes of the scene; the panel and the console use it alike.

    >>> logic = slicer.util.getModuleLogic("IVDSegmentation")
    >>> result = logic.segment(water=slicer.util.getNode("water"), fat=slicer.util.getNode("fat"))
    """

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        VTKObservationMixin.__init__(self)
        self._timer = qt.QTimer()
        self._timer.setInterval(100)
        self.segmenter = Segmenter(lambda: slicer_setup.make_worker(MODULE_FOLDER), self._timer, _)
        self._timer.connect("timeout()", self.segmenter.poll)
        self._inputs = ()
        self._parameters = self._validChoices = None

    def getParameterNode(self):
        """The parameters of the panel: one wrapper for as long as the scene keeps its node."""
        node = super().getParameterNode()
        if self._parameters is None or self._parameters.parameterNode is not node:
            self._dropParameters()
            self._validChoices = ValidChoices(node)
            self._parameters = IVDSegmentationParameterNode(node)
        return self._parameters

    def _dropParameters(self):
        if self._validChoices is not None:
            self._validChoices.stop()
        self._parameters = self._validChoices = None

    @property
    def running(self):
        return self.segmenter.running

    def findDixonVolumes(self):
        """(channel -> volume node that looks like it, sentences on channels that several volumes look like)."""
        found, ambiguous = slicer_inputs.find_channels(mrml.candidates())
        return {channel: slicer.mrmlScene.GetNodeByID(key) for channel, key in found.items()}, ambiguous

    def loadFolder(self, folder):
        """Load the Dixon channels in a folder; channel -> new volume node. Raises InputError, and loads nothing then."""
        return mrml.add_channels(read_channels(Path(folder)), Path(folder).name)

    def installPackages(self):
        """Install what the segmentation needs beside Slicer, having asked before. Raises slicer_setup.SetupError."""
        try:
            from slicer import packaging
        except ImportError:  # Slicer 5.10
            packaging = None
        slicer_setup.install(slicer.util.pip_install, packaging)

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
        onProgress=lambda stage, fraction: None,
        onFinished=lambda result: None,
        onFailed=lambda error: None,
    ) -> mrml_results.SceneResult | None:
        """Segment the discs of a case, given as any channels but fat alone, and put them into the scene.

        reference: an expert's segmentation to compare with. lowestLevel: name of the lowest disc, `L5-S1` style.
        keepResults: add to earlier results of the case instead of replacing them. wait: return the SceneResult when it
        is there, events processed meanwhile; otherwise return at once and call back: onProgress with the stage in words
        and the fraction done, then once onFinished with the SceneResult or onFailed with the exception.

        Raises (or hands to onFailed) IVDSegmentationError: InputError, ModelError, OutputError, slicer_run.WorkerFailed,
        Cancelled; the scene is then as it was.
        """
        given = {"water": water, "fat": fat, "in_phase": inPhase, "opposed_phase": opposedPhase}
        nodes = {channel: node for channel, node in given.items() if node is not None}
        if not set(nodes) - {"fat"}:
            raise InputError(_("no volume is given in which discs show: give water, in-phase or opposed-phase"))
        grid = next(nodes[channel] for channel in REFERENCE_ORDER if channel in nodes)
        inputs = {channel: node.GetID() for channel, node in nodes.items()}
        request = Request(
            volumes={channel: mrml.volume_of(node) for channel, node in nodes.items()},
            name=grid.GetAttribute(mrml.CASE) or grid.GetName(),
            reference=None if reference is None else mrml.labels_of(reference, grid),
            lowest_level=lowestLevel,
            device=device,
        )

        def place(answer):
            return mrml_results.place_result(answer, request, inputs, grid, keep_earlier=keepResults)

        def ended(callback):
            return lambda outcome: (self.removeObservers(), callback(outcome))

        self.segmenter.begin(request, place, Callbacks(onProgress, ended(onFinished), ended(onFailed)))
        self._inputs = tuple(inputs.values())
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._onNodeLeaves)
        return self._outcome() if wait else None

    def _outcome(self):
        """What the run under way comes to, events processed meanwhile. Raises its exception."""
        while self.running:
            slicer.app.processEvents()
            time.sleep(0.02)
        if isinstance(self.segmenter.outcome, Exception):
            raise self.segmenter.outcome
        return self.segmenter.outcome

    def renameLevels(self, result: mrml_results.SceneResult, lowestLevel: str | None) -> mrml_results.SceneResult:
        """Call the lowest disc of a result lowestLevel, count the others on from it, and return the renamed result; its nodes
        are renamed, nothing is segmented again. None: the automatic names. Raises InputError, and changes nothing, for a
        level that the discs cannot be counted from."""
        return mrml_renaming.rename_result(result, lowestLevel)

    def saveReport(
        self,
        result: mrml_results.SceneResult,
        folder: str | Path,
        *,
        wait: bool = True,
        onProgress=lambda stage, fraction: None,
        onFinished=lambda folder: None,
        onFailed=lambda error: None,
    ) -> Path | None:
        """Write discs.nii.gz, surfaces, report.json, report.html and measurements.csv of a result, with the names it has, into
        a folder, as `ivdseg segment` does. wait and callbacks as in `segment`; the result of both is the folder.

        The files of an earlier report there are replaced; after a failure they are as they were. The pictures are of the
        volumes' voxels as they are now. Raises (or hands to onFailed) IVDSegmentationError.
        """
        callbacks = Callbacks(onProgress, onFinished, onFailed)
        self.segmenter.begin_report(result.request, result.named, Path(folder), callbacks)
        return self._outcome() if wait else None

    def cancel(self):
        """Stop the segmentation or report under way, if any; the scene and the files stay as they are."""
        self.segmenter.abort(Cancelled(_("Cancelled.")))

    def close(self):
        """Stop what is under way and end the segmentation process."""
        self.segmenter.close()
        self._dropParameters()

    def _onSceneCloses(self, caller, event):
        self.segmenter.abort(Cancelled(_("Cancelled: the scene was closed.")))

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeLeaves(self, caller, event, node):
        if node.GetID() in self._inputs:
            message = _("{name} was deleted while it was being segmented: load it again")
            self.segmenter.abort(InputError(message.format(name=node.GetName())))


class IVDSegmentationTest(ScriptedLoadableModuleTest):
    """The whole job on the phantom, with the real segmentation process; skipped where its packages are not installed."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)
        if slicer_setup.missing():
            self.skipTest(f"not installed: {', '.join(slicer_setup.missing())}")
        self.logic = IVDSegmentationLogic()
        self.addCleanup(self.logic.close)
        self.fat, self.inPhase, self.opposedPhase, self.water, self.truth = mrml_sample.add_phantom()

    def runTest(self):
        for name in ("test_WholeJob", "test_Cancel", "test_Errors"):
            self.setUp()
            getattr(self, name)()
            self.doCleanups()

    def test_WholeJob(self):
        self.delayDisplay("Segmenting the phantom")
        result = self.logic.segment(self.water, self.fat, self.inPhase, self.opposedPhase)
        found, true = slicer.util.arrayFromVolume(result.labelmap), slicer.util.arrayFromVolume(self.truth)
        dice = 2 * ((found > 0) & (true > 0)).sum() / ((found > 0).sum() + (true > 0).sum())
        self.assertGreater(dice, 0.85)
        segments = result.segmentation.GetSegmentation()
        self.assertEqual(list(segments.GetSegmentIDs()), [disc.level for disc in result.discs])
        self.assertEqual(set(result.models), set(segments.GetSegmentIDs()))
        self.assertEqual(mrml.volume_of(result.labelmap).grid, mrml.volume_of(self.water).grid)
        renamed = self.logic.renameLevels(result, "L4-L5")
        self.assertEqual(list(segments.GetSegmentIDs()), [disc.level for disc in renamed.discs])
        self.assertEqual(renamed.tables["measurements"].GetCellText(0, 0), "L4-L5")

    def test_Cancel(self):
        self.delayDisplay("Cancelling a segmentation")
        failures, nodes = [], slicer.mrmlScene.GetNumberOfNodes()
        self.logic.segment(self.water, wait=False, onFailed=failures.append)
        self.logic.cancel()
        self.assertIsInstance(failures[0], Cancelled)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_Errors(self):
        self.delayDisplay("Refusing what cannot be segmented")
        with self.assertRaises(InputError):
            self.logic.segment(fat=self.fat)
        slicer.util.updateVolumeFromArray(self.water, 0 * slicer.util.arrayFromVolume(self.water))
        with self.assertRaises(InputError):
            self.logic.segment(self.water)
