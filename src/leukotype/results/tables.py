"""One table for the page, for CSV and for LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leukotype import wording
from leukotype.metrics import Metric
from leukotype.models import Model

# Signs that LaTeX would interpret, or would print as another sign.  A bracket at the start of a row would be read
# as an argument of the line end before it.
_LATEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "[": "{[}", "–": "--", "—": "---", "\u2212": "$-$", "’": "'",
    "±": r"$\pm$", "×": r"$\times$", "≥": r"$\geq$", "≤": r"$\leq$",
}  # fmt: skip
# Text of more letters needs a column that breaks lines.
_LONG = 60


@dataclass(frozen=True)
class Bar:
    """A value and its interval on a scale from 0 to 1, with the chance level."""

    low: float
    value: float
    high: float
    chance: float


@dataclass(frozen=True)
class Cell:
    """text; under : printed below it in small type; tag : a label such as "baseline"; bar : a small picture."""

    text: str
    under: str = ""
    tag: str = ""
    bar: Bar | None = None


Row = Sequence[Cell | str]


@dataclass(frozen=True, eq=False)
class Table:
    """A table whose first column names its rows.

    name    : stem of its files
    columns : titles
    rows    : one cell per column; a str is a cell without anything else
    text    : positions of the columns of text; the others hold numbers and are aligned right
    numbers : content of the CSV file, one row per fact; None if the table is shown on the page only
    paper   : positions of the columns of the LaTeX table; all but bars by default
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: Sequence[Row]
    text: tuple[int, ...] = (0,)
    numbers: pd.DataFrame | None = None
    paper: tuple[int, ...] | None = None

    @property
    def cells(self) -> list[list[Cell]]:
        """The rows, every entry a Cell."""
        return [[Cell(cell) if isinstance(cell, str) else cell for cell in row] for row in self.rows]

    def latex(self) -> str:
        """Return a `table` environment with the rules of booktabs; every special character is escaped."""
        cells = self.cells
        shown = self.paper or tuple(
            k for k in range(len(self.columns)) if not any(row[k].bar for row in cells)
        )
        texts = [[_with_interval(row[k]) for k in shown] for row in cells]
        frame = pd.DataFrame(texts, columns=[self.columns[k] for k in shown])
        long = [bool(frame.iloc[:, place].str.len().max() > _LONG) for place in range(len(shown))]
        column_format = "".join(
            r"p{0.6\linewidth}" if is_long else "l" if k in self.text else "r"
            for k, is_long in zip(shown, long, strict=True)
        )
        styler = frame.style.hide(axis="index").format(escape).format_index(escape, axis="columns")
        return styler.to_latex(
            column_format=column_format,
            position_float="centering",
            hrules=True,
            caption=escape(self.caption),
            label=f"tab:{self.name}",
        )


def escape(text: object) -> str:
    """Return text that LaTeX prints literally."""
    return "".join(_LATEX.get(letter, letter) for letter in str(text))


def _with_interval(cell: Cell) -> str:
    return f"{cell.text} {cell.under}" if cell.under.startswith("[") else cell.text


def estimate(value: float, low: float, high: float, metric: Metric | None = None) -> Cell:
    """Return a value with its 95 % interval below.

    metric : gives the bounds; 0 and 1 by default
    """
    bounds = metric.bounds if metric else wording.SHARE
    return Cell(wording.number(value, bounds), wording.interval(low, high, bounds))


def model_name(model: Model) -> Cell:
    """Return the title of a model, with the short name used in files and figures."""
    return Cell(
        model.title, model.name if model.name != model.title else "", "baseline" if model.baseline else ""
    )


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries."""
    return [{str(key): value for key, value in row.items()} for row in frame.to_dict("records")]


def signed(value: float, digits: int = 2) -> str:
    """`+0.02`, `−0.02`, `0.00`."""
    text = f"{value:+.{digits}f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "\u2212")
