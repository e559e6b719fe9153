"""Tables as CSV."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

# A spreadsheet can take text for a formula at the start of a cell, or after what it takes for the end of one.
_FORMULA = re.compile("(^|[;\t\r\n])(?=[=+@\t\r＝＋－＠-])")


def csv_text(table: pd.DataFrame, *, safe: bool = False) -> str:
    """Return a table as CSV, with the shortest digits that restore each number.

    safe : whether to put a single quote before text that a spreadsheet could run as a formula; numbers stay
    """
    return (_defused(table) if safe else table).to_csv(index=False, lineterminator="\n")


def _defused(table: pd.DataFrame) -> pd.DataFrame:
    columns = [table.iloc[:, k] for k in range(table.shape[1])]
    safe = [
        column if pd.api.types.is_numeric_dtype(column) else column.astype(object).map(_safe)
        for column in columns
    ]
    return pd.concat(safe, axis=1).set_axis([_safe(name) for name in table.columns], axis=1)


def _safe(cell: Any) -> Any:
    return _FORMULA.sub(r"\1'", cell) if isinstance(cell, str) else cell
