"""The sources of training data: their readers, by the names that their folders have in the README beside the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ..errors import InputError
from .ivdm3seg_sources import read_ivdm3seg, read_ivdm3seg_patches
from .partial_sources import read_chu, read_myosegmentum, read_zukic
from .scans import Scan
from .spider_source import read_spider

READERS: dict[str, Callable[[Path], list[Scan]]] = {
    "ivdm3seg-patches": read_ivdm3seg_patches,
    "myosegmentum-water": read_myosegmentum,
    "chu-vertebrae": read_chu,
    "zukic-vertebrae": read_zukic,
    "spider-space": read_spider,
    "ivdm3seg": read_ivdm3seg,
}
"""Name of a source, which is that of its folder -> its reader."""

WHOLE_SOURCES = ("myosegmentum-water", "chu-vertebrae", "zukic-vertebrae", "spider-space")
"""Sources of whole volumes whose levels are known."""


def read_scans(data: Path, sources: Iterable[str]) -> list[Scan]:
    """The scans of several sources.

    Args:
        data: Folder that holds one folder a source, named as in READERS.
        sources: Names of the sources to read.

    Returns:
        Their scans, source by source.

    Raises:
        InputError: The folder of a source is missing or holds no scan, or a file cannot be read.
    """
    scans: list[Scan] = []
    for source in sources:
        folder = data / source
        found = READERS[source](folder) if folder.is_dir() else []
        if not found:
            raise InputError(f"{folder.name} holds no training data under {data.name}: set --data to the folder that holds it")
        scans += found
    return scans
