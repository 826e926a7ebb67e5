"""How sure a segmentation is of a disc: the Dice with an expert's outline that it may expect."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

THRESHOLD = 0.5
"""Probability from which a voxel is called disc."""


def expected_dice(probability: np.ndarray) -> float:
    """The Dice with a reference that the probabilities imply, one disc's.

    With M the voxels of at least THRESHOLD it is 2 sum_M p / (|M| + sum p), the ratio of the expectations (soft Dice).

    Args:
        probability: [x, y, z], 0..1, of one disc.

    Returns:
        0..1; 0 where no voxel is in M.
    """
    called = probability >= THRESHOLD
    total = float(called.sum() + probability.sum())
    return 2.0 * float(probability[called].sum()) / total if called.any() else 0.0


def mean_disc_probability(probability: np.ndarray) -> float:
    """The mean probability over what the segmenter outlined: the voxels of at least THRESHOLD.

    Args:
        probability: [x, y, z], 0..1, of one disc.

    Returns:
        0..1; 0 where no voxel is called disc.
    """
    called = probability >= THRESHOLD
    return float(probability[called].mean()) if called.any() else 0.0


def calibrated(expected: float, line: Sequence[float]) -> float:
    """The confidence of a disc.

    Args:
        expected: Its expected Dice.
        line: Slope and intercept that cross-validation fitted (training/calibration.py).

    Returns:
        0..1.
    """
    slope, intercept = line
    return float(np.clip(slope * expected + intercept, 0.0, 1.0))
