"""Small and sound cases that hostile inputs are made of."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .campaign import Build

SMALL = (20, 40, 40)


def small(path: Path, voxels: np.ndarray | None = None, kind=np.int16, compress=False) -> Path:
    """A small sound image of noise."""
    if voxels is None:
        voxels = np.random.default_rng(4).integers(1, 900, SMALL)
    image = sitk.GetImageFromArray(np.ascontiguousarray(voxels.astype(kind).T))
    image.SetSpacing((2.0, 1.25, 1.25))
    image.SetOrigin((10.0, 20.0, 30.0))
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path), useCompression=compress)
    return path


def segment(*extra: str) -> list[str]:
    return ["segment", "case", "-o", "out", *extra]


def copy(sound: Path, folder: Path, *channels: str) -> Path:
    case = folder / "case"
    case.mkdir()
    for channel in channels or ("water", "opposed_phase"):
        shutil.copy(sound / f"{channel}.nii.gz", case)
    return case


NAN, INF = float("nan"), float("inf")


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(path.name)
    os.chdir(here)


NOT_UTF8 = os.fsdecode(b"\xff_water.nii.gz")


ASCII = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


BYTES = os.fsdecode(b"\xff\xfe")


def sound_case(*arguments: str) -> Build:
    return lambda folder, sound: (copy(sound, folder), segment(*arguments))[-1]
