"""The networks: the paper's table, and that the released kind takes any size and any subset of channels."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the networks need TensorFlow")

from IVDSegmentationLib.networks.architectures import build_network, paper_segmenter, unet

PAPER_TABLE = [
    # (kernel, features out, spatial size), in order: down, bottom, up, and the two 1x1x1 convolutions at the end
    (3, 32, (36, 36, 28)), (3, 32, (36, 36, 28)),
    (3, 64, (18, 18, 14)), (3, 64, (18, 18, 14)),
    (3, 128, (9, 9, 7)), (3, 128, (9, 9, 7)),
    (2, 64, (18, 18, 14)), (3, 64, (18, 18, 14)), (3, 64, (18, 18, 14)),
    (2, 32, (36, 36, 28)), (3, 32, (36, 36, 28)), (3, 32, (36, 36, 28)),
    (1, 2, (36, 36, 28)), (1, 1, (36, 36, 28)),
]  # fmt: skip


def test_paper_segmenter_has_the_papers_layers_and_parameters():
    import keras

    network = paper_segmenter(channels=3)
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv3D)]
    table = [(layer.kernel_size[0], layer.filters, tuple(layer.output.shape[1:4])) for layer in convolutions]
    assert table == PAPER_TABLE
    assert sum(kernel != 2 for kernel, _, _ in table) == 12, "12 convolutions besides the two up-convolutions"
    assert round(network.count_params() / 1e6, 1) == 1.4
    dropouts = [layer.rate for layer in network.layers if isinstance(layer, keras.layers.Dropout)]
    assert dropouts == [0.2] * 5
    assert all(layer.strides == (2, 2, 2) for layer in network.layers if isinstance(layer, keras.layers.MaxPooling3D))
    assert network.input.shape[1:] == (36, 36, 28, 3)
    assert network.output.shape[1:] == (36, 36, 28, 1)


def test_paper_parameter_count_agrees_with_the_table_by_hand():
    features_in = [3, 32, 32, 64, 64, 128, 128, 128, 64, 64, 64, 32, 32, 2]
    by_hand = sum(n * kernel**3 * out + out for n, (kernel, out, _) in zip(features_in, PAPER_TABLE, strict=True))
    normalisation = 4 * (32 + 64 + 128 + 64 + 32 + 2)
    assert paper_segmenter(channels=3).count_params() == by_hand + normalisation


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
    with pytest.raises(ValueError, match=r"'vnet'.*paper, unet"):
        build_network("vnet")
