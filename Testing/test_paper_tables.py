"""Scores, intervals and the page: known masks and known differences give known figures, and what is missing says so."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.measure.metrics import surface_distances
from IVDSegmentationLib.paper import page, published
from IVDSegmentationLib.paper.presets import PAPER, PAPER_FAST, SEGMENTER, SLICES
from IVDSegmentationLib.paper.scores import VOLUME, Score, judge, read_scores, write_scores
from IVDSegmentationLib.paper.spines import Spine, nearest_disc
from IVDSegmentationLib.paper.statistics import paired_difference, summary
from IVDSegmentationLib.paper.systems import TABLES, rows_of, systems, wanted


@pytest.fixture(scope="module")
def spine():
    discs = np.zeros((30, 30, 40), np.uint8)
    discs[5:25, 5:25, 8:14], discs[5:25, 5:25, 26:32] = 1, 2
    channels = np.full((*discs.shape, 4), 50, np.float32)
    channels[discs > 0] = (20, 150, 100, 150)
    return Spine("s", channels, discs, nearest_disc(discs), ((14.5, 14.5, 10.5), (14.5, 14.5, 28.5)), stacked=False)


def test_an_exact_prediction_has_dice_1_and_no_distance(spine):
    volume, *discs = judge("x", spine.discs > 0, spine)
    assert (volume.disc, volume.dice, volume.average_mm) == (VOLUME, 1.0, None)
    assert [(s.disc, s.dice) for s in discs] == [(1, 1.0), (2, 1.0)]
    assert [(s.average_mm, s.maximum_mm) for s in discs] == [pytest.approx((0, 0), abs=1e-9)] * 2


def test_a_disc_that_is_not_found_counts_as_0_and_a_stray_one_for_the_nearest(spine):
    mask = spine.discs == 1
    mask[5:25, 5:25, 36:39] = True
    volume, first, second = judge("x", mask, spine)
    assert (first.dice, second.dice) == (1.0, 0.0)
    assert volume.dice == pytest.approx(2 * 2400 / (3600 + 4800))
    mask[:, :, 15:] = False
    missing = judge("x", mask, spine)[2]
    assert (missing.dice, missing.average_mm, missing.percentile_95_mm, missing.maximum_mm) == (0.0, None, None, None)


def test_a_shifted_disc_is_as_far_as_the_shift(spine):
    mask = np.roll(spine.discs, 2, axis=2) > 0
    average, percentile, maximum = surface_distances(mask, spine.discs > 0, (2.0, 1.25, 1.25))
    assert maximum == pytest.approx(2.5, abs=0.05) and 1.0 < average < percentile <= maximum


def test_scores_are_read_as_they_were_written(tmp_path):
    scores = [Score("a", "s", VOLUME, 0.91234), Score("a", "s", 1, 0.5, 0.61, 1.67, 4.1), Score("a", "s", 2, 0.0)]
    write_scores(tmp_path / "s.csv", scores)
    assert read_scores(tmp_path / "s.csv") == scores


def test_summary_is_the_mean_and_the_sd_of_what_is_there():
    assert summary([1.0, 3.0, None]) == summary([1.0, 3.0]) != summary([1.0, 3.0, 0.0])
    assert (summary([1.0, 3.0]).mean, summary([1.0, 3.0]).sd) == (2.0, pytest.approx(2**0.5))
    assert (summary([None]).mean, summary([2.0]).sd) == (None, None)


def made_scores(system, gain=0.0, subjects=6, spread=0.0):
    rng = np.random.default_rng(1)
    base = {(s, d): rng.uniform(0.7, 0.8) for s in range(subjects) for d in range(5)}
    return [Score(system, str(s), d, v + gain + spread * (s - subjects / 2 + 0.5)) for (s, d), v in base.items()]


def test_a_constant_gain_has_no_uncertainty_however_much_discs_differ():
    for by_disc in (True, False):
        found = paired_difference(made_scores("a", 0.02), made_scores("b"), by_disc)
        assert (found.mean, found.low, found.high) == pytest.approx((0.02, 0.02, 0.02))


def test_the_interval_is_that_of_the_subjects_and_not_of_their_discs():
    """Differences that are equal within each subject: as wide by disc as by volume, and 0 lies inside."""
    found = [paired_difference(made_scores("a", 0.0, spread=0.01), made_scores("b"), by_disc) for by_disc in (True, False)]
    assert found[0].low == pytest.approx(found[1].low, abs=1e-9)
    deviation = np.std(0.01 * (np.arange(6) - 2.5)) / 6**0.5
    assert found[0].high == pytest.approx(1.96 * deviation, rel=0.1) and found[0].low < 0 < found[0].high


# --- which systems -------------------------------------------------------------------------------------------------------


def test_every_row_has_its_system_and_the_papers_figure_where_it_gives_one():
    for each_set in (True, False):
        known = systems(each_set)
        rows = {table: rows_of(table, each_set) for table in TABLES}
        assert all(key in known for table in TABLES for _, key in rows[table])
        given = {(table, row) for table in TABLES for row, _ in rows[table] if row}
        assert set(published.DICE) <= given
        assert {s.key for s in wanted(TABLES, each_set)} <= set(known)
        names = [t.name for s in known.values() for t in s.trainings]
        assert len(set(names)) == len({t for s in known.values() for t in s.trainings}), "a folder for each training"


def test_in_the_papers_preset_each_set_finds_its_centres_with_its_own_localizer():
    own, fast = systems(True), systems(False)
    assert own["set-4"].kind == "two-stage" and {t.inputs.number for t in own["set-4"].trainings} == {4}
    assert fast["set-4"].kind == "boxes"
    assert own["not-augmented"].trainings[1].augmented is False


def test_the_papers_preset_is_the_papers_training():
    """24 volumes of 8 discs: 10,000 epochs of 192 boxes; 24 x 36 slices in batches of 16 for 500 epochs."""
    boxes, slices = PAPER.training(SEGMENTER, 3, 192), PAPER.training(SLICES, 1, 24 * 36)
    assert (boxes.steps, boxes.batch) == (10_000 * 192, 1)
    assert (slices.steps, slices.batch) == (500 * 24 * 36 // 16, 16)
    for preset in (boxes, slices):
        assert (preset.learning_rate, preset.cosine, preset.average, preset.weight_decay) == (1e-5, False, None, 0.0)
        assert (preset.clip_norm, preset.precision, preset.loss.__name__) == (None, "float32", "dice_loss")
        assert preset.augmentation.probability == 0, "made beforehand"
    assert boxes.parameters == {"channels": 3, "momentum": 0.99}
    fast = PAPER_FAST.training(SEGMENTER, 3, 192)
    assert (fast.architecture, fast.loss) == (boxes.architecture, boxes.loss) and fast.steps < boxes.steps


# --- the page ------------------------------------------------------------------------------------------------------------


def made_outcome(spine, **changes):
    scores = {"two-stage": made_scores("two-stage", 0.1), "slices-y": made_scores("slices-y")}
    outcome = page.Outcome(PAPER_FAST, [spine], scores, {"two-stage": 3, "slices-y": 3, "conventional": 1}, 3, {}, {},
                           ((48, 80), (48, 80), (48, 48)))  # fmt: skip
    return replace(outcome, **changes)


def table_of(text, title):
    lines = text.split(f"## {title}")[1].split("\n\n")[1].splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert len({len(row) for row in cells}) == 1, "every row has every column"
    return {row[0]: dict(zip(cells[0], row, strict=True)) for row in cells[2:]}


def test_a_table_shows_the_papers_figures_ours_and_the_paired_difference(spine, tmp_path):
    page.write_page(tmp_path / "paper.md", made_outcome(spine), TABLES)
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    rows = table_of(text, "Table IV")
    assert rows["two stages"]["Dice, paper"] == "89.0 ± 1.4" and rows["two stages"]["HD, paper"] == "0.8 ± 0.3"
    ours = [s.dice for s in made_scores("x", 0.1) if s.disc == VOLUME]
    assert rows["two stages"]["Dice by volume"] == f"{100 * np.mean(ours):.1f} ± {100 * np.std(ours, ddof=1):.1f}"
    assert rows["2D, slices along y"]["minus two stages, by volume"] == "-10.0 (-10.0 to -10.0)"
    assert rows["conventional 3D U-Net"]["Dice by volume"] == "not run (1 of 3 parts)"
    assert rows["UNIJLU (winner of 2015)"]["Dice, paper"] == "91.5 ± 2.3"
    assert "77.3 ± 67.0" in text and "an average of 0.61 mm" in text and "is not the paper's" in text


def test_table_1_is_the_weber_contrast_and_says_what_the_background_is(spine, tmp_path):
    for stacked, said in ((True, "that of the boxes"), (False, "as stored")):
        page.write_page(tmp_path / "paper.md", made_outcome(spine, spines=[replace(spine, stacked=stacked)]), ["I"])
        text = (tmp_path / "paper.md").read_text(encoding="utf-8")
        rows = table_of(text, "Table I:")
        assert rows["opposed-phase"] == {
            "channel": "opposed-phase", "discs, paper": "155.4 ± 47.5", "discs": "100.0 ± 0.0",
            "background, paper": "63.2 ± 65.1", "background": "50.0 ± 0.0", "contrast, paper": "1.46", "contrast": "1.00",
        }  # fmt: skip
        assert said in text


def test_speed_names_the_machine_and_failures_are_listed(spine, tmp_path):
    times = {
        "machine": "a processor, 2 threads",
        "engine": "openvino",
        "size": [35, 35, 200],
        "seconds": {"two-stage": 1.234, "released": 0.5},
    }
    outcome = made_outcome(spine, times=times, failures={"slices-x, part 1": "ResourceExhaustedError: no memory"})
    page.write_page(tmp_path / "paper.md", outcome, ["speed"])
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    rows = table_of(text, "Speed")
    assert rows["two stages"]["ours, s"] == "1.23" and rows["two stages"]["paper, s"].startswith("about 10")
    assert rows["conventional 3D U-Net"]["ours, s"] == "not run"
    assert "a processor, 2 threads" in text and "- slices-x, part 1: ResourceExhaustedError: no memory" in text
