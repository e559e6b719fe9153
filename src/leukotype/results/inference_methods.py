"""The methods of inference, written from what was really inferred: for the report and for the sheets."""

from __future__ import annotations

from leukotype import inference, wording
from leukotype.audits import AUDITS
from leukotype.evaluation import AUTO
from leukotype.results.statements import Paragraph
from leukotype.studies import Study


def paragraphs(study: Study) -> tuple[Paragraph, ...]:
    """One paragraph for each kind of inference that was made, and none for the others."""
    said = [
        ("Choice of the model", _choice(study)),
        ("Comparison of models", _comparison(study)),
        ("Dependence on the split", _stability(study)),
        ("Permutation test", _permutation(study)),
        ("Price of mistakes", _leaks(study)),
        ("Learning curve", _learning(study)),
        ("Audits", _audits(study)),
    ]
    return tuple(Paragraph(title, text) for title, text in said if text)


def tests(study: Study) -> tuple[str, ...]:
    """The comparisons and tests, and what they came to, for the sheets."""
    said = [
        _choice(study),
        _chosen_value(study),
        _comparison(study),
        _permutation(study),
        _p_values(study),
    ]
    return tuple(text for text in said if text)


def _choice(study: Study) -> str:
    if AUTO not in study.evaluation.names:
        return ""
    return (
        f"The score of the best of {len(_tried(study))} models, baselines among them, was corrected for the choice "
        "by bootstrap bias-corrected cross-validation over the out-of-fold predictions, 1,000 resamples within classes "
        "(Tsamardinos et al. 2018). Beside it stands the model that is chosen inside each training part by its log "
        "loss on the inner folds, against smoothed labels (auto); its score needs no correction (Varma & Simon 2006)."
    )


def _chosen_value(study: Study) -> str:
    if AUTO not in study.evaluation.names:
        return ""
    best = study.best
    return (
        f"Best was {best.model}, with a balanced accuracy of "
        f"{wording.estimate(best.uncorrected, best.uncorrected_low, best.uncorrected_high)} as measured and "
        f"{wording.estimate(best.value, best.low, best.high)} corrected for the choice."
    )


def _comparison(study: Study) -> str:
    if study.comparisons is None:
        return ""
    unit = "samples" if study.evaluation.cohort.donors is None else "donors"
    n = len(study.comparisons)
    pairs = "One pair of models was" if n == 1 else f"All {n} pairs of models were"
    return (
        f"{pairs} compared by balanced accuracy on the same test parts: t test corrected for overlapping training "
        "parts (Nadeau & Bengio 2003), Bayesian correlated t test with a region of equivalence of one percentage point "
        f"(Benavoli et al. 2017), and McNemar's exact test on the calls pooled over {unit}; p-values were adjusted by "
        "Holm's method over all pairs."
    )


def _stability(study: Study) -> str:
    repeats = study.evaluation.folds.design.repeats
    if repeats < 2:
        return ""
    return f"For each sample, the calls in {repeats} repeats of the folds were compared."


def _permutation(study: Study) -> str:
    test = study.permutation
    if test is None:
        return ""
    counts = test.table()[["model", "n_permutations"]].itertuples(index=False, name=None)
    often = wording.listed(f"{model} {count:,} times" for model, count in counts)
    blocks = (
        ""
        if study.evaluation.cohort.donors is None
        else " Whole donors changed places, and samples within donors."
    )
    return (
        f"The labels were permuted and the whole nested procedure, tuning included, was run again: {often}, on the "
        f"first repeat of the folds.{blocks} p = (b + 1) / (m + 1) (Phipson & Smyth 2010); adjusted for having tried "
        "several models by the best of them on each permutation (Westfall & Young 1993)."
    )


def _p_values(study: Study) -> str:
    if study.permutation is None:
        return ""
    rows = study.permutation.table().itertuples()
    said = wording.listed(f"{row.model} {row.p:.2g} (smallest possible {row.resolution:.2g})" for row in rows)
    return f"p-values of the permutation test: {said}."


def _leaks(study: Study) -> str:
    if study.leaks is None:
        return ""
    named = wording.listed(mistake.title.lower() for mistake in inference.MISTAKES)
    return (
        f"To show what they would have claimed, these mistakes were made on purpose with the same models: {named} "
        "(Ambroise & McLachlan 2002; Varma & Simon 2006). None of their numbers is a result."
    )


def _learning(study: Study) -> str:
    curve = study.learning
    if curve is None:
        return ""
    sizes = wording.listed(f"{size:.0f}" for size in curve.sizes)
    return (
        f"The models were evaluated with {sizes} training samples on the same test parts, and an inverse power law "
        "with a floor was fitted to the error (Mukherjee et al. 2003)."
    )


def _audits(study: Study) -> str:
    return (
        f"{len(AUDITS)} audits of data, design and results were run. Two of them fit something small on the same "
        "folds: covariates alone (LT007, where there are any) and random sets of probes (LT022); no result depends "
        "on these."
    )


def _tried(study: Study) -> list[str]:
    return [model for model in study.evaluation.names if model != AUTO]
