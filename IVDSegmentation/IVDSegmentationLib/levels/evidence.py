"""What the level network says of each candidate: which level it is, and whether the image lies as its header says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from ..networks.outputs import finite
from ..pipeline.crop import overlap
from ..pipeline.localize import SPACING_MM

if TYPE_CHECKING:
    import keras

CROP_SIZE = (16, 64, 64)
"""Voxels of the localizer's grid around a candidate that the network sees: 64 x 160 x 160 mm, two discs to either side."""

CLASSES = ("below", "L5-S1", "L4-L5", "L3-L4", "L2-L3", "above", "none")
"""What a candidate may be: below the sacrum's upper edge (S1-S2 and further down), a level, a disc above L2-L3, or no disc."""

AS_STORED, EXCHANGED, UPSIDE_DOWN = range(3)
"""How the image lies: as its header says; with front and back, left and right exchanged; with head and feet exchanged."""

OUTPUTS = len(CLASSES) + 3
INPUTS = 6
"""The four channels, the localizer's map, and a mark on the candidate that is meant."""

_MARK_MM, _MARK_EMPTY = (20.0, 16.0, 9.0), 0.3
"""Radii of the mark, and how strong it is where the localizer's map is 0."""


@dataclass(frozen=True)
class Evidence:
    """What the level network says of the candidates of one volume.

    Attributes:
        levels: Natural logarithm of the probability of each of CLASSES, (candidates, 7).
        orientation: The same of AS_STORED, EXCHANGED and UPSIDE_DOWN, (candidates, 3).
    """

    levels: np.ndarray
    orientation: np.ndarray


def level_crops(coarse: np.ndarray, probability: np.ndarray, centers: Sequence[np.ndarray]) -> np.ndarray:
    """The inputs of the level network.

    Args:
        coarse: float32 [x, y, z, 4], the localizer's normalised input.
        probability: float32 [x, y, z], its output, 0..1.
        centers: Continuous voxel of that grid of each candidate, (3,).

    Returns:
        float32 [candidate, *CROP_SIZE, INPUTS], 0 outside the field of view.
    """
    crops = np.zeros((len(centers), *CROP_SIZE, INPUTS), np.float32)
    mark = _mark()
    for own, center in zip(crops, centers, strict=True):
        start = [round(float(c)) - n // 2 for c, n in zip(center, CROP_SIZE, strict=True)]
        inside, held = overlap(start, CROP_SIZE, probability.shape)
        own[held][..., :-2] = coarse[inside]
        own[held][..., -2] = probability[inside]
        own[..., -1] = mark * (_MARK_EMPTY + (1 - _MARK_EMPTY) * own[..., -2])
    return crops


@cache
def _mark() -> np.ndarray:
    """A Gaussian in the middle of a crop, float32 [*CROP_SIZE], 1 at its peak."""
    offsets = [(np.arange(n) - n // 2) * s / r for n, s, r in zip(CROP_SIZE, SPACING_MM, _MARK_MM, strict=True)]
    x, y, z = np.ix_(*offsets)
    return np.exp(-(x**2 + y**2 + z**2)).astype(np.float32)


def evidence_of(network: keras.Model, crops: np.ndarray) -> Evidence:
    """Ask the level network.

    Args:
        network: Of the architecture `levels`.
        crops: `level_crops`.

    Returns:
        What it says of each.
    """
    logits = np.asarray(finite(network.predict_on_batch(crops), "level network"), np.float64)
    return Evidence(_log_softmax(logits[:, : len(CLASSES)]), _log_softmax(logits[:, len(CLASSES) :]))


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))
