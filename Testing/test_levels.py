"""levels.py: right names, or a warning; on phantom spines of every kind and on real water volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError
from IVDSegmentationLib.findings import finding, has_uncertain_levels
from IVDSegmentationLib.images import WORKING_SPACING_MM, Grid, read_volume
from IVDSegmentationLib.levels import likelihood as level_evidence
from IVDSegmentationLib.levels.image_below import disc_below
from IVDSegmentationLib.levels.labelling import CERTAIN, LABELS, LEVELS, Naming, name_levels
from IVDSegmentationLib.levels.likelihood import DiscShape, shape_of
from IVDSegmentationLib.phantom import Anatomy
from IVDSegmentationLib.phantom.check import draw_unusual
from made_spines import KINDS, WHOLE, draw_case, found_discs

FIELD = Grid(WHOLE, WORKING_SPACING_MM, (-35.0, -160.0, -160.0))


def _spine(levels: Sequence[int], bottom_mm: float = -100.0, tilt_deg: float = 0.0) -> list[DiscShape]:
    """An average spine: discs at these positions of LEVELS, the lowest bottom_mm high, all tilted by some degrees more."""
    discs, z = [], bottom_mm
    for position in range(min(levels), max(levels) + 1):
        if position in levels:
            tilt = float(level_evidence._TILT_DEG[position + 1]) + tilt_deg
            discs.append(DiscShape((0.0, 0.0, z), tilt, float(level_evidence._WIDTH_MM[position + 1])))
        z += float(level_evidence._STEP_MM[position + 1])
    return discs


def _uncertain(naming: Naming) -> bool:
    return has_uncertain_levels(naming.findings)


def test_labels_are_fixed_for_life() -> None:
    assert [LABELS[level] for level in ("L5-S1", "L4-L5", "L3-L4", "L2-L3", "L1-L2", "T12-L1")] == [1, 2, 3, 4, 5, 6]
    assert [LABELS[level] for level in ("T11-T12", "T10-T11", "T9-T10", "T8-T9")] == [7, 8, 9, 10]


def test_an_average_spine_is_named_without_a_warning() -> None:
    naming = name_levels(_spine(range(8)), FIELD)
    assert naming.levels == LEVELS[:8] and naming.findings == () and naming.probability > 0.99


@pytest.mark.parametrize("missed", range(1, 7))
def test_a_missed_disc_shifts_no_name_and_is_told(missed: int) -> None:
    naming = name_levels(_spine([p for p in range(8) if p != missed]), FIELD)
    assert naming.levels == tuple(level for level in LEVELS[:8] if level != LEVELS[missed])
    assert naming.findings == (finding("disc_not_found", LEVELS[missed]),)


def test_two_missed_neighbours_shift_no_name() -> None:
    naming = name_levels(_spine([0, 1, 4, 5, 6, 7]), FIELD).renamed("L5-S1")
    assert naming.levels == tuple(LEVELS[p] for p in (0, 1, 4, 5, 6, 7))
    assert naming.findings == (finding("disc_not_found", "L3-L4", "L2-L3"),)


def test_a_structure_between_two_discs_gets_no_name_and_shifts_none() -> None:
    discs = _spine(range(7))
    x, y, z = (float(c) for c in np.mean([discs[2].center_mm, discs[3].center_mm], axis=0))
    naming = name_levels([*discs[:3], DiscShape((x, y, z), 10.0, 25.0), *discs[3:]], FIELD)
    assert naming.levels == (*LEVELS[:3], None, *LEVELS[3:7])
    assert naming.findings == (finding("structure_between_left_out", "L3-L4", "L2-L3"),)


def test_the_rudimentary_disc_of_the_sacrum_is_not_taken_for_l5_s1() -> None:
    discs = _spine(range(7))
    rudiment = DiscShape((0.0, 19.0, -126.0), 45.0, 30.0, 22.0)
    naming = name_levels([rudiment, *discs], FIELD)
    assert naming.levels == (None, *LEVELS[:7]) and naming.probability >= CERTAIN
    assert naming.findings == (finding("rudimentary_disc_left_out"),)


def test_depth_tells_a_steep_l5_s1_from_the_rudimentary_disc() -> None:
    """Both hang down by 45 degrees and are narrow; only the rudimentary disc is short from front to back."""
    above = _spine(range(1, 7), bottom_mm=-70.0, tilt_deg=8.0)
    lowest = [DiscShape((0.0, 20.0, -100.0), 45.0, 40.0, depth_mm) for depth_mm in (36.0, 20.0)]
    disc, rudiment = (name_levels([shape, *above], FIELD) for shape in lowest)
    assert disc.levels[0] == "L5-S1" and (rudiment.levels[0] is None or rudiment.probability < disc.probability)


def test_the_tilt_of_what_the_field_of_view_leaves_of_l5_s1_shifts_no_name() -> None:
    """Half of a disc that hangs down by 31 degrees, cut by a level edge, lies nearly level itself."""
    discs = _spine(range(7), bottom_mm=-159.0)
    rest = DiscShape(discs[0].center_mm, 5.0, 55.0, cut=True)
    naming = name_levels([rest, *discs[1:]], FIELD)
    assert naming.levels == LEVELS[:7] and not _uncertain(naming)


def test_a_half_outlined_l5_s1_is_not_left_out_without_a_warning() -> None:
    """As in a real volume: L5-S1 as dark as bone, of which a small part is outlined where it lies."""
    shapes = zip((35, 19, 5, -9, -18, -19), (46, 54, 60, 58, 64, 51), (19, 36, 31, 32, 30, 30), strict=True)
    heights = (42.0, 68.0, 98.0, 130.0, 159.0, 186.0)
    backs = (18.0, 0.0, -6.0, -7.0, -3.0, 6.0)
    discs = [DiscShape((0.0, y, z - 150), *shape) for y, z, shape in zip(backs, heights, shapes, strict=True)]
    naming = name_levels(discs, FIELD)
    unsure = [one.levels[0] for one in naming.findings if one.code == "lowest_level_uncertain"]
    assert naming.levels[0] == "L5-S1" or unsure == ["L5-S1"]


def test_a_structure_of_no_level_near_the_lowest_disc_makes_the_names_uncertain() -> None:
    discs = _spine(range(7))
    stray = DiscShape((0.0, -20.0, -132.0), -25.0, 40.0)
    naming = name_levels([stray, *discs], FIELD)
    assert naming.levels == (None, *LEVELS[:7])
    assert finding("structure_below_may_be_disc", "L5-S1") in naming.findings
    x, y, z = (float(c) for c in np.mean([discs[0].center_mm, discs[1].center_mm], axis=0))
    naming = name_levels([discs[0], DiscShape((x, y, z), -10.0, 20.0), *discs[1:]], FIELD)
    assert naming.levels == ("L5-S1", None, *LEVELS[1:7])
    assert finding("structure_between_may_be_disc", "L5-S1", "L4-L5") in naming.findings


def test_two_structures_in_the_sacrum_shift_no_name() -> None:
    sacral = [DiscShape((0.0, 45.0, -160.0), -5.0, 20.0, 12.0), DiscShape((0.0, 30.0, -135.0), 10.0, 60.0, 14.0)]
    naming = name_levels([*sacral, *_spine(range(7))], FIELD)
    assert naming.levels == (None, None, *LEVELS[:7]) and _uncertain(naming)


def test_a_chain_with_many_faults_is_uncertain() -> None:
    naming = name_levels(_spine([0, 1, 2, 4, 6, 7]), FIELD)
    assert naming.levels == tuple(LEVELS[n] for n in (0, 1, 2, 4, 6, 7))
    assert finding("several_gaps", count=2) in naming.findings


def test_discs_too_close_to_be_neighbours_make_the_names_uncertain() -> None:
    spine = _spine(range(8))
    twice = [replace(spine[n], center_mm=(10.0, 0.0, spine[n].center_mm[2] + 10)) for n in (4, 6)]
    naming = name_levels(sorted([*spine, *twice], key=lambda disc: disc.center_mm[2]), FIELD)
    (misfit,) = [one for one in naming.findings if one.code == "distance_fits_no_level"]
    assert misfit.levels == ("T11-T12", "T10-T11")
    assert misfit.values["distance_mm"] == pytest.approx(14, abs=0.5)


def test_a_disc_off_the_line_of_its_neighbours_makes_the_names_uncertain() -> None:
    spine = _spine(range(8))
    x, y, z = spine[4].center_mm
    bent = [*spine[:4], replace(spine[4], center_mm=(x, y - 24.0, z)), *spine[5:]]
    assert finding("disc_off_line", LEVELS[4]) in name_levels(bent, FIELD).findings


def test_the_rudimentary_disc_and_a_gap_together_are_uncertain_but_not_with_more_of_the_sacrum() -> None:
    spine = _spine([n for n in range(8) if n != 3])
    below = spine[0]
    rudiment = replace(below, center_mm=(0.0, 24.0, below.center_mm[2] - 22.0), tilt_deg=45.0, width_mm=30.0, depth_mm=18.0)
    naming = name_levels([rudiment, *spine], FIELD)
    assert naming.levels == (None, *(level for level in LEVELS[:8] if level != LEVELS[3])) and _uncertain(naming)
    deeper = replace(rudiment, center_mm=(0.0, 46.0, rudiment.center_mm[2] - 18.0), tilt_deg=60.0, width_mm=20.0, depth_mm=10.0)
    naming = name_levels([deeper, rudiment, *_spine(range(8))], FIELD)
    assert naming.levels == (None, None, *LEVELS[:8]) and not _uncertain(naming), "what lies below S1-S2 is sacrum"


def test_what_the_user_says_is_taken_and_counted_from() -> None:
    naming = name_levels(_spine(range(5)), FIELD).renamed("L4-L5")
    assert naming.levels == LEVELS[1:6] and naming.findings == () and naming.probability == 1.0


def test_the_level_a_person_names_is_that_of_the_lowest_disc_shown() -> None:
    """50 phantom spines, two of five with remnants of discs in the sacrum: naming the lowest disc brings nothing back that
    was left out, and with its true level every name is right wherever the spaces between the discs were understood."""
    rng = np.random.default_rng(12)
    left_out, right = 0, 0
    for number in range(50):
        anatomy, size, fault = draw_case(rng, ("whole", "lumbarised_s1", "cut below", "missed", "extra")[number % 5])
        discs, truth, grid = found_discs(rng, anatomy, size, fault)
        if number % 2:
            lowest = discs[0]
            x, y, z = lowest.center_mm
            discs.insert(0, DiscShape((x, y + 18.0, z - 24.0), lowest.tilt_deg + 15.0, 28.0, 15.0))
            truth = (None, *truth)
        automatic = name_levels(discs, grid)
        shown = [n for n, level in enumerate(automatic.levels) if level]
        left_out += shown[0] > 0
        true_lowest = truth[shown[0]]
        if true_lowest is None:  # a remnant was taken for a disc
            continue
        named = automatic.renamed(true_lowest)
        assert [n for n, level in enumerate(named.levels) if level] == shown
        assert named.levels[shown[0]] == true_lowest and named.probability == 1.0 and not _uncertain(named)
        right += all(level in (None, true) for level, true in zip(named.levels, truth, strict=True))
    assert left_out >= 15 and right >= 45, (left_out, right)


def test_uncertainty_is_said_with_how_to_set_the_lowest_level() -> None:
    naming = name_levels(_spine(range(2, 5), bottom_mm=-150.0, tilt_deg=7.0), FIELD)
    assert naming.probability < 0.97
    assert naming.findings[0].code == "lowest_level_uncertain" and len(naming.findings[0].levels) == 2


def test_one_disc_alone_is_uncertain() -> None:
    box = Grid((35, 35, 25), WORKING_SPACING_MM, (-35.0, -22.0, -15.0))
    naming = name_levels([DiscShape((0.0, 0.0, 0.0), 10.0, 52.0)], box)
    assert naming.levels[0] in LEVELS and _uncertain(naming)


def test_an_image_of_a_disc_below_speaks_against_l5_s1() -> None:
    discs = _spine(range(1, 6), bottom_mm=-100.0, tilt_deg=5.0)
    with_disc, without = (name_levels(discs, FIELD, [shown]) for shown in (1.0, 0.1))
    assert with_disc.levels[0] == "L4-L5"
    assert _chance_of_l5_s1(with_disc) < 0.2 < _chance_of_l5_s1(without)


def _chance_of_l5_s1(naming: Naming) -> float:
    return naming.probability if naming.levels[0] == "L5-S1" else 1 - naming.probability


@pytest.mark.parametrize("lowest", ["S1-S2", "l5-s1", "", "L6-S1"])
def test_an_unknown_lowest_level_is_refused(lowest: str) -> None:
    with pytest.raises(InputError, match=r"lowest level is .*: it must be one of L5-S1, L4-L5"):
        name_levels(_spine(range(3)), FIELD).renamed(lowest)


def test_more_discs_than_a_spine_has_are_refused() -> None:
    with pytest.raises(InputError, match="4 levels from T3-T4 upwards are more than a spine has"):
        name_levels(_spine(range(4)), FIELD).renamed("T3-T4")
    stack = [DiscShape((0.0, 0.0, 15.0 * n), 0.0, 45.0) for n in range(24)]
    with pytest.raises(InputError, match="24 structures one above the other are more than the discs of a spine"):
        name_levels(stack, Grid((35, 256, 512), WORKING_SPACING_MM, (-35.0, -160.0, -100.0)))


def test_shape_of_an_ellipsoid_gives_its_centre_tilt_and_width() -> None:
    tilt = np.radians(25.0)
    axes = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    points = np.stack(np.meshgrid(*[np.arange(-35.0, 36.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    inside = np.square(points @ axes.T / [26.0, 18.0, 5.5]).sum(axis=1) <= 1
    shape = shape_of(points[inside] + [10.0, -20.0, 30.0])
    assert np.allclose(shape.center_mm, (10, -20, 30), atol=0.1) and shape.tilt_deg == pytest.approx(25.0, abs=0.5)
    # The second moment along the axis of an ellipsoid is a^2 / 5, of an ellipse a^2 / 4.
    assert shape.width_mm == pytest.approx(2 * 26.0 * np.sqrt(4 / 5), rel=0.01)


def test_a_speck_has_a_shape_and_a_name() -> None:
    naming = name_levels([shape_of(np.array([[1.0, 2.0, 3.0]])), *_spine(range(3), bottom_mm=35.0)], FIELD)
    assert len(naming.levels) == 4


def test_a_structure_above_two_discs_shifts_no_name() -> None:
    discs = _spine(range(2))
    above = DiscShape((0.0, -30.0, discs[1].center_mm[2] + 16), 55.0, 12.0, 9.0)
    naming = name_levels([*discs, above], FIELD)
    assert naming.levels == ("L5-S1", "L4-L5", None)
    assert naming.findings == (finding("structure_above_left_out", "L4-L5"),)


def test_whatever_is_found_gets_names_or_none_in_order() -> None:
    """Nonsense from one to nine structures: as many entries as structures, no name twice, none below a lower one."""
    rng = np.random.default_rng(11)
    for _ in range(60):
        discs, z = [], -140.0
        for _ in range(int(rng.integers(1, 10))):
            x, y, z = float(rng.normal(0, 8)), float(rng.normal(0, 15)), z + float(rng.uniform(14, 50))
            depth = float(rng.uniform(8, 45)) if rng.random() < 0.7 else None
            tilt, width = float(rng.uniform(-50, 60)), float(rng.uniform(10, 75))
            discs.append(DiscShape((x, y, z), tilt, width, depth, cut=depth is None))
        shown = [float(rng.uniform(-0.5, 1.5)) if rng.random() < 0.5 else None for _ in discs[:3]]
        naming = name_levels(discs, FIELD, shown)
        labels = [LABELS[level] for level in naming.levels if level]
        assert len(naming.levels) == len(discs) and labels == sorted(set(labels))
        assert _uncertain(naming) or naming.probability >= CERTAIN


def test_an_unknown_kind_of_unusual_phantom_is_refused() -> None:
    with pytest.raises(InputError, match="kind of phantom is 'odd': it must be one of cut below, caudal"):
        draw_unusual(np.random.default_rng(0), "odd")


def test_wrong_names_on_random_phantom_spines_are_warned_of() -> None:
    """Every kind of case: cut fields of view, extra and missing discs, transitional anatomy. Under 1 % silently wrong."""
    rng = np.random.default_rng(2026)
    silent, named, right_of_whole, quiet_of_whole = [], 0, 0, 0
    each = 16
    for kind in KINDS:
        for _ in range(each):
            anatomy, size, fault = draw_case(rng, kind)
            discs, truth, grid = found_discs(rng, anatomy, size, fault)
            if not discs:
                continue
            named += 1
            naming = name_levels(discs, grid)
            wrong = [level for level, true in zip(naming.levels, truth, strict=True) if level not in (None, true)]
            if wrong and not naming.findings:
                silent.append((kind, naming.levels, truth))
            if kind == "whole":
                right_of_whole += naming.levels == truth
                quiet_of_whole += not _uncertain(naming)
    assert named > 0.95 * each * len(KINDS)
    assert len(silent) < 0.01 * named, silent
    assert right_of_whole >= 0.97 * each and quiet_of_whole >= 0.85 * each


def test_a_spine_mirrored_left_to_right_gets_the_same_names() -> None:
    discs, _, grid = found_discs(np.random.default_rng(5), Anatomy(scoliosis_deg=30.0))
    mirrored = [DiscShape((-d.center_mm[0], *d.center_mm[1:]), d.tilt_deg, d.width_mm) for d in discs]
    assert name_levels(mirrored, grid).levels == name_levels(discs, grid).levels


def test_the_labelled_discs_of_real_water_volumes_get_their_names(data_folder: Path) -> None:
    """33 subjects; the discs L4-L5 to L1-L2 as labelled, L5-S1 placed below the lower endplate of the labelled L5."""
    folder = data_folder / "myosegmentum-water"
    right, quiet, subjects = 0, 0, 0
    for subject in sorted(folder.iterdir()):
        if not subject.is_dir() or subject.name == "35":  # its L4-L5 is unusable
            continue
        subjects += 1
        water, discs, vertebrae = (read_volume(subject / f"{n}.nii.gz") for n in ("water", "discs", "vertebrae"))
        shapes = [shape_of(discs.grid.to_mm(np.argwhere(discs.voxels == value))) for value in (4, 3, 2, 1)]
        shapes.insert(0, _below_l5(vertebrae.voxels == 5, vertebrae.grid, shapes[0]))
        naming = name_levels(shapes, water.grid, [disc_below(water.voxels, water.grid, shapes)])
        right += naming.levels[1:] == LEVELS[1:5]
        quiet += not naming.findings
    assert subjects >= 30
    assert right >= 0.97 * subjects, (right, subjects)
    assert quiet >= 0.8 * subjects, (quiet, subjects)


def _below_l5(body: np.ndarray, grid: Grid, above: DiscShape) -> DiscShape:
    """The disc under a vertebral body: 6 mm below the plane fitted to its lower endplate, tilted 3 degrees more.

    The endplate is the lowest point of every column along the normal of the disc above, so that a tilted body's front
    wall is no part of it.
    """
    tilt = np.deg2rad(above.tilt_deg + 8)
    axes = np.array([[1, 0, 0], [0, np.cos(tilt), np.sin(tilt)], [0, -np.sin(tilt), np.cos(tilt)]])
    own = (grid.to_mm(np.argwhere(body)) - above.center_mm) @ axes.T
    own = own[np.abs(own[:, 0]) < 12]
    front, back = np.percentile(own[:, 1], [15, 85])
    columns: dict[tuple[int, int], np.ndarray] = {}
    for point in own[(own[:, 1] > front) & (own[:, 1] < back)]:
        key = (round(point[0] / 2), round(point[1] / 2))
        if key not in columns or point[2] < columns[key][2]:
            columns[key] = point
    points = np.array(list(columns.values()))
    for _ in range(4):
        design = np.column_stack([points[:, :2], np.ones(len(points))])
        slopes = np.linalg.lstsq(design, points[:, 2], rcond=None)[0]
        residual = points[:, 2] - design @ slopes
        points = points[np.abs(residual) <= 2 * residual.std() + 0.3]
    normal = np.array([-slopes[0], -slopes[1], 1.0]) @ axes / np.linalg.norm([slopes[0], slopes[1], 1.0])
    x, y, z = (float(c) for c in np.asarray(above.center_mm) + points.mean(axis=0) @ axes - 6.5 * normal)
    return DiscShape((x, y, z), float(np.degrees(np.arctan2(-normal[1], normal[2]))) + 3.0, above.width_mm)


def test_the_image_tells_a_disc_below_from_the_sacrum(data_folder: Path) -> None:
    """Real water volumes: below L4-L5 lies the disc L5-S1; moved down by its own distance, the sacrum or nothing."""
    folder = data_folder / "myosegmentum-water"
    shares = []
    for name in ("02", "09", "12", "17", "26", "30"):
        water, discs = (read_volume(folder / name / f"{n}.nii.gz") for n in ("water", "discs"))
        shapes = [shape_of(discs.grid.to_mm(np.argwhere(discs.voxels == value))) for value in (4, 3, 2, 1)]
        shares.append(disc_below(water.voxels, water.grid, shapes))
    assert all(share is not None and share > 0.6 for share in shares), shares


def test_the_image_tells_nothing_where_the_field_of_view_ends() -> None:
    water = np.random.default_rng(0).random(WHOLE).astype(np.float32)
    assert disc_below(water, FIELD, _spine(range(4), bottom_mm=-150.0)) is None


def test_a_structure_below_a_disc_that_the_image_shows_to_be_the_lowest_raises_no_doubt() -> None:
    stray = DiscShape((0.0, -20.0, -132.0), -25.0, 40.0)
    discs = [stray, *_spine(range(7))]
    seen, unseen = (name_levels(discs, FIELD, shown) for shown in ([None, 0.1], [None, None]))
    assert seen.levels == unseen.levels == (None, *LEVELS[:7])
    assert not _uncertain(seen) and seen.findings == (finding("structure_below_left_out", "L5-S1"),)
    assert _uncertain(unseen)


def test_what_was_found_below_is_not_taken_for_an_image_of_a_disc() -> None:
    """Something bright 36 mm under the lowest of three: a disc below, unless it was found and is spoken of."""
    grid = Grid((36, 128, 160), WORKING_SPACING_MM, (-35.0, -80.0, -100.0))
    water = np.full(grid.size, 100, np.float32)
    y, z = np.arange(128) * 1.25 - 80, np.arange(160) * 1.25 - 100
    for middle in (-36, 0, 36, 72):
        water[:, np.outer(np.abs(y - 2) < 12, np.abs(z - middle) < 5)] = 300
    discs = [DiscShape((0.0, 0.0, height), 0.0, 50.0) for height in (0.0, 36.0, 72.0)]
    found = DiscShape((0.0, 0.0, -36.0), 0.0, 50.0)
    shown, hidden = disc_below(water, grid, discs), disc_below(water, grid, discs, [found])
    assert shown is not None and shown > 0.9
    assert hidden is None or hidden < 0.7 * shown
