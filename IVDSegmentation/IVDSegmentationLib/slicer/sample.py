"""What Slicer learns of this extension when it starts: the sample case, and the term of the discs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer

from ..images import Volume
from .nodes import add_channels, add_volume

SAMPLE_NAME, SAMPLE_SEED = "Dixon lumbar phantom", 2018
_RESOURCES = Path(__file__).resolve().parents[2] / "Resources"


def register() -> None:
    """Add the sample case to the Sample Data module and the discs' terms to the terminologies."""
    import SampleData

    SampleData.SampleDataLogic.registerCustomSampleDataSource(
        category="IVD Segmentation",
        sampleName=SAMPLE_NAME,
        thumbnailFileName=str(_RESOURCES / "Icons" / "DixonLumbarPhantom.png"),
        customDownloader=lambda source: add_phantom(),
    )
    slicer.modules.terminologies.logic().LoadTerminologyFromFile(str(_RESOURCES / "IntervertebralDiscs.term.json"))


def add_phantom() -> list[Any]:
    """Make the sample case and load it: four channels, then the exact labels."""
    from ..phantom.phantom import make_phantom

    phantom = make_phantom(SAMPLE_SEED)
    volumes = {channel: Volume(voxels, phantom.grid) for channel, voxels in phantom.channels.items()}
    channels = add_channels(volumes, SAMPLE_NAME)
    labels = Volume(phantom.labels, phantom.grid)
    return [*channels.values(), add_volume(labels, f"{SAMPLE_NAME} reference", case=SAMPLE_NAME, channel=None)]
