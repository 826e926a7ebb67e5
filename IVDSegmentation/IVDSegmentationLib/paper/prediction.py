"""What each system makes of an examination. Both stages of the paper run through the product's own pipeline."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..dixon.case import DixonCase
from ..dixon.channels import CHANNELS
from ..errors import InputError
from ..images import WORKING_SPACING_MM, Grid
from ..images.grid import three
from ..networks.engine import Network
from ..networks.models import Model
from ..pipeline.confidence import THRESHOLD
from ..pipeline.crop import box_start, crop
from ..pipeline.localize import probability_map
from ..pipeline.segment import Pipeline, assemble, keep_one_disc, segment_boxes
from .inputs import Inputs
from .samples import pad_slice, slice_image, slices_along, unpad_slices
from .spines import Spine
from .systems import RECIPE, System, Training

WORKING_STEP = (1, 1, 1)
"""The paper's localizer sees the volume as it is."""

SLICES_AT_ONCE = 16
BRIGHTEST = 255
"""The paper averages maps of 0 to 255 and takes half of it, 127.5, as threshold."""


def predict(
    system: System, networks: Mapping[Training, Network], spine: Spine, slice_sizes: tuple[tuple[int, int], ...]
) -> np.ndarray:
    """Segment an examination.

    Args:
        system: What segments.
        networks: Training -> trained network, those of the system.
        spine: The examination.
        slice_sizes: Rows and columns that slices along x, y and z are padded to.

    Returns:
        bool [x, y, z], disc; all False where the pipeline finds none.
    """
    own = [(training, networks[training]) for training in system.trainings]
    if system.kind == "boxes":
        ((training, network),) = own
        whole = training.network == RECIPE
        stacked = spine.channels if whole else training.inputs.stacked(spine.channels)
        return in_given_boxes(network, stacked, spine.centers_ijk) >= THRESHOLD
    if system.kind == "two-stage":
        (_, localizer), (training, segmenter) = own
        return two_stages(localizer, segmenter, training.inputs, spine) >= THRESHOLD
    if system.kind == "conventional":
        ((training, network),) = own
        return probability_map(network, training.inputs.stacked(spine.channels), WORKING_STEP) >= THRESHOLD
    maps = [in_slices(network, spine, training.axis, slice_sizes[training.axis]) for training, network in own]
    return BRIGHTEST * np.mean(maps, axis=0) >= BRIGHTEST / 2


def in_given_boxes(network: Network, stacked: np.ndarray, centers_ijk: tuple[tuple[float, float, float], ...]) -> np.ndarray:
    """Stage 2 at given centres: crop, pad, segment, keep the box's own disc, put back.

    Args:
        network: A segmenter.
        stacked: float32 [x, y, z, channel], its channels as stored.
        centers_ijk: Middles of the boxes.

    Returns:
        float32 [x, y, z], 0..1.
    """
    starts = [box_start(center) for center in centers_ijk]
    boxes = segment_boxes(network, [crop(stacked, start) for start in starts])
    return assemble([keep_one_disc(box) for box in boxes], starts, stacked.shape[:3]).probability


def two_stages(localizer: Network, segmenter: Network, inputs: Inputs, spine: Spine) -> np.ndarray:
    """Both stages, through the pipeline that segments a user's examination.

    Args:
        localizer: A conventional 3D U-Net.
        segmenter: A segmenter of the same channels.
        inputs: These channels.
        spine: The examination.

    Returns:
        float32 [x, y, z], 0..1; 0 everywhere where the pipeline finds no disc.
    """
    networks = {"localizer": localizer, "segmenter": segmenter}
    model = Model("paper", {}, networks, inputs.channels, WORKING_STEP)
    try:
        return Pipeline(model).segment(case_of(spine, inputs.images(spine.channels))).probability
    except InputError:
        return np.zeros(spine.discs.shape, np.float32)


def case_of(spine: Spine, images: Mapping[str, np.ndarray]) -> DixonCase:
    """An examination as the pipeline takes it, with these channels and no others.

    Made here and not by `case_from_volumes`, which would complete what a set of channels leaves out and replace a water
    image that is a copy.

    Args:
        spine: The examination.
        images: Channel -> [x, y, z].

    Returns:
        The case.
    """
    grid = Grid(three(spine.discs.shape, int), WORKING_SPACING_MM, (0.0, 0.0, 0.0))
    return DixonCase(spine.subject, {n: images[n] for n in CHANNELS if n in images}, frozenset(), grid, grid)


def in_slices(network: Network, spine: Spine, axis: int, size: tuple[int, int]) -> np.ndarray:
    """The 2D network on every slice along an axis.

    Args:
        network: A 2D network.
        spine: The examination.
        axis: 0, 1 or 2.
        size: Rows and columns that the slices are padded to.

    Returns:
        float32 [x, y, z], 0..1.
    """
    stack = slices_along(slice_image(spine), axis)
    padded = np.stack([pad_slice(image, size) for image in stack])[..., None]
    firsts = range(0, len(padded), SLICES_AT_ONCE)
    maps = np.concatenate([network.predict_on_batch(padded[n : n + SLICES_AT_ONCE])[..., 0] for n in firsts])
    return np.moveaxis(unpad_slices(maps, stack.shape[1:]), 0, axis)
