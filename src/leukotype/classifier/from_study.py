"""The model that a study favours, and what is left of its score after the choice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukotype.cohort import Cohort
from leukotype.errors import BadLabels, UnreadableFile
from leukotype.resampling import Design


@dataclass(frozen=True)
class Favoured:
    """What a study says of its best model.

    chosen_by : metric, n_models, value, low and high, corrected for the choice; None where it tried but one model
    """

    model: str
    design: Design
    tune_by: str
    chosen_by: dict[str, Any] | None


def favoured(folder: str | Path, cohort: Cohort, *, repeats: int) -> Favoured:
    """Read from a study's folder which model it favours by its corrected estimate.

    repeats : how often the folds are drawn at least; the first repeat is the study's own

    Raises UnreadableFile where the folder holds no study, BadLabels where it is one of another cohort.
    """
    path = Path(folder) / "study.json"
    try:
        content = json.loads(path.read_bytes())
        best, design, told = content["best"], content["design"], content["cohort"]
        metric, model = str(best["metric"]), str(best["model"])
        number = {key: None if best[key] is None else float(best[key]) for key in ("value", "low", "high")}
        n_models = len(best["chosen"])
        drawn = Design(
            int(design["outer"]),
            int(design["inner"]),
            max(int(design["repeats"]), repeats),
            int(design["seed"]),
        )
        fingerprint, tune_by = str(told["fingerprint"]), str(design["tune_by"])
    except OSError as problem:
        raise UnreadableFile(
            f"{path}: {problem.strerror or problem}. Name a folder that `leukotype study` left."
        ) from problem
    except (ValueError, KeyError, TypeError) as problem:
        raise UnreadableFile(
            f"{path} is no result of `leukotype study` ({type(problem).__name__}: {problem}). Run the study again."
        ) from problem
    if fingerprint != cohort.fingerprint:
        raise BadLabels(
            f"{folder} is a study of another cohort than {cohort.name}: values, samples, labels or donors differ. Name "
            "the same file with the same options."
        )
    chosen_by = {"metric": metric, "n_models": n_models, **number} if n_models > 1 else None
    return Favoured(model, drawn, tune_by, chosen_by)
