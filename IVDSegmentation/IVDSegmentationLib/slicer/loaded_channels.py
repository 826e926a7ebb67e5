"""Which of the loaded volumes are which Dixon channels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import slicer
from slicer.i18n import tr as _

from ..dixon.channels import CHANNELS, channel_of_image_type, recognise_channel
from .attributes import CHANNEL
from .texts import channel_name


@dataclass(frozen=True)
class Candidate:
    """A loaded volume.

    Attributes:
        key: Names it to the caller.
        name: Of its node.
        channel: The one it was loaded as, if known.
        image_type: Values of the DICOM tag ImageType, none if it is not from DICOM.
    """

    key: str
    name: str
    channel: str | None = None
    image_type: tuple[str, ...] = ()


def find_channels(candidates: Iterable[Candidate]) -> tuple[dict[str, str], list[str]]:
    """Find which volumes look like which channels.

    Args:
        candidates: The volumes.

    Returns:
        Channel -> key of the one volume that looks like it; and a sentence on each channel that several look like.
    """
    by_channel: dict[str, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        channel = candidate.channel or channel_of_image_type(candidate.image_type) or recognise_channel(candidate.name)
        if channel:
            by_channel[channel].append(candidate)
    found = {channel: by_channel[channel][0].key for channel in CHANNELS if len(by_channel[channel]) == 1}
    ambiguous = [
        _("{count} volumes look like the {channel} channel ({names}): choose one.").format(
            count=len(same), channel=channel_name(channel), names=", ".join(one.name for one in same)
        )
        for channel, same in by_channel.items()
        if len(same) > 1
    ]
    return found, ambiguous


def candidates() -> list[Candidate]:
    """The scalar volumes of the scene with what tells their channel.

    Returns:
        One each; its key is the node's ID.
    """
    nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode")
    return [_candidate(node) for node in nodes if not node.IsA("vtkMRMLLabelMapVolumeNode")]


def _candidate(node: Any) -> Candidate:
    uids = (node.GetAttribute("DICOM.instanceUIDs") or "").split()
    database = getattr(slicer, "dicomDatabase", None)  # absent until Slicer's DICOM module has started, or for good
    image_type = database.instanceValue(uids[0], "0008,0008") if uids and database is not None else ""
    values = tuple(image_type.split("\\")) if image_type else ()
    return Candidate(node.GetID(), node.GetName(), node.GetAttribute(CHANNEL), values)
