"""The page docs/audits.md, made from AUDITS and the docstrings of the audits."""

from __future__ import annotations

import inspect

from leukotype.audits import AUDITS

_HEAD = """# Audits

What `leukotype` looks for in a cohort and in its results, from `leukotype.audits.AUDITS`.

An **error** means that the results can't be believed as they stand, a **warning** that someone must decide what it
means, a **note** is good to know. A finding may be milder than its audit; it is never graver. Audits that need an
evaluation are passed over without one; the others look at its folds where there are some. Nothing is changed and
nothing left out by an audit.

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
    return _HEAD + rows + "".join(parts)
