"""Voxels from the bytes of a file: as many as its header promises, no more memory than they take, whole or refused."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..errors import InputError
from ..printable import printable
from .bounds import cut_short

_BLOCK_BYTES = 1 << 23
"""Read and converted at a time: the stored numbers of a volume may take eight times its float32."""


def read_voxels(
    read: Callable[[int], bytes],
    name: str,
    kind: np.dtype,
    count: int,
    convert: Callable[[np.ndarray], np.ndarray] = lambda stored: stored,
) -> np.ndarray:
    """Read the voxels of a file.

    Args:
        read: Gives the next bytes, as many as it is asked for, or fewer at the end.
        name: Of the file, for the message.
        kind: Type of the stored numbers, with their byte order.
        count: Number of voxels.
        convert: From stored numbers to intensities.

    Returns:
        float32 (count,), in the order of the file.

    Raises:
        InputError: There are fewer bytes than that.
    """
    voxels = np.empty(count, np.float32)
    at_once = _BLOCK_BYTES // kind.itemsize
    for start in range(0, count, at_once):
        wanted = min(at_once, count - start) * kind.itemsize
        content = read(wanted)
        if len(content) < wanted:
            raise cut_short(name, start * kind.itemsize + len(content), count * kind.itemsize)
        with np.errstate(over="ignore", invalid="ignore"):  # what float32 does not hold is found as infinite
            voxels[start : start + at_once] = convert(np.frombuffer(content, kind))
    return voxels


def unpacked(file: BinaryIO) -> Callable[[int], bytes]:
    """Read a zlib or gzip stream that begins where a file is read next, without ever unpacking more than is asked for.

    Args:
        file: Open for reading.

    Returns:
        A function that gives the next unpacked bytes, as many as it is asked for, or fewer at the end of the stream. It raises
        zlib.error where the stream is damaged.
    """
    stream = zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: finds out which of the two it is

    def blocks(wanted: int) -> Iterator[bytes]:
        while wanted > 0 and not stream.eof:
            packed = stream.unconsumed_tail or file.read(1 << 16)
            block = stream.decompress(packed, wanted)
            if not block and not packed:
                return  # the file ends before the stream does
            wanted -= len(block)
            yield block

    return lambda wanted: b"".join(blocks(wanted))


@dataclass(frozen=True)
class VoxelFile:
    """Where the voxels of a header are.

    Attributes:
        path: The file that holds them, which may be that of the header.
        start: Bytes before them.
        packed: Whether they are a zlib or gzip stream.
    """

    path: Path
    start: int
    packed: bool

    def read(self, name: str, kind: np.dtype, count: int) -> np.ndarray:
        """Read the voxels.

        Args:
            name: Of the file with the header, for the message.
            kind: Type of the stored numbers, with their byte order.
            count: Number of voxels.

        Returns:
            float32 (count,).

        Raises:
            InputError: They are cut short or damaged.
        """
        present = max(self.path.stat().st_size - self.start, 0)
        if not self.packed and present < count * kind.itemsize:
            raise cut_short(name, present, count * kind.itemsize)
        try:
            with self.path.open("rb") as file:
                file.seek(self.start)
                return read_voxels(unpacked(file) if self.packed else file.read, name, kind, count)
        except (OSError, zlib.error) as error:
            raise InputError(f"{printable(name)} cannot be read: its voxels are damaged; copy or export it again") from error
