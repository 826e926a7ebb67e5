"""The losses.

Targets are [batch, x, y, z, 2], of 0 and 1: disc, and where that is known.
"""

from __future__ import annotations

from typing import Any

from ..networks.tensorflow_setup import import_keras


def dice_loss(target: Any, probability: Any) -> Any:
    """The paper's Dice loss over the known voxels of a batch: 1 - (2 |TP| + 1) / (|T| + |P| + 1).

    Args:
        target: [batch, x, y, z, 2], of 0 and 1: disc, known.
        probability: [batch, x, y, z, 1], 0..1.

    Returns:
        Scalar, 0..1.
    """
    ops = import_keras().ops

    reference, known = target[..., :1], target[..., 1:]
    predicted = probability * known
    overlap = ops.sum(reference * predicted)
    return 1.0 - (2.0 * overlap + 1.0) / (ops.sum(reference * known) + ops.sum(predicted) + 1.0)


def dice_and_cross_entropy(target: Any, probability: Any) -> Any:
    """Dice loss plus the mean binary cross-entropy over the known voxels.

    The gradient of the cross-entropy does not vanish far from the optimum, and it keeps the probabilities calibrated.

    Args:
        target: [batch, x, y, z, 2], of 0 and 1: disc, known.
        probability: [batch, x, y, z, 1], 0..1.

    Returns:
        Scalar, >= 0.
    """
    ops = import_keras().ops

    reference, known = target[..., :1], target[..., 1:]
    p = ops.clip(probability, 1e-5, 1.0 - 1e-5)
    entropy = -(reference * ops.log(p) + (1.0 - reference) * ops.log(1.0 - p))
    return dice_loss(target, probability) + ops.sum(entropy * known) / (ops.sum(known) + 1.0)
