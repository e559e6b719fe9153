"""reporting: an evaluation, or a cohort, as one self-contained HTML file, with a JSON twin."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from leukotype.cohort import Cohort
from leukotype.errors import OutputRefused
from leukotype.evaluation import Evaluation
from leukotype.reporting import page, plates
from leukotype.reporting.ranking import Ranking
from leukotype.reporting.twin import cohort_json, study_json

__all__ = ["cohort_json", "study_json", "write", "write_exploration"]


def _silent(step: str) -> None:
    """Say nothing."""


def write(
    evaluation: Evaluation,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the report of an evaluation to one HTML file that needs no network; return its path.

    command : what was typed to get it, for the section on provenance
    on_step : called with the title of each figure before it is drawn

    The same evaluation gives the same bytes.  An existing file is replaced, in one step.
    Raises OutputRefused where the file cannot be written.
    """
    data = plates.draw(evaluation.cohort, "data", on_step=on_step)
    results = plates.draw(evaluation, "evaluation", on_step=on_step)
    return _write(Path(path), page.of_evaluation(Ranking.of(evaluation), data, results, command=command))


def write_exploration(
    cohort: Cohort,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the pictures of a cohort to one HTML file, as `write` does for an evaluation."""
    data = plates.draw(cohort, "data", on_step=on_step)
    return _write(Path(path), page.of_cohort(cohort, data, command=command))


def _write(path: Path, text: str) -> Path:
    beside = path.with_name(f".{path.name}-{secrets.token_hex(6)}")
    try:
        beside.write_bytes(text.encode())
        os.replace(beside, path)
    except OSError as problem:
        beside.unlink(missing_ok=True)
        raise OutputRefused(
            f"cannot write {path}: {problem.strerror or problem}. Choose a file in a folder you may write to."
        ) from problem
    return path
