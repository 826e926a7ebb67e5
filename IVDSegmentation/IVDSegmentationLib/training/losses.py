"""The losses. Targets are [batch, x, y, z, 2]: the reference 0/1, and 1 where that reference is known, else 0."""

from __future__ import annotations

from typing import Any


def dice_loss(target: Any, probability: Any) -> Any:
    """The paper's Dice loss, 1 - (2 |TP| + 1) / (|T| + |P| + 1), over the known voxels of the batch. Scalar, 0..1."""
    from keras import ops

    reference, known = target[..., :1], target[..., 1:]
    predicted = probability * known
    overlap = ops.sum(reference * predicted)
    return 1.0 - (2.0 * overlap + 1.0) / (ops.sum(reference * known) + ops.sum(predicted) + 1.0)


def dice_and_cross_entropy(target: Any, probability: Any) -> Any:
    """Dice loss plus the mean binary cross-entropy over the known voxels, whose gradient does not vanish far from the
    optimum and which keeps the probabilities calibrated. Scalar, >= 0."""
    from keras import ops

    reference, known = target[..., :1], target[..., 1:]
    p = ops.clip(probability, 1e-5, 1.0 - 1e-5)
    entropy = -(reference * ops.log(p) + (1.0 - reference) * ops.log(1.0 - p))
    return dice_loss(target, probability) + ops.sum(entropy * known) / (ops.sum(known) + 1.0)
