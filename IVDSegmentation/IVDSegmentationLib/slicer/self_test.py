"""The module's self-test: what Slicer's *Reload and Test* and its continuous integration run, by the controls of the panel."""

from __future__ import annotations

import time
import unittest
from typing import Any

import slicer

from ..errors import InputError
from . import sample, setup
from .coordinates import grid_of

LEAST_DICE = 0.85
"""Of the sample case against its exact labels, below what the released networks reach on it."""

_SHORT_MS = 100
"""So long a message is only logged; a longer one is a box that Slicer shows in the middle of the screen."""


class SelfTest(unittest.TestCase):
    """Opens the panel, segments the sample case in it, compares with the exact labels, renames, cancels, refuses.

    Where the packages of the segmentation are not installed, the panel is opened all the same.
    """

    def setUp(self) -> None:
        """Begin with an empty scene and the panel."""
        slicer.mrmlScene.Clear(0)
        self.panel = slicer.util.getModuleWidget("IVDSegmentation").panel
        self.assertIsNotNone(self.panel, "the panel could not be set up: its error is in the log")
        self.ui = self.panel.ui
        self.addCleanup(self.panel.logic.job_runner.close)

    def runTest(self) -> None:
        """All of it with one object, as the button of the developer's section has it."""
        for test in (self.test_panel, self.test_whole_job, self.test_cancel, self.test_errors):
            self.setUp()
            try:
                test()
            except unittest.SkipTest as reason:
                self._say(f"Left out: {reason}")
            finally:
                self.doCleanups()

    def test_panel(self) -> None:
        """The panel opens, finds the channels of the sample case, and says what is missing before."""
        self._say("Opening the panel")
        self.assertFalse(self.ui.segmentButton.enabled)
        self.assertIn("first", self.ui.segmentButton.toolTip)
        self._load_sample_case()
        self.assertTrue(self.ui.segmentButton.enabled, self.ui.segmentButton.toolTip)

    def test_whole_job(self) -> None:
        """The discs of the sample case agree with its exact labels, and everything in the scene has their names."""
        self._skip_without_packages()
        truth = self._load_sample_case()
        self.ui.referenceSelector.setCurrentNode(truth)
        self._say("Segmenting the phantom")
        self.ui.segmentButton.click()
        self._wait()
        result = self.panel.results.result
        self.assertIsNotNone(result, self.ui.stageMessage.text)
        found, true = slicer.util.arrayFromVolume(result.labelmap), slicer.util.arrayFromVolume(truth)
        dice = 2 * ((found > 0) & (true > 0)).sum() / ((found > 0).sum() + (true > 0).sum())
        self.assertGreater(dice, LEAST_DICE)
        self.assertAlmostEqual(dice, result.report["metrics"]["overall_dice"], 2)
        levels = [disc.level for disc in result.discs]
        self.assertEqual([self.ui.discsTable.item(row, 0).text() for row in range(len(levels))], levels[::-1])
        segments = result.segmentation.GetSegmentation()
        self.assertEqual(list(segments.GetSegmentIDs()), levels)
        self.assertEqual(list(result.models), levels)
        self.assertEqual(grid_of(result.labelmap), grid_of(self.panel.inputs.chosen()["water"]))
        self.ui.lowestLevelBox.setCurrentText("L4-L5")
        renamed = self.panel.results.result
        self.assertEqual(renamed.discs[0].level, "L4-L5")
        self.assertEqual(list(segments.GetSegmentIDs()), [disc.level for disc in renamed.discs])
        self.assertEqual(renamed.tables["measurements"].GetCellText(0, 0), "L4-L5")

    def test_cancel(self) -> None:
        """A run that is cancelled leaves the scene as it was."""
        self._skip_without_packages()
        self._load_sample_case()
        nodes = slicer.mrmlScene.GetNumberOfNodes()
        self._say("Cancelling a segmentation")
        self.ui.segmentButton.click()
        self.assertTrue(self.panel.logic.running)
        self.panel.logic.cancel()
        self.assertFalse(self.panel.logic.running)
        self.assertIsNone(self.panel.results.result)
        self.assertEqual(slicer.mrmlScene.GetNumberOfNodes(), nodes)

    def test_errors(self) -> None:
        """What cannot be segmented is refused."""
        self._skip_without_packages()
        self._load_sample_case()
        chosen = self.panel.inputs.chosen()
        self._say("Refusing what cannot be segmented")
        with self.assertRaises(InputError):
            self.panel.logic.segment(fat=chosen["fat"])
        slicer.util.updateVolumeFromArray(chosen["water"], 0 * slicer.util.arrayFromVolume(chosen["water"]))
        with self.assertRaises(InputError):
            self.panel.logic.segment(chosen["water"])

    def _skip_without_packages(self) -> None:
        if setup.missing():
            self.skipTest(f"not installed: {', '.join(setup.missing())}")

    def _load_sample_case(self) -> Any:
        """Load it and have the panel find its channels; returns the node of the exact labels."""
        *_, truth = sample.add_phantom()
        self.ui.findButton.click()
        self.assertNotIn(None, self.panel.inputs.chosen().values(), self.ui.inputsMessage.text)
        return truth

    def _wait(self, limit_s: float = 600.0) -> None:
        end_s = time.monotonic() + limit_s
        while self.panel.logic.running:
            self.assertLess(time.monotonic(), end_s, "the segmentation does not end")
            slicer.app.processEvents()
            time.sleep(0.02)

    def _say(self, message: str) -> None:
        delay_display = getattr(self, "delayDisplay", None)  # of Slicer's test class, which this one is mixed into
        if delay_display is not None:
            delay_display(message, requestedDelay=_SHORT_MS)
