"""Settings as users give them: complete, known, and in range."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leukotype.wide.path import Setting


def complete(model: str, defaults: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """Fill `setting` up from `defaults`; raises ValueError for a name that is not among them."""
    unknown = sorted(set(setting) - set(defaults))
    if unknown:
        raise ValueError(f"{model} has no setting {unknown[0]!r}; it has {', '.join(defaults)}.")
    return {**defaults, **setting}


def positive(name: str, value: Any) -> float:
    """Return `value` as a float; raises ValueError unless it is above 0 and finite."""
    number = float(value)
    if not 0 < number < float("inf"):
        raise ValueError(f"{name} is {value!r}, and must be above 0 and finite.")
    return number


def share(name: str, value: Any) -> float:
    """Return `value` as a float; raises ValueError unless it lies between 0 and 1."""
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"{name} is {value!r}, and must lie between 0 and 1.")
    return number
