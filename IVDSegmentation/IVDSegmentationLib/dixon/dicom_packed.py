"""Pixels of DICOM that are packed (JPEG and its kin), unpacked by a process that may die of them.

The decoders below ITK and pydicom are C libraries, which print, take memory as a stream tells them to, and can end the process.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..arrays import read_npy
from ..errors import InputError
from ..images.bounds import MOST_VOXELS
from ..images.itk import itk_warnings_off
from .dicom_file import read_data

if TYPE_CHECKING:
    import pydicom

_LONGEST_S = 300.0
"""For all slices of a channel; JPEG 2000 of 512 x 512 takes some hundredths of a second each."""
_MOST_MEMORY_BYTES = 4 << 30
"""Of address space, the libraries in it: 67 million voxels of four bytes are held three times."""
_NO_DECODER, _DAMAGED = 3, 4
"""Exit statuses of the process."""

_END = b"\xff\xd9"
"""What JPEG, JPEG-LS and JPEG 2000 end with."""
_JPEG, _JPEG_2000 = b"\xff\xd8", b"\xff\x4f\xff\x51"
"""What their streams begin with."""
_JP2 = b"\0\0\0\x0cjP  "
"""What a JPEG 2000 stream in a file of its own begins with, which does not belong into DICOM."""
_KINDS = "1.2.840.10008.1.2.4."
"""What the transfer syntaxes of JPEG, JPEG-LS and JPEG 2000 begin with."""
_JPEG_FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG and JPEG-LS that the size follows."""


def check_streams(data: pydicom.Dataset, columns_rows: tuple[int, int], frames: int, label: str) -> None:
    """Refuse packed pixels that are cut short, or not of the size that the tags say, before a decoder sees them.

    A decoder fills in what is missing, and makes room for whatever size a stream says it has.

    Args:
        data: With its pixels.
        columns_rows: Pixels along a row and along a column, by the tags.
        frames: How many images it holds.
        label: How a sentence calls the file.

    Raises:
        InputError: They are none of JPEG, JPEG-LS and JPEG 2000; there are more or fewer images than that, or one of them is of
            another size or has no end.
    """
    from pydicom.encaps import generate_frames

    if not str(data.file_meta.get("TransferSyntaxUID", "")).startswith(_KINDS):
        raise InputError(f"the pixels of {label} are compressed in a way that cannot be read here: decompress the files")
    damaged = InputError(f"the pixels of {label} cannot be read: the file is damaged or cut short; export it again")
    try:
        streams = list(generate_frames(data.PixelData, number_of_frames=frames))
    except Exception as error:  # a damaged file raises whatever the value it was damaged in leads to
        raise damaged from error
    if len(streams) != frames:
        raise damaged
    for stream in streams:
        if stream.startswith(_JP2):
            continue  # the decoder, which says whether it is whole
        if not stream.startswith((_JPEG, _JPEG_2000)):
            raise damaged
        size = _size_of_stream(stream)
        if size != columns_rows or not stream.rstrip(b"\0").endswith(_END):
            raise damaged


def _size_of_stream(stream: bytes) -> tuple[int, int] | None:
    """Columns and rows of a JPEG, JPEG-LS or JPEG 2000 stream; None where it does not say."""

    def number(at: int, count: int) -> int:
        return int.from_bytes(stream[at : at + count], "big")

    if stream.startswith(_JPEG_2000):  # marker, length, capabilities; then the ends and the beginnings of the area
        return number(8, 4) - number(16, 4), number(12, 4) - number(20, 4)
    at = 2
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        if stream[at + 1] in _JPEG_FRAMES:
            return number(at + 7, 2), number(at + 5, 2)
        at += 2 + number(at + 2, 2)
    return None


def unpacked(paths: Sequence[Path], *, frames: bool, source: str) -> np.ndarray:
    """The pixels of DICOM files as a process of its own unpacks them.

    Args:
        paths: Classic files of one series, in order; or one file of several frames.
        frames: Whether it is one file of several frames.
        source: How a sentence calls them.

    Returns:
        float32 [slice, row, column] of files, slope and intercept applied; of frames the stored numbers.

    Raises:
        InputError: They are damaged, or packed in a way that nothing here unpacks.
    """
    library = str(Path(__file__).resolve().parents[2])
    environment = {**os.environ, "PYTHONPATH": library + os.pathsep + os.environ.get("PYTHONPATH", "")}
    with tempfile.TemporaryDirectory(prefix="ivdseg-") as folder:
        made = Path(folder) / "pixels.npy"
        asked = json.dumps({"paths": [str(path.resolve()) for path in paths], "frames": frames, "made": str(made)})
        try:
            status = subprocess.run(
                [sys.executable, "-m", __name__],
                input=asked.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                cwd=folder,
                timeout=_LONGEST_S,
                check=False,
            ).returncode
            if status == _NO_DECODER:
                raise InputError(
                    f"{source}: its pixels are compressed in a way that cannot be read here: "
                    "install ivdsegmentation[dicom], or decompress the files"
                )
            if status == 0:
                return read_npy(made, 4 * MOST_VOXELS)
        except (OSError, ValueError, subprocess.TimeoutExpired) as error:
            raise InputError(f"{source}: the pixels could not be unpacked: decompress the files") from error
    raise InputError(f"{source}: the pixels of a slice cannot be read: the file is damaged or cut short")


def _unpack(paths: list[str], frames: bool) -> np.ndarray:
    """As `unpacked`, in this process."""
    if frames:
        stored: np.ndarray = read_data(Path(paths[0])).pixel_array
        return stored
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(paths)
    reader.SetOutputPixelType(sitk.sitkFloat32)  # by slice: each may have its own slope
    with itk_warnings_off():
        return sitk.GetArrayFromImage(reader.Execute())


def _main() -> int:
    """Unpack what is asked for on stdin."""
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_MEMORY_BYTES, _MOST_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asked: dict[str, Any] = json.loads(sys.stdin.buffer.read())
    try:
        made = _unpack(asked["paths"], asked["frames"])
    except (NotImplementedError, ImportError):
        return _NO_DECODER
    except Exception as error:  # whatever the decoders raise
        # pydicom says by a RuntimeError that it has no decoder; ITK by one that a file is damaged.
        return _NO_DECODER if asked["frames"] and "missing dependencies" in str(error) else _DAMAGED
    np.save(asked["made"], made, allow_pickle=False)
    return 0


if __name__ == "__main__":
    sys.exit(_main())
