"""A field of view too large for one pass: the spine is found in it first, whatever else lies there, in bounded memory."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import LARGEST_FIELD_VOXELS, case_from_volumes, case_on
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import has_uncertain_levels
from IVDSegmentationLib.images import Grid, Volume, to_working_grid, working_grid_of
from IVDSegmentationLib.images.grid import grid_over
from IVDSegmentationLib.images.resampling import coarse_copy, part_on_grid
from IVDSegmentationLib.levels.labelling import LABELS, LEVELS, SACRAL_LEVEL
from IVDSegmentationLib.phantom.examination import make_phantom
from IVDSegmentationLib.pipeline.search import MIDDLE, TILE, Plates, best_chain, spine_part
from IVDSegmentationLib.pipeline.segment import Pipeline
from IVDSegmentationLib.worker.exchange import read_segmentation, write_segmentation
from IVDSegmentationLib.worker.server import write_report

WHOLE_BODY = {"size": (224, 174, 370), "spacing_mm": (2.23, 2.23, 3.0)}


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline()


@pytest.fixture(scope="module")
def body():
    return make_phantom(1001, **WHOLE_BODY, whole_body=True)


def volumes_of(phantom, channels=("fat", "in_phase", "opposed_phase", "water")):
    return {name: Volume(phantom.channels[name].astype(np.float32), phantom.grid, name) for name in channels}


@pytest.mark.parametrize("channels", [("fat", "in_phase", "opposed_phase", "water"), ("water",)])
def test_the_spine_of_a_whole_body_is_found_and_nothing_else(pipeline, body, channels):
    seen = []
    localizer = pipeline.model.networks["localizer"]

    class Counting:
        def predict_on_batch(self, batch):
            seen.append(batch.size)
            return localizer.predict_on_batch(batch)

    counting = Pipeline(
        model=replace(pipeline.model, networks={**pipeline.model.networks, "localizer": Counting()}), device="cpu"
    )
    case = case_from_volumes(volumes_of(body, channels), "whole body")
    result = counting.segment(case)
    labels = result.label_volume.voxels
    assert labels.shape == body.labels.shape
    true = {disc.level: disc.center_mm for disc in body.truth}
    assert {"L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2"} <= {disc.level for disc in result.discs}
    discs = [disc for disc in result.discs if disc.level != SACRAL_LEVEL]  # remnants in the sacrum are no discs of the truth
    wrong = [disc.level for disc in discs if np.linalg.norm(np.subtract(disc.center_mm, true[disc.level])) >= 5]
    # Where the view of the upper spine ends, a disc may be missed, and the next be counted for it; the result says so.
    assert set(wrong) <= set(LEVELS[LEVELS.index("T5-T6") :])
    assert not wrong or has_uncertain_levels(result.run_findings)
    for disc in discs:
        assert min(np.linalg.norm(np.subtract(disc.center_mm, center)) for center in true.values()) < 5
    assert np.isin(labels[labels > 0], [*np.unique(body.labels), LABELS[SACRAL_LEVEL]]).all()
    # What was not there is not labelled: the ladder in the thigh, limbs, bowel.
    assert np.count_nonzero(labels[body.labels == 0]) < 0.35 * np.count_nonzero(labels)
    assert max(seen) <= np.prod(TILE) * 4


def test_the_usual_field_of_view_is_its_own_part(pipeline):
    phantom = make_phantom(1002)
    case = case_from_volumes(volumes_of(phantom), "usual")
    assert not case.given
    assert spine_part(case, pipeline.model.networks["localizer"]) is case


def test_the_middle_is_searched_first_and_then_all_of_the_width(body):
    case = case_from_volumes(volumes_of(body, ("water",)), "whole body")
    widths = []

    class Blind:
        def predict_on_batch(self, batch):
            widths.append(batch.shape[1])
            return np.zeros((*batch.shape[:-1], 1), np.float32)

    with pytest.raises(InputError, match="no intervertebral disc was found"):
        spine_part(case, Blind())
    assert widths[0] == MIDDLE
    assert widths[1] >= case.working_grid.size[0] > MIDDLE


@pytest.mark.parametrize(("plates", "reach_mm"), [(5, 180.0), (12, 135.0), (16, 90.0)])
def test_the_part_reaches_as_far_as_a_spine_may_go_on_beyond_what_was_found(body, plates, reach_mm):
    """Plates 35 mm apart: of a spine of 520 mm, 5 leave more than is looked for, 12 leave 135 mm, 16 less than the least."""
    case = case_from_volumes(volumes_of(body, ("water",)), "whole body")

    class Ladder:
        def predict_on_batch(self, batch):
            seen = np.zeros((*batch.shape[:-1], 1), np.float32)
            x, y = batch.shape[1] // 2, batch.shape[2] // 2
            for number in range(plates):
                z = 50 + 7 * number
                seen[:, x - 2 : x + 3, y - 3 : y + 4, z : z + 2] = 0.99
            return seen

    part = spine_part(case, Ladder())
    extent_mm = part.working_grid.size[2] * part.working_grid.spacing_mm[2]
    assert extent_mm == pytest.approx(35 * (plates - 1) + 2 * reach_mm, abs=3)


def test_voxels_and_labels_of_a_part_are_moved_and_not_interpolated(pipeline, tmp_path):
    phantom = make_phantom(1003)
    rng = np.random.default_rng(0)
    size = (60, 380, 300)
    grid = Grid(size, phantom.grid.spacing_mm, phantom.grid.origin_mm)
    assert np.prod(size) > LARGEST_FIELD_VOXELS
    volumes = {}
    for name, voxels in phantom.channels.items():
        wide = rng.rayleigh(5, size).astype(np.float32)
        wide[12:48, 60:316, 30:286] = voxels
        volumes[name] = Volume(wide, grid, name)
    case = case_from_volumes(volumes, "wide")
    result = pipeline.segment(case)
    start = np.rint(case.whole_grid.to_ijk(np.array(result.case.working_grid.origin_mm))).astype(int)
    part = tuple(slice(s, s + n) for s, n in zip(start, result.labels.shape, strict=True))
    np.testing.assert_array_equal(result.label_volume.voxels[part], result.labels)
    assert np.count_nonzero(result.label_volume.voxels) == np.count_nonzero(result.labels)
    np.testing.assert_array_equal(result.case.channels["water"], volumes["water"].voxels[part])
    write_segmentation(tmp_path / "handed over", result)
    write_report(case, read_segmentation(tmp_path / "handed over"), tmp_path / "report")
    assert "L4-L5" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    inside = result.label_volume.voxels[12:48, 60:316, 30:286]
    both = (inside > 0) & (phantom.labels > 0)
    assert 2 * both.sum() / ((inside > 0).sum() + (phantom.labels > 0).sum()) > 0.8
    assert (inside[both] == phantom.labels[both]).mean() > 0.99


def test_a_part_holds_what_the_whole_holds_there():
    rng = np.random.default_rng(1)
    direction = ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
    volume = Volume(rng.normal(size=(60, 50, 40)).astype(np.float32), Grid((60, 50, 40), (1.1, 0.9, 2.3), (5, 6, 7), direction))
    whole = working_grid_of(volume.grid)
    box = (slice(10, 30), slice(8, 28), slice(12, 30))
    np.testing.assert_allclose(part_on_grid(volume, whole.part(box)), to_working_grid(volume, whole)[box], atol=1e-3)


def test_a_coarse_copy_keeps_the_place_of_things():
    grid = Grid((120, 100, 90), (2.2, 2.2, 3.0), (-100.0, 40.0, 7.0))
    points = grid.to_mm(np.stack(np.meshgrid(*map(np.arange, grid.size), indexing="ij"), axis=-1))
    blob = np.exp(-0.5 * (np.linalg.norm(points - points[70, 30, 50], axis=-1) / 20) ** 2).astype(np.float32)
    coarse = grid_over(grid, (8.0, 5.0, 5.0))
    copy = coarse_copy(Volume(blob, grid), coarse)
    ijk = np.stack(np.meshgrid(*map(np.arange, coarse.size), indexing="ij"), axis=-1)
    center = coarse.to_mm((ijk * copy[..., None]).sum((0, 1, 2)) / copy.sum())
    np.testing.assert_allclose(center, points[70, 30, 50], atol=0.3)
    assert copy.max() == pytest.approx(1, abs=0.1)


def test_channels_of_a_part_are_completed_like_those_of_a_case(body):
    case = case_from_volumes(volumes_of(body, ("water", "fat")), "two")
    assert case.given.keys() == {"water", "fat"}
    part = case_on(case, case.whole_grid.part((slice(100, 130), slice(100, 140), slice(300, 350))))
    assert part.derived == {"in_phase", "opposed_phase"} == case.derived
    np.testing.assert_allclose(part.channels["in_phase"], part.channels["water"] + part.channels["fat"], rtol=1e-6)
    assert part.input_grid == body.grid


def test_the_chain_is_the_even_one_among_many_blobs():
    rng = np.random.default_rng(3)
    z = np.cumsum(np.linspace(38, 24, 12))
    spine = np.stack([5 * np.sin(z / 90), 30 + 25 * np.sin(z / 150), z], axis=1)
    blobs = rng.uniform((-200, -150, -300), (200, 150, 700), (150, 3))
    found = Plates(np.concatenate([blobs, spine]), np.concatenate([rng.uniform(0, 0.4, 150), rng.uniform(0.6, 1, 12)]))
    chain, score = best_chain(found, carry_on=False)
    np.testing.assert_allclose(chain, spine)
    assert score > 5
    assert best_chain(Plates(np.zeros((0, 3)), np.zeros(0)))[1] == 0
