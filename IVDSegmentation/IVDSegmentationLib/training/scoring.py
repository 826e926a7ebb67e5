"""How well a mask of discs fits a reference, whole outlines or partial labels."""

from __future__ import annotations

import numpy as np


def recall_of_surely_disc(mask: np.ndarray, disc: np.ndarray) -> float | None:
    """The share of the voxels that are surely disc which a mask holds.

    Args:
        mask: bool [x, y, z], what was called disc.
        disc: bool [x, y, z], what is surely disc.

    Returns:
        0..1; None where nothing is surely disc.
    """
    return float((mask & disc).sum() / disc.sum()) if disc.any() else None


def share_in_no_disc(mask: np.ndarray, disc: np.ndarray, known: np.ndarray) -> float | None:
    """The share of a mask's voxels that are surely no disc.

    Args:
        mask: bool [x, y, z], what was called disc.
        disc: bool [x, y, z], what is surely disc.
        known: bool [x, y, z], where it is known whether a voxel is disc.

    Returns:
        0..1; None for an empty mask.
    """
    return float((mask & known & ~disc).sum() / mask.sum()) if mask.any() else None


def mean_sd(values: list[float | None]) -> dict[str, float]:
    """Number, mean and SD of the values there are.

    Args:
        values: Some of which are None, such as the Dice of nothing with nothing.

    Returns:
        `n`, and where there are any `mean` and `sd` of the population.
    """
    listed = [value for value in values if value is not None]
    if not listed:
        return {"n": 0}
    return {"n": len(listed), "mean": round(float(np.mean(listed)), 4), "sd": round(float(np.std(listed)), 4)}
