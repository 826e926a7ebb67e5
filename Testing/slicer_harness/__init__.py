"""Test equipment: enough of 3D Slicer around the real MRML libraries of `slicer-core` to drive the module as a person would.

Not a Slicer, and not shipped with the extension. The scene, the nodes, the module logics and the displayable managers are
Slicer's own compiled ones; `qt` and `ctk` are PySide6 with the ways of PythonQt, strict; the rest of Slicer's Python is
imitated only as far as the module uses it and only as documented. What the module uses beyond that raises AttributeError.
"""

from importlib.util import find_spec

from . import sources

if find_spec("slicer_core") is not None:
    import slicer

    # Here, not in `boot`: files of the library that ask `slicer.i18n` for their texts are imported before it runs.
    sources.use(slicer)
