"""Which source a sample is drawn from, and inputs and targets of the networks, from augmented channels and label maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ..networks.inputs import normalise
from ..pipeline.crop import pad


def assemble_sample(
    channels: np.ndarray, discs: np.ndarray, known: np.ndarray, size: Sequence[int]
) -> tuple[np.ndarray, np.ndarray]:
    """A sample for a network that finds discs.

    Args:
        channels: float32 [x, y, z, 4] in the order of CHANNELS.
        discs: Interpolated map of the discs, 0..1, [x, y, z].
        known: Interpolated map of where `discs` can be relied on, 0..1, [x, y, z].
        size: Voxels of the network's input along x, y, z; the sample is padded with zeros to it.

    Returns:
        Input float32 [*size, 4], normalised, and target float32 [*size, 2] (losses.py).
    """
    return pad(normalise(channels), size), pad(known_map(discs, known), size)


def known_map(structure: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The two channels of a target that are about one structure.

    Args:
        structure: Interpolated map of the structure, 0..1, [x, y, z].
        known: Interpolated map of where it can be relied on, 0..1, [x, y, z].

    Returns:
        float32 [x, y, z, 2], of 0 and 1: the structure, and where it is known.
    """
    return np.stack([structure >= 0.5, known > 0.99], -1).astype(np.float32)


def sampling_of(shares: Mapping[str, float], there: Iterable[str]) -> tuple[list[str], np.ndarray]:
    """How often each source is drawn from.

    Args:
        shares: Source -> its share of the samples (Preset.shares).
        there: The sources that there are scans of. Those that are not there leave their shares to the others, in proportion.

    Returns:
        Names of the sources to draw from, sorted, and their probabilities.
    """
    sources = sorted(source for source in there if shares.get(source))
    weights = np.array([shares[source] for source in sources])
    return sources, weights / weights.sum()
