"""reporting: an evaluation, a cohort, calls or a validation as one self-contained HTML file, with a JSON twin."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukotype.reporting.twin import cohort_json, study_json
    from leukotype.reporting.writing import write, write_exploration

# Loaded on first use: the page of a batch of calls needs nothing of what draws figures, and a sample should not wait.
_HOME = {
    "cohort_json": "leukotype.reporting.twin",
    "study_json": "leukotype.reporting.twin",
    "write": "leukotype.reporting.writing",
    "write_exploration": "leukotype.reporting.writing",
}

__all__ = ["cohort_json", "study_json", "write", "write_exploration"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'leukotype.reporting' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
