"""The losses.

Targets are [batch, x, y, z, 2], of 0 and 1: disc, and where that is known.
"""

from __future__ import annotations

from typing import Any

from ..levels.evidence import CLASSES
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


ORIENTATION_WEIGHT = 0.5
"""Of the orientation's part of the loss; the levels' has 1."""


def levels_and_orientation(target: Any, logits: Any) -> Any:
    """Cross-entropy of the class, where it is known, and of the orientation.

    Args:
        target: [batch, OUTPUTS] (evidence.py): one class is 1, or none where it is unknown, and one orientation.
        logits: [batch, OUTPUTS].

    Returns:
        Scalar.
    """
    ops = import_keras().ops
    count = len(CLASSES)

    def cross_entropy(truth: Any, values: Any) -> Any:
        return -ops.sum(truth * ops.log_softmax(values, axis=-1), axis=-1)

    classes = cross_entropy(target[:, :count], logits[:, :count])
    orientation = cross_entropy(target[:, count:], logits[:, count:])
    return ops.mean(classes) + ORIENTATION_WEIGHT * ops.mean(orientation)
