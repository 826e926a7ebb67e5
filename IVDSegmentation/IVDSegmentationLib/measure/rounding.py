"""How figures are printed: six significant digits, the same ones in every output and in what is decided from them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def rounded(value: Any) -> Any:
    """Plain Python values for JSON: floats to six significant digits, NaN as None; mappings and sequences item by item."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item) for item in value]
    if value is None or isinstance(value, (str, bool, int)):
        return value
    number = float(value)
    return None if math.isnan(number) else float(f"{number:.6g}")
