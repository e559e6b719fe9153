"""Tables of pages that are generated from results."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd


def markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown, fractions with three decimals."""

    def cell(value: object) -> str:
        return f"{value:.3f}" if isinstance(value, float | np.floating) else str(value).replace("_", " ")

    lines = ["| " + " | ".join(map(str, table.columns)) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(map(cell, row)) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def filled(text: str, blocks: Mapping[str, Callable[[], str]]) -> str:
    """Return a page with the parts between <!-- name --> and <!-- end --> replaced by the blocks of that name."""
    for name, block in blocks.items():
        start, rest = text.split(f"<!-- {name} -->\n")
        _, end = rest.split("<!-- end -->", 1)
        text = f"{start}<!-- {name} -->\n{block()}\n<!-- end -->{end}"
    return text
