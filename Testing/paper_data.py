"""Boxes of phantoms in the layout of the published ones, and networks small enough for a test."""

from dataclasses import replace

import numpy as np
from IVDSegmentationLib.images import WORKING_SPACING_MM, Grid, Volume, write_volume
from IVDSegmentationLib.phantom import make_phantom
from IVDSegmentationLib.pipeline.crop import BOX_SIZE, box_start, crop
from scipy import ndimage

DISCS = 2


def write_boxes(data, subjects=("A", "B", "C")):
    """`ivdm3seg-patches/SUBJECT/discN/...` of phantoms, the lowest DISCS of each."""
    x, y, z = BOX_SIZE
    grid = Grid((x, y, z), WORKING_SPACING_MM, (0.0, 0.0, 0.0))
    for seed, subject in enumerate(subjects, start=2026):
        phantom = make_phantom(seed)
        for number in range(1, DISCS + 1):
            start = box_start(ndimage.center_of_mass(phantom.labels == number))
            folder = data / "ivdm3seg-patches" / subject / f"disc{number}"
            folder.mkdir(parents=True)
            for name in ("fat", "in_phase", "opposed_phase"):
                voxels = np.rint(crop(phantom.channels[name], start)).astype(np.int16)
                write_volume(Volume(voxels, grid, name), folder / f"{name}.nii.gz")
            mask = (crop(phantom.labels, start) == number).astype(np.uint8)
            write_volume(Volume(mask, grid, "disc"), folder / "disc.nii.gz")
    return data


def shrink(monkeypatch, steps=2):
    """Networks of a few features and trainings of a few steps, under the name paper-fast."""
    from IVDSegmentationLib.paper import presets, trainings

    features = {presets.CONVENTIONAL: (2, 2), presets.SLICES: (2, 2), presets.SEGMENTER: (2, 2)}
    for network, few in features.items():
        monkeypatch.setitem(presets.PARAMETERS, network, {"features": few})
    tiny = replace(presets.PAPER_FAST, steps=dict.fromkeys(features, steps), precision="float32")
    monkeypatch.setitem(presets.PRESETS, "paper-fast", tiny)
    released = replace(
        trainings.RELEASED_SEGMENTER["default"], steps=steps, batch=1, parameters={"features": (2, 2)}, phantoms=0
    )
    monkeypatch.setattr(trainings, "RELEASED_SEGMENTER", {"default": released})
    return tiny
