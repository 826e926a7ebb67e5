"""`ivdseg paper` on boxes of phantoms: a tiny run to its page, resuming, failing runs, and what it refuses."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the networks need TensorFlow")
pytest.importorskip("matplotlib", reason="the figures need matplotlib")

from IVDSegmentationLib.cli.commands import main
from IVDSegmentationLib.paper import prediction, reproduce, samples, speed
from IVDSegmentationLib.paper.inputs import Inputs
from IVDSegmentationLib.paper.presets import CONVENTIONAL, PAPER
from IVDSegmentationLib.paper.progress import RunProgress
from IVDSegmentationLib.paper.scores import VOLUME, Score
from IVDSegmentationLib.paper.spines import read_spines
from IVDSegmentationLib.paper.systems import TABLES, Training, systems
from IVDSegmentationLib.paper.trainings import Trainer
from paper_data import DISCS, shrink


def run(data, folder, *options):
    return main(["paper", "--data", str(data), "-o", str(folder), *options])


class Bright:
    """A network that answers where its first channel is above a share of the largest value that it sees."""

    def __init__(self):
        self.shapes = []

    def predict_on_batch(self, batch):
        self.shapes.append(batch.shape)
        return (batch[..., :1] > 0.7 * batch.max()).astype(np.float32)


class Untrained:
    """In the place of Trainer.train: leaves the record of a training, and counts; fails where it is asked to."""

    def __init__(self, failing=None):
        self.calls = []
        self.failing = failing

    def train(self, trainer, *given):
        training, spines, folder, seed, progress = given
        self.calls.append((training.name, seed))
        if self.failing and self.failing in folder.as_posix():
            raise MemoryError("no room for it")
        progress(0)
        progress(trainer.preset_of(training, spines).steps)
        folder.mkdir(parents=True)
        (folder / "weights.npz").write_bytes(b"")


@pytest.fixture
def untrained(monkeypatch):
    """Gives a stand-in for the training, whose networks answer where it is bright."""
    shrink(monkeypatch)
    monkeypatch.setattr(reproduce, "load_trained", lambda folder: Bright())
    monkeypatch.setattr(speed, "REPEATS", 1)

    def use(failing=None):
        stand_in = Untrained(failing)
        monkeypatch.setattr(Trainer, "train", lambda *given: stand_in.train(*given))  # noqa: PLW0108  bound as a method
        return stand_in

    return use


def rows(folder):
    with (folder / "paper.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_tiny_run_goes_through_to_the_page(phantom_boxes, tmp_path, monkeypatch, capsys):
    shrink(monkeypatch, steps=2)
    assert run(phantom_boxes, tmp_path, "--table", "IV") == 0
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    assert "## Table IV" in text and "parts)" not in text and "Failed" not in text
    keys = {"conventional", "two-stage", "slices-y", "stage-2", "released-recipe"}
    found = rows(tmp_path)
    assert {row["system"] for row in found} == keys
    assert len(found) == len(keys) * 3 * (1 + DISCS), "a row a volume and a disc, each subject held out once"
    assert all(0 <= float(row["dice"]) <= 1 for row in found)
    assert "<svg" in (tmp_path / "figures" / "table-IV.svg").read_text(encoding="utf-8")
    record = json.loads((tmp_path / "trainings" / "segmenter-set2" / "part-0" / "finished.json").read_text())
    assert (record["architecture"], record["steps"], record["batch"]) == ("paper_segmenter", 2, 1)
    bars = capsys.readouterr().err
    assert "100.0 %" in bars and "left" in bars


def test_every_table_is_written_and_a_later_call_repeats_no_training(phantom_boxes, tmp_path, untrained):
    first = untrained()
    assert run(phantom_boxes, tmp_path) == 0
    assert len(first.calls) == len(set(first.calls)), "systems share their trainings"
    assert {part for _, part in first.calls} == {0, 1}, "three subjects, two of them left out at a time"
    assert {name for name, _ in first.calls} == {t.name for s in systems(False).values() for t in s.trainings}
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    assert all(f"Table {name}" in text for name in ("I:", "III:", "IV:", "V:")) and "## Speed" in text
    assert "not run (" not in text and json.loads((tmp_path / "times.json").read_text())["seconds"]["released"] > 0
    again = untrained()
    assert run(phantom_boxes, tmp_path, "--table", "V") == 0
    assert again.calls == []
    assert {row["system"] for row in rows(tmp_path)} == {"slices-x", "slices-y", "slices-z", "slices-mean"}


def test_a_failing_run_does_not_lose_the_others_and_is_tried_again(phantom_boxes, tmp_path, untrained, capsys):
    untrained(failing="slices-z/part-1")
    assert run(phantom_boxes, tmp_path, "--table", "V") == 1
    assert "1 failed, and everything else is done: paper.md" in capsys.readouterr().err
    text = (tmp_path / "paper.md").read_text(encoding="utf-8")
    assert "- slices-z, part 1: MemoryError: no room for it" in text
    assert text.count("not run (1 of 2 parts)") == 2, "along z, and the mean that needs it"
    assert {row["system"] for row in rows(tmp_path)} == {"slices-x", "slices-y"}
    again = untrained()
    assert run(phantom_boxes, tmp_path, "--table", "V") == 0
    assert again.calls == [("slices-z", 1)]
    assert "Failed" not in (tmp_path / "paper.md").read_text(encoding="utf-8")


def test_a_diverged_training_leaves_nothing_to_resume(phantom_boxes, tmp_path, untrained, monkeypatch):
    from IVDSegmentationLib.errors import TrainingError

    untrained()

    def diverge(*given):
        folder = given[3]
        folder.mkdir(parents=True)
        (folder / "log.csv").write_text("epoch,loss\n0,0.1\n1,0.9\n")
        raise TrainingError("the training diverged")

    monkeypatch.setattr(Trainer, "train", diverge)
    assert run(phantom_boxes, tmp_path, "--table", "augmentation") == 1
    assert not (tmp_path / "trainings" / "segmenter-set2" / "part-0").exists()


def test_runs_of_another_preset_or_of_others_are_not_mixed(phantom_boxes, tmp_path, untrained, capsys):
    untrained()
    assert run(phantom_boxes, tmp_path, "--table", "I") == 0
    assert run(phantom_boxes, tmp_path, "--table", "I", "--preset", "paper") == 1
    assert "holds runs of another preset: choose another folder with -o" in capsys.readouterr().err
    record = json.loads((tmp_path / "run.json").read_text())
    for name, value in (("subjects", ["someone"]), ("schedule", {**record["schedule"], "cosine": False})):
        (tmp_path / "run.json").write_text(json.dumps({**record, name: value}))
        assert run(phantom_boxes, tmp_path, "--table", "I") == 1
        assert f"holds runs of another {name.removesuffix('s')}" in capsys.readouterr().err


def test_data_that_is_not_there_and_options_that_do_not_exist_are_said(tmp_path, capsys):
    assert run(tmp_path, tmp_path / "runs") == 1
    assert "holds neither ivdm3seg nor ivdm3seg-patches" in capsys.readouterr().err
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path, tmp_path / "runs", "--table", "II")
    assert stopped.value.code == 2


def test_the_command_offers_the_tables_and_presets_that_there_are(capsys):
    with pytest.raises(SystemExit):
        main(["paper", "--help"])
    shown = capsys.readouterr().out
    assert f"{{{','.join(TABLES)}}}" in shown and "{paper,paper-fast}" in shown


# --- predictions ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def painted(phantom_boxes):
    """An examination whose discs alone are bright in opposed-phase, the first channel of every set."""
    spine = read_spines(phantom_boxes)[0]
    channels = np.full(spine.channels.shape, 10, np.float32)
    channels[spine.discs > 0] = 100
    return replace(spine, channels=channels)


@pytest.mark.parametrize("key", ["stage-2", "two-stage", "conventional", "slices-x", "slices-z", "slices-mean"])
def test_every_system_puts_its_map_back_where_the_disc_is(painted, key):
    system = systems(False)[key]
    networks = {training: Bright() for training in system.trainings}
    mask = prediction.predict(system, networks, painted, ((48, 64), (48, 64), (48, 48)))
    wrong = mask != (painted.discs > 0)
    empty_slices = key.startswith("slices")  # where no disc is, the brightest is the background
    assert mask.shape == painted.discs.shape
    assert (wrong[painted.discs > 0].mean() if empty_slices else wrong.mean() * wrong.size / (painted.discs > 0).sum()) < 0.02


def test_both_stages_see_the_columns_own_grid_and_the_published_boxes(painted):
    localizer, segmenter = Bright(), Bright()
    prediction.two_stages(localizer, segmenter, Inputs(4), painted)
    assert localizer.shapes == [(1, 40, 40, 56, 2)]
    assert segmenter.shapes == [(DISCS, 36, 36, 28, 2)]


def test_a_pipeline_that_finds_nothing_gives_an_empty_map(painted):
    class Nothing:
        def predict_on_batch(self, batch):
            return np.zeros((*batch.shape[:-1], 1), np.float32)

    assert not prediction.two_stages(Nothing(), Nothing(), Inputs(), painted).any()


def test_the_mean_of_three_maps_is_cut_at_half_of_255(painted, monkeypatch):
    values = iter([0.2, 0.4, 0.9, 0.2, 0.4, 0.89])
    monkeypatch.setattr(prediction, "in_slices", lambda *given: np.full(painted.discs.shape, next(values)))
    system = systems(False)["slices-mean"]
    networks = dict.fromkeys(system.trainings)
    assert prediction.predict(system, networks, painted, ((1, 1),) * 3).all()
    assert not prediction.predict(system, networks, painted, ((1, 1),) * 3).any()


def test_a_case_keeps_a_copied_water_and_completes_nothing(painted):
    case = prediction.case_of(painted, Inputs(4, copied_water=True).images(painted.channels))
    assert set(case.channels) == {"opposed_phase", "water"} and not case.derived


# --- trainings -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trainer(painted):
    return Trainer([painted], PAPER, "float32")


def test_one_subject_becomes_four_volumes_with_augmentation_and_stays_one_without(painted, trainer):
    assert [len(trainer.volumes([painted], Training(CONVENTIONAL, augmented=a))) for a in (True, False)] == [4, 1]
    assert trainer.volumes([painted], Training(CONVENTIONAL))[1] is trainer.volumes([painted], Training(CONVENTIONAL))[1]


@pytest.mark.parametrize("training", {t for s in systems(False).values() for t in s.trainings}, ids=lambda t: t.name)
def test_steps_are_counted_for_the_data_that_there_is(painted, trainer, training):
    if training.name == "released-recipe":
        assert trainer.preset_of(training, [painted]).architecture == "unet"
        return
    passes = trainer._passes(training, [painted])
    assert (
        len(passes) == {"s": DISCS, "c": 1}[training.name[0]] * (4 if training.augmented else 1)
        or training.name[:6] == "slices"
    )
    preset = trainer.preset_of(training, [painted])
    assert preset.steps == PAPER.epochs[training.network] * len(passes) // preset.batch
    image, target = passes.sample(0)
    assert image.shape[-1] == preset.parameters["channels"] and image.shape[:-1] == target.shape[:-1]


def test_the_papers_slices_of_all_directions_have_one_size(painted):
    assert set(Trainer([painted], PAPER, "float32").slice_sizes) == {samples.slice_size([painted.discs.shape], (0, 1, 2))}


def test_the_bar_takes_no_credit_for_what_an_earlier_call_did():
    progress = RunProgress(100.0, 20.0)
    report = progress.of_training("a training", steps=10, work=50.0)
    report(4)
    assert (progress.bar.n, progress.bar.initial) == (40.0, 40.0)
    report(10)
    assert (progress.bar.n, progress.bar.initial) == (70.0, 40.0)
    progress.leave_out(30.0)
    assert progress.bar.total == 70.0
    progress.close()


def test_pages_are_written_while_runs_go_on(phantom_boxes, tmp_path, untrained, monkeypatch):
    """Whoever stops the command finds what was finished before."""
    untrained()
    seen = []
    monkeypatch.setattr(reproduce, "judge", lambda system, mask, spine: seen.append(system) or stop(seen, spine))

    def stop(judged, spine):
        if len(judged) > 3:
            raise KeyboardInterrupt
        return [Score(judged[-1], spine.subject, disc, 0.5) for disc in (VOLUME, 1)]

    assert run(phantom_boxes, tmp_path, "--table", "V") == 130
    assert (tmp_path / "scores" / "slices-y-part-1.csv").exists()
    assert "not run (" not in (tmp_path / "paper.md").read_text(encoding="utf-8").split("along y |")[1].splitlines()[0]
