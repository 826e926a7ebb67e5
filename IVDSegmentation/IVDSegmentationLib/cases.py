"""A case: the Dixon channels of one examination, checked, aligned and on the working grid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .volumes import Grid


@dataclass(frozen=True)
class DixonCase:
    """The channels of one examination on the working grid.

    name: of the case, from its folder; never a patient's name.
    channels: channel name (fat, in_phase, opposed_phase, water) -> float32 [x, y, z] on working_grid, input intensities;
        holds the given channels and those the Dixon relations complete.
    derived: which of the channels were computed, not loaded.
    working_grid: 2.0 x 1.25 x 1.25 mm, axes the input's own, permuted and flipped to come nearest L, P, S.
    input_grid: the grid of the reference channel (first loaded of water, opposed_phase, in_phase, fat); results go back to it.
    warnings: sentences for the user.
    """

    name: str
    channels: Mapping[str, np.ndarray]
    derived: frozenset[str]
    working_grid: Grid
    input_grid: Grid
    warnings: tuple[str, ...] = ()
