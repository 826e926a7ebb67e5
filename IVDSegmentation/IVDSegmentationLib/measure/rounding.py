"""How measurements are printed: six significant digits, the same ones in every output and in what is decided from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def rounded(value: Any) -> Any:
    """Make plain Python values for JSON.

    Args:
        value: A number, text, truth value or None, or mappings and sequences of them.

    Returns:
        The same, item by item; floats to six significant digits, NaN as None.
    """
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    number = float(value)
    return None if math.isnan(number) else float(f"{number:.6g}")
