"""Intervertebral discs from Dixon MRI of the lumbar spine: segmented, named and measured.

>>> from IVDSegmentationLib import Pipeline, load_case
>>> segmentation = Pipeline().segment(load_case("examination"))
"""

TYPE_CHECKING = False  # `typing` is not imported for it: before the command line catches signals, Ctrl-C is a traceback
if TYPE_CHECKING:
    from typing import Any

__version__ = "0.1.0"
__all__ = ["DixonCase", "Pipeline", "Request", "Segmentation", "load_case"]

_HOMES = {
    "Pipeline": "pipeline.segment",
    "load_case": "dixon.case",
    "DixonCase": "dixon.case",
    "Request": "pipeline.request",
    "Segmentation": "pipeline.segmentation",
}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first used, so that importing the package costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
