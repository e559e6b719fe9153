"""The summary of a study in plain words, and its most important numbers."""

from __future__ import annotations

import math

import numpy as np

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.results.page import Paragraph, Tile
from leukotype.studies import Score, Study
from leukotype.wording import counted, number

_LEVEL = 0.05
# Probability above which two models are practically equivalent (Benavoli et al. 2017).
_EQUIVALENT = 0.95


def tiles(study: Study) -> list[Tile]:
    """Return the most important numbers: the score of the best model, its correct calls, and chance."""
    leader, best = study.leader, study.best
    others = len(study.leaders) - 1
    named = f"{leader.title} and {counted(others, 'other')}" if others else leader.title
    if len(study.tried) > 1:
        measured = f"{named}, {number(leader.value)} measured"
        corrected = f"{_interval(best.low, best.high)}, corrected for the choice; {measured}"
        score = Tile(f"Balanced accuracy, best of {len(study.tried)}", number(best.value), corrected)
    else:
        score = Tile("Balanced accuracy", number(leader.value), f"{_interval_of(leader)}; {named}")
    n = f"{wording.count(_n_correct(study, leader))} of {study.cohort.n_samples}"
    chance = "balanced accuracy without information"
    if study.baselines and leader not in study.baselines:
        baseline = study.baselines[0]
        chance = f"without information; best baseline {number(baseline.value)}, {baseline.title}"
    return [
        score,
        Tile("Classified correctly", n, f"samples, by {leader.title}"),
        Tile("Chance level", number(study.chance), chance),
    ]


def of_cohort(cohort: Cohort) -> list[Paragraph]:
    """Describe the data."""
    donors = "" if cohort.donors is None else f" from {counted(len(np.unique(cohort.donors)), 'donor')}"
    return [
        Paragraph("Data", f"{counted(cohort.n_samples, 'sample')}{donors} {_size(cohort)}"),
        Paragraph(
            "Figures",
            "The figures show the data before any model is fitted. Groups of samples may reflect the classes, but also "
            "laboratory, date, sex or age; figures alone cannot distinguish these.",
        ),
    ]


def of_study(study: Study) -> list[Paragraph]:
    """Describe what was compared, the results, and their limitations."""
    paragraphs = [
        Paragraph("Design", _design(study)),
        Paragraph("Result", _result(study)),
        Paragraph("Main concern", _concern(study)),
        Paragraph("Baselines", _against_baselines(study)),
        Paragraph("Model comparison", between(study)),
        Paragraph("Errors", _errors(study)),
        Paragraph("Limitations", _limitations(study)),
    ]
    return [paragraph for paragraph in paragraphs if paragraph.text]


def compared(study: Study) -> list[str]:
    """Return the number of models and baselines, e.g. ["6 models", "2 baselines"]."""
    n_baselines = len(study.baselines)
    numbers = {"model": len(study.tried) - n_baselines, "baseline": n_baselines}
    return [counted(n, noun) for noun, n in numbers.items() if n]


def between(study: Study) -> str:
    """Compare the best model with the others; empty for a single model."""
    leader = study.leader
    others = [score for score in study.contenders if score is not leader]
    if not others:
        return ""
    rows = {score.name: _compared(study, leader.name, score.name) for score in others}
    worse = [score for score in others if rows[score.name][1] < _LEVEL and rows[score.name][0] > 0]
    same = [score for score in others if score not in worse and rows[score.name][2] > _EQUIVALENT]
    unclear = [score for score in others if score not in worse and score not in same]
    sentences = []
    if worse:
        sentences.append(f"{leader.title} performs significantly better than {_titles(worse)}.")
    if same:
        sentences.append(f"{leader.title} and {_titles(same)} are practically equivalent.")
    if unclear:
        whom = "the other models" if len(unclear) == len(others) > 1 else _titles(unclear)
        sentences.append(f"There is no evidence that {leader.title} outperforms {whom}.")
    sentences.append(
        "Models were compared on the same folds by the corrected resampled t test at 5 %, adjusted over all pairs "
        "(Holm)."
    )
    if same:
        sentences.append(
            "Practically equivalent: the difference is below one percentage point with a probability above 95 %."
        )
    return " ".join(sentences)


def _design(study: Study) -> str:
    cohort, folds = study.cohort, study.evaluation.folds
    outer, repeats = folds.design.outer, folds.design.repeats
    verb = "was" if len(study.tried) == 1 else "were"
    donors = " All samples of a donor were kept in one part." if folds.grouped else ""
    again = "" if repeats == 1 else f" This was repeated {repeats} times with new parts."
    return (
        f"{counted(cohort.n_samples, 'sample')} {_size(cohort)} {wording.listed(compared(study))} {verb} evaluated by "
        f"nested cross-validation: the cohort was split into {outer} parts, and each part was predicted by models "
        f"tuned and fitted on the other samples only.{donors}{again}"
    )


def _result(study: Study) -> str:
    leaders, leader, best, auto = study.leaders, study.leader, study.best, study.auto
    names = wording.listed(score.title for score in leaders)
    verb = "reached" if len(leaders) == 1 else "all reached" if len(leaders) > 2 else "both reached"
    several = len(study.contenders) > len(leaders)
    what = "the highest balanced accuracy," if several else "a balanced accuracy of"
    correct = [wording.count(_n_correct(study, score)) for score in leaders]
    average = "" if study.evaluation.folds.design.repeats == 1 else " on average over repeats"
    each = "" if len(leaders) == 1 else " by each" if len(set(correct)) == 1 else f" by {leader.title}"
    text = (
        f"{names} {verb} {what} {number(leader.value)} ({_interval_of(leader)}); {correct[0]} of "
        f"{study.cohort.n_samples} samples were classified correctly{each}{average}. Chance level is "
        f"{number(study.chance)}."
    )
    if len(study.tried) < 2:
        return text
    text += (
        f" This is the best of {len(study.tried)} scores on these samples, so it may be optimistic. "
        f"Corrected for this choice, the expected balanced accuracy is {number(best.value)} "
        f"({_interval(best.low, best.high)})."
    )
    if auto is None:
        return text
    return f"{text} If the model is chosen within each training part by log loss, no correction is needed: {auto.text}."


def _concern(study: Study) -> str:
    """Return the most severe finding of the audits; empty if all are notes."""
    worst = next(iter(study.audits), None)
    if worst is None or worst.severity == "note":
        return ""
    return f"{worst.sentence[0].upper()}{worst.sentence[1:]} ({worst.code}, {worst.severity})"


def _against_baselines(study: Study) -> str:
    leader, baselines = study.leader, study.baselines
    if leader in baselines:
        return "Only baselines were evaluated. They show what a trivial classifier reaches."
    if not baselines:
        verdict = "includes" if leader.low <= study.chance else "is above"
        return (
            f"No baseline was evaluated, so a comparison with a trivial classifier is not possible. The interval "
            f"{verdict} the chance level of {number(study.chance)}."
        )
    best = baselines[0]
    if best.value >= leader.value:
        verdict = f"No model performed better than the baseline {best.title}."
    elif best.value >= leader.low:
        verdict = f"There is no evidence that {leader.title} outperforms the baseline {best.title}."
    elif leader.overlaps(best):
        verdict = (
            f"{leader.title} probably outperforms the best baseline, {best.title}, but their intervals overlap and the "
            "size of the difference is uncertain."
        )
    else:
        verdict = f"The interval of {leader.title} is entirely above those of the baselines."
    return f"{verdict} Baselines: {wording.listed(f'{score.title} {score.text}' for score in baselines)}."


def _errors(study: Study) -> str:
    evaluation, leader = study.evaluation, study.leader
    table = evaluation.confusion(leader.name)
    sizes, hits = table.sum(axis=1), np.diag(table)
    mistaken = table - np.diag(hits)
    if not mistaken.any():
        return f"{leader.title} classified every sample correctly; its interval shows how strong this evidence is."
    classes = evaluation.classes
    weakest = int(np.argmin(hits / sizes))
    row, column = np.unravel_index(int(np.argmax(mistaken)), mistaken.shape)
    mean = "" if evaluation.folds.design.repeats == 1 else " (mean over repeats)"
    text = (
        f"{leader.title} has the lowest recall for {classes[weakest]}: {_of(hits[weakest], sizes[weakest])}{mean}. Its "
        f"most frequent error is to classify {classes[row]} as {classes[column]}: "
        f"{_of(mistaken[row, column], sizes[row])}{mean}."
    )
    wrong = study.wrong_in_all()
    if not wrong or len(study.contenders) < 2:
        return text
    noun, what = (
        ("sample", "its label and quality") if len(wrong) == 1 else ("samples", "their labels and quality")
    )
    return f"{text} All models misclassified {noun} {wording.shortlist(wrong)}; check {what}."


def _limitations(study: Study) -> str:
    if study.cohort.provenance.simulated:
        return (
            "The values are simulated. The results show how the method performs on data of this size; they say nothing "
            "about a disease, patient or test."
        )
    return (
        "All samples come from one cohort. Performance in another hospital, on another platform or in other patients "
        "was not measured. Differences between the classes in laboratory, age or sex, which a model may have learned "
        "instead, could be checked only where recorded. For research only: not for the diagnosis or treatment of a "
        "patient."
    )


def _compared(study: Study, leader: str, other: str) -> tuple[float, float, float]:
    """Return difference (positive favours the leader), adjusted p and probability of equivalence."""
    frame = study.comparisons
    assert frame is not None
    for row in frame.to_dict("records"):
        if {row["model_a"], row["model_b"]} == {leader, other}:
            sign = 1.0 if row["model_a"] == leader else -1.0
            p = float(row["p_t_holm"])
            # If all folds differ by the same amount there is no p-value: treated as no evidence.
            return sign * float(row["difference"]), 1.0 if math.isnan(p) else p, float(row["equivalent"])
    raise LookupError(f"{leader} and {other} were not compared.")


def _size(cohort: Cohort) -> str:
    counts = cohort.class_counts
    low, high = min(counts.values()), max(counts.values())
    if len(counts) <= 6:
        classes = wording.listed(f"{name} {count}" for name, count in counts.items())
    else:
        classes = f"{low} samples each" if low == high else f"{low} to {high} samples each"
    return f"of {counted(len(counts), 'class')} ({classes}), with {counted(cohort.n_probes, 'probe')}."


def _titles(scores: list[Score]) -> str:
    return wording.listed(score.title for score in scores)


def _interval(low: float, high: float) -> str:
    return f"95 % CI {number(low)} to {number(high)}"


def _interval_of(score: Score) -> str:
    return _interval(score.low, score.high)


def _of(count: float, total: float) -> str:
    return f"{wording.count(round(count, 1))} of {wording.count(total)} samples"


def _n_correct(study: Study, score: Score) -> float:
    """Number of samples classified correctly, mean over repeats, to one digit."""
    hits = study.evaluation.predicted(score.name) == study.cohort.codes
    return round(float(hits.sum(axis=1).mean()), 1)
