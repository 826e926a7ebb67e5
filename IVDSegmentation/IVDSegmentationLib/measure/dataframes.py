"""Results as pandas tables, for those who have pandas: the library itself does without."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import OutputError

if TYPE_CHECKING:
    import pandas


def to_data_frame(rows: Iterable[Mapping[str, Any]]) -> pandas.DataFrame:
    """Rows as a pandas table.

    Args:
        rows: Mappings with the same keys.

    Returns:
        One line a row, the keys as columns; None is pandas' missing value.

    Raises:
        OutputError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise OutputError("pandas is not installed: pip install pandas, or use rows()") from error
    return pandas.DataFrame(list(rows))
