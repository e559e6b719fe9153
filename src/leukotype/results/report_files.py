"""Reports as files: written beside, then renamed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from leukotype import atomic
from leukotype.cohort import Cohort
from leukotype.evaluation import Evaluation
from leukotype.results import page, rendered
from leukotype.results.statements import as_study
from leukotype.studies import Study


def _silent(step: str) -> None:
    """Say nothing."""


def write(
    source: Evaluation | Study,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the report of an evaluation to one HTML file that needs no network; return its path.

    source  : an evaluation, of which everything is said that needs no refitting, or a study
    command : what was typed to get it, for the section on provenance
    on_step : called with the title of each figure before it is drawn

    The same evaluation gives the same bytes.  An existing file is replaced, in one step.
    Raises OutputRefused where the file cannot be written.
    """
    study = as_study(source)
    data = rendered.draw(study.evaluation.cohort, "data", on_step=on_step)
    results = rendered.draw(study.evaluation, "evaluation", on_step=on_step)
    inferred = rendered.draw_inferred(study, on_step=on_step)
    return _write(Path(path), page.of_evaluation(study, data, results, inferred, command=command))


def write_exploration(
    cohort: Cohort,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the pictures of a cohort to one HTML file, as `write` does for an evaluation."""
    data = rendered.draw(cohort, "data", on_step=on_step)
    return _write(Path(path), page.of_cohort(cohort, data, command=command))


def _write(path: Path, text: str) -> Path:
    atomic.put(path, text.encode())
    return path
