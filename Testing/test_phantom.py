"""The phantom's truth is exact, its channels obey the Dixon relations, and its anatomy is what was asked for."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from IVDSegmentationLib.errors import InputError, OutputError
from IVDSegmentationLib.levels.labelling import LABELS, LEVELS
from IVDSegmentationLib.phantom import Anatomy, Phantom, check_phantom_folder, make_phantom, write_phantom_case
from IVDSegmentationLib.phantom.canvas import DISC
from IVDSegmentationLib.phantom.disc import PhantomDisc, reach_mm
from IVDSegmentationLib.phantom.spine import build_spine
from IVDSegmentationLib.phantom.truth import exact_truth, visible_fraction
from real_data import DATA, needs_boxes

SEEDS = tuple(range(100, 108))
CHANNELS = ("fat", "in_phase", "opposed_phase", "water")
VOXEL_MM3 = 2.0 * 1.25 * 1.25


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    return [make_phantom(seed) for seed in SEEDS]


def simple_disc(**changes: object) -> PhantomDisc:
    """An elliptic cylinder of 40 x 30 x 10 mm, for closed forms."""
    facts = {
        "index": 0,
        "level": "L5-S1",
        "kind": "disc",
        "center_mm": np.zeros(3),
        "axes": np.eye(3),
        "half_width_mm": 20.0,
        "half_depth_mm": 15.0,
        "height_mm": 10.0,
        "wedge_deg": 0.0,
        "squareness": 0.0,
        "skew": 0.0,
        "hollow_mm": 0.0,
        "doming": (0.0, 0.0),
        "apex_mm": 0.0,
    }
    return PhantomDisc(**{**facts, **changes})


def test_same_seed_gives_the_same_arrays_and_another_seed_gives_others() -> None:
    size = (24, 96, 96)
    first, again, other = make_phantom(5, size), make_phantom(5, size), make_phantom(6, size)
    for name in CHANNELS:
        assert np.array_equal(first.channels[name], again.channels[name])
        assert not np.array_equal(first.channels[name], other.channels[name])
    assert np.array_equal(first.labels, again.labels) and first.truth == again.truth and first.grid == again.grid


def test_the_phantoms_stay_those_of_the_first_release() -> None:
    """Trainings, checks and published figures name seeds. Statistics, since exp() differs in its last bit between CPUs."""
    phantom = make_phantom(7, (36, 120, 160), anatomy=Anatomy(degeneration=0.8))
    means = {name: float(voxels.mean()) for name, voxels in phantom.channels.items()}
    expected = {"fat": 261.7136, "in_phase": 588.9747, "opposed_phase": 359.6303, "water": 339.9044}
    assert means == pytest.approx(expected, rel=1e-5)
    spreads = {name: float(voxels.std()) for name, voxels in phantom.channels.items()}
    assert spreads == pytest.approx(
        {"fat": 219.3691, "in_phase": 224.6655, "opposed_phase": 256.8898, "water": 253.3670}, rel=1e-5
    )
    assert np.bincount(phantom.labels.ravel())[1:] == pytest.approx([2894, 3191, 3855, 3452, 2804, 652], abs=2)


def test_arrays_have_the_promised_shapes_and_types(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        assert sorted(phantom.channels) == sorted(CHANNELS)
        for voxels in phantom.channels.values():
            assert voxels.shape == (36, 256, 256) and voxels.dtype == np.int16 and voxels.min() >= 0
        assert phantom.labels.dtype == phantom.tissue.dtype == np.uint8
        assert phantom.grid.size == phantom.labels.shape == phantom.tissue.shape
        assert np.array_equal(phantom.labels > 0, phantom.tissue == DISC)


def test_channels_obey_the_dixon_relations_up_to_noise(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        fat, in_phase, opposed, water = (phantom.channels[name].astype(float) for name in CHANNELS)
        bright = in_phase > np.percentile(in_phase, 60)
        scale = in_phase[bright].mean()
        assert np.median(np.abs(water + fat - in_phase)[bright]) < 0.06 * scale
        assert np.median(np.abs(np.abs(water - fat) - opposed)[bright]) < 0.06 * scale
        assert np.corrcoef(water.ravel(), fat.ravel())[0, 1] < 0.5
        disc = phantom.labels > 0
        assert fat[disc].mean() < 0.35 * water[disc].mean()


def test_closed_form_of_an_elliptic_cylinder_and_of_a_paraboloid() -> None:
    truth = exact_truth(simple_disc(), "L5-S1")
    assert truth.volume_mm3 == pytest.approx(np.pi * 20 * 15 * 10, rel=1e-3)
    assert (truth.height_mm, truth.anterior_height_mm, truth.posterior_height_mm) == pytest.approx((10, 10, 10))
    assert (truth.width_mm, truth.depth_mm) == (40, 30)
    # Both endplates fall by d (v^2 + u^2 / 2) h / 2; the mean of u^2 and of v^2 over an ellipse is 1/4.
    domed = exact_truth(simple_disc(doming=(0.4, 0.4)), "L5-S1")
    assert domed.height_mm == pytest.approx(10 * (1 - 0.4 * 0.375), rel=1e-3)
    wedged = exact_truth(simple_disc(wedge_deg=10.0), "L5-S1")
    assert wedged.anterior_height_mm - wedged.posterior_height_mm == pytest.approx(
        2 * np.tan(np.radians(5)) * 0.8 * 30, rel=1e-6
    )
    # A wedge moves the mass to the front: the mean of b^2 over the ellipse is 15^2 / 4.
    assert wedged.center_mm[1] == pytest.approx(-2 * np.tan(np.radians(5)) * 15**2 / 4 / 10, rel=1e-2)


def test_hollow_shortens_the_midline_by_what_the_section_says() -> None:
    disc = simple_disc(hollow_mm=3.0, skew=0.25)
    b = np.linspace(-16, 16, 32001)
    inside = b[disc.section(np.zeros_like(b), b) <= 1]
    assert exact_truth(disc, "L5-S1").depth_mm == pytest.approx(inside.max() - inside.min(), abs=0.003)


@pytest.mark.parametrize("seed", SEEDS[:3])
def test_truth_agrees_with_a_brute_force_count_in_the_patient_frame(seed: int) -> None:
    spine = build_spine(np.random.default_rng(seed), Anatomy(), np.array([72.0, 320.0, 320.0]))
    for disc in [shape for shape in spine if shape.kind == "disc"][:4]:
        reach = reach_mm(disc)
        axes = [np.arange(center - r, center + r, 0.5) for center, r in zip(disc.center_mm, reach, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
        a, b, c = ((points - disc.center_mm) @ disc.axes.T).T
        inside = (disc.section(a, b) <= 1) & (c <= disc.upper(a, b)) & (c >= disc.lower(a, b))
        truth = exact_truth(disc, disc.level)
        assert inside.sum() * 0.125 == pytest.approx(truth.volume_mm3, rel=0.01)
        assert np.allclose(points[inside].mean(axis=0), truth.center_mm, atol=0.1)


def test_label_volume_and_centroid_match_the_truth(phantoms: list[Phantom]) -> None:
    errors = []
    for phantom in phantoms:
        for disc in phantom.truth:
            voxels = np.argwhere(phantom.labels == disc.label)
            assert len(voxels) > 0
            if disc.cut:
                continue
            errors.append(len(voxels) * VOXEL_MM3 / disc.volume_mm3 - 1)
            center = phantom.grid.to_mm(voxels.mean(axis=0))
            assert np.linalg.norm(center - disc.center_mm) < 0.6
    assert len(errors) > 50
    # Thresholding at half a voxel loses the thin rims, so single thin discs may be off by a few percent.
    assert np.max(np.abs(errors)) < 0.08 and abs(np.mean(errors)) < 0.02


def test_levels_count_up_from_the_sacrum_without_a_gap(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        assert [disc.level for disc in phantom.truth] == list(LEVELS[: len(phantom.truth)])
        assert 7 <= len(phantom.truth) <= 11
        assert set(np.unique(phantom.labels)) == {0, *(LABELS[disc.level] for disc in phantom.truth)}
        heights = [disc.center_mm[2] for disc in phantom.truth]
        assert all(20 < upper - lower < 50 for lower, upper in itertools.pairwise(heights))
        assert all(disc.anatomical == disc.level for disc in phantom.truth)


def test_a_disc_counts_as_cut_exactly_where_its_labels_reach_the_edge(phantoms: list[Phantom]) -> None:
    for phantom in phantoms:
        for disc in phantom.truth:
            voxels = np.argwhere(phantom.labels == disc.label)
            clear = voxels.min() > 0 and (voxels.max(axis=0) < np.array(phantom.labels.shape) - 1).all()
            if disc.visible_fraction < 0.98:
                assert disc.cut and not clear
                assert len(voxels) * VOXEL_MM3 == pytest.approx(disc.visible_fraction * disc.volume_mm3, rel=0.1, abs=150)
            if clear:
                assert disc.visible_fraction > 0.99


def test_visible_fraction_of_a_disc_halved_by_the_edge_is_one_half() -> None:
    disc = simple_disc(center_mm=np.array([36.0, 0.0, 0.0]))
    assert visible_fraction(disc, np.array([72.0, 320.0, 320.0])) == pytest.approx(0.5, abs=0.02)
    assert visible_fraction(simple_disc(), np.array([72.0, 320.0, 320.0])) == 1


@pytest.mark.parametrize("cut", ["caudal", "cranial", "lateral"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_asked_for_cuts_happen_and_are_flagged(cut: str, seed: int) -> None:
    phantom = make_phantom(seed, (36, 160, 176), anatomy=Anatomy(cut=cut, scoliosis_deg=0))
    cut_levels = [disc.level for disc in phantom.truth if disc.cut]
    expected = {"caudal": phantom.truth[0], "cranial": phantom.truth[-1], "lateral": phantom.truth[2]}[cut]
    assert expected.level in cut_levels and 0.02 < expected.visible_fraction < 0.98


@pytest.mark.parametrize("level", ["L5-S1", "L4-L5", "L2-L3", "T12-L1"])
def test_the_lowest_disc_can_be_chosen_and_keeps_its_name(level: str) -> None:
    phantom = make_phantom(3, (36, 160, 176), anatomy=Anatomy(lowest_disc=level, scoliosis_deg=0))
    assert phantom.truth[0].level == level and not phantom.truth[0].cut
    assert phantom.labels[phantom.labels > 0].min() == LABELS[level]


def test_a_missing_disc_leaves_its_name_unused() -> None:
    phantom = make_phantom(4, (36, 160, 256), anatomy=Anatomy(missing_disc="L3-L4"))
    levels = [disc.level for disc in phantom.truth]
    assert levels[:4] == ["L5-S1", "L4-L5", "L2-L3", "L1-L2"] and not (phantom.labels == LABELS["L3-L4"]).any()


@pytest.mark.parametrize(("transitional", "first"), [("lumbarised_s1", "S1-S2"), ("sacralised_l5", "L4-L5")])
def test_transitional_anatomy_counts_from_the_sacrum_and_keeps_the_anatomical_name(transitional: str, first: str) -> None:
    phantom = make_phantom(5, (36, 160, 200), anatomy=Anatomy(transitional=transitional))
    assert phantom.truth[0].level == "L5-S1" and phantom.truth[0].anatomical == first
    assert phantom.truth[1].anatomical == {"S1-S2": "L5-S1", "L4-L5": "L3-L4"}[first]


def test_degeneration_darkens_and_narrows() -> None:
    size = (36, 160, 200)
    for seed in range(3):
        healthy, worn = (make_phantom(seed, size, anatomy=Anatomy(degeneration=grade)) for grade in (0.0, 1.0))
        assert worn.truth[1].height_mm < 0.8 * healthy.truth[1].height_mm
        contrast = []
        for phantom in (healthy, worn):
            water = phantom.channels["water"].astype(float)
            contrast.append(water[phantom.labels > 0].mean() / water[phantom.channels["in_phase"] > 0].mean())
        assert contrast[1] < contrast[0]


def test_scoliosis_inclines_the_discs_as_far_as_asked() -> None:
    def cobb(angle: float) -> float:
        spine = build_spine(np.random.default_rng(7), Anatomy(scoliosis_deg=angle), np.array([72.0, 320.0, 320.0]))
        inclination = [np.degrees(np.arctan2(d.axes[2][0], d.axes[2][2])) for d in spine if 0 <= d.index < 9]
        return max(inclination) - min(inclination)

    assert cobb(30) == pytest.approx(30, abs=6) and cobb(0) < 6


@pytest.mark.parametrize(
    "wrong",
    [
        {"lowest_disc": "L6-S1"},
        {"cut": "oblique"},
        {"transitional": "both"},
        {"missing_disc": "C2-C3"},
        {"degeneration": 1.5},
        {"scoliosis_deg": -1.0},
    ],
)
def test_impossible_anatomy_is_refused(wrong: dict) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        Anatomy(**wrong)


def test_a_field_of_view_too_small_for_a_disc_is_refused() -> None:
    with pytest.raises(InputError, match="40 mm"):
        make_phantom(0, (8, 64, 64))


def test_finer_voxels_show_the_same_anatomy_with_smaller_errors() -> None:
    phantom = make_phantom(9, (48, 128, 120), (1.5, 1.0, 1.0), anatomy=Anatomy(scoliosis_deg=0))
    whole = [disc for disc in phantom.truth if not disc.cut]
    assert whole
    for disc in whole:
        volume = (phantom.labels == disc.label).sum() * 1.5
        assert volume == pytest.approx(disc.volume_mm3, rel=0.05)


def test_written_case_reads_back_with_its_geometry(tmp_path: Path) -> None:
    import SimpleITK as sitk

    phantom = make_phantom(2, (24, 80, 72))
    write_phantom_case(phantom, tmp_path / "new" / "case")
    for name, voxels in {**phantom.channels, "reference": phantom.labels}.items():
        image = sitk.ReadImage(str(tmp_path / "new" / "case" / f"{name}.nii.gz"))
        assert np.array_equal(sitk.GetArrayFromImage(image).transpose(2, 1, 0), voxels)
        index = (3, 40, 50)
        assert np.allclose(image.TransformIndexToPhysicalPoint(index), phantom.grid.to_mm(np.array(index)), atol=1e-3)


def test_an_unwritable_folder_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(OutputError, match="case could not be written"):
        write_phantom_case(make_phantom(2, (24, 40, 40)), blocker / "case")


@needs_boxes
def test_shapes_and_contrasts_lie_where_real_discs_lie(phantoms: list[Phantom]) -> None:
    """Against the boxes of IVDM3Seg: the phantoms' middle half must overlap the real range of each figure."""
    import SimpleITK as sitk

    folder = DATA / "ivdm3seg-patches"

    def contrast(channels: dict[str, np.ndarray], mask: np.ndarray) -> tuple[float, float]:
        around = channels["water"][~mask].mean()
        return channels["water"][mask].mean() / around, channels["fat"][mask].mean() / channels["water"][mask].mean()

    real, made = [], []
    for box in sorted(folder.glob("*/disc[1-6]")):
        arrays = {
            name: sitk.GetArrayFromImage(sitk.ReadImage(str(box / f"{name}.nii.gz"))).astype(float)
            for name in ("fat", "in_phase", "disc")
        }
        arrays["water"] = np.maximum(arrays["in_phase"] - arrays["fat"], 0)
        mask = arrays["disc"] > 0
        real.append((mask.sum() * VOXEL_MM3, *contrast(arrays, mask)))
    for phantom in phantoms:
        for disc in (facts for facts in phantom.truth[:6] if not facts.cut):
            i, j, k = np.rint(phantom.grid.to_ijk(np.array(disc.center_mm))).astype(int)
            part = (slice(max(i - 17, 0), i + 18), slice(j - 17, j + 18), slice(max(k - 12, 0), k + 13))
            arrays = {name: phantom.channels[name][part].astype(float) for name in ("fat", "water")}
            mask = phantom.labels[part] > 0
            made.append((mask.sum() * VOXEL_MM3, *contrast(arrays, mask)))
    assert len(real) == 36 and len(made) > 30
    for figure, (lower, upper) in enumerate(zip(*np.percentile(made, (10, 90), axis=0), strict=True)):
        values = [row[figure] for row in real]
        assert lower < np.median(values) < upper


def test_a_phantom_replaces_an_earlier_phantom_and_nobody_elses_files(tmp_path: Path) -> None:
    folder, small = tmp_path / "case", (24, 80, 72)
    write_phantom_case(make_phantom(2, small), folder)
    first = (folder / "water.nii.gz").read_bytes()
    write_phantom_case(make_phantom(3, small), folder)
    assert (folder / "water.nii.gz").read_bytes() != first
    (folder / "reference.nii.gz").write_bytes(b"an expert's")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for write in (check_phantom_folder, lambda folder: write_phantom_case(make_phantom(2, small), folder)):
        with pytest.raises(OutputError, match=r"reference\.nii\.gz in case is not as an earlier run of this program wrote it"):
            write(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    write_phantom_case(make_phantom(2, small), folder, overwrite=True)
    assert (folder / "water.nii.gz").read_bytes() == first
