"""Voxels and channels that are no examination."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .campaign import Build, add
from .cases import INF, NAN, segment
from .headers import nifti


def channels(**made: Callable[[dict[str, np.ndarray]], np.ndarray]) -> Build:
    """A case of channels computed from the phantom's."""

    def build(folder: Path, sound: Path) -> list[str]:
        images = {
            name: sitk.ReadImage(str(sound / f"{name}.nii.gz"), sitk.sitkFloat32) for name in ("water", "fat", "in_phase")
        }
        arrays = {name: sitk.GetArrayFromImage(image) for name, image in images.items()}
        (folder / "case").mkdir()
        for name, make in made.items():
            image = sitk.GetImageFromArray(np.asarray(make(arrays), np.float32))
            image.CopyInformation(images["water"])
            sitk.WriteImage(image, str(folder / "case" / f"{name}.nii"))
        return segment()

    return build


add("voxels all negative", channels(water=lambda a: -a["water"] - 1))
add(
    "voxels one NaN",
    channels(water=lambda a: np.where(np.arange(a["water"].size).reshape(a["water"].shape) == 77, NAN, a["water"])),
)
add("voxels infinite", channels(water=lambda a: np.where(a["water"] > 200, INF, a["water"])))
add("voxels all the same", channels(water=lambda a: np.full_like(a["water"], 7)))
add("voxels noise", channels(water=lambda a: np.random.default_rng(1).random(a["water"].shape)))
add("fat alone", channels(fat=lambda a: a["fat"]))
add("fat a thousand times water", channels(water=lambda a: a["water"], fat=lambda a: 1000 * a["fat"]))
add("water a thousandth", channels(water=lambda a: a["water"] / 1000, in_phase=lambda a: a["in_phase"]))
add("voxels tiny", channels(water=lambda a: a["water"] * 1e-30), "either")
add("voxels huge", channels(water=lambda a: a["water"] * 1e30), "either")
add("nifti slope", nifti({112: ("f4", [2.5, 0])}, sound_case=True), "right")
