"""What Slicer learns of this extension when it starts: the sample case, and the term of the discs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from ..images import Volume
from .volume_nodes import add_channels, add_volume

SAMPLE_NAME, SAMPLE_SEED = "Dixon lumbar phantom", 2018
_RESOURCES = Path(__file__).resolve().parents[2] / "Resources"


def register_terminology() -> None:
    """Add the discs' terms to the terminologies."""
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(_RESOURCES / "IntervertebralDiscs.term.json"))


def register_sample() -> None:
    """Add the sample case to the Sample Data module; a second time it changes nothing."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="IVD Segmentation",
        sampleName=SAMPLE_NAME,
        uris=[],
        fileNames=[],
        thumbnailFileName=str(_RESOURCES / "Icons" / "DixonLumbarPhantom.png"),
        customDownloader=_download,
    )


def _download(source: Any) -> list[Any]:
    # One function for all registrations: Slicer drops a second one only where everything in it is the same.
    return add_phantom()


def add_phantom() -> list[Any]:
    """Make the sample case and load it.

    Returns:
        Nodes of the four channels, then of the exact labels.
    """
    from ..phantom import make_phantom

    phantom = make_phantom(SAMPLE_SEED)
    volumes = {channel: Volume(voxels, phantom.grid) for channel, voxels in phantom.channels.items()}
    channels = add_channels(volumes, SAMPLE_NAME)
    labels = Volume(phantom.labels, phantom.grid)
    return [*channels.values(), add_volume(labels, f"{SAMPLE_NAME} reference", case=SAMPLE_NAME, channel=None)]
