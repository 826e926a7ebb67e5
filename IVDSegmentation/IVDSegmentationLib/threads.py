"""Work on several cores of this process, where libraries let go of Python's lock meanwhile: zlib, numpy, scipy's filters."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import TypeVar

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def usable_cores() -> list[int]:
    """The cores that this process may use.

    Returns:
        Their numbers, at least one; in a container or under a batch system not all that the machine has.
    """
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def cores() -> int:
    """Count the cores that this process may use.

    Returns:
        At least one.
    """
    return len(usable_cores())


def in_threads(function: Callable[[_Item], _Result], items: Iterable[_Item]) -> list[_Result]:
    """Call a function with each of some items, as many at once as there are cores.

    Args:
        function: Must be safe to be called in several threads.
        items: Its arguments.

    Returns:
        Its results, in the order of the items.

    Raises:
        Exception: What the function raises for the first item that it fails for.
    """
    given = list(items)
    if min(cores(), len(given)) < 2:
        return [function(item) for item in given]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(cores(), len(given))) as pool:
        return list(pool.map(function, given))
