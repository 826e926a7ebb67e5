"""`ivdseg paper`: trains what is missing, part by part, judges it on the held-out subjects, and writes the tables."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..atomic import atomic_file
from ..errors import InputError, TrainingError
from ..networks.tensorflow_setup import import_tensorflow
from ..training.calibration import check_matplotlib
from ..training.loop import load_trained
from ..training.precision import training_precision
from .figures import write_figures
from .page import Outcome, write_page
from .prediction import predict
from .presets import PaperPreset
from .progress import RunProgress
from .scores import Score, judge, read_scores, write_scores
from .speed import measure_times
from .spines import Spine, parts, read_spines
from .systems import System, Training, wanted
from .trainings import Trainer

if TYPE_CHECKING:
    import keras

PAGE, ROWS, FIGURES, RECORD, TIMES = "paper.md", "paper.csv", "figures", "run.json", "times.json"


@dataclass
class Run:
    """What a call works on.

    Attributes:
        folder: Of all runs.
        spines: The examinations.
        trainer: What trains.
        progress: The bar.
        failures: What failed, in a sentence each, by the folder of its training or prediction.
    """

    folder: Path
    spines: list[Spine]
    trainer: Trainer
    progress: RunProgress
    failures: dict[str, str] = field(default_factory=dict)


def training_folder(folder: Path, training: Training, part: int) -> Path:
    """Where a training is.

    Args:
        folder: Of all runs.
        training: The training.
        part: Which part is held out.

    Returns:
        Its folder.
    """
    return folder / "trainings" / training.name / f"part-{part}"


def is_finished(folder: Path) -> bool:
    """Whether a training is finished.

    Args:
        folder: Its own.

    Returns:
        Whether its weights are there, which are written last.
    """
    return (folder / "weights.npz").exists()


def scores_file(folder: Path, system: System, part: int) -> Path:
    """Where the scores of a system are.

    Args:
        folder: Of all runs.
        system: The system.
        part: Which part was held out.

    Returns:
        The CSV file.
    """
    return folder / "scores" / f"{system.key}-part-{part}.csv"


def reproduce(data: Path, preset: PaperPreset, tables: Sequence[str], folder: Path) -> dict[str, str]:
    """Make tables of the paper.

    Args:
        data: Data folder (spines.read_spines).
        preset: The schedule.
        tables: Keys of systems.TABLES.
        folder: Receives everything: PAGE, ROWS, FIGURES, trainings with their checkpoints, and scores. A later call resumes
            what is there; it may ask for other tables.

    Returns:
        What failed: its name -> why. Everything else is done then.

    Raises:
        InputError: There is no data, matplotlib is missing, or the folder holds runs of another preset, schedule or subjects.
        OutputError: The folder cannot be written.
    """
    check_matplotlib()
    spines = read_spines(data)
    # It warns of every further network that its graph is built anew, through the bar.
    import_tensorflow().get_logger().setLevel("ERROR")
    folder.mkdir(parents=True, exist_ok=True)
    _check_record(folder, preset, spines)
    precision, _ = training_precision(preset.precision)
    trainer = Trainer(spines, preset, precision)
    systems = wanted(tables, preset.localizer_of_each_set)
    jobs = _jobs(systems, spines)
    work = [trainer.work(training, learning) for training, _, learning in jobs]
    done = [is_finished(training_folder(folder, training, part)) for training, part, _ in jobs]
    progress = RunProgress(sum(work), sum(w for w, d in zip(work, done, strict=True) if d))
    run = Run(folder, spines, trainer, progress)
    try:
        for system in systems:
            _write_page(run, preset, tables, systems)
            for part, (learning, held_out) in enumerate(parts(spines)):
                _score(run, system, part, learning, held_out)
        if "speed" in tables:
            _measure(run, wanted(["speed"], preset.localizer_of_each_set))
    finally:
        progress.close()
    write_figures(folder / FIGURES, _write_page(run, preset, tables, systems), tables)
    return run.failures


def _jobs(systems: Sequence[System], spines: Sequence[Spine]) -> list[tuple[Training, int, list[Spine]]]:
    """Every training of the systems once: with the part that is held out, and the subjects to train on."""
    found: dict[tuple[Training, int], list[Spine]] = {}
    for system in systems:
        for part, (learning, _) in enumerate(parts(spines)):
            for training in system.trainings:
                found[training, part] = learning
    return [(training, part, learning) for (training, part), learning in found.items()]


def _check_record(folder: Path, preset: PaperPreset, spines: Sequence[Spine]) -> None:
    """Keep runs of one preset and the same subjects together, and others apart."""
    schedule = asdict(preset)  # which another version may have changed under the same name
    mine = {"preset": preset.name, "schedule": schedule, "subjects": [spine.subject for spine in spines]}
    path = folder / RECORD
    if not path.exists():
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(mine) + "\n", encoding="utf-8")
        return
    theirs: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    for name, value in mine.items():
        if theirs.get(name) != value:
            raise InputError(f"{folder.name} holds runs of another {name.removesuffix('s')}: choose another folder with -o")


def _score(run: Run, system: System, part: int, learning: Sequence[Spine], held_out: Sequence[Spine]) -> None:
    """Train what a system needs in one part and judge it there, unless that is done; what fails is noted."""
    target = scores_file(run.folder, system, part)
    if target.exists():
        return
    networks: dict[Training, keras.Model] = {}
    for training in system.trainings:
        folder = training_folder(run.folder, training, part)
        name = f"{training.name}, part {part}"
        if name in run.failures:
            return
        if not _train(run, training, part, learning, name):
            return
        networks[training] = load_trained(folder)
    name = f"{system.key}, part {part}"
    try:
        scores: list[Score] = []
        for spine in held_out:
            scores += judge(system.key, predict(system, networks, spine, run.trainer.slice_sizes), spine)
    except Exception as error:
        _note(run, name, error)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    write_scores(target, scores)


def _train(run: Run, training: Training, part: int, learning: Sequence[Spine], name: str) -> bool:
    """Whether a training is finished, after training it where it was not. One run's failure must not lose the others."""
    folder = training_folder(run.folder, training, part)
    if is_finished(folder):
        return True
    work, steps = run.trainer.work(training, learning), run.trainer.preset_of(training, learning).steps
    try:
        run.trainer.train(training, learning, folder, part, run.progress.of_training(name, steps, work))
    except Exception as error:
        if isinstance(error, TrainingError):  # nothing of it is worth going on from
            shutil.rmtree(folder, ignore_errors=True)
        run.progress.leave_out(work)
        _note(run, name, error)
        return False
    return True


def _note(run: Run, name: str, error: Exception) -> None:
    """Note a failure."""
    run.failures[name] = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
    run.progress.say(f"{name} failed: {run.failures[name]}")


def _measure(run: Run, systems: Sequence[System]) -> None:
    """Measure the times of the systems whose networks of the first part are trained."""
    _, held_out = parts(run.spines)[0]
    ready = {}
    for system in systems:
        folders = {training: training_folder(run.folder, training, 0) for training in system.trainings}
        if all(is_finished(folder) for folder in folders.values()):
            ready[system] = {training: load_trained(folder) for training, folder in folders.items()}
    try:
        times = measure_times(ready, held_out[0], run.trainer.slice_sizes)
    except Exception as error:
        _note(run, "times", error)
        return
    with atomic_file(run.folder / TIMES) as temporary:
        temporary.write_text(json.dumps(times, indent=2) + "\n", encoding="utf-8")


def _write_page(run: Run, preset: PaperPreset, tables: Sequence[str], systems: Sequence[System]) -> Outcome:
    """Write the page and the rows of what is there so far."""
    count = len(parts(run.spines))
    scores: dict[str, list[Score]] = {}
    judged: dict[str, int] = {}
    for system in systems:
        files = [path for part in range(count) if (path := scores_file(run.folder, system, part)).exists()]
        judged[system.key] = len(files)
        if len(files) == count:
            scores[system.key] = [score for path in files for score in read_scores(path)]
    times = json.loads((run.folder / TIMES).read_text(encoding="utf-8")) if (run.folder / TIMES).exists() else {}
    outcome = Outcome(preset, run.spines, scores, judged, count, times, run.failures, tuple(run.trainer.slice_sizes))
    write_page(run.folder / PAGE, outcome, tables)
    write_scores(run.folder / ROWS, [score for rows in scores.values() for score in rows])
    return outcome
