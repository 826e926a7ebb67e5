"""IVD Segmentation, a scripted module of 3D Slicer: module, parameters, panel, logic and self-test, each a few lines. What they
do is in IVDSegmentationLib.slicer."""

from pathlib import Path
from typing import Annotated, Any, Union

import slicer
from IVDSegmentationLib.slicer import sample, self_test, setup
from IVDSegmentationLib.slicer.logic import SegmentationLogic
from IVDSegmentationLib.slicer.panel import Panel
from IVDSegmentationLib.slicer.parameters import CHOICES, ParameterNodes
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


class IVDSegmentation(ScriptedLoadableModule):
    """The module as Slicer lists it."""

    def __init__(self, parent: Any) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        slicer.app.loadTranslations(str(Path(__file__).parent / "Resources" / "Translations"))  # before any text is asked for
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
        for register in (sample.register_terminology, sample.register_sample):
            slicer.app.connect("startupCompleted()", register)


@parameterNodeWrapper
class IVDSegmentationParameterNode:
    """The inputs and options of the panel; saved with the scene."""

    water: vtkMRMLScalarVolumeNode
    fat: vtkMRMLScalarVolumeNode
    inPhase: vtkMRMLScalarVolumeNode
    opposedPhase: vtkMRMLScalarVolumeNode
    # None stands last: the wrapper writes a union that holds nothing by its last member. And Union, for not every version of
    # the wrapper knows the types written with |.
    reference: Union[vtkMRMLSegmentationNode, vtkMRMLLabelMapVolumeNode, None]  # noqa: UP007
    lowestLevel: Annotated[str, Choice(list(CHOICES["lowestLevel"]))] = CHOICES["lowestLevel"][0]
    device: Annotated[str, Choice(list(CHOICES["device"]))] = CHOICES["device"][0]
    keepResults: bool = False


class IVDSegmentationWidget(ScriptedLoadableModuleWidget):
    """Holds the panel."""

    def __init__(self, parent: Any = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        self.logic: IVDSegmentationLogic | None = None
        self.panel: Panel | None = None

    def setup(self) -> None:
        ScriptedLoadableModuleWidget.setup(self)
        widget = slicer.util.loadUI(self.resourcePath("UI/IVDSegmentation.ui"))
        self.layout.addWidget(widget)
        self.logic = IVDSegmentationLogic()
        self.panel = Panel(widget, self.logic, self.parent)

    def enter(self) -> None:
        if self.panel is not None:  # None after a failed setup
            self.panel.enter()

    def exit(self) -> None:
        pass  # the panel follows the scene while it is hidden, too

    def cleanup(self) -> None:
        if self.panel is not None:
            self.panel.close()


class IVDSegmentationLogic(SegmentationLogic, ScriptedLoadableModuleLogic):
    """What the module does, for the panel and the console; see SegmentationLogic."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        SegmentationLogic.__init__(self, lambda: setup.make_worker(Path(__file__).parent))
        self._parameterNodes = ParameterNodes(IVDSegmentationParameterNode)

    def getParameterNode(self) -> Any:
        return self._parameterNodes.wrapped(ScriptedLoadableModuleLogic.getParameterNode(self))

    def close(self) -> None:
        SegmentationLogic.close(self)
        self._parameterNodes.forget()


class IVDSegmentationTest(self_test.SelfTest, ScriptedLoadableModuleTest):
    """The whole job in the panel, on the sample case; see self_test.SelfTest."""
