"""How a file is refused: one line that says what was found and what to do."""

from __future__ import annotations

from typing import NoReturn

from leukotype.errors import BadBundle


def refuse(found: str) -> NoReturn:
    """Raise BadBundle for what was found in a file."""
    raise BadBundle(f"the classifier's file cannot be used: {found}. Get a new copy of it.")
