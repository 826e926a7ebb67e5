"""`paper.md`: every table with the paper's figures beside ours, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..atomic import atomic_file
from ..dixon.channels import CHANNELS, PLAIN_NAMES
from ..measure.metrics import weber_contrasts
from . import published
from .inputs import SLICE_CHANNEL
from .presets import CONVENTIONAL, SEGMENTER, SLICES, PaperPreset
from .scores import VOLUME, Score
from .speed import RELEASED
from .spines import HELD_OUT, Spine
from .statistics import INTERVAL, Difference, Summary, paired_difference, summary
from .systems import row_title, rows_of, systems

NOTHING = ""
BASE = {"III": "set 2", "IV": "two stages", "V": "slices along y", "augmentation": "with augmentation"}
"""Table -> what the differences of its rows are to."""


@dataclass(frozen=True)
class Outcome:
    """What is there to be written.

    Attributes:
        preset: The schedule.
        spines: The examinations.
        scores: System -> its scores, where it is finished in every part.
        judged: System -> parts in which it is finished.
        part_count: How many parts there are.
        times: What speed.measure_times gave; empty where nothing was measured.
        failures: Name -> why, of what failed in this call.
        slice_sizes: Rows and columns that slices along x, y and z are padded to.
    """

    preset: PaperPreset
    spines: Sequence[Spine]
    scores: Mapping[str, Sequence[Score]]
    judged: Mapping[str, int]
    part_count: int
    times: Mapping[str, Any]
    failures: Mapping[str, str]
    slice_sizes: tuple[tuple[int, int], ...]


def write_page(path: Path, outcome: Outcome, tables: Sequence[str]) -> None:
    """Write the page.

    Args:
        path: The file.
        outcome: What is there so far.
        tables: Some of systems.TABLES.

    Raises:
        OutputError: The file cannot be written.
    """
    makers = {"I": _table_1, "speed": _speed}
    sections = [_head(outcome)]
    sections += [makers[table](outcome) if table in makers else _dice_table(table, outcome) for table in tables]
    sections.append(_not_compared(outcome))
    if outcome.failures:
        lines = [f"- {name}: {why}" for name, why in outcome.failures.items()]
        sections.append("\n".join(["## Failed in the last call", "", *lines]))
    with atomic_file(path) as temporary:
        temporary.write_text("\n\n".join(sections) + "\n", encoding="utf-8")


def _head(outcome: Outcome) -> str:
    preset, spines = outcome.preset, outcome.spines
    discs = sum(len(spine.centers_ijk) for spine in spines)
    kind = "columns of the published boxes" if spines[0].stacked else "whole volumes"
    length = [
        f"{preset.epochs[network]:,} epochs" if network in preset.epochs else f"{preset.steps[network]:,} steps"
        for network in (SEGMENTER, CONVENTIONAL, SLICES)
    ]
    three, two = preset.learning_rate[SEGMENTER], preset.learning_rate[SLICES]
    rates = f"{three:g}" if three == two else f"{three:g} (2D {two:g})"
    falls = ", falling to a hundredth" if preset.cosine else ""
    window = f" in windows of {preset.window_voxels} voxels along z" if preset.window_voxels else ""
    sizes = " and ".join(sorted({f"{rows} x {columns}" for rows, columns in outcome.slice_sizes}))
    sentences = [
        f"Written by `ivdseg paper --preset {preset.name}`.",
        f"{len(spines)} subjects, {discs} discs, {kind}; {HELD_OUT} subjects held out at a time, {outcome.part_count} parts.",
        f"Adam {rates}{falls}; segmenter {length[0]}, conventional 3D U-Net {length[1]}{window},",
        f"2D {length[2]} of batch {preset.batch[SLICES]}, slices padded to {sizes}.",
        "Dice in per cent; mean ± SD (n - 1). By volume: over subjects, all voxels at once. By disc: over discs.",
        "Surface distances in mm, over discs.",
        f"Differences are of mean Dice, in points, with a {INTERVAL} % interval (bootstrap over subjects).",
    ]
    return f"# The paper's tables: preset `{preset.name}`\n\n{' '.join(sentences)}"


def _table_1(outcome: Outcome) -> str:
    spines = outcome.spines
    discs = np.concatenate([spine.discs.ravel() for spine in spines])[:, None, None]
    flat = {
        name: np.concatenate([s.channels[..., i].ravel() for s in spines])[:, None, None] for i, name in enumerate(CHANNELS)
    }
    rows = []
    for found in weber_contrasts(flat, discs):
        (disc, disc_sd), (around, around_sd), contrast = published.WEBER[found.channel]
        ours = "" if found.contrast is None else f"{found.contrast:.2f}"
        background = "" if found.background_mean is None else f"{found.background_mean:.1f} ± {found.background_sd:.1f}"
        rows.append([
            PLAIN_NAMES[found.channel],
            f"{disc:.1f} ± {disc_sd:.1f}", f"{found.disc_mean:.1f} ± {found.disc_sd:.1f}",
            f"{around:.1f} ± {around_sd:.1f}", background, f"{contrast:.2f}", ours,
        ])  # fmt: skip
    head = ["channel", "discs, paper", "discs", "background, paper", "background", "contrast, paper", "contrast"]
    note = (
        "Intensities as stored. The discs can be compared; the background is that of the boxes, vertebrae and what lies beside "
        "the discs, where the paper's is that of whole volumes, air included, and so the contrasts differ, too."
        if spines[0].stacked
        else "Intensities as stored."
    )
    return _section("Table I: absolute Weber contrast", head, rows, note)


def _dice_table(table: str, outcome: Outcome) -> str:
    titles = {
        "III": "Table III: sets of channels",
        "IV": "Table IV: systems",
        "V": "Table V: 2D, by the direction of the slices",
        "augmentation": "With and without augmentation",
    }
    rows_here = rows_of(table, outcome.preset.localizer_of_each_set)
    known = systems(outcome.preset.localizer_of_each_set)
    base = {"III": rows_here[1][1], "IV": "two-stage", "V": "slices-y", "augmentation": rows_here[0][1]}[table]
    distances_of_paper = table == "IV"
    rows = []
    for row, key in rows_here:
        paper = published.DICE.get((table, row))
        cells = [row_title(table, row, known[key]), _pm(paper, 1)]
        if distances_of_paper:
            cells.append(_pm(published.HAUSDORFF_MM.get(row), 1))
        rows.append([*cells, *_figures(outcome, key, base)])
    if table == "IV":
        rows += [[name, _pm(one, 1), _pm(other, 1), "not run", *[NOTHING] * 6] for name, one, other in published.OTHERS]
    head = ["system" if table != "III" else "channels", "Dice, paper"]
    head += ["HD, paper"] if distances_of_paper else []
    less = BASE[table]
    head += ["Dice by volume", "Dice by disc", "average", "95th percentile", "maximum"]
    head += [f"minus {less}, by volume", f"minus {less}, by disc"]
    return _section(titles[table], head, rows, _note(table, outcome, [key for _, key in rows_here]))


def _figures(outcome: Outcome, key: str, base: str) -> list[str]:
    """Our cells of a row: Dice by volume and disc, three distances, two differences."""
    if key not in outcome.scores:
        missing = f"not run ({outcome.judged.get(key, 0)} of {outcome.part_count} parts)"
        return [missing, *[NOTHING] * 6]
    scores = outcome.scores[key]
    discs = [score for score in scores if score.disc != VOLUME]
    lost = sum(score.average_mm is None for score in discs)
    distances = [
        _of(summary([getattr(score, name) for score in discs]), 1, 2)
        for name in ("average_mm", "percentile_95_mm", "maximum_mm")
    ]
    if lost:
        distances[0] += f" ({lost} without)"
    differences = [NOTHING, NOTHING]
    if key != base and base in outcome.scores:
        differences = [_signed(paired_difference(scores, outcome.scores[base], by_disc)) for by_disc in (False, True)]
    by_volume = summary([score.dice for score in scores if score.disc == VOLUME])
    return [_of(by_volume, 100, 1), _of(summary([s.dice for s in discs]), 100, 1), *distances, *differences]


def _note(table: str, outcome: Outcome, keys: Iterable[str]) -> str:
    """What the table's figures are, and what they are not."""
    stacked = outcome.spines[0].stacked
    where = (
        "Each set has a localizer of its own, as in the paper."
        if outcome.preset.localizer_of_each_set
        else "Boxes at the given centres (stage 2)."
    )
    notes = {
        "III": (
            f"The paper's Table III is by volume. {where} Water is in-phase less fat where the data give no water; the authors "
            "published a copy of in-phase as water."
        ),
        "IV": (
            "The paper's distance of 0.8 mm is an average over surface points, not a maximum: its own published predictions "
            "have an average of 0.61 mm, a 95th percentile of 1.67 mm and a maximum of 4.1 mm."
        ),
        "V": (
            "The mean of the three maps is thresholded at 127.5 of 255. The network sees one channel, "
            f"{PLAIN_NAMES[SLICE_CHANNEL]}. The paper's Table V is by disc; its SD of 67 along z is printed so."
        ),
        "augmentation": "The paper saw no obvious difference in Dice and distance.",
    }
    text = notes[table]
    if stacked and table in ("IV", "V"):
        text += (
            " Columns of boxes hold neither air nor the rest of the body: the conventional 3D U-Net, the 2D network and stage "
            "1 have an easier task than in the paper."
        )
    if "released-recipe" in keys:
        text += (
            " The released recipe is the training of the released model's segmenter on the subjects of this table alone and on "
            "phantoms, all four channels; the released model itself has seen every subject."
        )
    return text


def _speed(outcome: Outcome) -> str:
    if not outcome.times:
        return _section("Speed", ["system"], [], "Not measured.")
    known = systems(outcome.preset.localizer_of_each_set)
    seconds = outcome.times["seconds"]
    rows = [
        [known[key].title, published.TIMES_S.get(row, NOTHING), f"{seconds[key]:.2f}" if key in seconds else "not run"]
        for row, key in rows_of("speed", outcome.preset.localizer_of_each_set)
    ]
    rows.append([f"released model, as it is shipped, on {outcome.times['engine']}", NOTHING, f"{seconds[RELEASED]:.2f}"])
    size = " x ".join(str(n) for n in outcome.times["size"])
    note = f"One volume of {size} voxels, warm, median of three, on {outcome.times['machine']}."
    note += " The paper's networks run on TensorFlow."
    return _section("Speed", ["system", "paper, s", "ours, s"], rows, note)


def _not_compared(outcome: Outcome) -> str:
    lines = ["## What cannot be compared, and why", ""]
    lines.append("- UNICHK and UNIJLU were measured on the test data of the challenge of 2015; their figures are quoted.")
    lines.append("- Which two of its eight subjects the paper tests on is not said; here every subject is held out once.")
    if outcome.spines[0].stacked:
        lines.append(
            "- The published boxes hold no whole volume: what sees more than a box runs on a subject's boxes, stacked along z."
        )
    if outcome.preset.epochs:
        return "\n".join(lines)
    lines.append(
        f"- The schedule `{outcome.preset.name}` is not the paper's: a higher rate and fewer steps. Its figures say how the "
        "systems compare when all are trained briefly."
    )
    return "\n".join(lines)


def _section(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], note: str) -> str:
    table = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    return "\n".join([f"## {title}", "", *(table if rows else []), *([""] if rows else []), note])


def _pm(values: tuple[float, float] | None, digits: int) -> str:
    return NOTHING if values is None else f"{values[0]:.{digits}f} ± {values[1]:.{digits}f}"


def _of(values: Summary, factor: float, digits: int) -> str:
    if values.mean is None:
        return NOTHING
    spread = "" if values.sd is None else f" ± {factor * values.sd:.{digits}f}"
    return f"{factor * values.mean:.{digits}f}{spread}"


def _signed(difference: Difference) -> str:
    mean, low, high = (f"{100 * value:+.1f}" for value in (difference.mean, difference.low, difference.high))
    return f"{mean} ({low} to {high})"
