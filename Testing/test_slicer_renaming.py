"""Another lowest level after a run: scene and panel have the new names at once, and nothing else changes."""

import numpy as np
import pytest

pytest.importorskip("slicer_core", reason="slicer-core is not installed here: `make test` runs these in .venv-slicer")

import slicer
import vtk
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding, has_uncertain_levels
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.levels.labelling import LABELS, LEVELS
from IVDSegmentationLib.slicer.attributes import CONFIDENCE
from IVDSegmentationLib.slicer.volume_nodes import add_volume
from slicer_harness.person import PHANTOM, Person, result_nodes, scene_state, table_text

OURS = [level for level, label in LABELS.items() if (PHANTOM.labels == label).any()]
UP = [LEVELS[LEVELS.index(level) + 1] for level in OURS]
UNCERTAIN = finding("lowest_level_uncertain", "L5-S1", "L4-L5", probability=0.6, other_probability=0.3)


@pytest.fixture
def person():
    person = Person()
    person.worker.findings = (UNCERTAIN, finding("disc_not_found", "L4-L5"))
    person.nodes = person.load("water", "fat")
    person.click(person.ui.findButton)
    person.segment()
    return person


def result_of(person):
    return person.panel.results.result


def in_scene(result):
    """What the nodes of a result say of levels, read from the nodes."""
    segmentation = result.segmentation.GetSegmentation()
    segments = {key: segmentation.GetSegment(key) for key in segmentation.GetSegmentIDs()}
    masks = {
        key: slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, key, result.labelmap).sum() for key in segments
    }
    labelmap = slicer.util.arrayFromVolume(result.labelmap)
    tables = {
        key: [table.GetCellText(row, 0) for row in range(table.GetNumberOfRows())] for key, table in result.tables.items()
    }
    return {
        "ids": list(segments),
        "names": [segment.GetName() for segment in segments.values()],
        "colours": [np.round(segment.GetColor(), 5).tolist() for segment in segments.values()],
        "values": [segment.GetLabelValue() for segment in segments.values()],
        "sizes": [int(size) for size in masks.values()],
        "labelmap": {int(value): int((labelmap == value).sum()) for value in np.unique(labelmap) if value},
        "models": {level: model.GetName() for level, model in result.models.items()},
        "model colours": [np.round(model.GetDisplayNode().GetColor(), 5).tolist() for model in result.models.values()],
        "centers": [result.centers.GetNthControlPointLabel(n) for n in range(result.centers.GetNumberOfControlPoints())],
        "measurements": tables["measurements"],
        "levels": tables["levels"],
        "labels": [int(result.tables["measurements"].GetCellText(row, 1)) for row in range(len(tables["measurements"]))],
        "report": [(disc["level"], disc["label"]) for disc in result.report["discs"]],
        "discs": [(disc.level, disc.label) for disc in result.discs],
    }


def expected(levels):
    counts = [int((PHANTOM.labels == LABELS[level]).sum()) for level in OURS]
    labels = [LABELS[level] for level in levels]
    colours = [np.round(LEVEL_COLORS[level], 5).tolist() for level in levels]
    return {
        "ids": levels, "names": levels, "colours": colours, "values": labels, "sizes": counts,
        "labelmap": dict(zip(labels, counts, strict=True)), "models": dict(zip(levels, levels, strict=True)),
        "model colours": colours, "centers": levels, "measurements": levels, "levels": levels, "labels": labels,
        "report": list(zip(levels, labels, strict=True)), "discs": list(zip(levels, labels, strict=True)),
    }  # fmt: skip


def test_everything_has_the_new_names_at_once_and_nothing_is_segmented_again(person):
    assert in_scene(result_of(person)) == expected(OURS)
    before, nodes = result_of(person), result_nodes()
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    after = result_of(person)
    assert in_scene(after) == expected(UP)
    assert after.lowest_level == "L4-L5"
    assert len(person.worker.requests) == 1
    assert result_nodes() == nodes
    assert [row[0] for row in table_text(person.ui.measurementsTable).rows] == UP[::-1]
    assert person.ui.resultsMessage.text.startswith(f"{len(UP)} discs, {UP[0]} to {UP[-1]}.")
    assert [row[0] for row in table_text(person.ui.discsTable).rows] == UP[::-1]
    assert before.report["discs"][0]["volume_mm3"] == after.report["discs"][0]["volume_mm3"]
    assert person.boxes == []


def test_the_warning_of_uncertain_levels_goes_and_gaps_keep_their_place(person):
    assert UNCERTAIN.text() in person.ui.warningsMessage.text
    assert not person.ui.resultsSection.collapsed  # where the lowest level is set
    assert person.ui.lowestLevelBox.enabled
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    assert UNCERTAIN.text() not in person.ui.warningsMessage.text
    assert "No disc was found at L3-L4" in person.ui.warningsMessage.text
    assert not has_uncertain_levels(result_of(person).findings)


def test_automatic_restores_the_automatic_names_and_their_warning(person):
    before = in_scene(result_of(person)), person.ui.warningsMessage.text, table_text(person.ui.measurementsTable)
    report = result_of(person).report
    for level in ("L4-L5", "T12-L1", "L5-S1", "automatic"):
        person.ui.lowestLevelBox.setCurrentText(level)
    after = in_scene(result_of(person)), person.ui.warningsMessage.text, table_text(person.ui.measurementsTable)
    assert after == before
    assert result_of(person).report == report


def test_naming_the_lowest_disc_as_it_is_confirms_it(person):
    person.ui.lowestLevelBox.setCurrentText("L5-S1")
    assert in_scene(result_of(person)) == expected(OURS)
    assert UNCERTAIN.text() not in person.ui.warningsMessage.text


def test_a_level_from_which_there_are_not_enough_is_refused_with_a_sentence(person):
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    before, text = scene_state(), person.ui.resultsMessage.text
    person.ui.lowestLevelBox.setCurrentText("T3-T4")
    assert person.boxes == ["5 levels from T3-T4 upwards are more than a spine has: check the lowest level"]
    assert in_scene(result_of(person)) == expected(UP)
    assert scene_state() == before
    assert person.ui.lowestLevelBox.currentText == "L4-L5"
    assert person.ui.resultsMessage.text == text


def test_a_result_of_a_given_level_has_no_automatic_names(person):
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    person.segment()
    person.ui.lowestLevelBox.setCurrentText("automatic")
    (text,) = person.boxes
    assert "segment again for automatic names" in text
    assert person.ui.lowestLevelBox.currentText == "L4-L5"


def test_a_level_that_is_chosen_for_another_case_renames_nothing(person):
    other = person.load("water", names={"water": "another"})
    before = in_scene(result_of(person))
    person.ui.waterSelector.choose(other["water"])
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    assert in_scene(result_of(person)) == before


def test_edits_of_the_user_stay(person):
    result = result_of(person)
    labels = slicer.util.arrayFromVolume(result.labelmap)
    labels[:2, :2, :2] = 200  # a label of the user's own
    labels[10, 10:12, 10] = LABELS[OURS[0]]
    slicer.util.arrayFromVolumeModified(result.labelmap)
    mask = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, OURS[0], result.labelmap)
    mask[4:6, 4:6, 4:6] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mask, result.segmentation, OURS[0], result.labelmap)
    added = result.segmentation.GetSegmentation().AddEmptySegment(UP[-1], "mine")
    mine = np.zeros_like(mask)
    mine[20:22, 3:5, 3:5] = 1
    slicer.util.updateSegmentBinaryLabelmapFromArray(mine, result.segmentation, added, result.labelmap)
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    result = result_of(person)
    labels = slicer.util.arrayFromVolume(result.labelmap)
    assert (labels == 200).sum() == 8
    assert (labels[10, 10:12, 10] == LABELS[UP[0]]).all()
    assert np.array_equal(slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, UP[0], result.labelmap) > 0, mask > 0)
    segmentation = result.segmentation.GetSegmentation()
    names = {segmentation.GetSegment(key).GetName(): key for key in segmentation.GetSegmentIDs()}
    assert set(names) == {*UP, "mine"}
    kept = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, names["mine"], result.labelmap)
    assert np.array_equal(kept > 0, mine > 0)
    top = slicer.util.arrayFromSegmentBinaryLabelmap(result.segmentation, UP[-1], result.labelmap)
    assert np.array_equal(top.T > 0, PHANTOM.labels == LABELS[OURS[-1]])


def test_segments_keep_their_confidence_term_and_surface(person):
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    result = result_of(person)
    segmentation = result.segmentation.GetSegmentation()
    for disc in result.discs:
        segment, text = segmentation.GetSegment(disc.level), vtk.reference("")
        assert segment.GetTag(CONFIDENCE, text)
        assert float(str(text)) == pytest.approx(disc.confidence, abs=1e-3)
        assert segment.GetTag(segment.GetTerminologyEntryTagName(), text)
        assert "Intervertebral disc" in str(text)
        surface = vtk.vtkPolyData()
        assert result.segmentation.GetClosedSurfaceRepresentation(disc.level, surface)
        assert surface.GetNumberOfPoints() > 200


def test_nodes_that_the_user_removed_are_left_out(person):
    result = result_of(person)
    for node in (result.models["L4-L5"], result.labelmap, result.segmentation, result.tables["contrast"]):
        slicer.mrmlScene.RemoveNode(node)
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    assert person.boxes == []
    assert list(result_of(person).models) == UP
    assert result_of(person).models["L4-L5"].GetName() == "L4-L5"


def test_the_console_renames_without_the_panel(person):
    nodes = person.load("water", names={"water": "console"})
    result = person.logic.segment(water=nodes["water"])
    renamed = person.logic.renameLevels(result, "L4-L5")
    assert in_scene(renamed) == expected(UP)
    assert [disc.level for disc in result.discs] == OURS  # what was there before is not changed behind the caller's back
    assert in_scene(person.logic.renameLevels(renamed, None)) == expected(OURS)
    with pytest.raises(InputError, match="lowest level is 'L7-L8': it must be one of S1-S2, L5-S1"):
        person.logic.renameLevels(result, "L7-L8")


def test_agreement_is_told_under_the_new_names_and_missing_discs_under_the_references(person):
    labels = np.where(PHANTOM.labels == 2, 0, PHANTOM.labels)
    labels[2:6, 2:9, 2:6] = 9  # a disc where we have none
    expert = add_volume(Volume(labels, PHANTOM.grid), "expert", case="", channel=None)
    person.ui.referenceSelector.choose(expert)
    person.segment()
    before = result_of(person).report["metrics"]
    person.ui.lowestLevelBox.setCurrentText("L4-L5")
    after = result_of(person).report["metrics"]
    assert (before["extra"], after["extra"]) == (["L4-L5"], ["L3-L4"])
    assert before["missing"] == after["missing"] == [LEVELS[8]]
    assert [row["dice"] for row in after["discs"]] == [row["dice"] for row in before["discs"]]
    assert [row["level"] for row in after["discs"]] == [UP[OURS.index(row["level"])] for row in before["discs"]]
    assert [row[0] for row in table_text(person.ui.agreementTable).rows] == [row["level"] for row in after["discs"]][::-1]
