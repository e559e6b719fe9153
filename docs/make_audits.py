"""Write docs/audits.md from AUDITS and the docstrings of the audits: `python docs/make_audits.py`."""

from __future__ import annotations

import inspect
from pathlib import Path

from leukotype.audits import AUDITS

TARGET = Path(__file__).with_name("audits.md")

HEAD = """# Audits

Checks of a cohort and of its results, from `leukotype.audits.AUDITS`. Written by `docs/make_audits.py`; a test keeps it
current.

An **error** means that the results are not valid, a **warning** needs a decision by the user, a **note** is
information. A finding can be less severe than its audit, never more. Audits that need an evaluation are skipped without
one; the others also check its folds if there is one. Audits change no data and exclude nothing.

| code | name | looks for | severity | needs | source |
|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page as Markdown."""
    rows = "".join(
        f"| {entry.code} | `{entry.name}` | {entry.title} | {entry.severity} | {entry.needs} | {entry.cite} |\n"
        for entry in AUDITS
    )
    parts = [
        f"\n## {entry.code} {entry.title}\n\n{inspect.getdoc(entry.examine)}\n".replace("  ", " ")
        for entry in AUDITS
    ]
    return HEAD + rows + "".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
