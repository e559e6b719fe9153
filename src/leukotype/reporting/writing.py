"""Reports as files: written beside, then renamed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from leukotype import atomic
from leukotype.cohort import Cohort
from leukotype.dossier import Dossier
from leukotype.evaluation import Evaluation
from leukotype.reporting import page, plates
from leukotype.reporting.ranking import Ranking


def _silent(step: str) -> None:
    """Say nothing."""


def write(
    source: Evaluation | Dossier,
    path: str | Path,
    *,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write the report of an evaluation to one HTML file that needs no network; return its path.

    source  : an evaluation, of which everything is said that needs no refitting, or a dossier
    command : what was typed to get it, for the section on provenance
    on_step : called with the title of each figure before it is drawn

    The same evaluation gives the same bytes.  An existing file is replaced, in one step.
    Raises OutputRefused where the file cannot be written.
    """
    ranking = Ranking.of(source)
    data = plates.draw(ranking.evaluation.cohort, "data", on_step=on_step)
    results = plates.draw(ranking.evaluation, "evaluation", on_step=on_step)
    inferred = plates.draw_inferred(ranking.dossier.inferred, on_step=on_step)
    return _write(Path(path), page.of_evaluation(ranking, data, results, inferred, command=command))


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
    atomic.put(path, text.encode())
    return path
