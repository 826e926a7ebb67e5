"""What a segment is, in Slicer's words for terminologies."""

from __future__ import annotations

TERMINOLOGY = (
    "Segmentation category and type - Intervertebral discs"
    "~SCT^123037004^Anatomical Structure~SCT^360499006^Intervertebral disc~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
"""The terminology entry of every segment; its context is Resources/IntervertebralDiscs.term.json."""

TERMINOLOGY_TAG = "TerminologyEntry"
"""Name of the tag that holds it (vtkSegment::GetTerminologyEntryTagName)."""

CONFIDENCE_TAG = "IVDSegmentation.Confidence"
"""Tag of a segment: the confidence of its disc, 0..1. Saved with scenes: keep its name."""
