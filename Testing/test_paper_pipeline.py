"""The pipeline with other networks: fewer channels, in another order, and a localizer of the working grid."""

from dataclasses import replace

import numpy as np
import pytest
from IVDSegmentationLib.dixon.case import case_from_volumes
from IVDSegmentationLib.images import Volume
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.segment import Pipeline

ORDER = ("opposed_phase", "water", "fat")


class Oracle:
    """A network that answers where the second channel is bright and the third is not, and keeps the shapes that it saw."""

    def __init__(self):
        self.shapes = []

    def predict_on_batch(self, batch):
        self.shapes.append(batch.shape)
        return ((batch[..., 1] > 2 * batch[..., 2]) & (batch[..., 1] > 0.5)).astype(np.float32)[..., None]


@pytest.fixture
def released():
    pytest.importorskip("tensorflow", reason="the networks need TensorFlow")
    return Pipeline()


def test_networks_get_their_channels_in_their_order_and_the_localizer_its_grid(released):
    phantom = make_phantom(2026)
    noise = np.random.default_rng(0).random((2, *phantom.labels.shape)).astype(np.float32)
    painted = {
        "water": np.where(phantom.labels > 0, 100, 20) + noise[0],
        "fat": np.where(phantom.labels > 0, 5, 40) + noise[1],
    }
    case = case_from_volumes({name: Volume(v, phantom.grid, name) for name, v in painted.items()}, "painted")
    localizer, segmenter = Oracle(), Oracle()
    released.model = replace(
        released.model,
        networks={"localizer": localizer, "segmenter": segmenter},
        channels=ORDER,
        localizer_step=(1, 1, 1),
    )
    result = released.segment(case)
    padded = [n + -n % 8 for n in case.working_grid.size]
    assert localizer.shapes == [(1, *padded, 3)], "the whole volume, not halved"
    assert segmenter.shapes == [(len(result.discs), 36, 36, 28, 3)]
    assert [disc.label for disc in result.discs] == [int(n) for n in np.unique(phantom.labels) if n]
