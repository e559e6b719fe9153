"""What a reader in a hurry should take away, in plain words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from leukotype import wording
from leukotype.cohort import Cohort
from leukotype.results.comparisons import between
from leukotype.results.statements import Paragraph
from leukotype.studies import Score, Study
from leukotype.wording import counted


@dataclass(frozen=True)
class Tile:
    """One figure to be seen first."""

    title: str
    figure: str
    detail: str


def tiles(study: Study) -> tuple[Tile, ...]:
    """The figures to be seen first: what to expect of the best model, what it scored, and what little effort gives."""
    leader, best, auto = study.leader, study.best, study.auto
    found = []
    if len(study.tried) > 1:
        found.append(
            Tile(
                f"Best of {len(study.tried)}, corrected",
                wording.number(best.value),
                f"balanced accuracy, 95 % interval {_ends(best.low, best.high)}, corrected for the choice",
            )
        )
    others = len(study.leaders) - 1
    also = f" and {counted(others, 'other')}" if others else ""
    title = "Best of all, uncorrected" if found else "Balanced accuracy"
    found.append(
        Tile(
            title,
            wording.number(leader.value),
            f"95 % interval {_ends(leader.low, leader.high)}; {leader.title}{also}",
        )
    )
    if auto is not None:
        found.append(
            Tile(
                auto.title,
                wording.number(auto.value),
                f"95 % interval {_ends(auto.low, auto.high)}; no choice to correct for",
            )
        )
    if study.baselines and leader not in study.baselines:
        base = study.baselines[0]
        detail = f"95 % interval {_ends(base.low, base.high)}; {base.title}"
        found.append(Tile("Best baseline", wording.number(base.value), detail))
    found.append(Tile("Guessing", wording.number(study.chance), "of a rule that knows nothing"))
    found.append(
        Tile(
            "Classified correctly",
            f"{wording.count(_right(study, leader))} of {study.evaluation.cohort.n_samples}",
            f"samples, by {leader.title}",
        )
    )
    return tuple(found)


def of_cohort(cohort: Cohort) -> tuple[Paragraph, ...]:
    """Say what the data are."""
    people = "" if cohort.donors is None else f" from {_donors(cohort)}"
    what = (
        f"{counted(cohort.n_samples, 'sample')}{people} of {counted(len(cohort.classes), 'class')} "
        f"({_classes(cohort)}), {counted(cohort.n_probes, 'probe')} each."
    )
    return (
        Paragraph("The data", what),
        Paragraph(
            "What this is",
            "Pictures of the data as they were read, before any model. Groups that can be seen here may stem from "
            "the classes, but also from laboratory, date, sex or age: a picture cannot tell these apart.",
        ),
    )


def of_evaluation(study: Study) -> tuple[Paragraph, ...]:
    """Say what was compared, what came out, and what that does not mean."""
    return (
        Paragraph("What was done", _done(study)),
        Paragraph("Result", _result(study)),
        Paragraph("Against baselines", _against_baselines(study)),
        *([Paragraph("Between the models", between(study))] if len(study.contenders) > 1 else []),
        Paragraph("Errors", _errors(study)),
        Paragraph("What it does not say", _limits(study)),
    )


def compared(study: Study) -> list[str]:
    """How many models and baselines there are, e.g. ["6 models", "2 baselines"]."""
    n_baselines = len(study.baselines)
    numbers = {"model": len(study.tried) - n_baselines, "baseline": n_baselines}
    return [counted(n, noun) for noun, n in numbers.items() if n]


def _done(study: Study) -> str:
    cohort, folds = study.evaluation.cohort, study.evaluation.folds
    verb = "was" if len(study.tried) == 1 else "were"
    outer, repeats = folds.design.outer, folds.design.repeats
    again = "" if repeats == 1 else f" This was done {repeats} times, with new parts each time."
    apart = " All samples of a donor stayed in one part." if folds.grouped else ""
    return (
        f"{counted(cohort.n_samples, 'sample')} of {counted(len(cohort.classes), 'class')} ({_classes(cohort)}), "
        f"{counted(cohort.n_probes, 'probe')} each. {wording.listed(compared(study))} {verb} tried. The "
        f"cohort was cut into {outer} parts, and each part classified by models fitted and tuned on the other "
        f"{outer - 1 if outer > 2 else 'one'} alone: no model ever saw a sample that it had to classify.{apart}{again}"
    )


def _result(study: Study) -> str:
    leaders, leader = study.leaders, study.leader
    names = wording.listed(score.title for score in leaders)
    verb = "reached" if len(leaders) == 1 else "all reached" if len(leaders) > 2 else "both reached"
    best = (
        "the highest balanced accuracy, "
        if len(study.contenders) > len(leaders)
        else "a balanced accuracy of "
    )
    interval = f"{wording.number(leader.low)} to {wording.number(leader.high)}"
    right = [wording.count(_right(study, score)) for score in leaders]
    average = "" if study.evaluation.folds.design.repeats == 1 else ", on average over repeats,"
    each = "" if len(leaders) == 1 else " by each" if len(set(right)) == 1 else f" by {leader.title}"
    text = (
        f"{names} {verb} {best}{wording.number(leader.value)} (95 % interval {interval}): {right[0]} of "
        f"{study.evaluation.cohort.n_samples} samples{average} were classified correctly{each}. Balanced accuracy "
        f"counts every class alike; guessing gives {wording.number(study.chance)}."
    )
    return f"{text}{_corrected(study)}"


def _corrected(study: Study) -> str:
    """What the choice among several models has added, and what it comes to without."""
    if len(study.tried) < 2:
        return ""
    best, auto = study.best, study.auto
    text = (
        f" It is the best of {len(study.tried)} tried on these same samples, which may flatter it: corrected for "
        f"the choice, expect {wording.number(best.value)} (95 % interval {_ends(best.low, best.high)})."
    )
    if auto is not None:
        text += (
            " Where the model is chosen inside each training part, by log loss and without a look at the test part, "
            f"there is nothing to correct: that gave {auto.text}."
        )
    return text


def _against_baselines(study: Study) -> str:
    leader, baselines = study.leader, study.baselines
    if leader in baselines:
        return (
            "Only baselines were run. They say what little effort gives, and nothing about what is possible."
        )
    if not baselines:
        verdict = "includes" if leader.low <= study.chance else "lies above"
        return (
            f"No baseline was run. The interval {verdict} the {wording.number(study.chance)} that guessing gives; "
            "whether a trivial rule would do as well cannot be told."
        )
    best = baselines[0]
    named = wording.listed(f"{score.title} {score.text}" for score in baselines)
    if best.value >= leader.value:
        verdict = f"No model did better than a baseline: {best.title} reached {best.text}."
    elif best.value >= leader.low:
        verdict = (
            f"The interval of {leader.title} takes in the figure of a baseline, {best.title}: "
            "that it does better is not shown."
        )
    elif leader.overlaps(best):
        verdict = (
            f"The figure of the best baseline, {best.title}, lies below the interval of {leader.title}, "
            "but their intervals overlap: an advantage is likely, its size uncertain."
        )
    else:
        verdict = f"The interval of {leader.title} lies wholly above those of the baselines."
    return f"{verdict} Baselines: {named}."


def _errors(study: Study) -> str:
    evaluation, leader = study.evaluation, study.leader
    table = evaluation.confusion(leader.name)
    sizes = table.sum(axis=1)
    mistaken = table - np.diag(np.diag(table))
    if not mistaken.any():
        return f"{leader.title} classified every sample correctly; see its interval for how much that proves."
    hits = np.diag(table)
    weakest = int(np.argmin(hits / sizes))
    row, column = np.unravel_index(int(np.argmax(mistaken)), mistaken.shape)
    classes = evaluation.classes
    mean = "" if evaluation.folds.design.repeats == 1 else " on average"
    text = (
        f"{leader.title} does worst on {classes[weakest]}: it found {wording.count(round(hits[weakest], 1))} of "
        f"{wording.count(sizes[weakest])}{mean}. Its most frequent error is {classes[row]} called {classes[column]}: "
        f"{wording.count(round(mistaken[row, column], 1))} of {wording.count(sizes[row])}{mean}."
    )
    wrong = study.wrong_in_all()
    if wrong and len(study.contenders) > 1:
        noun = "sample" if len(wrong) == 1 else "samples"
        text += (
            f" Every model was wrong on {noun} {wording.shortlist(wrong)}; a look at "
            f"{'its label and its quality' if len(wrong) == 1 else 'their labels and their quality'} is worth while."
        )
    return text


def _limits(study: Study) -> str:
    cohort = study.evaluation.cohort
    if cohort.provenance.simulated:
        return (
            "The values are simulated. The figures show that the method works on data of this shape; "
            "they say nothing about any disease, patient or test."
        )
    return (
        "All samples come from one cohort. How a model does in another hospital, on another platform or in patients "
        "unlike these was not measured. Whether the classes differ in laboratory, age or sex, which a model may have "
        "learned instead, could be audited only as far as the data tell of these. For research only: not for the "
        "diagnosis or treatment of a patient."
    )


def _classes(cohort: Cohort) -> str:
    counts = cohort.class_counts
    if len(counts) <= 6:
        return wording.listed(f"{name} {count}" for name, count in counts.items())
    low, high = min(counts.values()), max(counts.values())
    return f"{low} samples each" if low == high else f"{low} to {high} samples each"


def _donors(cohort: Cohort) -> str:
    return counted(len(np.unique(cohort.donors)) if cohort.donors is not None else 0, "donor")


def _ends(low: float, high: float) -> str:
    return f"{wording.number(low)} to {wording.number(high)}"


def _right(study: Study, score: Score) -> float:
    """Number of samples classified correctly, mean over repeats, to one digit."""
    hits = study.evaluation.predicted(score.name) == study.evaluation.cohort.codes
    return round(float(hits.sum(axis=1).mean()), 1)
