"""reporting: an evaluation, a cohort, calls or a validation as one self-contained HTML file, with a JSON twin."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukotype.results.json_report import cohort_json, study_json
    from leukotype.results.report_files import write, write_exploration

# Loaded on first use: the page of a batch of calls needs nothing of what draws figures, and a sample should not wait.
_HOME = {
    "cohort_json": "leukotype.results.json_report",
    "study_json": "leukotype.results.json_report",
    "write": "leukotype.results.report_files",
    "write_exploration": "leukotype.results.report_files",
}

__all__ = ["cohort_json", "study_json", "write", "write_exploration"]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'leukotype.results' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)
