"""The two stages put together, with networks whose answer is known, and with the released model where it matters."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.dixon import CHANNELS
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.errors import Cancelled, InputError
from IVDSegmentationLib.findings import finding
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.networks.models import ROLES, Model
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.confidence import THRESHOLD
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, box_start, crop
from IVDSegmentationLib.pipeline.request import Request
from IVDSegmentationLib.pipeline.segment import Pipeline, assemble, keep_one_disc


def blob(center, radii=(12, 11, 4), shape=BOX_SIZE):
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), -1)
    return np.clip(1.2 - 0.7 * (((grid - center) / radii) ** 2).sum(-1), 0, 1).astype(np.float32)


def test_a_box_keeps_its_own_disc_and_loses_neighbours_and_specks():
    own = blob((17, 17, 12))
    neighbour = blob((17, 17, 26))
    speck = blob((3, 3, 12), (1.5, 1.5, 1.5))
    kept = keep_one_disc(np.maximum.reduce([own, neighbour, speck]))
    np.testing.assert_array_equal(kept >= THRESHOLD, own >= THRESHOLD)


def test_a_disc_off_the_boxs_middle_is_kept_rather_than_a_speck_in_it():
    own = blob((21, 13, 14))
    kept = keep_one_disc(np.maximum(own, blob((17, 17, 5), (1, 1, 1))))
    np.testing.assert_array_equal(kept >= THRESHOLD, own >= THRESHOLD)


def test_an_empty_box_stays_empty():
    assert not keep_one_disc(np.full(BOX_SIZE, 0.3, np.float32)).any()


def test_boxes_that_overlap_share_no_voxel_and_the_surer_one_wins_it():
    boxes = [blob((17, 17, 12)), 0.8 * blob((17, 17, 12))]
    assembled = assemble(boxes, [(0, 0, 0), (0, 0, 8)], (40, 40, 40))
    assert set(np.unique(assembled.owner)) == {0, 1, 2}
    brute = np.zeros((2, 40, 40, 40), np.float32)
    brute[0, :35, :35, :25], brute[1, :35, :35, 8:33] = boxes
    np.testing.assert_array_equal(assembled.probability, brute.max(0))
    expected = np.where(brute.max(0) >= THRESHOLD, 1 + (brute[1] > brute[0]), 0)
    np.testing.assert_array_equal(assembled.owner, expected)


def test_a_box_partly_outside_the_volume_is_put_back_where_it_fits():
    assembled = assemble([blob((17, 17, 12))], [(-10, -5, 20)], (30, 30, 30))
    np.testing.assert_array_equal(assembled.probability, crop(np.pad(blob((17, 17, 12)), 40), (50, 45, 20), (30, 30, 30)))


# --- the whole pipeline with oracles for networks -------------------------------------------------------------------------


class Oracle:
    """Networks that read the answer from the phantom, hidden in the water channel's fractional part."""

    def __init__(self, weights=1.0):
        self.calls = []
        self.weights = weights

    def predict_on_batch(self, x):
        self.calls.append(x.shape)
        fat, water = x[..., CHANNELS.index("fat")], x[..., CHANNELS.index("water")]
        return (self.weights * (water > 2 * fat) * (water > 0.5)).astype(np.float32)[..., None]


@pytest.fixture
def oracle_pipeline():
    pipeline = Pipeline.__new__(Pipeline)
    pipeline.model = Model("oracle", {}, {role: Oracle() for role in ROLES if role != "levels"})
    return pipeline


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(2026)


def oracle_case(phantom, labels=None):
    """Channels in which a voxel is disc where water is bright and fat is not: the phantom's labels, painted."""
    labels = phantom.labels if labels is None else labels
    noise = np.random.default_rng(0).random((2, *labels.shape)).astype(np.float32)
    volumes = {"water": np.where(labels > 0, 100, 20) + noise[0], "fat": np.where(labels > 0, 5, 40) + noise[1]}
    return case_from_volumes({n: Volume(v, phantom.grid, n) for n, v in volumes.items()}, "oracle")


def test_every_disc_comes_back_exactly_with_its_name(oracle_pipeline, phantom):
    result = oracle_pipeline.segment(oracle_case(phantom))
    assert [d.label for d in result.discs] == sorted(d.label for d in result.discs)
    true = phantom.labels
    both = (result.label_volume.voxels > 0) & (true > 0)
    assert 2 * both.sum() / ((true > 0).sum() + (result.label_volume.voxels > 0).sum()) > 0.99
    np.testing.assert_array_equal(result.label_volume.voxels[both], true[both])
    for disc in result.discs:
        centroid = phantom.grid.to_mm(np.argwhere(true == disc.label).mean(0))
        assert np.linalg.norm(np.asarray(disc.center_mm) - centroid) < 0.5
        assert disc.confidence == pytest.approx(1.0, abs=0.02)


def test_all_patches_of_a_case_go_through_the_network_in_one_batch(oracle_pipeline, phantom):
    result = oracle_pipeline.segment(oracle_case(phantom))
    assert oracle_pipeline.model.networks["segmenter"].calls == [(len(result.discs), 36, 36, 28, 4)]


def test_confidence_is_calibrated_by_the_models_line(oracle_pipeline, phantom):
    oracle_pipeline.model = replace(oracle_pipeline.model, card={"confidence": {"segmenter": [0.5, 0.2]}})
    assert {round(d.confidence, 1) for d in oracle_pipeline.segment(oracle_case(phantom)).discs} == {0.7}


def test_a_structure_beside_the_spine_is_left_out_with_a_warning(oracle_pipeline, phantom):
    labels = phantom.labels.copy()
    center = np.argwhere(labels == 3).mean(0).astype(int)
    away = 60 if center[1] < 170 else -60
    x, y, z = center[0], center[1] + away, center[2]
    labels[x - 6 : x + 6, y - 8 : y + 8, z - 4 : z + 4] = 9
    result = oracle_pipeline.segment(oracle_case(phantom, labels))
    assert not result.label_volume.voxels[x, y, z]
    assert finding("structures_off_spine", count=1) in result.run_findings


def test_no_disc_is_an_error_that_names_the_case(oracle_pipeline, phantom):
    with pytest.raises(InputError, match="oracle: no intervertebral disc was found"):
        oracle_pipeline.segment(oracle_case(phantom, np.zeros_like(phantom.labels)))


def test_the_lowest_level_can_be_set(oracle_pipeline, phantom):
    result = oracle_pipeline.segment(oracle_case(phantom), Request(lowest_level="L4-L5"))
    assert result.discs[0].level == "L4-L5" and result.discs[0].label == 2


def test_progress_rises_and_can_cancel(oracle_pipeline, phantom):
    seen = []
    oracle_pipeline.segment(oracle_case(phantom), progress=lambda stage, fraction: seen.append((stage, fraction)))
    fractions = [fraction for _, fraction in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0 and len(seen) >= 4

    def stop(stage, fraction):
        if stage == "segment":
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        oracle_pipeline.segment(oracle_case(phantom), progress=stop)


def test_box_start_agrees_with_the_box_the_segmenter_sees(oracle_pipeline, phantom):
    label = int(phantom.labels[phantom.labels > 0].min())
    center = np.argwhere(phantom.labels == label).mean(0)
    box = crop(phantom.labels, box_start(center))
    assert (box == label).sum() > 0.98 * (phantom.labels == label).sum()
