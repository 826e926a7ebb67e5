"""What each network is trained on: boxes, volumes or windows of them, and slices, in shuffled passes over all of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from ..dixon.channels import CHANNELS
from ..networks.inputs import normalise
from ..pipeline.crop import PATCH_SIZE, box_start, crop, pad
from .inputs import SLICE_CHANNEL, Inputs
from .spines import Spine

POOLED = {"volume": 8, "slice": 16}
"""What the sizes of the conventional 3D U-Net's and the 2D network's input must be multiples of."""


class Passes(ABC):
    """A source of training samples that gives every item once before any comes again, in an order shuffled anew each time."""

    @abstractmethod
    def __len__(self) -> int:
        """The number of items."""

    @abstractmethod
    def item(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One item.

        Args:
            index: Which.
            rng: Generator of what is random about it.

        Returns:
            Input and target, float32; the target's last axis is disc, known (training.losses).
        """

    def sample(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The item of a step.

        Args:
            seed: Number of the sample, >= 0; consecutive numbers make passes.

        Returns:
            Input and target, float32.
        """
        order = np.random.default_rng(seed // len(self)).permutation(len(self))
        return self.item(int(order[seed % len(self)]), np.random.default_rng(seed))


def target_of(discs: np.ndarray) -> np.ndarray:
    """The target of a sample in which every voxel is known, those of the padding too.

    Args:
        discs: Numbers of discs, or 0, of any shape.

    Returns:
        float32 [..., 2], of 0 and 1: disc, known.
    """
    return np.stack([discs > 0, np.ones(discs.shape, bool)], -1).astype(np.float32)


class BoxPasses(Passes):
    """The boxes around the discs, zero-padded to 36 x 36 x 28."""

    def __init__(self, spines: Sequence[Spine], inputs: Inputs) -> None:
        """Cut the boxes.

        Args:
            spines: Originals and augmented copies.
            inputs: The channels.
        """
        self.items: list[tuple[np.ndarray, np.ndarray]] = []
        for spine in spines:
            stacked = inputs.stacked(spine.channels)
            for center in spine.centers_ijk:
                start = box_start(center)
                box, discs = crop(stacked, start), crop(spine.discs, start)
                self.items.append((pad(normalise(box), PATCH_SIZE), target_of(pad(discs, PATCH_SIZE))))

    def __len__(self) -> int:
        """The number of boxes."""
        return len(self.items)

    def item(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One box.

        Args:
            index: Which.
            rng: Not used: boxes hold nothing random.

        Returns:
            Input float32 [36, 36, 28, channel] and target float32 [36, 36, 28, 2].
        """
        return self.items[index]


class VolumePasses(Passes):
    """Whole volumes, zero-padded to multiples of 8, or windows of them along z."""

    def __init__(self, spines: Sequence[Spine], inputs: Inputs, window_voxels: int | None) -> None:
        """Take the volumes.

        Args:
            spines: Originals and augmented copies.
            inputs: The channels.
            window_voxels: Voxels of a window along z; None for whole volumes.
        """
        self.spines = spines
        self.images = [normalise(inputs.stacked(spine.channels)) for spine in spines]
        self.window_voxels = window_voxels

    def __len__(self) -> int:
        """The number of volumes."""
        return len(self.spines)

    def item(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One volume, or a window at a random place of it.

        Args:
            index: Which volume.
            rng: Generator of the place.

        Returns:
            Input float32 [x, y, z, channel] and target float32 [x, y, z, 2].
        """
        image, discs = self.images[index], self.spines[index].discs
        x, y, z = discs.shape
        length = min(self.window_voxels or z, z)
        start = (0, 0, int(rng.integers(z - length + 1)))
        size = [n + -n % POOLED["volume"] for n in (x, y, length)]
        return pad(crop(image, start, (x, y, length)), size), target_of(pad(crop(discs, start, (x, y, length)), size))


def slices_along(volume: np.ndarray, axis: int) -> np.ndarray:
    """The slices of a volume.

    Args:
        volume: [x, y, z].
        axis: 0, 1 or 2: the axis that they are stacked along.

    Returns:
        [slice, row, column], a view; rows and columns are the other two axes in their order.
    """
    return np.moveaxis(volume, axis, 0)


def slice_size(shapes: Sequence[tuple[int, ...]], axes: Sequence[int]) -> tuple[int, int]:
    """The least size, in multiples of 16, that holds every slice.

    Args:
        shapes: Of the volumes, x, y, z.
        axes: The axes that slices are taken along.

    Returns:
        Rows and columns.
    """
    sizes = np.array([[n for a, n in enumerate(shape) if a != axis] for shape in shapes for axis in axes])
    rows, columns = (int(n + -n % POOLED["slice"]) for n in sizes.max(axis=0))
    return rows, columns


def pad_slice(image: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Pad a slice with zeros, the surplus shared between both ends, an odd pixel after.

    Args:
        image: [row, column].
        size: Rows and columns of the result.

    Returns:
        [*size].
    """
    surplus = [n - m for n, m in zip(size, image.shape, strict=True)]
    return np.pad(image, [(n // 2, n - n // 2) for n in surplus])


def unpad_slices(images: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """Undo `pad_slice`.

    Args:
        images: [slice, row, column], padded.
        size: Rows and columns of the slices inside.

    Returns:
        [slice, *size], a view.
    """
    first = [(n - m) // 2 for n, m in zip(images.shape[1:], size, strict=True)]
    return images[:, first[0] : first[0] + size[0], first[1] : first[1] + size[1]]


def slice_image(spine: Spine) -> np.ndarray:
    """The image that the 2D network sees slices of.

    Args:
        spine: The examination.

    Returns:
        float32 [x, y, z], normalised.
    """
    return normalise(spine.channels[..., CHANNELS.index(SLICE_CHANNEL)][..., None])[..., 0]


class SlicePasses(Passes):
    """The slices of all volumes along one axis, zero-padded to one size."""

    def __init__(self, spines: Sequence[Spine], axis: int, size: tuple[int, int]) -> None:
        """Take the slices.

        Args:
            spines: Originals and augmented copies.
            axis: 0, 1 or 2: the axis that they are stacked along.
            size: Rows and columns that they are padded to (`slice_size`).
        """
        self.images = [slices_along(slice_image(spine), axis) for spine in spines]
        self.discs = [slices_along(spine.discs, axis) for spine in spines]
        self.where = [(n, i) for n, stack in enumerate(self.images) for i in range(len(stack))]
        self.size = size

    def __len__(self) -> int:
        """The number of slices."""
        return len(self.where)

    def item(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """One slice.

        Args:
            index: Which.
            rng: Not used: slices hold nothing random.

        Returns:
            Input float32 [*size, 1] and target float32 [*size, 2].
        """
        volume, number = self.where[index]
        image = pad_slice(self.images[volume][number], self.size)[..., None]
        return image, target_of(pad_slice(self.discs[volume][number], self.size))
