"""The attributes and tags that this extension sets on nodes and segments. They are saved with the scene: keep their names."""

from ..levels.terminology import CONFIDENCE_TAG

CASE = "IVDSegmentation.Case"
"""Node: the case it belongs to."""

CHANNEL = "IVDSegmentation.Channel"
"""Volume: the Dixon channel it was loaded as."""

RESULT = "IVDSegmentation.Result"
"""Node of a result: the subject hierarchy item of the result's folder."""

LEVELS_TABLE = "IVDSegmentation.Levels"
"""Colour table: that of the levels."""

CONFIDENCE = CONFIDENCE_TAG
"""Tag of a segment: the confidence of its disc, 0..1."""
