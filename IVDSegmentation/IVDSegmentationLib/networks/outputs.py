"""What a network answers, checked before anything is made of it."""

from __future__ import annotations

import numpy as np

from ..errors import ModelError


def finite(maps: np.ndarray, network: str) -> np.ndarray:
    """Refuse an answer that holds no numbers: compared with a threshold, NaN is no disc, which would be said of the images.

    Args:
        maps: Of any shape.
        network: Which one answered, for the message.

    Returns:
        The same maps.

    Raises:
        ModelError: A value is NaN or infinite.
    """
    if not np.isfinite(maps).all():
        raise ModelError(
            f"the {network} answered with values that are no numbers (NaN): the model is damaged, or the images' values are "
            "beyond what it computes with; install the extension again, or export the images as the scanner made them"
        )
    return maps
