"""The procedure that a study found best, and its score corrected for that choice."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leukotype.cohort import Cohort
from leukotype.errors import BadLabels, UnreadableFile
from leukotype.readers import read_bytes
from leukotype.resampling import Design


@dataclass(frozen=True)
class StudyChoice:
    """The best procedure of a study.

    recipe    : align, max_probes and tune_by, arguments of `train`
    folds     : fingerprint of the study's folds
    chosen_by : metric, n_models, value, low and high, corrected for the choice; None for a study of one model
    """

    model: str
    design: Design
    recipe: dict[str, Any]
    folds: str
    chosen_by: dict[str, Any] | None


def read_choice(folder: str | Path, cohort: Cohort) -> StudyChoice:
    """Read the best procedure by its corrected estimate from a study's folder.

    Raises UnreadableFile if the folder holds no study, BadLabels if the study is of another cohort.
    """
    path = Path(folder) / "study.json"
    try:
        content = json.loads(read_bytes(path))
        best, design = content["best"], content["design"]
        metric, model = str(best["metric"]), str(best["model"])
        number = {key: None if best[key] is None else float(best[key]) for key in ("value", "low", "high")}
        n_models = len(best["chosen"])
        drawn = Design(*(int(design[name]) for name in ("outer", "inner", "repeats", "seed")))
        # Studies of earlier versions had neither option.
        options = design.get("align", "none"), design.get("max_probes"), str(design["tune_by"])
        recipe = dict(zip(("align", "max_probes", "tune_by"), options, strict=True))
        fingerprint, folds = str(content["cohort"]["fingerprint"]), str(design["fingerprint"])
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as problem:
        raise UnreadableFile(
            f"{path} is not a result of `leukotype study` ({type(problem).__name__}: {problem}). Repeat the study."
        ) from problem
    if fingerprint != cohort.fingerprint:
        raise BadLabels(
            f"{folder} is a study of another cohort than {cohort.name}: values, samples, labels or donors differ. Use "
            "the same file and options."
        )
    chosen_by = {"metric": metric, "n_models": n_models, **number} if n_models > 1 else None
    return StudyChoice(model, drawn, recipe, folds, chosen_by)
