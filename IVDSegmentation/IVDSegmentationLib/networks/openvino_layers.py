"""The layers that networks are made of, as nodes of an OpenVINO graph: the numbers of Keras' layers, from the same weights.

Images are [sample, channel, x, y, z] in the graph, which is what OpenVINO is made for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

INSTANCE_NORM_EPSILON = 1e-3
LEAK = 0.01
SPATIAL_AXES = (2, 3, 4)


class Layers:
    """Makes one layer after the other, each with the next of the network's weights, in the order in which Keras holds them."""

    def __init__(self, weights: Sequence[np.ndarray]) -> None:
        """Layers with these weights.

        Args:
            weights: All arrays of the network, float32, in Keras' order.
        """
        from openvino import opset13

        self._ops = opset13
        self._weights = list(weights)
        self._used = 0

    def check_all_used(self) -> None:
        """Refuse a network that has fewer weights than are given.

        Raises:
            ValueError: Weights are left over.
        """
        if self._used != len(self._weights):
            raise ValueError(f"{len(self._weights)} arrays of weights, of which the network has {self._used}")

    def image(self, shape: Sequence[int]) -> tuple[Any, Any]:
        """The network's input.

        Args:
            shape: Of the batch, (sample, x, y, z, channel).

        Returns:
            The parameter of the graph, and the image.
        """
        parameter = self._ops.parameter(list(shape), np.float32, name="channels")
        return parameter, self._ops.transpose(parameter, np.array([0, 4, 1, 2, 3], np.int64))

    def maps(self, x: Any) -> Any:
        """An image as the network's output.

        Args:
            x: Image.

        Returns:
            [sample, x, y, z, map].
        """
        return self._ops.transpose(x, np.array([0, 2, 3, 4, 1], np.int64))

    def conv(self, x: Any, width: int, size: int, *, bias: bool = True) -> Any:
        """Convolution, zero-padded to the size of its input: keras.layers.Conv3D(width, size, padding="same").

        Args:
            x: Image.
            width: Features of the result.
            size: Of the kernel along each axis.
            bias: Whether it adds one.

        Returns:
            Image.

        Raises:
            ValueError: The weights do not fit.
        """
        kernel = self._next((size, size, size, _width(x), width))
        y = self._convolved(x, kernel)
        return self._ops.add(y, _per_feature(self._next((width,)))) if bias else y

    def halving_conv(self, x: Any, width: int) -> Any:
        """Conv3D(width, 3, strides=2, padding="same", use_bias=False), which Keras pads after the end of an image of even size.

        Args:
            x: Image.
            width: Features of the result.

        Returns:
            Image of half the size.
        """
        kernel = np.ascontiguousarray(np.transpose(self._next((3, 3, 3, _width(x), width)), (4, 3, 0, 1, 2)))
        return self._ops.convolution(
            x, self._ops.constant(kernel, np.float32), [2, 2, 2], [0, 0, 0], [1, 1, 1], [1, 1, 1]
        )  # fmt: skip

    def conv_of_all(self, x: Any, width: int) -> Any:
        """Conv3D(width, size of the image).

        Args:
            x: Image.
            width: Features of the result.

        Returns:
            [sample, width, 1, 1, 1].
        """
        size = tuple(int(n) for n in x.shape[2:])
        kernel = np.ascontiguousarray(np.transpose(self._next((*size, _width(x), width)), (4, 3, 0, 1, 2)))
        none = [0, 0, 0]
        y = self._ops.convolution(x, self._ops.constant(kernel, np.float32), [1, 1, 1], none, none, [1, 1, 1])
        return self._ops.add(y, _per_feature(self._next((width,))))

    def conv_of_skip_and_upsampled(self, skip: Any, x: Any, width: int) -> Any:
        """Concatenate([skip, UpSampling3D(2)(x)]), then Conv3D(width, 3, padding="same", use_bias=False), exactly.

        The convolution of a concatenation is the sum of two; that of an image in which every voxel is repeated is a
        transposed convolution with stride 2, whose kernel of 4 holds the sums of the weights that meet the same voxel: less
        than a third of the products.

        Args:
            skip: Image of twice the size of `x`.
            x: Image.
            width: Features of the result.

        Returns:
            Image of the size of `skip`.

        Raises:
            ValueError: The weights do not fit.
        """
        kernel = self._next((3, 3, 3, _width(skip) + _width(x), width))
        folded = kernel[..., _width(skip) :, :]
        for axis in range(3):
            first, middle, last = np.moveaxis(folded, axis, 0)
            # Output 2i reads voxels i-1, i, i and output 2i+1 reads i, i, i+1; a transposed kernel is stored by output offset.
            folded = np.stack([last, middle + last, first + middle, first], axis=axis)
        transposed = np.ascontiguousarray(np.transpose(folded, (3, 4, 0, 1, 2)))
        up = self._ops.convolution_backprop_data(
            x,
            self._ops.constant(transposed, np.float32),
            strides=[2, 2, 2],
            pads_begin=[1, 1, 1],
            pads_end=[1, 1, 1],
            dilations=[1, 1, 1],
        )
        return self._ops.add(self._convolved(skip, kernel[..., : _width(skip), :]), up)

    def instance_norm(self, x: Any) -> Any:
        """The instance normalisation of architectures.py, over x, y, z of each sample and feature.

        Args:
            x: Image.

        Returns:
            Image.

        Raises:
            ValueError: The weights do not fit.
        """
        axes = self._ops.constant(np.array(SPATIAL_AXES, np.int64))
        y = self._ops.mvn(x, axes, True, INSTANCE_NORM_EPSILON, "inside_sqrt")
        scale, shift = self._next((_width(x),)), self._next((_width(x),))
        return self._ops.add(self._ops.multiply(y, _per_feature(scale)), _per_feature(shift))

    def leaky_relu(self, x: Any) -> Any:
        """keras.layers.LeakyReLU(0.01).

        Args:
            x: Image.

        Returns:
            Image.
        """
        return self._ops.prelu(x, self._ops.constant(np.full(1, LEAK, np.float32)))

    def sigmoid(self, x: Any) -> Any:
        """1 / (1 + exp(-x)).

        Args:
            x: Image.

        Returns:
            Image, 0..1.
        """
        return self._ops.sigmoid(x)

    def softmax(self, x: Any) -> Any:
        """keras.layers.Softmax().

        Args:
            x: [sample, class].

        Returns:
            Probabilities of the classes of each sample, [sample, class].
        """
        return self._ops.softmax(x, 1)

    def max_pool(self, x: Any, size: Sequence[int] = (2, 2, 2)) -> Any:
        """keras.layers.MaxPooling3D(size): the largest of so many voxels; an odd last layer is left out.

        Args:
            x: Image.
            size: Voxels along x, y, z.

        Returns:
            The smaller image.
        """
        return self._ops.max_pool(
            x, list(size), [1, 1, 1], [0, 0, 0], [0, 0, 0], list(size), "floor", "valid", "i64", 0
        ).output(0)  # fmt: skip

    def global_average(self, x: Any) -> Any:
        """keras.layers.GlobalAveragePooling3D().

        Args:
            x: Image.

        Returns:
            [sample, feature].
        """
        return self._ops.reduce_mean(x, np.array(SPATIAL_AXES, np.int64), False)

    def dense(self, x: Any, width: int) -> Any:
        """keras.layers.Dense(width).

        Args:
            x: [sample, feature].
            width: Features of the result.

        Returns:
            [sample, width].

        Raises:
            ValueError: The weights do not fit.
        """
        y = self._ops.matmul(x, self._ops.constant(self._next((_width(x), width)), np.float32), False, False)
        return self._ops.add(y, self._ops.constant(self._next((width,)), np.float32))

    def _convolved(self, x: Any, kernel: np.ndarray) -> Any:
        size = kernel.shape[0]
        before = [(size - 1) // 2] * 3  # of an even kernel, the surplus lies after
        after = [size // 2] * 3
        filters = np.ascontiguousarray(np.transpose(kernel, (4, 3, 0, 1, 2)))
        return self._ops.convolution(x, self._ops.constant(filters, np.float32), [1, 1, 1], before, after, [1, 1, 1])

    def _next(self, shape: tuple[int, ...]) -> np.ndarray:
        """The next array of weights. Raises ValueError where it is not of this shape."""
        if self._used == len(self._weights):
            raise ValueError(f"{self._used} arrays of weights, and the network has more")
        array = self._weights[self._used]
        self._used += 1
        if array.shape != shape:
            raise ValueError(f"array {self._used} of the weights is {array.shape}, that of the network {shape}")
        return array


def _width(x: Any) -> int:
    """Features of an image, or of [sample, feature]."""
    return int(x.shape[1])


def _per_feature(values: np.ndarray) -> np.ndarray:
    """Values (feature,) that meet the features of an image."""
    return values.astype(np.float32).reshape(1, -1, 1, 1, 1)
