"""Measurements against closed forms, against the phantom's exact truth and against plain counting."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
from exact_discs import centred_grid, exact_spine, result_of, share_inside
from IVDSegmentationLib.errors import InputError, OutputError
from IVDSegmentationLib.images import Grid
from IVDSegmentationLib.measure.dataframes import to_data_frame
from IVDSegmentationLib.measure.disc_map import disc_map, occupancy
from IVDSegmentationLib.measure.frame import DiscField, fit_frame
from IVDSegmentationLib.measure.measurements import CaseMeasurements, DiscMeasurements, measure
from IVDSegmentationLib.phantom import DiscTruth

SEEDS = range(6)
SIZE = (32, 40, 30)
SEMI_MM = np.array([24.0, 18.0, 6.0])
"""Half width, depth and height of the ellipsoid and the cylinder of the closed forms."""
LENGTHS = (
    "anterior_height_mm", "middle_height_mm", "posterior_height_mm", "dabbs_height_mm", "mean_height_mm", "depth_mm",
    "width_mm", "height_index", "wedge_deg", "tilt_deg", "lateral_tilt_deg",
)  # fmt: skip


def turn(tilt_deg: float = 0, lateral_deg: float = 0, axial_deg: float = 0) -> np.ndarray:
    """Columns: a disc's left, back and up in LPS. Tilt lowers the front, the lateral tilt the left side."""
    t, s, r = np.radians([tilt_deg, lateral_deg, axial_deg])
    about_x = np.array([[1, 0, 0], [0, np.cos(t), -np.sin(t)], [0, np.sin(t), np.cos(t)]])
    about_y = np.array([[np.cos(s), 0, np.sin(s)], [0, 1, 0], [-np.sin(s), 0, np.cos(s)]])
    about_z = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def share_of(shape: str, axes: np.ndarray, grid: Grid, scale: float = 1.0) -> np.ndarray:
    def inside(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        a, b, c = (
            (axis[0] * (x - 0.4) + axis[1] * (y + 0.3) + axis[2] * (z - 0.2)) / s / scale
            for axis, s in zip(axes.T, SEMI_MM, strict=True)
        )
        return a**2 + b**2 + c**2 <= 1 if shape == "ellipsoid" else (a**2 + b**2 <= 1) & (np.abs(c) <= 1)

    return share_inside(inside, grid)


def measured(share: np.ndarray, grid: Grid, channels: dict[str, np.ndarray] | None = None) -> DiscMeasurements:
    return measure(result_of(share, (share >= 0.5).astype(np.uint8), grid, channels)).discs[0]


@pytest.fixture(scope="module")
def spines() -> list[tuple[CaseMeasurements, dict[str, DiscTruth]]]:
    return [(measure(result), truth) for result, truth in (exact_spine(seed) for seed in SEEDS)]


def test_phantom_discs_measure_as_their_closed_forms(spines: list[tuple[CaseMeasurements, dict[str, DiscTruth]]]) -> None:
    compared = 0
    for case, truths in spines:
        for disc in case.discs:
            if (truth := truths.get(disc.level)) is None or disc.cut:
                continue
            compared += 1
            where = f"{disc.level} {disc} {truth}"
            assert disc.volume_mm3 == pytest.approx(truth.volume_mm3, rel=0.01), where
            heights = (disc.anterior_height_mm, disc.middle_height_mm, disc.posterior_height_mm, disc.mean_height_mm)
            exact = (truth.anterior_height_mm, truth.middle_height_mm, truth.posterior_height_mm, truth.height_mm)
            assert heights == pytest.approx(exact, abs=0.4), where
            assert disc.depth_mm == pytest.approx(truth.depth_mm, abs=0.6), where
            assert disc.width_mm == pytest.approx(truth.width_mm, abs=1.2), where
            assert disc.tilt_deg == pytest.approx(truth.tilt_deg, abs=2), where
            lateral = np.degrees(np.arctan2(truth.normal[0], truth.normal[2]))
            assert disc.lateral_tilt_deg == pytest.approx(lateral, abs=2), where
            slope = (truth.anterior_height_mm - truth.posterior_height_mm) / (0.8 * truth.depth_mm)
            assert disc.wedge_deg == pytest.approx(np.degrees(2 * np.arctan(slope / 2)), abs=2), where
    assert compared > 35


def test_lordosis_is_the_angle_between_the_true_mid_planes(spines: list[tuple[CaseMeasurements, dict[str, DiscTruth]]]) -> None:
    compared = whole = 0
    for case, truths in spines:
        for below, above in zip(case.discs, [*case.discs[1:], None], strict=True):
            if above is None or above.tilt_deg is None or below.tilt_deg is None:
                assert below.lordosis_to_next_deg is None
            elif below.level in truths and above.level in truths:
                compared += 1
                exact = truths[below.level].tilt_deg - truths[above.level].tilt_deg
                assert below.lordosis_to_next_deg == pytest.approx(exact, abs=2)
        if "L5-S1" in truths and "L1-L2" in truths:
            whole += 1
            exact = truths["L5-S1"].tilt_deg - truths["L1-L2"].tilt_deg
            assert case.lumbar_lordosis_deg == pytest.approx(exact, abs=2)
    assert compared > 30 and whole >= 4


@pytest.mark.parametrize(
    "angles", [(0, 0, 0), (20, 0, 0), (-15, 8, 0), (10, -6, 12)], ids=["straight", "tilted", "both", "turned as well"]
)
def test_an_ellipsoid_measures_as_its_closed_form_however_it_lies(angles: tuple[float, float, float]) -> None:
    width, depth, height = 2 * SEMI_MM
    axes = turn(*angles)
    found = measured(share_of("ellipsoid", axes, centred_grid(SIZE)), centred_grid(SIZE))
    assert found.volume_mm3 == pytest.approx(np.pi / 6 * width * depth * height, rel=0.01)
    assert found.middle_height_mm == pytest.approx(height, abs=0.15)
    # At 10 % of the depth an ellipsoid is sqrt(1 - 0.8^2) of its height.
    assert found.anterior_height_mm == pytest.approx(0.6 * height, abs=0.3)
    assert found.posterior_height_mm == pytest.approx(0.6 * height, abs=0.3)
    assert found.dabbs_height_mm == pytest.approx((found.anterior_height_mm + found.posterior_height_mm) / 2)
    assert found.mean_height_mm == pytest.approx(2 / 3 * height, abs=0.3)
    assert found.depth_mm == pytest.approx(depth, abs=0.8)
    assert found.width_mm == pytest.approx(width, abs=1.2)
    assert found.height_index == pytest.approx(0.6 * height / depth, abs=0.02)
    assert found.wedge_deg == pytest.approx(0, abs=0.7)
    normal = axes[:, 2]
    assert found.tilt_deg == pytest.approx(np.degrees(np.arctan2(-normal[1], normal[2])), abs=0.3)
    assert found.lateral_tilt_deg == pytest.approx(np.degrees(np.arctan2(normal[0], normal[2])), abs=0.3)
    assert not found.cut


def test_figures_do_not_depend_on_the_direction_of_the_grid() -> None:
    axes = turn(18, 5, 0)
    straight, oblique = centred_grid(SIZE), centred_grid(SIZE, turn(6, -4, 9))
    one, other = (measured(share_of("cylinder", axes, grid), grid) for grid in (straight, oblique))
    for name in (*LENGTHS, "volume_mm3"):
        assert getattr(one, name) == pytest.approx(getattr(other, name), abs=0.5, rel=0.003), name


def test_a_cylinder_has_one_height_and_the_depth_and_width_of_its_section() -> None:
    found = measured(share_of("cylinder", turn(12, 0, 0), centred_grid(SIZE)), centred_grid(SIZE))
    for name in ("anterior_height_mm", "middle_height_mm", "posterior_height_mm", "mean_height_mm"):
        assert getattr(found, name) == pytest.approx(12, abs=0.15), name
    assert (found.depth_mm, found.width_mm) == (pytest.approx(36, abs=0.3), pytest.approx(48, abs=0.6))
    assert found.tilt_deg == pytest.approx(12, abs=0.1)


def test_the_frame_is_right_handed_and_follows_a_turned_disc() -> None:
    grid = centred_grid(SIZE)
    share = share_of("cylinder", turn(10, 0, 12), grid)
    frame = fit_frame(DiscField(occupancy(disc_map(share, (share >= 0.5).astype(np.uint8), 1, grid)), grid_of(share, grid)))
    assert frame is not None
    assert np.linalg.det(frame.axes) == pytest.approx(1)
    assert frame.axes @ frame.axes.T == pytest.approx(np.eye(3))
    assert np.degrees(np.arctan2(frame.axes[0, 1], frame.axes[0, 0])) == pytest.approx(12, abs=3)
    points = np.array([[3.0, -20, 4], [0, 0, 0]])
    assert frame.to_mm(frame.from_mm(points)) == pytest.approx(points)


def grid_of(share: np.ndarray, grid: Grid) -> Grid:
    return disc_map(share, (share >= 0.5).astype(np.uint8), 1, grid).grid


def test_doubt_inside_and_low_probabilities_outside_do_not_change_the_volume() -> None:
    grid = centred_grid(SIZE)
    share = share_of("ellipsoid", turn(), grid)
    exact = measured(share, grid).volume_mm3
    doubtful = np.where(share == 1, np.float32(0.8), share)
    assert doubtful.sum() < 0.9 * share.sum()
    assert measured(doubtful, grid).volume_mm3 == pytest.approx(exact, rel=0.03)
    spread = np.where(share == 0, np.float32(0.02), share)
    assert spread.sum() > 1.1 * share.sum()
    assert measured(spread, grid).volume_mm3 == pytest.approx(exact, rel=0.03)


def test_volume_is_finer_than_counting_voxels() -> None:
    """Boxes along the grid, whose share of every voxel is a product of three lengths."""
    grid = centred_grid(SIZE)
    counted, summed = [], []
    for half_mm in np.linspace([20, 14, 3.0], [22, 16, 4.5], 9):
        lines = []
        for n, step, half in zip(grid.size, grid.spacing_mm, half_mm, strict=True):
            edges = (np.arange(n + 1) - n / 2) * step
            lines.append(np.clip(np.minimum(edges[1:], half) - np.maximum(edges[:-1], -half), 0, None) / step)
        share = np.einsum("i,j,k->ijk", *lines).astype(np.float32)
        exact = 8 * half_mm.prod()
        counted.append((share >= 0.5).sum() * 3.125 / exact - 1)
        summed.append(measured(share, grid).volume_mm3 / exact - 1)
    assert np.abs(summed).max() < 0.01
    assert np.abs(counted).max() > 0.08


def test_signal_and_fat_fraction_agree_with_counting_voxel_by_voxel() -> None:
    rng = np.random.default_rng(8)
    grid = centred_grid((14, 20, 14))
    share = share_of("ellipsoid", turn(), grid, 0.5)
    labels = (share >= 0.5).astype(np.uint8)
    channels = {name: rng.gamma(3, mean, grid.size).astype(np.float32) for name, mean in (("water", 60), ("fat", 9))}
    found = measured(share, grid, channels)
    held = [tuple(ijk) for ijk in np.argwhere(labels)]
    inner = [ijk for ijk in held if all(labels[tuple(np.add(ijk, s))] for s in (*np.eye(3, dtype=int), *-np.eye(3, dtype=int)))]
    assert len(held) > len(inner) > 20
    for name, voxels in channels.items():
        values = [float(voxels[ijk]) for ijk in held]
        assert found.signal[name].mean == pytest.approx(sum(values) / len(values), rel=1e-6)
        assert found.signal[name].sd == pytest.approx(np.sqrt(np.mean(np.square(values)) - np.mean(values) ** 2), rel=1e-5)
    fat, water = (sum(float(channels[name][ijk]) for ijk in inner) for name in ("fat", "water"))
    assert found.signal_fat_fraction == pytest.approx(fat / (water + fat), rel=1e-6)
    assert measured(share, grid, {"water": channels["water"]}).signal_fat_fraction is None


def test_one_voxel_has_a_volume_but_no_shape_and_no_fat_fraction() -> None:
    grid = centred_grid((8, 8, 8))
    share = np.zeros(grid.size, np.float32)
    share[4, 4, 4] = 0.75
    found = measured(share, grid, {"water": share, "fat": share})
    assert found.volume_mm3 == pytest.approx(0.75 * 2 * 1.25 * 1.25)
    assert all(getattr(found, name) is None for name in LENGTHS)
    assert found.signal_fat_fraction is None and found.signal["fat"].sd == 0 and not found.cut


def test_a_line_and_a_sheet_of_voxels_are_measured_or_left_out_but_do_not_fail() -> None:
    grid = centred_grid((20, 20, 20))
    for box in (np.s_[3:17, 10, 10], np.s_[10, 3:17, 10], np.s_[10, 10, 3:17], np.s_[10, 3:17, 3:17], np.s_[3:17, 3:17, 10]):
        share = np.zeros(grid.size, np.float32)
        share[box] = 1
        found = measured(share, grid)
        assert found.volume_mm3 == pytest.approx(share.sum() * 3.125)
        assert all(value is None or np.isfinite(value) for value in (getattr(found, name) for name in LENGTHS))


def test_a_disc_that_is_not_there_is_refused() -> None:
    grid = centred_grid((8, 8, 8))
    share = np.zeros(grid.size, np.float32)
    share[4, 4, 4] = 1
    result = result_of(share, (share >= 0.5).astype(np.uint8), grid)
    with pytest.raises(InputError, match="label 1"):
        measure(replace(result, labels=np.zeros(grid.size, np.uint8)))
    assert measure(replace(result, found=())).discs == ()


@pytest.mark.parametrize("axis", [0, 1, 2], ids=["left", "front", "bottom"])
def test_of_a_disc_at_the_edge_only_what_is_in_view_is_told(axis: int) -> None:
    grid = centred_grid(SIZE)
    share = share_of("cylinder", turn(), grid)
    first = [0, 0, 0]
    first[axis] = int(np.flatnonzero(share.max(axis=tuple({0, 1, 2} - {axis})) >= 0.5)[0]) + 2
    kept = share[tuple(slice(n, None) for n in first)]
    x, y, z = (float(v) for v in grid.to_mm(np.array(first)))
    found = measured(kept, Grid((kept.shape[0], kept.shape[1], kept.shape[2]), grid.spacing_mm, (x, y, z)))
    assert found.cut and found.width_mm is None and found.mean_height_mm is None
    if axis == 0:
        assert found.volume_mm3 is None
        assert found.middle_height_mm == pytest.approx(12, abs=0.2) and found.tilt_deg == pytest.approx(0, abs=0.3)
    else:
        assert found.volume_mm3 == pytest.approx(kept.sum() * 3.125, rel=0.01)
        assert all(getattr(found, name) is None for name in LENGTHS)


def test_rows_are_flat_and_hold_every_figure() -> None:
    grid = centred_grid(SIZE)
    share = share_of("ellipsoid", turn(), grid)
    case = measure(result_of(share, (share >= 0.5).astype(np.uint8), grid, {"water": share}))
    (row,) = case.rows()
    assert {"level", "label", "cut", "volume_mm3", "water_mean", "water_sd", "signal_fat_fraction", *LENGTHS} <= row.keys()
    assert all(value is None or isinstance(value, (str, bool, int, float)) for value in row.values())
    assert row["level"] == "L5-S1" and row["volume_mm3"] == case.discs[0].volume_mm3


def test_a_table_without_pandas_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(OutputError, match="pip install pandas"):
        CaseMeasurements((), None).to_frame()


def test_a_table_has_a_row_a_disc_where_pandas_is_installed() -> None:
    pytest.importorskip("pandas", reason="pandas is optional and not installed")
    table = to_data_frame([{"level": "L5-S1", "volume_mm3": 2.0}, {"level": "L4-L5", "volume_mm3": None}])
    assert table.shape == (2, 2) and table["volume_mm3"].isna().tolist() == [False, True]
