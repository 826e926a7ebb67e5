"""What surrounds the phantom's spine and follows its curve: trunk, organs, muscles, canal, arches, vessels."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from ..images.random_field import smooth_field
from .canvas import (
    AIR,
    CORD,
    CORTICAL,
    CSF,
    FAT,
    GAS,
    LIGAMENT,
    MARROW,
    MUSCLE,
    ORGAN,
    SKIN,
    VESSEL,
    Box,
    Canvas,
    ramp,
)
from .disc import PhantomDisc
from .signals import Signals


@dataclass(frozen=True)
class Course:
    """The spine as functions of z: one value for every voxel along z, float32.

    Attributes:
        x: Its middle, mm.
        back: The y of its back wall, mm.
        half_width: Half its width, mm.
        half_depth: Half its depth, mm.
        level: Continuous disc index, 0 at the lowest disc, negative in the sacrum.
        stretch: How much longer than its true thickness a horizontal cut through the inclined canal is, >= 1.
    """

    x: np.ndarray
    back: np.ndarray
    half_width: np.ndarray
    half_depth: np.ndarray
    level: np.ndarray
    stretch: np.ndarray

    @classmethod
    def along(cls, spine: list[PhantomDisc], z: np.ndarray) -> Course:
        """The course of a spine.

        Args:
            spine: Its discs, caudal to cranial.
            z: Positions in mm, rising.

        Returns:
            The course at these positions, interpolated between the discs.
        """
        walls = np.array([disc.center_mm + disc.axes[1] * disc.half_depth_mm for disc in spine])
        # The back wall of a steep sacrum may fold over; a course is a function of z.
        heights = np.maximum.accumulate(walls[:, 2] + np.arange(len(walls)) * 1e-3)

        def follow(values: np.ndarray) -> np.ndarray:
            return np.interp(z, heights, values).astype(np.float32)

        smooth = np.ones(9) / 9
        back = np.convolve(np.pad(follow(walls[:, 1]), 4, mode="edge"), smooth, mode="valid")
        slope = np.abs(np.gradient(back, z))
        return cls(
            x=follow(walls[:, 0]),
            back=back.astype(np.float32),
            half_width=follow(np.array([disc.half_width_mm for disc in spine])),
            half_depth=follow(np.array([disc.half_depth_mm for disc in spine])),
            level=follow(np.array([float(disc.index) for disc in spine])),
            stretch=np.sqrt(1 + np.minimum(slope, 2) ** 2).astype(np.float32),
        )


class Surroundings:
    """Paints everything but bodies and discs.

    Attributes:
        coarse: Random field [x, y, z] of large structures, such as bowel loops.
        fine: Random field [x, y, z] of the tissues' grain.
    """

    def __init__(self, canvas: Canvas, spine: list[PhantomDisc], signals: Signals, rng: np.random.Generator) -> None:
        """Draw the random fields, and follow the spine.

        Args:
            canvas: What to paint on.
            spine: The discs and the sacral remnants, caudal to cranial.
            signals: Water and fat of the tissues.
            rng: The phantom's generator.
        """
        self.canvas, self.spine, self.signals, self.rng = canvas, spine, signals, rng
        x, y, z = canvas.axes_mm
        self.course = course = Course.along(spine, z)
        self.x = x[:, None, None] - course.x[None, None, :]
        self.y = y[None, :, None] - course.back[None, None, :]
        self.all: Box = (slice(None), slice(None), slice(None))
        self.coarse = smooth_field(rng, canvas.size, canvas.spacing_mm.tolist(), rng.uniform(12, 34))
        self.fine = smooth_field(rng, canvas.size, canvas.spacing_mm.tolist(), rng.uniform(4, 6))

    def paint(self) -> None:
        """Paint all of it, from the trunk inwards: what comes later covers what came before."""
        self._trunk()
        self._abdomen()
        self._back_muscles()
        self._side_muscles()
        self._vessels()
        self._posterior_elements()
        self._canal()

    def _rows(self, low: np.ndarray | float, high: np.ndarray | float) -> Box:
        """All x and z, and the rows where y' (behind the back wall, mm) may lie between low and high."""
        y, back = self.canvas.axes_mm[1], self.course.back
        first = int(np.searchsorted(y, np.min(back + low) - 3))
        last = int(np.searchsorted(y, np.max(back + high) + 3))
        return (slice(None), slice(first, max(last, first)), slice(None))

    def _trunk(self) -> None:
        """Subcutaneous and visceral fat within the skin; the back is furrowed over the spine and follows it."""
        rng, canvas, course = self.rng, self.canvas, self.course
        _, y, z = canvas.axes_mm
        self.fat_thickness = rng.uniform(6, 32)
        smooth_back = course.back.mean() + 0.6 * (course.back - course.back.mean())
        furrow = rng.uniform(0, 10) * np.exp(-((self.x / rng.uniform(12, 22)) ** 2))
        self.back_skin = smooth_back + rng.uniform(50, 62) + self.fat_thickness - furrow - (self.x / 60) ** 2 * 10
        belly = rng.uniform(105, 170) + rng.uniform(-10, 25) * np.sin(z / 130 + rng.uniform(0, 6))
        self.front_skin = (course.back.mean() - 30 - belly)[None, None, :] + (self.x / 60) ** 2 * 6
        y = y[None, :, None]
        depth = np.minimum(self.back_skin - y, y - self.front_skin)
        inside = ramp(depth)
        canvas.paint(self.all, inside, FAT, 0.12 * self.signals.fat, self.signals.fat * (1 + 0.05 * self.fine))
        skin = ramp(depth) * ramp(np.float32(rng.uniform(1.2, 2.5)) - depth)
        canvas.paint(self.all, skin, SKIN, self.signals.skin, 0.1)

    def _abdomen(self) -> None:
        """In front of the spine: abdominal wall, bowel loops with gas, organs, lung above the diaphragm."""
        rng, canvas, signals = self.rng, self.canvas, self.signals
        y, z = canvas.axes_mm[1][None, :, None], canvas.axes_mm[2][None, None, :]
        last = int(np.searchsorted(canvas.axes_mm[1], self.course.back.max() - 20))
        box = (slice(None), slice(0, last), slice(None))
        y = y[:, :last]
        coarse, fine = self.coarse[box], self.fine[box]
        wall = self.front_skin + self.fat_thickness * rng.uniform(0.5, 1.5)
        spine_front = self.y[:, :last] + 2 * self.course.half_depth + np.float32(rng.uniform(3, 12))
        inner = np.minimum(y - wall, -spine_front)
        thickness = np.float32(rng.uniform(6, 14))
        canvas.paint(box, ramp(y - wall) * ramp(thickness - (y - wall)), MUSCLE, signals.muscle, 0.1)
        cavity = ramp(inner - thickness)
        loops = cavity * ramp((coarse - np.float32(rng.uniform(-1.2, 0.5))) * np.float32(rng.uniform(0.8, 4)))
        canvas.paint(
            box, loops, ORGAN, signals.organ * (1 + np.float32(rng.uniform(0.05, 0.25)) * fine), rng.uniform(0.05, 0.4)
        )
        diaphragm = np.interp(rng.uniform(6.2, 8.5), self.course.level, canvas.axes_mm[2]) + 0.3 * (y - y.mean())
        liver_side = ramp((-self.x - np.float32(rng.uniform(-10, 40))) / 2)
        below = z - diaphragm
        liver = cavity * ramp(-below) * ramp(below + np.float32(rng.uniform(30, 110))) * liver_side
        canvas.paint(box, liver, ORGAN, signals.organ * rng.uniform(0.8, 1.3) * (1 + 0.04 * fine), 0.06)
        lung = cavity * ramp(below) * ramp((np.abs(self.x + 5) - np.float32(rng.uniform(5, 35))) / 2)
        canvas.paint(box, lung, AIR, 0.06, 0.02)
        gas = loops * ramp((0.35 * fine + coarse - np.float32(rng.uniform(1.2, 2.6))) * 4) * ramp(-below)
        canvas.paint(box, gas, GAS, 0.0, 0.0)

    def _back_muscles(self) -> None:
        """Erector spinae and multifidus within their fascia, with streaks of fat that grow towards the sacrum."""
        rng, signals, course = self.rng, self.signals, self.course
        box = self._rows(5, 60)
        xs, ys = self.x, self.y[:, box[1]]
        y = self.canvas.axes_mm[1][None, box[1], None]
        # The muscles thin out over the sacrum.
        sacral = np.clip(-course.level, 0, 2) * np.float32(rng.uniform(8, 16))
        fascia = self.back_skin - self.fat_thickness * (1 - 0.5 * np.exp(-((xs / 25) ** 2))) - y - sacral
        bed = ys - 8 - 0.25 * np.abs(xs)
        depth = np.minimum(np.minimum(fascia, bed), (np.abs(xs) - np.float32(rng.uniform(2, 4))))
        infiltration = signals.muscle_fat * np.clip(1.2 - 0.2 * course.level, 0.1, 1.6)
        streaks = np.clip((self.fine[box] + 0.5 * self.coarse[box] - 0.6) * infiltration, 0, 0.9)
        water = signals.muscle * (1 - streaks) * (1 + 0.04 * self.fine[box])
        self.canvas.paint(box, ramp(depth), MUSCLE, water, 0.05 + signals.fat * streaks)

    def _side_muscles(self) -> None:
        """Psoas, growing downward and hugging the spine, and quadratus lumborum behind it."""
        rng, signals, course = self.rng, self.signals, self.course
        box = self._rows(-55, 20)
        xs, ys = self.x, self.y[:, box[1]]
        bulk = rng.uniform(0.75, 1.3)
        growth = np.clip((5.6 - course.level) / 4.5, 0, 1.1)
        radius = np.maximum(growth * 19 * bulk, 0.5).astype(np.float32)
        drift = np.float32(rng.uniform(2, 5))
        for side in (-1, 1):
            across = side * xs - course.half_width - 0.6 * radius - np.clip(-course.level, 0, 3) * 8
            along = ys + course.half_depth + np.clip(1.5 - course.level, -1, 3) * drift
            psoas = (1 - np.sqrt(across**2 + (along / 1.35) ** 2) / radius) * radius
            water = signals.muscle * (1 + 0.05 * self.fine[box])
            self.canvas.paint(box, ramp(psoas) * (growth > 0.03), MUSCLE, water, 0.06)
            quadratus = np.minimum(7 - np.abs(ys - 4), side * xs - course.half_width - 6)
            self.canvas.paint(box, ramp(quadratus) * ramp(course.level * 2), MUSCLE, water, 0.08)

    def _vessels(self) -> None:
        """Aorta and vena cava in front of the spine, each forked near L4-L5."""
        rng, course = self.rng, self.course
        gap = np.float32(rng.uniform(8, 13))
        box = self._rows(-65, -10)
        xs, ys = self.x, self.y[:, box[1]] + 2 * course.half_depth + gap
        # The aorta forks near L4-L5, the vena cava a little lower; above the diaphragm the cava leaves the spine.
        fork = np.clip(rng.uniform(0.8, 1.6) - course.level, 0, 3).astype(np.float32) * 14
        for middle, radius in ((rng.uniform(2, 10), rng.uniform(6, 10)), (rng.uniform(-18, -9), rng.uniform(7, 11))):
            shine, wander = rng.uniform(0.1, 1.6), rng.uniform(-3, 3) * np.sin(course.level + rng.uniform(0, 6))
            narrow = np.where(fork > 0, 0.65 * radius, radius).astype(np.float32)
            for branch in (-1, 1):
                x = xs - middle - branch * fork - wander.astype(np.float32)
                squash = np.float32(rng.uniform(0.9, 1.3) if middle < 0 else 1)
                inside = narrow - np.sqrt(x**2 + (ys * squash) ** 2)
                self.canvas.paint(box, ramp(inside), VESSEL, shine, 0.03)
                if not fork.any():
                    break

    def _posterior_elements(self) -> None:
        """Pedicles, facets, laminae, spinous processes, sacral wings; foramina, roots and ligaments between."""
        rng, canvas, signals = self.rng, self.canvas, self.signals
        water, fat = signals.marrow
        root_water, length = rng.uniform(0.5, 1.1), rng.uniform(0.85, 1.15)
        # Fat of the foramina and of the epidural space behind the thecal sac, ligaments on the midline.
        box = self._rows(-6, 62)
        xs, ys = self.x, self.y[:, box[1]]
        canvas.paint(box, ramp(24 - np.abs(xs)) * ramp(13 - np.abs(ys - 9)), FAT, 0.12 * signals.fat, signals.fat)
        ligament = ramp(1.8 - np.abs(xs)) * ramp(15 - np.abs(ys - 34))
        streaky = signals.ligament * (1 + 0.5 * self.fine[box])
        canvas.paint(box, 0.8 * ligament, LIGAMENT, streaky, 0.4 * signals.fat)
        for below, above in itertools.pairwise(self.spine):
            sacral = above.index <= 0
            up = above.center_mm - below.center_mm
            center = (below.center_mm + above.center_mm) / 2 + above.axes[1] * above.half_depth_mm
            height = float(np.linalg.norm(up))
            reach = np.array([34.0, 58.0, 44.0])
            part = canvas.box(center + above.axes[1] * 22, reach)
            if 0 in canvas.water[part].shape:
                continue
            x, y, z = canvas.coordinates(part)
            axes = ((below.axes + above.axes) / 2).astype(np.float32)
            x, y, z = (grid - np.float32(middle) for grid, middle in zip((x, y, z), center, strict=True))
            a, b, c = (x * axis[0] + y * axis[1] + z * axis[2] for axis in axes)
            size = (0.55 if sacral else 1.0) * above.half_depth_mm / 18 * length
            side = np.abs(a)
            oval = np.sqrt(((side - 15.5) / 4.5) ** 2 + ((c - height * 0.16) / 7.5) ** 2)
            pedicle = np.minimum((1 - oval) * 5, 9 - np.abs(b - 5))
            facet = np.sqrt(((side - 17) / 7.5) ** 2 + ((b - 15 - 0.1 * c) / 6.5) ** 2)
            pillar = np.minimum((1 - facet) * 6.5, height * 0.52 - np.abs(c + 3))
            lamina = np.minimum(np.minimum(3 - np.abs(b - 21 + 0.45 * side), 17 - side), 9 - np.abs(c + 5))
            # Hatchet-shaped in the lumbar, slanting and slender in the thoracic spine.
            slant = rng.uniform(0.1, 0.35) + 0.12 * max(above.index - 4, 0)
            long, tall = (
                17 * size * rng.uniform(0.85, 1.1),
                rng.uniform(8, 11) * size / (1 + 0.08 * max(above.index, 0)),
            )
            outline = ((b - 20 - long) / long) ** 4 + np.abs((c + 6 + slant * (b - 22)) / tall) ** 3
            spinous = np.minimum(np.float32(rng.uniform(2, 3.6)) - side, (1 - outline) * (tall / 3))
            bones = [pedicle, pillar, lamina, spinous]
            if sacral:
                wing = np.minimum(np.minimum(side - 6, 44 - side), 13 - np.abs(b - 0.35 * side + 10))
                bones.append(np.minimum(wing, height * 0.55 - np.abs(c)))
            for bone in bones:
                shape = bone * np.float32(0.9)
                canvas.paint(part, ramp(shape), CORTICAL, 0.1, 0.08)
                canvas.paint(part, ramp(shape - 1.1), MARROW, water, fat * 1.15)
            root = 2.6 - np.sqrt((c + height * 0.3) ** 2 + (b - 5 - 0.2 * side) ** 2)
            canvas.paint(part, ramp(np.minimum(root, np.minimum(side - 11, 26 - side))), MUSCLE, root_water, 0.1)

    def _canal(self) -> None:
        """Thecal sac with cord above L1 and the roots of the cauda equina below; it tapers off in the sacrum."""
        rng, signals, course = self.rng, self.signals, self.course
        wide, deep = rng.uniform(8, 11.5), rng.uniform(6, 8.5)
        box = self._rows(-4, 30)
        taper = np.clip(1 + 0.35 * (course.level + 0.5), 0.05, 1).astype(np.float32)
        depth = (deep * taper * course.stretch).astype(np.float32)
        xs, ys = self.x / (wide * taper), (self.y[:, box[1]] - depth - np.float32(rng.uniform(0.5, 2))) / depth
        radius = np.sqrt(xs**2 + ys**2)
        canvas = self.canvas
        canvas.paint(box, ramp((1.12 - radius) * deep), LIGAMENT, 0.15, 0.1)
        canvas.paint(box, ramp((1 - radius) * deep), CSF, signals.csf * (1 + 0.03 * self.fine[box]), 0.03)
        conus = np.clip((course.level - rng.uniform(4.2, 5.6)) * 1.5, 0, 1).astype(np.float32)
        cord = (0.55 * conus - np.sqrt(xs**2 * 1.2 + (ys - 0.15) ** 2)) * deep
        canvas.paint(box, ramp(cord) * (conus > 0), CORD, signals.cord, 0.05)
        roots = np.clip(self.fine[box], 0, 1) * ramp((ys - 0.1) * deep) * ramp((0.9 - radius) * deep) * (1 - conus)
        canvas.paint(box, 0.6 * roots, CORD, signals.cord, 0.05)
