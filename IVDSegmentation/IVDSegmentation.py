"""IVD Segmentation, a scripted module of 3D Slicer: module, panel, logic and self-test. The work is in IVDSegmentationLib."""

import os
import time
from pathlib import Path
from typing import Annotated, Union

import qt
import slicer
import vtk
from IVDSegmentationLib import mrml, slicer_inputs, slicer_setup, slicer_texts
from IVDSegmentationLib.cases import REFERENCE_ORDER
from IVDSegmentationLib.dixon import PLAIN_NAMES
from IVDSegmentationLib.errors import Cancelled, InputError
from IVDSegmentationLib.levels import LEVELS
from IVDSegmentationLib.slicer_run import Callbacks, Request, Segmenter
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

AUTOMATIC = "automatic"
PARAMETERS = {"water": "water", "fat": "fat", "in_phase": "inPhase", "opposed_phase": "opposedPhase"}
"""Channel -> how a parameter and an argument of `segment` call it."""
PHANTOM_NAME, PHANTOM_SEED = "Dixon lumbar phantom", 2018


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
        slicer.app.connect("startupCompleted()", register)


def register():
    """Add the sample case to the Sample Data module and the discs' terms to the terminologies."""
    import SampleData

    resources = os.path.join(os.path.dirname(__file__), "Resources")
    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="IVD Segmentation",
        sampleName=PHANTOM_NAME,
        thumbnailFileName=os.path.join(resources, "Icons", "DixonLumbarPhantom.png"),
        customDownloader=lambda source: mrml.add_phantom(PHANTOM_SEED, PHANTOM_NAME),
    )
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(os.path.join(resources, "IntervertebralDiscs.term.json"))


@parameterNodeWrapper
class IVDSegmentationParameterNode:
    """The inputs and options of the panel; saved with the scene."""

    water: vtkMRMLScalarVolumeNode
    fat: vtkMRMLScalarVolumeNode
    inPhase: vtkMRMLScalarVolumeNode
    opposedPhase: vtkMRMLScalarVolumeNode
    # The wrapper knows typing.Union, not X | Y.
    reference: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode]  # noqa: UP007
    lowestLevel: Annotated[str, Choice([AUTOMATIC, *LEVELS])] = AUTOMATIC
    device: Annotated[str, Choice(["auto", "cpu", "gpu"])] = "auto"
    keepResults: bool = False


class IVDSegmentationWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self._parameterNode = self._guiTag = None
        self._entered = False

    def setup(self):
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/IVDSegmentation.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = IVDSegmentationLogic()
        self._volumesArrived = qt.QTimer()
        self._volumesArrived.setSingleShot(True)
        self._volumesArrived.setInterval(300)
        self._volumesArrived.connect("timeout()", self._fillEmptySelectors)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self._onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndImportEvent, self._onSceneChanged)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAddedEvent, self._onNodeAdded)
        self.ui.findButton.connect("clicked(bool)", self.onFindButton)
        self.ui.loadFolderButton.connect("clicked(bool)", self.onLoadFolderButton)
        self.ui.segmentButton.connect("clicked(bool)", self.onSegmentButton)
        self._useParameterNode(self.logic.getParameterNode())

    def enter(self):
        self._entered = True
        self._useParameterNode(self.logic.getParameterNode())
        self._fillEmptySelectors()

    def exit(self):
        self._entered = False
        self._useParameterNode(None)

    def cleanup(self):
        self._volumesArrived.stop()
        self._useParameterNode(None)
        self.removeObservers()
        self.logic.close()

    def _useParameterNode(self, parameterNode):
        if self._parameterNode is not None:
            self._parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self._parameterNode, vtk.vtkCommand.ModifiedEvent, self._showState)
        self._parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self._showState)
            self._showState()

    def _onSceneCloses(self, caller, event):
        self._useParameterNode(None)
        self.ui.resultsMessage.text = _("No result yet.")
        self.ui.warningsMessage.text = self.ui.inputsMessage.text = self.ui.stageMessage.text = ""

    def _onSceneChanged(self, caller, event):
        if self._entered:
            self.enter()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeAdded(self, caller, event, node):
        # Files dropped onto Slicer arrive one after another: look when they have all come.
        if self._entered and node is not None and node.IsA("vtkMRMLScalarVolumeNode"):
            self._volumesArrived.start()

    def _fillEmptySelectors(self):
        parameters = self._parameterNode
        if parameters is None or self.logic.running or any(getattr(parameters, name) for name in PARAMETERS.values()):
            return
        found, ambiguous = self.logic.findDixonVolumes()
        if found and not ambiguous:
            self._choose(found)

    def _choose(self, found):
        for channel, name in PARAMETERS.items():
            setattr(self._parameterNode, name, found.get(channel))
        channels = ", ".join(PLAIN_NAMES[channel] for channel in found)
        self.ui.inputsMessage.text = _("Found: {channels}.").format(channels=channels) if found else ""

    def onFindButton(self):
        found, ambiguous = self.logic.findDixonVolumes()
        self._choose(found)
        if ambiguous:
            self.ui.inputsMessage.text = " ".join(ambiguous)
        elif not found:
            self.ui.inputsMessage.text = _(
                "None of the loaded volumes looks like a Dixon channel by its DICOM tags or its name: choose them yourself."
            )

    def onLoadFolderButton(self):
        folder = qt.QFileDialog.getExistingDirectory(slicer.util.mainWindow(), _("Folder of a Dixon examination"))
        if folder:
            with slicer.util.tryWithErrorDisplay(waitCursor=True):
                self._choose(self.logic.loadFolder(folder))

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
            self.ui.stageMessage.text = self.ui.warningsMessage.text = ""
            self.ui.progressBar.value = 0
            self.logic.segment(
                **{name: getattr(parameters, name) for name in PARAMETERS.values()},
                reference=parameters.reference,
                lowestLevel=None if parameters.lowestLevel == AUTOMATIC else parameters.lowestLevel,
                device=parameters.device,
                keepResults=parameters.keepResults,
                wait=False,
                onProgress=self._onProgress,
                onFinished=self._onFinished,
                onFailed=self._onFailed,
            )
        self._showState()

    def _onProgress(self, stage, fraction):
        self.ui.stageMessage.text = f"{stage}..."
        self.ui.progressBar.value = round(100 * fraction)

    def _onFinished(self, result):
        self.ui.resultsMessage.text = slicer_texts.discs_found(result.discs)
        self.ui.warningsMessage.text = slicer_texts.to_check(result.warnings, result.discs)
        self.ui.stageMessage.text = _("Done.")
        self._showState()

    def _onFailed(self, error):
        cancelled = isinstance(error, Cancelled)
        self.ui.stageMessage.text = str(error) if cancelled else _("Not segmented.")
        self._showState()
        if not cancelled:
            slicer.util.errorDisplay(str(error), detailedText=getattr(error, "log_tail", ""))

    def _showState(self, caller=None, event=None):
        running = self.logic.running
        self.ui.progressBar.visible = running
        self.ui.segmentButton.text = _("Cancel") if running else _("Segment")
        for section in (self.ui.inputsSection, self.ui.optionsSection):
            section.enabled = not running
        if running:
            self.ui.segmentButton.enabled = True
            self.ui.segmentButton.toolTip = _("Stop the segmentation; the scene stays as it is.")
        elif self._parameterNode is not None:
            chosen = {channel: getattr(self._parameterNode, name) for channel, name in PARAMETERS.items()}
            lacking = slicer_texts.lacking({channel: node and node.GetID() for channel, node in chosen.items()})
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
        self.segmenter = Segmenter(slicer_setup.make_worker, self._timer)
        self._timer.connect("timeout()", self.segmenter.poll)
        self._inputs = ()

    def getParameterNode(self):
        return IVDSegmentationParameterNode(super().getParameterNode())

    @property
    def running(self):
        return self.segmenter.running

    def findDixonVolumes(self):
        """(channel -> volume node that looks like it, sentences on channels that several volumes look like)."""
        found, ambiguous = slicer_inputs.find_channels(mrml.candidates())
        return {channel: slicer.mrmlScene.GetNodeByID(key) for channel, key in found.items()}, ambiguous

    def loadFolder(self, folder):
        """Load the Dixon channels in a folder; channel -> new volume node. Raises InputError, and loads nothing then."""
        return mrml.add_channels(slicer_inputs.read_channels(Path(folder)), Path(folder).name)

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
    ) -> mrml.SceneResult | None:
        """Segment the discs of a case, given as any channels but fat alone, and put them into the scene.

        reference: an expert's segmentation to compare with. lowestLevel: name of the lowest disc, `L5-S1` style.
        keepResults: add to earlier results of the case instead of replacing them. wait: return the mrml.SceneResult when
        it is there, events processed meanwhile; otherwise return at once and call back: onProgress with the stage in words
        and the fraction done, then once onFinished with the SceneResult or onFailed with the exception.

        Raises (or hands to onFailed) IVDSegmentationError: InputError, ModelError, OutputError, slicer_run.WorkerFailed,
        Cancelled; the scene is then as it was.
        """
        given = {"water": water, "fat": fat, "in_phase": inPhase, "opposed_phase": opposedPhase}
        nodes = {channel: node for channel, node in given.items() if node is not None}
        if not set(nodes) - {"fat"}:
            raise InputError("no volume is given in which discs show: give water, in-phase or opposed-phase")
        grid = next(nodes[channel] for channel in REFERENCE_ORDER if channel in nodes)
        request = Request(
            volumes={channel: mrml.volume_of(node) for channel, node in nodes.items()},
            name=grid.GetAttribute(mrml.CASE) or grid.GetName(),
            reference=None if reference is None else mrml.labels_of(reference, grid),
            lowest_level=lowestLevel,
            device=device,
        )

        def place(result):
            placed = mrml.add_result(result, request.name, grid)
            if not keepResults:
                mrml.remove_results(request.name, keep=placed.folder)
            mrml.show_result(placed, grid)
            return placed

        def ended(callback):
            return lambda outcome: (self.removeObservers(), callback(outcome))

        self.segmenter.begin(request, place, Callbacks(onProgress, ended(onFinished), ended(onFailed)))
        self._inputs = tuple(node.GetID() for node in nodes.values())
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self._onSceneCloses)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.NodeAboutToBeRemovedEvent, self._onNodeLeaves)
        if not wait:
            return None
        while self.running:
            slicer.app.processEvents()
            time.sleep(0.02)
        if isinstance(self.segmenter.outcome, Exception):
            raise self.segmenter.outcome
        return self.segmenter.outcome

    def cancel(self):
        """Stop the segmentation under way, if any; the scene stays as it is."""
        self.segmenter.abort(Cancelled("Cancelled."))

    def close(self):
        """Stop what is under way and end the segmentation process."""
        self.segmenter.close()

    def _onSceneCloses(self, caller, event):
        self.segmenter.abort(Cancelled("Cancelled: the scene was closed."))

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def _onNodeLeaves(self, caller, event, node):
        if node.GetID() in self._inputs:
            message = f"{node.GetName()} was deleted while it was being segmented: load it again"
            self.segmenter.abort(InputError(message))


class IVDSegmentationTest(ScriptedLoadableModuleTest):
    """The whole job on the phantom, with the real segmentation process; skipped where its packages are not installed."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)
        if slicer_setup.missing():
            self.skipTest(f"not installed: {', '.join(slicer_setup.missing())}")
        self.logic = IVDSegmentationLogic()
        self.addCleanup(self.logic.close)
        self.fat, self.inPhase, self.opposedPhase, self.water, self.truth = mrml.add_phantom(PHANTOM_SEED, PHANTOM_NAME)

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
