"""How sure a segmentation is of a disc: the Dice with an expert's outline that it may expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.5
"""Probability from which a voxel is called disc."""


def expected_dice(probability: np.ndarray) -> float:
    """Dice between the voxels called disc and a reference of which `probability` (one disc's, 0..1) were true: with M the
    voxels of at least THRESHOLD, 2 sum_M p / (|M| + sum p), the ratio of the expectations (soft Dice). 0..1; 0 for no voxel.
    """
    called = probability >= THRESHOLD
    total = float(called.sum() + probability.sum())
    return 2.0 * float(probability[called].sum()) / total if called.any() else 0.0


def calibrated(expected: float, line: Sequence[float]) -> float:
    """Confidence, 0..1: the expected Dice through the slope and intercept that cross-validation fitted (calibration.py)."""
    slope, intercept = line
    return float(np.clip(slope * expected + intercept, 0.0, 1.0))
