"""Volumes and grids as SimpleITK images, and back.

SimpleITK shows an image as an array [k, j, i]; here arrays are [i, j, k].
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from .volume import Volume, contiguous

if TYPE_CHECKING:
    import SimpleITK


def image_of(volume: Volume) -> SimpleITK.Image:
    """A volume as a SimpleITK image.

    Args:
        volume: Voxels [i, j, k] of a type that ITK knows.

    Returns:
        The image, with the volume's geometry; its pixels are a copy.
    """
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(contiguous(volume.voxels.T))
    image.SetSpacing(volume.grid.spacing_mm)
    image.SetOrigin(volume.grid.origin_mm)
    image.SetDirection([cosine for row in volume.grid.direction for cosine in row])
    return image


def voxels_of(image: SimpleITK.Image, dtype: np.dtype | type = np.float32) -> np.ndarray:
    """The pixels of a SimpleITK image.

    Args:
        image: Three-dimensional, one value a pixel.
        dtype: Type of the result.

    Returns:
        [i, j, k], of type dtype.
    """
    import SimpleITK as sitk

    return sitk.GetArrayFromImage(image).T.astype(dtype, copy=False)


@contextmanager
def itk_warnings_off() -> Iterator[None]:
    """Keep ITK from writing warnings to stderr within the block; errors are raised all the same."""
    import SimpleITK as sitk

    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)
