"""Other ways into and out of the module: batch, dropped DICOM series, the Segment Editor, export as DICOM SEG."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import SimpleITK as sitk
import slicer
import vtk
from slicer_harness.person import PHANTOM, Person, person_with_case

GUIDE = (Path(__file__).parents[1] / "docs" / "user-guide.md").read_text(encoding="utf-8")


def write_case(folder, *channels):
    folder.mkdir(parents=True)
    for channel in channels:
        image = sitk.GetImageFromArray(np.ascontiguousarray(PHANTOM.channels[channel].T))
        image.SetSpacing(PHANTOM.grid.spacing_mm)
        image.SetOrigin(PHANTOM.grid.origin_mm)
        image.SetDirection(np.ravel(PHANTOM.grid.direction).tolist())
        sitk.WriteImage(image, str(folder / f"{channel}.nii.gz"))


def test_the_batch_script_of_the_guide_reports_every_case_and_tells_what_failed(tmp_path, monkeypatch, capsys):
    person = Person()
    write_case(tmp_path / "cases" / "a", "water", "fat")
    write_case(tmp_path / "cases" / "b", "fat")
    write_case(tmp_path / "cases" / "c", "water")
    (script,) = re.findall(r"```py\n(.*?)```", GUIDE, re.DOTALL)
    statuses = []
    monkeypatch.setattr(sys, "argv", ["segment_folders.py", str(tmp_path / "cases"), str(tmp_path / "results")])
    monkeypatch.setattr(slicer.util, "exit", statuses.append)
    exec(compile(script, "user-guide.md", "exec"), {})  # our own document, not data from outside
    assert [report["folder"] for report in person.worker.reports] == [tmp_path / "results" / name for name in "ac"]
    assert [sorted(request["volumes"]) for request in person.worker.requests] == [["fat", "water"], ["water"]]
    (line,) = capsys.readouterr().out.strip().splitlines()
    assert line.startswith("b: ")
    assert statuses == [1]
    assert person.boxes == []


@pytest.mark.parametrize("words", [("_W", "_F", "_in", "_opp"), (" WATER", " FAT", " InPhase", " OutPhase")])
def test_series_dropped_as_dicom_are_recognised_by_the_names_slicer_gives_them(words):
    person = Person()
    channels = ("water", "fat", "in_phase", "opposed_phase")
    names = {channel: f"{5 + n}: t1_vibe_dixon{word}" for n, (channel, word) in enumerate(zip(channels, words, strict=True))}
    nodes = person.load(*channels, names=names)
    for n, node in enumerate(nodes.values()):
        node.SetAttribute("DICOM.instanceUIDs", f"1.2.{n}.1 1.2.{n}.2")  # of a database that knows no ImageType
    person.click(person.ui.findButton)
    selectors = (person.ui.waterSelector, person.ui.fatSelector, person.ui.inPhaseSelector, person.ui.opposedPhaseSelector)
    assert [selector.currentNode() for selector in selectors] == list(nodes.values())


def segmented(person):
    person.segment()
    return person.panel.results.result


def edit(result, level):
    """What the Segment Editor leaves where a person has erased a slice of a disc."""
    voxels = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, level, result.labelmap).copy()
    voxels[:, :, np.flatnonzero(voxels.any(axis=(0, 1)))[0]] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(voxels, result.segmentation, level, result.labelmap)
    return voxels


def says_edited(person, result, folder):
    """Whether a report that is saved of the result says that it was edited."""
    person.logic.saveReport(result, folder)
    return "edited" in {one.code for one in person.worker.reports[-1]["segmentation"].findings}


def test_edits_survive_renaming_and_the_report_says_edited(tmp_path):
    person = person_with_case()
    result = segmented(person)
    assert not says_edited(person, result, tmp_path)
    lowest, second = (disc.level for disc in result.discs[:2])
    edited = edit(result, second)
    assert says_edited(person, result, tmp_path)
    renamed = person.logic.renameLevels(result, "L4-L5" if lowest == "L5-S1" else "L5-S1")
    there = slicer.util.arrayFromSegmentBinaryLabelmap(renamed.segmentation, renamed.discs[1].level, renamed.labelmap)
    np.testing.assert_array_equal(there > 0, edited > 0)
    assert says_edited(person, renamed, tmp_path)


def test_renaming_alone_is_no_edit(tmp_path):
    person = person_with_case()
    result = segmented(person)
    renamed = person.logic.renameLevels(result, "L4-L5" if result.discs[0].level == "L5-S1" else "L5-S1")
    assert not says_edited(person, renamed, tmp_path)


def test_a_segment_added_or_removed_is_an_edit(tmp_path):
    person = person_with_case()
    result = segmented(person)
    result.segmentation.GetSegmentation().RemoveSegment(result.discs[0].level)
    assert says_edited(person, result, tmp_path)


def test_what_an_export_as_dicom_seg_needs_is_on_the_nodes():
    person = Person()
    nodes = person.load("water", "fat")
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "subject"), "study")
    for n, node in enumerate(nodes.values()):
        node.SetAttribute("DICOM.instanceUIDs", f"1.2.{n}.1 1.2.{n}.2")
        hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node) or hierarchy.CreateItem(study, node), study)
    person.click(person.ui.findButton)
    result = segmented(person)
    node = result.segmentation
    source = node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole())
    assert source in nodes.values()
    assert source.GetAttribute("DICOM.instanceUIDs")
    item, above = hierarchy.GetItemByDataNode(node), []
    while item not in (0, hierarchy.GetSceneItemID()):
        item = hierarchy.GetItemParent(item)
        above.append(item)
    assert study in above
    for key in node.GetSegmentation().GetSegmentIDs():
        segment, tag = node.GetSegmentation().GetSegment(key), vtk.reference("")
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), tag)
        term = str(tag)
        assert "SCT^123037004^Anatomical Structure" in term
        assert "SCT^360499006^Intervertebral disc" in term
        assert segment.GetRepresentation("Binary labelmap") is not None
