"""One disc of the phantom as a closed form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SMALLEST_RIM_MM = 0.45
"""Half the height a disc keeps at its thinnest."""


@dataclass(frozen=True)
class PhantomDisc:
    """A disc: a rounded cross-section, concave behind, between two curved endplates.

    The disc's own frame has a to the left, b to the back, c up, in mm, and its origin at center_mm. With
    u = a / half_width and v = b / half_depth, the section is the squircle u^2 + v^2 - s u^2 v^2 <= 1 of Fernandez-Guasti
    (Int J Math Educ Sci Technol 23:895, 1992). v is moved by `hollow_mm` behind the midline, and by `skew` so that the
    disc is widest behind its middle. The endplates are paraboloids, each inclined by half the wedge.

    Attributes:
        index: 0 for L5-S1, counted upwards; negative for the remnants inside the sacrum.
        level: Name of the level; empty for a remnant.
        kind: "disc", "remnant" (inside the sacrum) or "fused" (bone instead of a disc).
        center_mm: Origin of the frame, LPS, (3,).
        axes: 3 x 3, the unit vectors along a, b, c as rows, LPS.
        half_width_mm: Half the extent to left and right.
        half_depth_mm: Half the extent to front and back.
        height_mm: Height on the axis, without the doming's fall.
        wedge_deg: Angle between the endplates, positive where the front is taller.
        squareness: s of the squircle: 0 an ellipse, 1 a rectangle.
        skew: How far behind its middle the disc is widest, relative.
        hollow_mm: Depth of the concavity of the posterior wall.
        doming: How much lower the upper and the lower endplate are at the rim than in the middle, relative.
        apex_mm: Position along b of the endplates' highest point.
        node: Schmorl's node in the lower endplate of the body above: depth, a, b, radius in mm.
        degeneration: 0 (healthy) to 1.
    """

    index: int
    level: str
    kind: str
    center_mm: np.ndarray
    axes: np.ndarray
    half_width_mm: float
    half_depth_mm: float
    height_mm: float
    wedge_deg: float
    squareness: float
    skew: float
    hollow_mm: float
    doming: tuple[float, float]
    apex_mm: float
    node: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 3.0)
    degeneration: float = 0.0

    def moved(self, shift_mm: np.ndarray) -> PhantomDisc:
        """The same disc elsewhere.

        Args:
            shift_mm: (3,), LPS.

        Returns:
            The moved disc.
        """
        return PhantomDisc(**{**self.__dict__, "center_mm": self.center_mm + shift_mm})

    def section(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Squared relative radius of the cross-section.

        Args:
            a: Positions to the left, mm, any shape.
            b: Positions to the back, mm, of the same shape.

        Returns:
            0 on the axis, up to 1 inside the section, more outside; of the same shape.
        """
        u2 = (a / self.half_width_mm) ** 2
        near_midline = np.maximum(1 - u2 / 0.36, 0) ** 2
        v = (b + self.hollow_mm * near_midline * np.clip(b / self.half_depth_mm, 0, 1)) / self.half_depth_mm
        # Below v = -1 the skew would fold back into the disc, so it ends there.
        v2 = np.where(v < -1, v, v - self.skew * (1 - v**2)) ** 2
        return np.maximum(u2 + v2 - self.squareness * u2 * v2, np.maximum(u2, v2))

    def upper(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Height of the upper surface.

        Args:
            a: Positions to the left, mm, any shape.
            b: Positions to the back, mm, of the same shape.

        Returns:
            c in mm, of the same shape.
        """
        depth, node_a, node_b, radius = self.node
        surface = self._dome(a, b, self.doming[0])
        if depth > 0:
            surface = surface + depth * np.exp(-((a - node_a) ** 2 + (b - node_b) ** 2) / (2 * radius**2))
        return np.maximum(surface, _SMALLEST_RIM_MM)

    def lower(self, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Height of the lower surface.

        Args:
            a: Positions to the left, mm, any shape.
            b: Positions to the back, mm, of the same shape.

        Returns:
            c in mm, negative, of the same shape.
        """
        return -np.maximum(self._dome(a, b, self.doming[1]), _SMALLEST_RIM_MM)

    def _dome(self, a: np.ndarray, b: np.ndarray, doming: float) -> np.ndarray:
        fall = ((b - self.apex_mm) / self.half_depth_mm) ** 2 + 0.5 * (a / self.half_width_mm) ** 2
        return self.height_mm / 2 * (1 - doming * fall) - np.tan(np.radians(self.wedge_deg) / 2) * b


def reach_mm(disc: PhantomDisc) -> np.ndarray:
    """Half the edges of a box that holds a disc.

    Args:
        disc: The disc.

    Returns:
        (3,), along x, y, z of the patient.
    """
    half_c = disc.height_mm / 2 + np.tan(np.radians(abs(disc.wedge_deg)) / 2) * disc.half_depth_mm + disc.node[0]
    return np.abs(disc.axes.T) @ np.array([disc.half_width_mm, disc.half_depth_mm, half_c])
