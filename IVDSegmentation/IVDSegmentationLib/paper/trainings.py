"""One training in one part of the subjects: its data, made beforehand, and the loop that all trainings share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from ..training.loop import train_network
from ..training.presets import SEGMENTER as RELEASED_SEGMENTER
from ..training.presets import Preset
from ..training.scans import phantom_scan
from ..training.segmenter_samples import SegmenterSamples
from .augmentation import COPIES, augmented
from .presets import CONVENTIONAL, SEGMENTER, PaperPreset
from .progress import WORK_PER_VOXEL
from .samples import BoxPasses, Passes, SlicePasses, VolumePasses, slice_size
from .spines import Spine
from .systems import RECIPE, Training

if TYPE_CHECKING:
    import keras


class Trainer:
    """Trains on examinations whose augmented copies are made once, where a training first needs them."""

    def __init__(self, spines: Sequence[Spine], preset: PaperPreset, precision: str) -> None:
        """Take the examinations.

        Args:
            spines: All of them, held-out ones too, which decide about the size of slices.
            preset: The schedule.
            precision: What to compute in, `float32` or `bfloat16`.
        """
        self.preset = preset
        self.precision = precision
        shapes = [spine.discs.shape for spine in spines]
        one = slice_size(shapes, (0, 1, 2))
        self.slice_sizes = tuple(one if preset.one_slice_size else slice_size(shapes, (axis,)) for axis in range(3))
        self.shapes = {spine.subject: spine.discs.shape for spine in spines}
        self.boxes = {spine.subject: len(spine.centers_ijk) for spine in spines}
        self._copies: dict[tuple[str, int], Spine] = {}

    def volumes(self, spines: Sequence[Spine], training: Training) -> list[Spine]:
        """The volumes of a training: 6 become 24.

        Args:
            spines: The subjects to train on.
            training: The training.

        Returns:
            The originals and, where the training is augmented, COPIES augmented copies of each.
        """
        found = list(spines)
        for spine in spines if training.augmented else ():
            for copy in range(1, COPIES + 1):
                key = (spine.subject, copy)
                if key not in self._copies:
                    self._copies[key] = augmented(spine, copy)
                found.append(self._copies[key])
        return found

    def preset_of(self, training: Training, spines: Sequence[Spine]) -> Preset:
        """What the training loop is given.

        Args:
            training: The training.
            spines: The subjects to train on.

        Returns:
            Its preset, with the number of steps that the schedule has for so much data.
        """
        if training.network == RECIPE:
            return replace(RELEASED_SEGMENTER["default"], precision=self.precision)
        per_subject = {
            SEGMENTER: self.boxes,
            CONVENTIONAL: dict.fromkeys(self.boxes, 1),
        }.get(training.network, {subject: shape[training.axis] for subject, shape in self.shapes.items()})
        count = sum(per_subject[spine.subject] for spine in spines) * (1 + COPIES * training.augmented)
        channels = len(training.inputs.channels) if training.network in (SEGMENTER, CONVENTIONAL) else 1
        return replace(self.preset.training(training.network, channels, count), precision=self.precision)

    def work(self, training: Training, spines: Sequence[Spine]) -> float:
        """What a training costs, in a unit that all trainings share.

        Args:
            training: The training.
            spines: The subjects to train on.

        Returns:
            Million multiplications.
        """
        preset = self.preset_of(training, spines)
        voxels: float = 36 * 36 * 28
        if training.network == CONVENTIONAL:
            sizes = [self.shapes[spine.subject] for spine in spines]
            voxels = max(x * y * min(z, self.preset.window_voxels or z) for x, y, z in sizes)
        elif training.network not in (SEGMENTER, RECIPE):
            rows, columns = self.slice_sizes[training.axis]
            voxels = rows * columns
        return preset.steps * preset.batch * voxels * WORK_PER_VOXEL[training.network]

    def train(
        self, training: Training, spines: Sequence[Spine], folder: Path, seed: int, progress: Callable[[int], None]
    ) -> keras.Model:
        """Train, or go on where an earlier call was stopped.

        Args:
            training: The training.
            spines: The subjects to train on.
            folder: Its own; receives checkpoints, log and weights.
            seed: Of samples and initial weights.
            progress: Called with the number of steps done.

        Returns:
            The trained network, float32.

        Raises:
            TrainingError: The training diverged.
        """
        preset = self.preset_of(training, spines)
        if training.network == RECIPE:
            scans = [scan for spine in spines for scan in spine.scans]
            phantoms = (phantom_scan(number) for number in range(1, preset.phantoms + 1))
            return train_network(SegmenterSamples(chain(scans, phantoms), preset), preset, folder, seed, progress=progress)
        return train_network(self._passes(training, spines), preset, folder, seed, progress=progress)

    def _passes(self, training: Training, spines: Sequence[Spine]) -> Passes:
        """The samples of one of the paper's trainings."""
        volumes = self.volumes(spines, training)
        if training.network == SEGMENTER:
            return BoxPasses(volumes, training.inputs)
        if training.network == CONVENTIONAL:
            return VolumePasses(volumes, training.inputs, self.preset.window_voxels)
        return SlicePasses(volumes, training.axis, self.slice_sizes[training.axis])
