"""The methods section, written from what was really run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from leukotype import __version__, metrics, wording
from leukotype.evaluation import AUTO, Evaluation
from leukotype.metrics.intervals import N_RESAMPLES
from leukotype.models import Model, versions
from leukotype.results.statements import Paragraph
from leukotype.wording import counted

_CRITERIA = {
    "log_loss": "mean log loss",
    "accuracy": "mean accuracy",
    "balanced_accuracy": "mean balanced accuracy",
}
_INTERVALS = {
    "Clopper-Pearson": "Exact binomial interval (Clopper & Pearson 1934)",
    "Wilson": "Wilson’s score interval (Wilson 1927)",
    "MOVER-exact": "Exact binomial intervals of the classes, combined for their mean (MOVER; Zou & Donner 2008)",
    "bootstrap": f"Percentile bootstrap over the predictions, {N_RESAMPLES:,} resamples within classes "
    "(Efron & Tibshirani 1993)",
}


@dataclass(frozen=True)
class Recipe:
    """One model as it was run: its title, its citation, what was tuned and how."""

    name: str
    title: str
    cite: str
    text: str


def paragraphs(evaluation: Evaluation) -> tuple[Paragraph, ...]:
    """The methods of one evaluation, one paragraph a topic; `recipes` tells of the models."""
    return (
        Paragraph("Data", _data(evaluation)),
        Paragraph("Design", _design(evaluation)),
        Paragraph("Tuning", _tuning(evaluation)),
        Paragraph("Numbers and intervals", _numbers(evaluation)),
        Paragraph("Software", _software()),
    )


def intervals() -> tuple[Paragraph, ...]:
    """Which metrics have which interval."""
    groups: dict[str, list[str]] = {}
    for metric in metrics.METRICS:
        suffix = " of a class" if metric.per_class else ""
        cite = f" ({metric.cite})" if metric.cite else ""
        groups.setdefault(metric.interval, []).append(f"{metric.title}{suffix}{cite}")
    return tuple(Paragraph(_INTERVALS.get(m, m), ", ".join(names)) for m, names in groups.items())


def recipes(evaluation: Evaluation) -> tuple[Recipe, ...]:
    """The models that were run, in the order they were asked for."""
    return tuple(recipe(model) for model in evaluation.models)


def _data(evaluation: Evaluation) -> str:
    cohort = evaluation.cohort
    steps = " ".join(cohort.provenance.steps) or "The values were used as they were read."
    return (
        f"{cohort.name}: {counted(cohort.n_samples, 'sample')} × {counted(cohort.n_probes, 'probe')}, "
        f"{cohort.provenance.scale}. {steps}"
    )


def _design(evaluation: Evaluation) -> str:
    folds, design = evaluation.folds, evaluation.folds.design
    if folds.source == "drawn":
        grouped = ", and all samples of a donor kept together" if folds.grouped else ""
        times = "once" if design.repeats == 1 else f"{design.repeats} times"
        outer = f"{design.outer} outer folds, stratified by class{grouped}, were drawn {times} (seed {design.seed})"
    else:
        times = "" if design.repeats == 1 else f", {design.repeats} times over"
        outer = f"{design.outer} outer folds{times} were {folds.source}"
    return (
        f"Nested cross-validation. {outer}; each training part was split again into {design.inner} inner folds "
        f"(seed {design.seed + 1}). All models saw the same folds (fingerprint {folds.fingerprint[:12]}). Whatever was "
        "estimated from data, that is means and deviations for scaling, medians for missing values, the choice of "
        "probes and of settings, came from the training part alone. Every metric and figure of the "
        "models derives from these predictions of the outer test parts, without another fit."
    )


def _tuning(evaluation: Evaluation) -> str:
    entries = evaluation.tried
    text = (
        f"A setting was chosen by {_CRITERIA.get(evaluation.tune_by, evaluation.tune_by)} over the inner folds; "
        "ties went to the setting that stands first in the grid."
    )
    own = [model.title for model in entries if model.own_score and len(model.settings()) > 1]
    if own:
        verb = "was" if len(own) == 1 else "were"
        text += f" {wording.listed(own)} {verb} tuned by log loss out of bag instead, whatever the criterion."
    scored = [model.title for model in entries if "scores" in model.gives]
    if scored:
        text += (
            f" Scores of {wording.listed(scored)} were turned into probabilities by a temperature fitted on the "
            "inner folds (Guo et al. 2017)."
        )
    return text


def _numbers(evaluation: Evaluation) -> str:
    unit = "sample" if evaluation.cohort.donors is None else "donor"
    repeats = (
        ""
        if evaluation.folds.design.repeats == 1
        else " Numbers were averaged over repeats, which add no independent samples."
    )
    return (
        "A sample counts for the class of its highest probability. All intervals are 95 % intervals and count the "
        f"{unit} as the independent unit.{repeats} The intervals hold for the predictions as they are: they do "
        "not cover how another training cohort would have turned out, nor that the best of several models was picked: "
        "for that there is the estimate corrected for the choice."
    )


def _software() -> str:
    packages = ", ".join(f"{name} {version}" for name, version in versions.packages().items())
    facts = versions.platform_facts()
    return f"leukotype {__version__} on {facts['implementation']} {facts['python']}, with {packages}."


def recipe(model: Model) -> Recipe:
    """How one model is run."""
    name = model.name
    if name == AUTO:
        text = (
            "In each outer fold the one of these models with the smallest log loss on the inner folds, at the "
            "setting chosen for it."
        )
        return Recipe(name, model.title, "Varma & Simon 2006", text)
    kind = "Baseline. " if model.baseline else ""
    grid = [_tuned(setting, values) for setting, values in model.grid.items()]
    if not grid:
        return Recipe(name, model.title, model.cite, f"{kind}Nothing to tune.")
    n = len(model.settings())
    return Recipe(name, model.title, model.cite, f"{kind}{counted(n, 'setting')}: {'; '.join(grid)}.")


def _tuned(setting: str, values: Sequence[object]) -> str:
    shown = [wording.value(value) for value in values]
    if len(shown) > 12:
        return f"{setting} = {len(shown)} values from {shown[0]} to {shown[-1]}"
    return f"{setting} = {wording.listed(shown, 'or')}"
