"""The rest of a person around the phantom's trunk: limbs, head, air beside them, and a structure that resembles a spine."""

from __future__ import annotations

import numpy as np

from .canvas import CORTICAL, DISC, FAT, MARROW, MUSCLE, ORGAN, SKIN, Canvas, ramp
from .disc import PhantomDisc
from .signals import Signals

_LADDER_PLATES = 7
"""Of the structure that resembles a spine: fewer than a spine has."""


class WholeBody:
    """Paints what lies around the trunk, over what the trunk's own painting left there. All positions are LPS mm."""

    def __init__(
        self, canvas: Canvas, spine: list[PhantomDisc], signals: Signals, texture: np.ndarray, rng: np.random.Generator
    ) -> None:
        """Place the body around a spine.

        Args:
            canvas: With the trunk already painted.
            spine: Discs and sacral remnants, caudal to cranial.
            signals: Of the tissues.
            texture: Random field [x, y, z] of the canvas, mean 0, SD 1.
            rng: Source of what is left to chance.
        """
        self.canvas, self.signals, self.texture, self.rng = canvas, signals, texture, rng
        by_index = {disc.index: disc for disc in spine}
        lowest, highest = by_index[0].center_mm, spine[-1].center_mm
        self.x, self.y, self.z = canvas.coordinates((slice(None), slice(None), slice(None)))
        self.middle_x, self.middle_y = float(lowest[0]), float(lowest[1]) - 45.0
        self.hip_z, self.neck_z = float(lowest[2]) - 90.0, float(highest[2]) + 15.0

    def paint(self) -> None:
        """Cut the trunk to its outline, then paint legs, arms, neck, head and the ladder."""
        self._trunk()
        for side in (-1.0, 1.0):
            self._limb((self.middle_x + side * 95, self.middle_y), 70.0, 14.0, (-np.inf, self.hip_z + 10))
            self._limb((self.middle_x + side * 215, self.middle_y + 10), 36.0, 10.0, (self.hip_z - 40, self.neck_z - 25))
        self._limb((self.middle_x, self.middle_y + 20), 55.0, 22.0, (self.neck_z - 5, self.neck_z + 110))
        head = ((self.x - self.middle_x) / 75) ** 2 + ((self.y - self.middle_y) / 95) ** 2
        head = (1 - np.sqrt(head + ((self.z - self.neck_z - 190) / 110) ** 2)) * 75
        self._paint(ramp(head), SKIN, self.signals.skin, 0.1)
        self._paint(ramp(head - 6), CORTICAL, 0.1, 0.05)
        self._paint(ramp(head - 12), ORGAN, 0.9 * (1 + 0.1 * self.texture), 0.02)
        self._ladder()

    def _paint(self, share: np.ndarray, tissue: int, water: float | np.ndarray, fat: float | np.ndarray) -> None:
        whole = (slice(None), slice(None), slice(None))
        self.canvas.paint(whole, np.broadcast_to(share, self.canvas.size).astype(np.float32), tissue, water, fat)

    def _trunk(self) -> None:
        """Nothing beyond an elliptic outline between hip and neck; 3 mm of skin along it."""
        outline = np.sqrt(((self.x - self.middle_x) / 168) ** 2 + ((self.y - self.middle_y) / 150) ** 2)
        depth = np.minimum((1 - outline) * 150, np.minimum(self.z - self.hip_z, self.neck_z - self.z))
        inside = ramp(depth)
        self.canvas.water *= inside
        self.canvas.fat *= inside
        self.canvas.tissue[np.broadcast_to(inside < 0.5, self.canvas.size)] = 0

    def _limb(self, axis_mm: tuple[float, float], radius_mm: float, bone_mm: float, ends_mm: tuple[float, float]) -> None:
        """An upright cylinder of skin, fat, muscle with its septa, and a long bone with marrow."""
        ends = np.minimum(self.z - ends_mm[0], ends_mm[1] - self.z)
        from_axis = np.hypot(self.x - axis_mm[0], self.y - axis_mm[1])
        depth = np.minimum(radius_mm - from_axis, ends)
        self._paint(ramp(depth), SKIN, self.signals.skin, 0.1)
        self._paint(ramp(depth - 2.5), FAT, 0.12 * self.signals.fat, self.signals.fat)
        streaks = np.clip(self.texture - 0.8, 0, 1)
        self._paint(
            ramp(depth - 2.5 - self.rng.uniform(4, 14)), MUSCLE, self.signals.muscle * (1 - 0.7 * streaks), 0.08 + streaks
        )
        bone = np.minimum(bone_mm - from_axis, ends)
        self._paint(ramp(bone), CORTICAL, 0.1, 0.05)
        water, fat = self.signals.marrow
        self._paint(ramp(bone - 4), MARROW, 0.5 * water, 1.5 * fat)

    def _ladder(self) -> None:
        """A straight column of bright plates between dark-rimmed blocks, in a thigh: as large as discs and as far apart."""
        x_mm, y_mm = self.middle_x + self.rng.choice((-1.0, 1.0)) * 95, self.middle_y - 25
        step = self.rng.uniform(28, 36)
        low = self.hip_z - 40 - step * (_LADDER_PLATES + 1)
        radius = np.sqrt(((self.x - x_mm) / 22) ** 2 + ((self.y - y_mm) / 17) ** 2)
        rim = (1 - radius) * 17
        within = np.minimum(rim, np.minimum(self.z - low, low + step * (_LADDER_PLATES + 1) - self.z))
        self._paint(ramp(within), CORTICAL, 0.1, 0.05)
        self._paint(ramp(within - 1.5), MARROW, *self.signals.marrow)
        for plate in range(1, _LADDER_PLATES + 1):
            height = self.rng.uniform(7, 11) / 2 - np.abs(self.z - low - plate * step)
            self._paint(ramp(np.minimum(rim, height + 1.5)), CORTICAL, 0.1, 0.05)
            self._paint(ramp(np.minimum(rim, height)), DISC, self.rng.uniform(0.7, 1.0), 0.05)
