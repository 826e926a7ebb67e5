"""Stage 1 as a whole: candidates, what is said of them, and headers that exchange front and back or head and feet."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import DixonCase, case_from_volumes
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.images import Grid, Volume
from IVDSegmentationLib.levels.evidence import (
    AS_STORED,
    CLASSES,
    CROP_SIZE,
    EXCHANGED,
    INPUTS,
    OUTPUTS,
    UPSIDE_DOWN,
    level_crops,
)
from IVDSegmentationLib.measure.measurements import measure
from IVDSegmentationLib.networks.models import Model
from IVDSegmentationLib.pipeline.located import LEVELS_ROLE, locate
from IVDSegmentationLib.pipeline.segment import Pipeline

SIZE = (24, 88, 120)
CHAIN = {
    "weight": 1.0, "gap": -3.0, "stray": -1.0, "step": [3.55, 0.0, -0.004], "spread": 0.18,
    "calibration": [1.0, 0.0, 0.0, 0.0], "limit": 0.9,
}  # fmt: skip


class Discs:
    """Stands for localizer and segmenter: what is bright in the water channel is disc."""

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        return np.where(batch[..., 3:] > 0.6, 0.99, 0.01)


class Levels:
    """Stands for the level network: the canal, bright in fat, is at the back; the sacrum, bright in-phase, at the feet."""

    def __init__(self, contradicts_itself: bool = False) -> None:
        self.contradicts_itself = contradicts_itself
        self.calls = 0

    def predict_on_batch(self, batch: np.ndarray) -> np.ndarray:
        self.calls += 1
        logits = np.zeros((len(batch), OUTPUTS), np.float32)
        fat, in_phase = batch[..., 0], batch[..., 1]
        half_y, half_z = CROP_SIZE[1] // 2, CROP_SIZE[2] // 2
        back = fat[:, :, half_y:].sum((1, 2, 3)) > fat[:, :, :half_y].sum((1, 2, 3))
        feet = in_phase[..., half_z:].sum((1, 2, 3)) <= in_phase[..., :half_z].sum((1, 2, 3))
        lies = np.where(feet, np.where(back, AS_STORED, EXCHANGED), UPSIDE_DOWN)
        if self.contradicts_itself:
            lies[:] = EXCHANGED
        logits[np.arange(len(batch)), len(CLASSES) + lies] = 5
        logits[np.arange(len(batch)), np.minimum(1 + np.arange(len(batch)), 5)] = 5
        return logits


def image() -> dict[str, np.ndarray]:
    """Three wedge-shaped discs that are taller in front, the canal behind them, and the sacrum below."""
    channels = {name: np.full(SIZE, 0.1, np.float32) for name in ("fat", "in_phase", "opposed_phase", "water")}
    for z in (30, 59, 88):
        for y in range(24, 52):
            half = 5 - (y - 24) / 10
            channels["water"][4:20, y, int(z - half) : int(z + half) + 1] = 1.0
    channels["fat"][8:16, 60:68] = 1.0
    channels["in_phase"][4:20, 40:70, :12] = 1.0
    channels["opposed_phase"] = channels["water"] / 2
    return channels


def case_of(channels: dict[str, np.ndarray]) -> DixonCase:
    grid = Grid(SIZE, (2.0, 1.25, 1.25), (-24.0, -55.0, -75.0))
    return case_from_volumes({name: Volume(np.ascontiguousarray(v), grid, name) for name, v in channels.items()}, "case")


def model_with(levels: Levels | None) -> Model:
    networks: dict[str, Any] = {"localizer": Discs(), "segmenter": Discs()}
    card: dict[str, Any] = {}
    if levels is not None:
        networks[LEVELS_ROLE] = levels
        card[LEVELS_ROLE] = {"chain": CHAIN}
    return Model("made", card, networks)


def test_an_image_that_lies_as_its_header_says_is_located_once() -> None:
    levels = Levels()
    located = locate(case_of(image()), model_with(levels), large=False)
    # Asked of the candidates as they are, and with head and feet exchanged.
    assert not located.exchanged and levels.calls == 2 and len(located.chain) == 3


def test_the_view_with_head_and_feet_exchanged_is_that_of_the_turned_image() -> None:
    upright = locate(case_of(image()), model_with(Levels()), large=False)
    assert upright.evidence is not None and upright.upside_down is not None
    assert upright.evidence.orientation.sum(axis=0).argmax() == AS_STORED
    assert upright.upside_down.orientation.sum(axis=0).argmax() == UPSIDE_DOWN


def test_a_model_without_a_level_network_says_nothing_of_levels() -> None:
    result = Pipeline(model_with(None)).segment(case_of(image()))
    assert [disc.level for disc in result.discs] == ["L5-S1", "L4-L5", "L3-L4"]
    assert "names_counted" in {one.code for one in result.run_findings}


def test_an_exchanged_header_changes_no_name_and_no_measurement() -> None:
    straight = Pipeline(model_with(Levels())).segment(case_of(image()))
    turned = {name: voxels[::-1, ::-1] for name, voxels in image().items()}
    result = Pipeline(model_with(Levels())).segment(case_of(turned))
    assert not straight.exchanged and result.exchanged
    assert [one.code for one in result.run_findings if one.code == "header_exchanged"] == ["header_exchanged"]
    assert [disc.level for disc in result.discs] == [disc.level for disc in straight.discs]
    for mine, reference in zip(measure(result).discs, measure(straight).discs, strict=True):
        assert mine.anterior_height_mm == pytest.approx(reference.anterior_height_mm, abs=0.05)
        assert mine.posterior_height_mm == pytest.approx(reference.posterior_height_mm, abs=0.05)
        assert mine.anterior_height_mm is not None and mine.posterior_height_mm is not None
        assert mine.anterior_height_mm > mine.posterior_height_mm + 1
        assert mine.tilt_deg == pytest.approx(reference.tilt_deg, abs=0.1)
        assert mine.volume_mm3 == pytest.approx(reference.volume_mm3, rel=1e-3)


def test_results_of_an_exchanged_header_lie_on_the_grid_of_the_file() -> None:
    turned = {name: voxels[::-1, ::-1] for name, voxels in image().items()}
    result = Pipeline(model_with(Levels())).segment(case_of(turned))
    bright = turned["water"] > 0.5
    assert (result.label_volume.voxels > 0)[bright].mean() > 0.95 and not (result.label_volume.voxels > 0)[~bright].any()
    for disc in result.discs:
        x, y, z = (round(c) for c in disc.center_ijk)
        assert result.labels[x, y, z] == disc.label
        assert np.allclose(result.case.working_grid.to_mm(np.array(disc.center_ijk)), disc.center_mm)


@pytest.mark.parametrize("front", [1, -1])
def test_exchanged_head_and_feet_are_refused(front: int) -> None:
    turned = {name: voxels[:, ::front, ::-1] for name, voxels in image().items()}
    with pytest.raises(InputError, match="the header exchanges head and feet"):
        Pipeline(model_with(Levels())).segment(case_of(turned))


def test_an_image_is_not_turned_where_the_turned_view_says_the_same() -> None:
    located = locate(case_of(image()), model_with(Levels(contradicts_itself=True)), large=False)
    assert not located.exchanged


def test_crops_are_centred_on_their_candidate_and_empty_outside_the_field_of_view() -> None:
    coarse = np.zeros((12, 44, 60, 4), np.float32)
    probability = np.zeros((12, 44, 60), np.float32)
    coarse[6, 20, 30, 3] = probability[6, 20, 30] = 1.0
    (crop,) = level_crops(coarse, probability, [np.array([6, 20, 30])])
    x, y, z = (n // 2 for n in CROP_SIZE)
    assert crop.shape == (*CROP_SIZE, INPUTS)
    assert crop[x, y, z, 3] == 1 and crop[..., 3].sum() == 1 and crop[..., 4].sum() == 1
    assert crop[..., 5].argmax() == np.ravel_multi_index((x, y, z), CROP_SIZE)
