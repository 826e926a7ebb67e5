"""Reading one file of a source that lies on the working grid already."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError


def voxels_of(path: Path) -> np.ndarray:
    """The voxels of a file.

    Args:
        path: A volume on the working grid.

    Returns:
        [x, y, z] of the file's own type.

    Raises:
        InputError: It cannot be read.
    """
    import SimpleITK as sitk

    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise InputError(f"{path.name} in {path.parent.name} cannot be read as training data: check the file") from error
    return np.ascontiguousarray(sitk.GetArrayFromImage(image).T)
