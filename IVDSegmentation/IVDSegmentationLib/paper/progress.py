"""One progress bar over all trainings of a run, in the work that they hold, with the time left."""

from __future__ import annotations

from collections.abc import Callable

from .presets import CONVENTIONAL, SEGMENTER, SLICES
from .systems import RECIPE

WORK_PER_VOXEL = {SEGMENTER: 0.21, CONVENTIONAL: 0.93, SLICES: 0.77, RECIPE: 0.048}
"""Million multiplications of a network's convolutions for one voxel or pixel of its input: the size of every kernel, divided by
8 (2D: by 4) for each pooling before it. The time of a step is nearly in proportion."""


class RunProgress:
    """The bar."""

    def __init__(self, total: float, done: float) -> None:
        """Show it.

        Args:
            total: Work of all trainings.
            done: Work of those that an earlier call finished.
        """
        from tqdm import tqdm

        self.bar = tqdm(
            total=total,
            initial=done,
            bar_format="{desc}{percentage:.1f} %|{bar}| {elapsed} passed, {remaining} left",
            dynamic_ncols=True,
        )

    def of_training(self, title: str, steps: int, work: float) -> Callable[[int], None]:
        """What a training tells how far it is.

        Args:
            title: Of the training.
            steps: How many it has.
            work: What all of them cost.

        Returns:
            To be called with the number of steps done: first where the training begins or resumes, then as it goes on.
        """
        self.bar.set_description(title)
        done = -1

        def report(now: int) -> None:
            nonlocal done
            if done < 0:  # what an earlier call did says nothing about the speed of this one
                self.bar.initial += work * now / steps
            self.bar.update(work * (now - max(done, 0)) / steps)
            done = now

        return report

    def leave_out(self, work: float) -> None:
        """Leave out a training that failed.

        Args:
            work: What it would have cost.
        """
        self.bar.total -= work
        self.bar.refresh()

    def say(self, text: str) -> None:
        """Show a line above the bar.

        Args:
            text: The line.
        """
        self.bar.write(text, file=self.bar.fp)

    def close(self) -> None:
        """Leave the bar as it is."""
        self.bar.close()
