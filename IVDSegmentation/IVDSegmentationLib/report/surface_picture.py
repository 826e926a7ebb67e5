"""The surfaces as a picture, drawn by numpy.

No OpenGL: its start takes longer than the drawing, and its drivers can end the process that loads them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..levels.colors import LEVEL_COLORS

if TYPE_CHECKING:
    from vtkmodules.vtkCommonDataModel import vtkPolyData

PIXELS = (360, 640)
"""Width and height of the picture."""
SAMPLES = 2
"""Of a pixel, along each axis: their mean smooths the edges."""
CAMERA = (0.8, -1.0, 0.25)
"""From where the spine is seen, LPS: from the front left, a little from above. The light comes from there, too."""
FILLED = 1 / 1.12
"""Share of the picture's height that the spine takes."""
AMBIENT, SHINE, SHININESS = 0.08, 0.2, 20
"""Light from everywhere, and the strength and the exponent of the reflection (Phong, Commun ACM 18:311, 1975)."""


@dataclass(frozen=True)
class Fragments:
    """The samples of the picture that triangles cover, in no order.

    Attributes:
        sample: Index into the flattened picture, (n,).
        depth: Towards the camera, mm, (n,).
        facing: Cosine of the angle between the surface's normal and the direction to the camera, (n,).
    """

    sample: np.ndarray
    depth: np.ndarray
    facing: np.ndarray


def render_surfaces(surfaces: Mapping[str, vtkPolyData]) -> np.ndarray:
    """Draw the surfaces from the front left, each in the colour of its level.

    Args:
        surfaces: Level -> closed triangle mesh with outward point normals, LPS mm; at least one.

    Returns:
        uint8 [row, column, red green blue alpha], PIXELS in size, first row on top; transparent where nothing is.
    """
    from vtkmodules.util.numpy_support import vtk_to_numpy

    axes = _view_axes()
    meshes = {
        level: (
            vtk_to_numpy(mesh.GetPoints().GetData()) @ axes.T,
            vtk_to_numpy(mesh.GetPointData().GetNormals()) @ axes[2],
            vtk_to_numpy(mesh.GetPolys().GetConnectivityArray()).reshape(-1, 3),
        )
        for level, mesh in surfaces.items()
    }
    width, height = (SAMPLES * n for n in PIXELS)
    points = np.concatenate([points for points, _, _ in meshes.values()])
    low, high = points.min(axis=0), points.max(axis=0)
    scale = min(FILLED * height / (high[1] - low[1]), width / (high[0] - low[0]))
    middle = (low + high) / 2
    colour = np.zeros((height * width, 4), np.float32)
    nearest = np.full(height * width, -np.inf, np.float32)
    for level, (points, facing, corners) in meshes.items():
        place = (points - middle) * (scale, -scale, 1) + (width / 2, height / 2, 0)
        drawn = _fragments(place, facing, corners, (width, height))
        order = np.argsort(drawn.depth)
        order = order[drawn.depth[order] > nearest[drawn.sample[order]]]
        sample = drawn.sample[order]  # of several on one sample the last written stays: the nearest
        nearest[sample] = drawn.depth[order]
        colour[sample] = _lit(LEVEL_COLORS[level], drawn.facing[order])
    samples = colour.reshape(height, width, 4)
    offsets = np.ndindex(SAMPLES, SAMPLES)
    picture = sum(samples[row::SAMPLES, column::SAMPLES] for row, column in offsets) / np.float32(SAMPLES**2)
    covered = np.maximum(picture[..., 3:], 1 / SAMPLES**2)
    picture[..., :3] /= covered  # a pixel's colour is that of its covered samples
    return np.rint(picture * 255).astype(np.uint8)


def _view_axes() -> np.ndarray:
    """Unit vectors (rows, LPS) to the right and up in the picture, and towards the camera."""
    towards = np.array(CAMERA) / np.linalg.norm(CAMERA)
    right = np.cross((0.0, 0.0, 1.0), towards)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])


def _lit(colour: Sequence[float], facing: np.ndarray) -> np.ndarray:
    """Red, green, blue, alpha (n, 4), 0..1, of a surface of a colour that faces the camera by these cosines (n,)."""
    diffuse = np.clip(facing, AMBIENT, 1)
    reflected = SHINE * np.clip(2 * diffuse**2 - 1, 0, 1) ** SHININESS  # light and eye are at one place
    lit = np.minimum(np.multiply.outer(diffuse, colour) + reflected[:, None], 1)
    return np.concatenate([lit, np.ones((len(lit), 1))], axis=1)


def _fragments(place: np.ndarray, facing: np.ndarray, corners: np.ndarray, size: tuple[int, int]) -> Fragments:
    """What the triangles that face the camera cover.

    Args:
        place: Of the points: column, row, depth, (n, 3).
        facing: At the points, (n,).
        corners: Indices of the triangles' points, (m, 3), counter-clockwise seen from outside.
        size: Samples along a row, and rows.

    Returns:
        The samples whose middle lies in a triangle.
    """
    x, y, depth = place.T
    ax, bx, cx = x[corners].T
    ay, by, cy = y[corners].T
    twice_area = (by - ay) * (cx - ax) - (bx - ax) * (cy - ay)
    seen = twice_area > 0  # rows count downwards
    ax, bx, cx, ay, by, cy, twice_area = (values[seen] for values in (ax, bx, cx, ay, by, cy, twice_area))
    corners = corners[seen]
    left, top = (np.ceil(np.minimum(np.minimum(*p), q) - 0.5).astype(int) for *p, q in ((ax, bx, cx), (ay, by, cy)))
    right, bottom = (np.floor(np.maximum(np.maximum(*p), q) - 0.5).astype(int) for *p, q in ((ax, bx, cx), (ay, by, cy)))
    left, top = np.maximum(left, 0), np.maximum(top, 0)
    across = np.maximum(np.minimum(right, size[0] - 1) - left + 1, 0)
    down = np.maximum(np.minimum(bottom, size[1] - 1) - top + 1, 0)
    # All samples of the boxes around the triangles, which are small: `at` is the triangle of each.
    at = np.repeat(np.arange(len(corners)), across * down)
    place_in_box = np.arange(len(at)) - np.repeat(np.cumsum(across * down) - across * down, across * down)
    below, beside = np.divmod(place_in_box, across[at])
    column, row = left[at] + beside, top[at] + below
    u, v = column + 0.5 - ax[at], row + 0.5 - ay[at]
    of_b = (((ay - cy) / twice_area)[at] * u) + (((cx - ax) / twice_area)[at] * v)
    of_c = (((by - ay) / twice_area)[at] * u) + (((ax - bx) / twice_area)[at] * v)
    inside = (of_b >= 0) & (of_c >= 0) & (of_b + of_c <= 1)
    at, of_b, of_c = at[inside], of_b[inside], of_c[inside]
    mixed = []
    for values in (depth, facing):
        of_a, to_b, to_c = values[corners[:, 0]], *(values[corners[:, n]] - values[corners[:, 0]] for n in (1, 2))
        mixed.append(of_a[at] + of_b * to_b[at] + of_c * to_c[at])
    return Fragments(row[inside] * size[0] + column[inside], *mixed)
