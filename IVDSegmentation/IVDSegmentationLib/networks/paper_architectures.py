"""The paper's three networks: its segmenter of boxes, the conventional 3D U-Net, and the 2D U-Net of slices.

Every one gives the probability of disc, 0..1, of each voxel or pixel. docs/paper.md says how the paper was read where it
contradicts itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .tensorflow_setup import import_keras

if TYPE_CHECKING:
    import keras

SEGMENTER_FEATURES = (32, 64, 128)
SEGMENTER_PATCH_SIZE = (36, 36, 28)
CONVENTIONAL_FEATURES = (32, 64, 128, 256)
SLICE_FEATURES = (64, 128, 256, 512, 1024)

MOMENTUM = 0.99
"""Of the running averages of batch normalisation: Keras' own. They need some hundred steps to forget how they began."""


def paper_segmenter(
    channels: int = 3,
    patch_size: Sequence[int | None] = SEGMENTER_PATCH_SIZE,
    features: Sequence[int] = SEGMENTER_FEATURES,
    dropout: float = 0.2,
    momentum: float = MOMENTUM,
) -> keras.Model:
    """The 3D U-Net of the paper's Table II: 12 convolutions besides the two up-convolutions, 1.4 M parameters.

    Args:
        channels: Channels of the input.
        patch_size: Voxels along x, y, z; each divisible by 4, or None for any such size.
        features: Of each level, from fine to coarse.
        dropout: Share of the values that is dropped between the two convolutions of a block.
        momentum: Of the running averages of batch normalisation.

    Returns:
        A model [batch, *patch_size, channels] -> [batch, *patch_size, 1].
    """
    keras: Any = import_keras()
    layers = keras.layers

    def conv(x: Any, width: int, size: int, activation: str = "relu") -> Any:
        return layers.Conv3D(
            width, size, padding="same", activation=activation, kernel_initializer="he_normal"
        )(x)  # fmt: skip

    def pair(x: Any, width: int) -> Any:
        x = layers.Dropout(dropout)(conv(x, width, 3))
        return layers.BatchNormalization(momentum=momentum)(conv(x, width, 3))

    x = inputs = keras.Input((*patch_size, channels), name="channels")
    skips = []
    for width in features[:-1]:
        x = pair(x, width)
        skips.append(x)
        x = layers.MaxPooling3D(2)(x)
    x = pair(x, features[-1])
    for width, skip in zip(features[-2::-1], skips[::-1], strict=True):
        x = conv(layers.UpSampling3D(2)(x), width, 2)
        x = pair(layers.Concatenate()([skip, x]), width)
    x = layers.BatchNormalization(momentum=momentum)(conv(x, 2, 1))
    x = layers.Conv3D(
        1, 1, activation="sigmoid", kernel_initializer="he_normal", dtype="float32", name="disc"
    )(x)  # fmt: skip
    return keras.Model(inputs, x, name="paper_segmenter")


def conventional_unet(
    channels: int = 3, features: Sequence[int] = CONVENTIONAL_FEATURES, momentum: float = MOMENTUM
) -> keras.Model:
    """The 3D U-Net that the paper calls conventional (Çiçek et al., MICCAI 2016, arXiv:1606.06650): 19.1 M parameters.

    Of it differ the zero padding of the convolutions, since the result must be as large as the input, and the one sigmoid
    in place of a softmax.

    Args:
        channels: Channels of the input.
        features: Of each level's first convolution, from fine to coarse; its second has twice as many, on the way up
            both have as many as the level's second.
        momentum: Of the running averages of batch normalisation.

    Returns:
        A model [batch, x, y, z, channels] -> [batch, x, y, z, 1] for any size divisible by 2 ** (levels - 1).
    """
    keras: Any = import_keras()
    layers = keras.layers

    def conv(x: Any, width: int) -> Any:
        x = layers.Conv3D(width, 3, padding="same", kernel_initializer="he_normal")(x)
        return layers.ReLU()(layers.BatchNormalization(momentum=momentum)(x))

    x = inputs = keras.Input((None, None, None, channels), name="channels")
    skips = []
    for width in features[:-1]:
        x = conv(conv(x, width), 2 * width)
        skips.append(x)
        x = layers.MaxPooling3D(2)(x)
    x = conv(conv(x, features[-1]), 2 * features[-1])
    for skip in skips[::-1]:
        x = layers.Conv3DTranspose(x.shape[-1], 2, strides=2, kernel_initializer="he_normal")(x)
        width = skip.shape[-1]
        x = conv(conv(layers.Concatenate()([skip, x]), width), width)
    x = layers.Conv3D(1, 1, activation="sigmoid", kernel_initializer="he_normal", dtype="float32", name="disc")(x)
    return keras.Model(inputs, x, name="conventional_unet")


def slice_unet(channels: int = 1, features: Sequence[int] = SLICE_FEATURES) -> keras.Model:
    """The 2D U-Net of the paper's Fig. 2: two 3 x 3 convolutions a block, pooled four times, from 1 to 1024 features.

    Args:
        channels: Channels of the input; the paper's Fig. 2 begins with one.
        features: Of each level, from fine to coarse.

    Returns:
        A model [batch, rows, columns, channels] -> [batch, rows, columns, 1] for any size divisible by
        2 ** (levels - 1).
    """
    keras: Any = import_keras()
    layers = keras.layers

    def pair(x: Any, width: int) -> Any:
        for _ in range(2):
            x = layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer="he_normal")(x)
        return x

    x = inputs = keras.Input((None, None, channels), name="channels")
    skips = []
    for width in features[:-1]:
        x = pair(x, width)
        skips.append(x)
        x = layers.MaxPooling2D(2)(x)
    x = pair(x, features[-1])
    for width, skip in zip(features[-2::-1], skips[::-1], strict=True):
        x = layers.Conv2DTranspose(width, 3, strides=2, padding="same", kernel_initializer="he_normal")(x)
        x = pair(layers.Concatenate()([skip, x]), width)
    x = layers.Conv2D(1, 1, activation="sigmoid", kernel_initializer="he_normal", dtype="float32", name="disc")(x)
    return keras.Model(inputs, x, name="slice_unet")
