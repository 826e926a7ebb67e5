"""The paper's three networks, layer by layer: its Table II, its Fig. 2, and the 3D U-Net that it calls conventional."""

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the networks need TensorFlow")

from IVDSegmentationLib.networks.architectures import build_network
from IVDSegmentationLib.networks.paper_architectures import conventional_unet, paper_segmenter, slice_unet

TABLE_2 = [
    # (kernel, features out, spatial size), in order: down, bottom, up, and the two 1x1x1 convolutions at the end
    (3, 32, (36, 36, 28)), (3, 32, (36, 36, 28)),
    (3, 64, (18, 18, 14)), (3, 64, (18, 18, 14)),
    (3, 128, (9, 9, 7)), (3, 128, (9, 9, 7)),
    (2, 64, (18, 18, 14)), (3, 64, (18, 18, 14)), (3, 64, (18, 18, 14)),
    (2, 32, (36, 36, 28)), (3, 32, (36, 36, 28)), (3, 32, (36, 36, 28)),
    (1, 2, (36, 36, 28)), (1, 1, (36, 36, 28)),
]  # fmt: skip


def convolutions(network):
    """(kernel, features out) of every convolution, in order; up-convolutions with stride are `up`."""
    import keras

    kinds = (keras.layers.Conv3D, keras.layers.Conv3DTranspose, keras.layers.Conv2D, keras.layers.Conv2DTranspose)
    return [
        ("up" if max(layer.strides) == 2 else layer.kernel_size[0], layer.filters)
        for layer in network.layers
        if isinstance(layer, kinds)
    ]


def layers_of(network, kind):
    import keras

    return [layer for layer in network.layers if isinstance(layer, getattr(keras.layers, kind))]


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_segmenter_has_the_layers_and_parameters_of_table_2(channels):
    network = paper_segmenter(channels=channels)
    table = [(x.kernel_size[0], x.filters, tuple(x.output.shape[1:4])) for x in layers_of(network, "Conv3D")]
    assert table == TABLE_2
    assert sum(kernel != 2 for kernel, _, _ in table) == 12, "12 convolutions besides the two up-convolutions"
    assert round(network.count_params() / 1e6, 1) == 1.4
    assert [layer.rate for layer in layers_of(network, "Dropout")] == [0.2] * 5, "between the two of each block"
    assert [layer.pool_size for layer in layers_of(network, "MaxPooling3D")] == [(2, 2, 2)] * 2
    assert [layer.activation.__name__ for layer in layers_of(network, "Conv3D")] == ["relu"] * 13 + ["sigmoid"]
    assert network.input.shape[1:] == (36, 36, 28, channels) and network.output.shape[1:] == (36, 36, 28, 1)


def test_segmenter_drops_out_between_the_two_convolutions_and_normalises_after_them():
    import keras

    kinds = (keras.layers.Conv3D, keras.layers.Dropout, keras.layers.BatchNormalization)
    order = [type(layer).__name__ for layer in paper_segmenter().layers if isinstance(layer, kinds)]
    block = ["Conv3D", "Dropout", "Conv3D", "BatchNormalization"]
    assert order == 3 * block + 2 * ["Conv3D", *block] + ["Conv3D", "BatchNormalization", "Conv3D"]


def test_segmenters_parameter_count_agrees_with_the_table_by_hand():
    features_in = [3, 32, 32, 64, 64, 128, 128, 128, 64, 64, 64, 32, 32, 2]
    by_hand = sum(n * kernel**3 * out + out for n, (kernel, out, _) in zip(features_in, TABLE_2, strict=True))
    normalisation = 4 * (32 + 64 + 128 + 64 + 32 + 2)
    assert paper_segmenter(channels=3).count_params() == by_hand + normalisation


def test_conventional_unet_has_the_parameters_that_its_authors_count():
    """Çiçek et al. give 19,069,955, with three channels in and three classes out, up-convolutions without bias, and without
    what batch normalisation adds."""
    network = conventional_unet(channels=3)
    normalisation = sum(layer.count_params() for layer in layers_of(network, "BatchNormalization"))
    biases = sum(layer.filters for layer in layers_of(network, "Conv3DTranspose"))
    two_more_classes = 2 * (64 + 1)
    assert network.count_params() - normalisation - biases + two_more_classes == 19_069_955


def test_conventional_unet_has_its_layers():
    down = [(3, 32), (3, 64), (3, 64), (3, 128), (3, 128), (3, 256), (3, 256), (3, 512)]
    up = [("up", 512), (3, 256), (3, 256), ("up", 256), (3, 128), (3, 128), ("up", 128), (3, 64), (3, 64)]
    network = conventional_unet()
    assert convolutions(network) == [*down, *up, (1, 1)]
    assert len(layers_of(network, "BatchNormalization")) == 14, "one after each convolution but the last"
    assert [layer.pool_size for layer in layers_of(network, "MaxPooling3D")] == [(2, 2, 2)] * 3


def test_slice_unet_goes_from_1_to_1024_features_through_four_poolings():
    down = [(3, n) for n in (64, 128, 256, 512, 1024) for _ in range(2)]
    up = [layer for n in (512, 256, 128, 64) for layer in (("up", n), (3, n), (3, n))]
    network = slice_unet()
    assert network.input.shape[-1] == 1
    assert convolutions(network) == [*down, *up, (1, 1)]
    assert [layer.kernel_size for layer in layers_of(network, "Conv2DTranspose")] == [(3, 3)] * 4
    assert [layer.pool_size for layer in layers_of(network, "MaxPooling2D")] == [(2, 2)] * 4
    bottom = layers_of(network, "Conv2D")[9]
    assert bottom.compute_output_shape((1, 32, 32, 512)) == (1, 32, 32, 1024), "what is left of 512 x 512"
    features_in = [1, 64, 64, 128, 128, 256, 256, 512, 512, 1024]
    features_in += [1024, 1024, 512, 512, 512, 256, 256, 256, 128, 128, 128, 64, 64]
    kernels = [9 * n * out + out for n, (_, out) in zip(features_in[:-1], convolutions(network)[:-1], strict=True)]
    assert network.count_params() == sum(kernels) + 64 + 1


@pytest.mark.parametrize("build", [paper_segmenter, conventional_unet, slice_unet])
def test_every_convolution_begins_as_he_et_al(build):
    kinds = [x for kind in ("Conv3D", "Conv3DTranspose", "Conv2D", "Conv2DTranspose") for x in layers_of(build(), kind)]
    assert {type(layer.kernel_initializer).__name__ for layer in kinds} == {"HeNormal"}
    assert {layer.padding for layer in kinds} <= {"same", "valid"}
    assert all(layer.padding == "same" for layer in kinds if layer.kernel_size[0] == 3)


@pytest.mark.parametrize(
    ("architecture", "shape", "parameters"),
    [
        ("paper_segmenter", (36, 36, 28, 3), {"channels": 3}),
        ("conventional_unet", (16, 8, 24, 2), {"channels": 2, "features": (2, 4)}),
        ("slice_unet", (48, 32, 1), {"features": (2, 4, 8)}),
    ],
)
def test_output_is_a_probability_of_the_inputs_size(architecture, shape, parameters):
    network = build_network(architecture, **parameters)
    probability = network.predict_on_batch(np.random.default_rng(1).random((2, *shape), np.float32))
    assert probability.shape == (2, *shape[:-1], 1)
    assert probability.min() >= 0 and probability.max() <= 1
