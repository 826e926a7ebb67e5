"""The Dixon examination: its four channels, the relations between them, and the case that the pipeline takes.

A Dixon sequence gives four images of one field of view: water, fat, in-phase (their sum) and opposed-phase (their
difference). A user may have any of them, in files, DICOM series or a Slicer scene. This package recognises which image is
which channel, reads them, checks them against one another, computes what the Dixon relations determine, and puts all of
them onto one working grid: a `DixonCase`.
"""

from .case import DixonCase, case_from_volumes, load_case
from .channels import CHANNELS, PLAIN_NAMES, REFERENCE_ORDER, recognise_channel
from .folder import read_channels
from .relations import complete_channels

__all__ = [
    "CHANNELS",
    "PLAIN_NAMES",
    "REFERENCE_ORDER",
    "DixonCase",
    "case_from_volumes",
    "complete_channels",
    "load_case",
    "read_channels",
    "recognise_channel",
]
