"""The networks, nothing else: the released model's U-Net on [batch, x, y, z, channel], and every network by its name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .paper_architectures import conventional_unet, paper_segmenter, slice_unet
from .tensorflow_setup import import_keras, our_keras_settings

if TYPE_CHECKING:
    import keras


def build_network(architecture: str, precision: str = "float32", **parameters: Any) -> keras.Model:
    """Build the network that a model card describes.

    Args:
        architecture: `unet`, `level_classifier`, or one of the paper's: `paper_segmenter`, `conventional_unet`, `slice_unet`.
        precision: A Keras dtype policy.
        **parameters: Go to the function of that name.

    Returns:
        The network.

    Raises:
        ValueError: The architecture has another name.
    """
    builders: dict[str, Callable[..., keras.Model]] = {
        builder.__name__: builder for builder in (unet, level_classifier, paper_segmenter, conventional_unet, slice_unet)
    }
    if architecture not in builders:
        raise ValueError(f"architecture is {architecture!r}: it must be one of {', '.join(builders)}")
    with our_keras_settings(precision):
        return builders[architecture](**parameters)


def unet(
    channels: int = 4,
    patch_size: Sequence[int | None] = (None, None, None),
    features: Sequence[int] = (16, 32, 64, 128),
    dropout: float = 0.0,
    outputs: int = 1,
) -> keras.Model:
    """A 3D U-Net normalised per instance: (batch, *patch_size, channels) -> (batch, *patch_size, outputs), probabilities.

    Statistics of the sample itself, not running averages, since one average cannot fit every subset of channels.

    Args:
        channels: Of the input.
        patch_size: Each a multiple of 2 ** (len(features) - 1), or None for any such size.
        features: At each resolution, the finest first.
        dropout: Spatial, before the second convolution of each pair.
        outputs: 1, disc; or 2, disc and vertebra, learnt so that the one ends where the other begins.

    Returns:
        The network.
    """
    keras: Any = import_keras()
    layers = keras.layers

    instance_norm = _instance_norm_layer()

    def conv(x: Any, width: int) -> Any:
        x = layers.Conv3D(width, 3, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.LeakyReLU(0.01)(instance_norm()(x))

    def pair(x: Any, width: int) -> Any:
        x = conv(x, width)
        if dropout:
            x = layers.SpatialDropout3D(dropout)(x)
        return conv(x, width)

    x = inputs = keras.Input((*patch_size, channels), name="channels")
    skips = []
    for width in features[:-1]:
        x = pair(x, width)
        skips.append(x)
        x = layers.MaxPooling3D(2)(x)
    x = pair(x, features[-1])
    for width, skip in zip(features[-2::-1], skips[::-1], strict=True):
        # Halving the features before up-sampling gives the same numbers as after it, at an eighth of the work.
        x = layers.UpSampling3D(2)(layers.Conv3D(width, 1, kernel_initializer="he_normal")(x))
        x = pair(layers.Concatenate()([skip, x]), width)
    x = layers.Conv3D(outputs, 1, activation="sigmoid", dtype="float32", name="disc")(x)
    return keras.Model(inputs, x, name="unet")


def level_classifier(
    channels: int = 6,
    patch_size: Sequence[int] = (16, 64, 64),
    features: Sequence[int] = (8, 24, 48, 64),
    outputs: int = 10,
) -> keras.Model:
    """A 3D classifier normalised per instance: (batch, *patch_size, channels) -> (batch, outputs), logits.

    The first convolution goes two voxels at a time. The last one covers all that is left of the crop rather than an average
    over it: which disc is meant is known by its place in the crop alone.

    Args:
        channels: Of the input.
        patch_size: Voxels of the input, x divisible by 8, y and z by 16.
        features: Of each resolution; the last one's are those that the outputs are computed from.
        outputs: Logits.

    Returns:
        The network.
    """
    keras: Any = import_keras()
    layers = keras.layers

    instance_norm = _instance_norm_layer()

    def conv(x: Any, width: int, strides: tuple[int, int, int] = (1, 1, 1)) -> Any:
        x = layers.Conv3D(width, 3, strides, padding="same", use_bias=False, kernel_initializer="he_normal")(x)
        return layers.LeakyReLU(0.01)(instance_norm()(x))

    x = inputs = keras.Input((*patch_size, channels), name="channels")
    x = conv(x, features[0], (2, 2, 2))
    x = conv(x, features[0])
    x = layers.MaxPooling3D((1, 2, 2))(x)
    for width in features[1:-1]:
        x = layers.MaxPooling3D(2)(conv(conv(x, width), width))
    left = tuple(int(n) for n in x.shape[1:4])
    x = layers.Conv3D(features[-1], left, kernel_initializer="he_normal")(x)
    x = layers.GlobalAveragePooling3D()(layers.LeakyReLU(0.01)(x))
    x = layers.Dense(outputs, dtype="float32", name="levels")(x)
    return keras.Model(inputs, x, name="level_classifier")


def _instance_norm_layer() -> Any:
    """Our own layer and not keras.layers.GroupNormalization: the same numbers in two thirds of the time on a CPU."""
    keras: Any = import_keras()
    ops = keras.ops

    class InstanceNorm(keras.layers.Layer):
        """(x - mean) / sqrt(variance + 1e-3) * scale + shift, mean and variance over x, y, z of each sample and feature.

        Ulyanov et al., Instance Normalization, arXiv:1607.08022.
        """

        def build(self, input_shape: tuple[int | None, ...]) -> None:
            self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="scale")
            self.shift = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="shift")

        def call(self, x: Any) -> Any:
            wide = ops.cast(x, "float32")  # sums of thousands of bfloat16 values would lose their digits
            mean = ops.mean(wide, axis=(1, 2, 3), keepdims=True)
            variance = ops.mean(ops.square(wide), axis=(1, 2, 3), keepdims=True) - ops.square(mean)
            factor = ops.cast(self.scale, "float32") * ops.rsqrt(ops.maximum(variance, 0.0) + 1e-3)
            offset = ops.cast(self.shift, "float32") - mean * factor
            return x * ops.cast(factor, x.dtype) + ops.cast(offset, x.dtype)

    return InstanceNorm
