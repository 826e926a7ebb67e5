"""One colour for each level, fixed for life: in slices, surfaces, tables and reports a level always looks the same."""

from __future__ import annotations

from .labelling import LABELS

_RGB_BYTES = (
    (230, 85, 60), (245, 160, 50), (240, 220, 80), (125, 200, 95), (65, 180, 185), (75, 130, 220), (150, 105, 215),
    (215, 105, 190), (165, 120, 85), (250, 185, 165), (200, 200, 120), (165, 225, 190), (155, 205, 240), (195, 175, 240),
    (240, 175, 215), (190, 190, 190), (140, 145, 160), (120, 75, 60),
)  # fmt: skip

LEVEL_COLORS: dict[str, tuple[float, float, float]] = {
    level: (red / 255, green / 255, blue / 255) for level, (red, green, blue) in zip(LABELS, _RGB_BYTES, strict=True)
}
"""Level -> red, green, blue, each 0..1. Neighbours differ in hue, the five lumbar ones most."""
