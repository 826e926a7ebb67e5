"""The picture of the surfaces: what it shows, where, in which colour, and what hides what."""

import numpy as np
import pytest
from IVDSegmentationLib.images import Grid
from IVDSegmentationLib.levels.colors import LEVEL_COLORS
from IVDSegmentationLib.measure.disc_map import disc_map
from IVDSegmentationLib.measure.surfaces import disc_surface
from IVDSegmentationLib.report.surface_picture import AMBIENT, CAMERA, PIXELS, SHINE, render_surfaces
from scipy import ndimage

GRID = Grid((60, 60, 120), (1.0, 1.0, 1.0), (0.0, 0.0, 0.0))


def ball(center, radius=10.0):
    """A ball as a surface, mm."""
    offsets = np.stack(np.meshgrid(*map(np.arange, GRID.size), indexing="ij"), -1) - center
    probability = np.clip(0.5 + (radius - np.linalg.norm(offsets, axis=-1)) / 2, 0, 1).astype(np.float32)
    return disc_surface(disc_map(probability, (probability >= 0.5).astype(np.uint8), 1, GRID))


def hue(picture, level):
    """Pixels that have the hue of a level and are covered whole."""
    pixels = picture[..., :3] / np.maximum(picture[..., :3].max(axis=-1, keepdims=True), 1)
    reference = np.array(LEVEL_COLORS[level]) / max(LEVEL_COLORS[level])
    return (picture[..., 3] == 255) & (np.abs(pixels - reference).max(axis=-1) < 0.08)


def test_a_ball_is_a_disc_of_its_size_in_its_place_and_all_else_is_transparent():
    picture = render_surfaces({"L4-L5": ball((30, 30, 30)), "L1-L2": ball((30, 30, 90))})
    assert picture.shape == (PIXELS[1], PIXELS[0], 4)
    low, high = np.argwhere(hue(picture, "L4-L5")), np.argwhere(hue(picture, "L1-L2"))
    across = np.array(CAMERA) / np.linalg.norm(CAMERA)
    upright = np.hypot(across[0], across[1])
    mm = np.linalg.norm(low.mean(axis=0) - high.mean(axis=0)) / (60 * upright)  # pixels per mm
    np.testing.assert_allclose(low.mean(axis=0)[1], high.mean(axis=0)[1], atol=1)
    assert low.mean(axis=0)[0] > high.mean(axis=0)[0], "caudal is below"
    for level in ("L4-L5", "L1-L2"):
        assert (picture[..., 3][picture[..., 3] > 0] > 0).sum() / 2 == pytest.approx(np.pi * (10 * mm) ** 2, rel=0.03), level
    assert picture[0, 0].tolist() == picture[-1, -1].tolist() == [0, 0, 0, 0]


def test_it_is_brightest_where_it_faces_the_camera_and_dark_at_its_rim():
    picture = render_surfaces({"L4-L5": ball((30, 30, 60))}).astype(float)
    rows, columns = np.nonzero(picture[..., 3] == 255)
    middle = picture[round(rows.mean()), round(columns.mean()), :3]
    color = 255 * np.array(LEVEL_COLORS["L4-L5"])
    np.testing.assert_allclose(middle, np.minimum(color + 255 * SHINE, 255), atol=8)
    rim = picture[rows.min() + 1, columns[rows == rows.min() + 1].mean().astype(int), :3]
    assert (rim < 0.35 * color).all() and (rim >= 0.9 * AMBIENT * color).all()


def test_what_is_nearer_to_the_camera_hides_what_lies_behind():
    towards = np.array(CAMERA) / np.linalg.norm(CAMERA)
    near, far = np.array((30, 30, 60)) + 12 * towards, np.array((30, 30, 60)) - 12 * towards
    shown, hidden = ball(near), ball(far, 8.0)
    for surfaces in ({"L4-L5": shown, "L3-L4": hidden}, {"L3-L4": hidden, "L4-L5": shown}):
        picture = render_surfaces(surfaces)
        assert hue(picture, "L4-L5").sum() > 1000
        assert not hue(picture, "L3-L4").any()


def test_a_closed_surface_has_no_holes():
    """Every sample belongs to one of the triangles that share an edge."""
    alpha = render_surfaces({"L4-L5": ball((30, 30, 60))})[..., 3]
    inner = ndimage.binary_erosion(ndimage.binary_fill_holes(alpha > 0), iterations=2)
    assert inner.sum() > 1000 and (alpha[inner] == 255).all()


def test_the_edges_are_smooth():
    alpha = render_surfaces({"L4-L5": ball((30, 30, 60))})[..., 3]
    assert set(np.unique(alpha)) == {0, 64, 128, 191, 255}
