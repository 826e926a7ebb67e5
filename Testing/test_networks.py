"""The networks: that the released kind takes any size and any subset of channels."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the networks need TensorFlow")

from IVDSegmentationLib.networks.architectures import build_network, unet


def test_unet_is_a_probability_of_the_inputs_size():
    network = unet(features=(4, 8, 8))
    for shape in ((8, 12, 16), (4, 4, 4)):
        probability = np.asarray(network(np.random.default_rng(1).random((2, *shape, 4), np.float32)))
        assert probability.shape == (2, *shape, 1)
        assert probability.min() >= 0 and probability.max() <= 1


def test_unet_normalises_each_sample_by_itself():
    """What else is in the batch changes nothing: a case gives the same numbers whatever it is segmented with."""
    network = unet(features=(4, 8))
    first, second = np.random.default_rng(2).random((2, 1, 8, 8, 8, 4), np.float32)
    together = np.asarray(network(np.concatenate([first, 50 * second])))
    np.testing.assert_allclose(together[:1], np.asarray(network(first)), atol=1e-5)


def test_instance_norm_agrees_with_keras_group_normalisation():
    import keras
    from IVDSegmentationLib.networks.architectures import _instance_norm_layer

    x = np.random.default_rng(3).normal(2.0, 3.0, (2, 6, 5, 4, 8)).astype(np.float32)
    ours = np.asarray(_instance_norm_layer()()(x))
    keras_own = np.asarray(keras.layers.GroupNormalization(groups=8, epsilon=1e-3)(x))
    np.testing.assert_allclose(ours, keras_own, atol=1e-4)


def test_unknown_architecture_is_named():
    with pytest.raises(ValueError, match=r"'vnet'.*unet, .*paper_segmenter"):
        build_network("vnet")
