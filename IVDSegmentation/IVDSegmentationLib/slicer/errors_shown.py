"""What goes wrong behind a control of the panel, in one box."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import slicer

from ..errors import IVDSegmentationError


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show the sentence of an error of this library in a box and go on; any other with its traceback, and raise it.

    The cursor says that the user has to wait, but not while the box is there.
    """
    known: IVDSegmentationError | None = None
    with slicer.util.tryWithErrorDisplay(waitCursor=True):
        try:
            yield
        except IVDSegmentationError as error:
            known = error
    if known is not None:
        slicer.util.errorDisplay(str(known))
