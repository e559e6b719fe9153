"""Methods sections, derived from what was computed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from leukotype import __version__, inference, metrics, wording
from leukotype.audits import AUDITS
from leukotype.benchmark import Benchmark
from leukotype.evaluation import AUTO, Evaluation
from leukotype.metrics.intervals import N_RESAMPLES
from leukotype.metrics.weighted import calibration_error_by_chance
from leukotype.models import Model, versions
from leukotype.resampling import Design
from leukotype.results.page import Paragraph
from leukotype.studies import Study
from leukotype.wording import counted

_INTERVALS: Mapping[str, str] = {
    "Clopper-Pearson": "Exact binomial interval (Clopper & Pearson 1934)",
    "Wilson": "Wilson score interval (Wilson 1927)",
    "MOVER-exact": "Exact binomial intervals of the classes, combined for their mean (MOVER; Zou & Donner 2008)",
    "resampling range": "95 % range of the draws of the same bootstrap; it is no confidence interval, "
    "because the estimate is biased upward in small samples",
    "Bayesian bootstrap": f"Bayesian bootstrap over the predictions within classes ({N_RESAMPLES:,} draws), with one "
    "added sample per class that is called wrong for the worse end and right for the better end (Rubin 1981; "
    "Learned-Miller & Thomas 2019)",
}


# Measured by benchmarks/calibration/coverage.py; a test compares the numbers with its results.
COVERAGE = (
    "On 360 simulated cohorts of 40 to 100 samples they contained this score in 95 to 98 % of the cases, depending on "
    "the metric, and the expected score with other training samples of the same number in 93 to 98 %. The range of the "
    "calibration error contained them in about two thirds of the cases only."
)


@dataclass(frozen=True)
class ModelDescription:
    """One model as it was evaluated: its citation and what was tuned."""

    name: str
    title: str
    cite: str
    text: str


def of_study(study: Study) -> list[Paragraph]:
    """The methods of a study; paragraphs on analyses that were not requested are left out."""
    paragraphs = [
        *of_evaluation(study.evaluation).values(),
        Paragraph("Choice of the model", _choice(study)),
        Paragraph("Comparison of models", _comparison(study)),
        Paragraph("Dependence on the split", _stability(study)),
        Paragraph("Permutation test", _permutation(study)),
        Paragraph("Common mistakes", _leaks(study)),
        Paragraph("Learning curve", _learning(study)),
        Paragraph(
            "Audits",
            f"{len(AUDITS)} audits of data, design and results were run. Two of them fit small models on the same "
            "folds: to covariates (LT007, if there are any) and to random sets of probes (LT022); no result depends on "
            "these.",
        ),
    ]
    return [paragraph for paragraph in paragraphs if paragraph.text]


def of_evaluation(evaluation: Evaluation) -> dict[str, Paragraph]:
    """The methods of an evaluation, by title."""
    texts = {
        "Data": _data(evaluation),
        "Design": _design(evaluation),
        "Alignment and panel": options(evaluation),
        "Tuning": _tuning(evaluation),
        "Metrics and intervals": _metrics(evaluation),
        "Software": f"{software()}.",
    }
    return {title: Paragraph(title, text) for title, text in texts.items() if text}


def tests(study: Study) -> tuple[str, ...]:
    """Comparisons and tests with their results, for the sheets."""
    found = (_choice(study), _chosen_value(study), _comparison(study), _permutation(study), _p_values(study))
    return tuple(text for text in found if text)


def intervals() -> list[Paragraph]:
    """The method of the interval of each metric."""
    groups: dict[str, list[str]] = {}
    for metric in metrics.METRICS:
        suffix = " of a class" if metric.per_class else ""
        cite = f" ({metric.cite})" if metric.cite else ""
        groups.setdefault(metric.interval, []).append(f"{metric.title}{suffix}{cite}")
    return [Paragraph(_INTERVALS.get(method, method), ", ".join(names)) for method, names in groups.items()]


def describe(model: Model) -> ModelDescription:
    """Describe a model and its grid of settings."""
    if model.name == AUTO:
        text = "In each outer fold, the one of these models with the smallest log loss on the inner folds."
        return ModelDescription(AUTO, model.title, "Varma & Simon 2006", text)
    grid = "; ".join(_tuned(setting, values) for setting, values in model.grid.items())
    text = f"{counted(len(model.settings()), 'setting')}: {grid}." if grid else "No settings to tune."
    return ModelDescription(model.name, model.title, model.cite, f"{'Baseline. ' * model.baseline}{text}")


def without(evaluation: Evaluation, other: Evaluation) -> str:
    """Name the option that another evaluation of the same models does not use."""
    return "without alignment" if other.align != evaluation.align else "with all probes"


def shape(design: Design) -> str:
    """`5 × 3 nested cross-validation, 2 repeats`."""
    repeats = "" if design.repeats == 1 else f", {design.repeats} repeats"
    return f"{design.outer} × {design.inner} nested cross-validation{repeats}"


def software() -> str:
    """Version of leukotype, Python and packages."""
    facts = versions.platform_facts()
    packages = ", ".join(f"{name} {version}" for name, version in versions.packages().items())
    return (
        f"leukotype {__version__} on {facts['implementation']} {facts['python']} ({facts['system']} "
        f"{facts['machine']}), with {packages}"
    )


def _data(evaluation: Evaluation) -> str:
    cohort = evaluation.cohort
    steps = " ".join(cohort.provenance.steps) or "The values were not transformed."
    return (
        f"{cohort.name}: {counted(cohort.n_samples, 'sample')} × {counted(cohort.n_probes, 'probe')}, "
        f"{cohort.provenance.scale}. {steps}"
    )


def _design(evaluation: Evaluation) -> str:
    folds, design = evaluation.folds, evaluation.folds.design
    times = "once" if design.repeats == 1 else f"{design.repeats} times"
    if folds.source == "drawn":
        donors = "; samples of a donor were kept together" if folds.grouped else ""
        drawn = f"were drawn {times}, stratified by class (seed {design.seed}){donors}"
    else:
        drawn = f"were {folds.source}{'' if design.repeats == 1 else f' for {design.repeats} repeats'}"
    return (
        f"Nested cross-validation: {design.outer} outer folds {drawn}. Each training part was split into "
        f"{design.inner} inner folds (seed {design.seed + 1}). All models used the same folds (fingerprint "
        f"{folds.fingerprint[:12]}). Scaling, imputation, selection of probes and tuning used the training part only. "
        "All metrics and figures of the models are computed from the predictions of the outer test parts."
    )


def options(evaluation: Evaluation | Benchmark) -> str:
    """Describe alignment and panel; empty if neither was used."""
    texts = []
    if evaluation.align != "none":
        texts.append(
            f"Each sample was aligned to the training samples ({evaluation.align}), independently of the other samples."
        )
    if evaluation.max_probes is not None:
        texts.append(
            f"A panel of {counted(evaluation.max_probes, 'probe')} was chosen by F statistic in each training part."
        )
    return " ".join(texts)


def _tuning(evaluation: Evaluation) -> str:
    text = (
        f"Settings were chosen by the mean {evaluation.tune_by.replace('_', ' ')} over the inner folds; ties were "
        "resolved by the order of the grid."
    )
    own = [model.title for model in evaluation.tried if model.own_score and len(model.settings()) > 1]
    if own:
        verb = "was" if len(own) == 1 else "were"
        text += f" {wording.listed(own)} {verb} tuned by the out-of-bag log loss instead."
    scored = [model.title for model in evaluation.tried if "scores" in model.gives]
    if scored:
        text += (
            f" Scores of {wording.listed(scored)} were converted to probabilities by temperature scaling on the inner "
            "folds (Guo et al. 2017)."
        )
    return text


def _metrics(evaluation: Evaluation) -> str:
    repeats = (
        ""
        if evaluation.folds.design.repeats == 1
        else " Values are means over repeats, which add no independent samples."
    )
    return (
        "The predicted class is the class with the highest probability. All intervals are 95 % intervals with the "
        f"{_unit(evaluation)} as the independent unit.{repeats} The intervals are for "
        f"the mean score of the folds' models on new samples of the same population. {COVERAGE} The intervals do not "
        "include the choice of the best model, for which the corrected estimate is given. "
        f"{_calibration_error(evaluation)}"
    )


def _calibration_error(evaluation: Evaluation) -> str:
    values = []
    for name in evaluation.names:
        scored = evaluation.scored(name)
        found = fmean(float(metrics.by_name("ece").value(one)) for one in scored)
        values.append(f"{name} {found:.3f} ({fmean(map(calibration_error_by_chance, scored)):.3f})")
    return (
        "The expected calibration error (ECE) is biased upwards on few samples: probabilities that are exactly right "
        "have an error above 0, too. In brackets, the error that chance alone would give on these samples: "
        f"{', '.join(values)}."
    )


def _choice(study: Study) -> str:
    if study.auto is None:
        return ""
    return (
        f"The score of the best of {counted(len(study.tried), 'model')}, baselines included, was corrected for the "
        "choice by bootstrap bias-corrected cross-validation on the out-of-fold predictions, with 1,000 resamples "
        "within classes (Tsamardinos et al. 2018). For comparison, a model was chosen in each training part by its log "
        "loss on the inner folds, against smoothed labels (auto); its score needs no correction (Varma & Simon 2006)."
    )


def _chosen_value(study: Study) -> str:
    best = study.best
    if study.auto is None:
        return ""
    uncorrected = wording.estimate(best.uncorrected, best.uncorrected_low, best.uncorrected_high)
    corrected = wording.estimate(best.value, best.low, best.high)
    return (
        f"The best model was {best.model}, with a balanced accuracy of {uncorrected} as measured and {corrected} "
        "corrected for the choice."
    )


def _comparison(study: Study) -> str:
    if study.comparisons is None:
        return ""
    n = len(study.comparisons)
    pairs = "One pair of models was" if n == 1 else f"All {n} pairs of models were"
    return (
        f"{pairs} compared by balanced accuracy on the same test parts: t test corrected for overlapping training "
        "parts (Nadeau & Bengio 2003), Bayesian correlated t test with a region of practical equivalence of one "
        "percentage point (Benavoli et al. 2017), and exact McNemar test on the predictions pooled over "
        f"{_unit(study.evaluation)}s; p-values were adjusted over all pairs by the method of Holm."
    )


def _stability(study: Study) -> str:
    repeats = study.evaluation.folds.design.repeats
    if repeats < 2:
        return ""
    return f"For each sample, the predictions in {repeats} repeats of the folds were compared."


def _permutation(study: Study) -> str:
    test = study.permutation
    if test is None:
        return ""
    counts = test.table()[["model", "n_permutations"]].itertuples(index=False, name=None)
    often = wording.listed(f"{count:,} times for {model}" for model, count in counts)
    donors = (
        ""
        if study.cohort.donors is None
        else " Labels were exchanged between whole donors, and between samples of a donor."
    )
    return (
        f"The labels were permuted and the whole nested procedure, with tuning, was repeated: {often}, on the first "
        f"repeat of the folds.{donors} p = (b + 1) / (m + 1) (Phipson & Smyth 2010), adjusted for several models by "
        "the best model of each permutation (Westfall & Young 1993)."
    )


def _p_values(study: Study) -> str:
    if study.permutation is None:
        return ""
    rows = study.permutation.table().to_dict("records")
    # An adjusted p compares with the best model of each permutation, so that the fewest permutations limit it.
    least = f"smallest possible {max(row['resolution'] for row in rows):.2g}"
    if len(rows) == 1:
        return f"p-value of the permutation test: {rows[0]['model']} {rows[0]['p']:.2g} ({least})."
    values = wording.listed(f"{row['model']} {row['p_best']:.2g} (unadjusted {row['p']:.2g})" for row in rows)
    return f"p-values of the permutation test, adjusted for {len(rows)} models ({least}): {values}."


def _leaks(study: Study) -> str:
    if study.leaks is None:
        return ""
    named = wording.listed(mistake.title.lower() for mistake in inference.MISTAKES)
    return (
        f"To show their effect, these mistakes were made on purpose with the same models: {named} (Ambroise & "
        "McLachlan 2002; Varma & Simon 2006). These scores are not results."
    )


def _learning(study: Study) -> str:
    if study.learning is None:
        return ""
    sizes = wording.listed(f"{size:.0f}" for size in study.learning.sizes)
    return (
        f"The models were evaluated with {sizes} training samples on the same test parts, and an inverse power law "
        "with an asymptote was fitted to the error (Mukherjee et al. 2003)."
    )


def _unit(evaluation: Evaluation) -> str:
    return "sample" if evaluation.cohort.donors is None else "donor"


def _tuned(setting: str, values: Sequence[object]) -> str:
    shown = [wording.value(value) for value in values]
    if len(shown) > 12:
        return f"{setting} = {len(shown)} values from {shown[0]} to {shown[-1]}"
    return f"{setting} = {wording.listed(shown, 'or')}"
