"""results: reports, result folders and JSON of studies, explorations, validations, benchmarks and calls."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leukotype.results.folder import check_output, keeping, plain_name, request
    from leukotype.results.json_report import cohort_json, study_json
    from leukotype.results.save import (
        save_benchmark,
        save_exploration,
        save_study,
        save_validation,
        write_report,
    )

# Loaded on first use: the page of a batch of calls does not need the drawing libraries.
_HOME = {
    **dict.fromkeys(("check_output", "plain_name", "request", "keeping"), "folder"),
    **dict.fromkeys(("cohort_json", "study_json"), "json_report"),
    **dict.fromkeys(("save_benchmark", "save_exploration", "save_study", "save_validation"), "save"),
    "write_report": "save",
}

__all__ = [
    "check_output",
    "cohort_json",
    "keeping",
    "plain_name",
    "request",
    "save_benchmark",
    "save_exploration",
    "save_study",
    "save_validation",
    "study_json",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'leukotype.results' has no attribute {name!r}")
    return getattr(importlib.import_module(f"leukotype.results.{_HOME[name]}"), name)
