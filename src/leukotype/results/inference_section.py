"""What the numbers are worth: the report's tables on choice, split, permuted labels, mistakes and sample size."""

from __future__ import annotations

import math
from dataclasses import dataclass

from leukotype import inference, wording
from leukotype.audits import AUDITS
from leukotype.evaluation import AUTO
from leukotype.results.comparisons import between, comparisons
from leukotype.results.tables import Cell, Table
from leukotype.studies import Study
from leukotype.wording import counted, p_value

MOST_SAMPLES = 20


@dataclass(frozen=True)
class Part:
    """One question of the section: what is said, in tables, and which figure shows it."""

    name: str
    title: str
    text: str = ""
    tables: tuple[Table, ...] = ()
    more: tuple[Table, ...] = ()
    figure: str = ""


def parts(study: Study) -> tuple[Part, ...]:
    """The section, as far as it was asked for."""
    several = len(study.tried) > 1
    found = [
        Part("choice", "The choice among the models", tables=_there(choice(study))) if several else None,
        Part(
            "pairs",
            "Models against each other",
            between(study) if len(study.contenders) > 1 else "",
            _there(comparisons(study)),
            _there(comparisons(study, whole=True)),
        )
        if several
        else None,
        Part(
            "split",
            "Dependence on the split",
            flipping(study),
            _there(stability(study)),
            figure="stability",
        ),
        _asked("permuted", "Permuted labels", permutation(study), "permutation"),
        _asked("mistakes", "What the usual mistakes would have claimed", leaks(study), "leaks"),
        _asked("sizes", "Performance and number of samples", learning(study), "learning-curve"),
        Part("audits", "Audits", _verdict(study), more=(audits(study),)),
    ]
    return tuple(part for part in found if part is not None)


def _there(table: Table | None) -> tuple[Table, ...]:
    return () if table is None else (table,)


def _asked(name: str, title: str, table: Table | None, figure: str) -> Part | None:
    return None if table is None else Part(name, title, tables=(table,), figure=figure)


def _verdict(study: Study) -> str:
    findings = study.audits
    if not findings:
        return f"{len(AUDITS)} audits looked at data, design and results and found nothing."
    kinds = {"error": "error", "warning": "warning", "note": "note"}
    counts = [(sum(f.severity == level for f in findings), word) for level, word in kinds.items()]
    listed = wording.listed(counted(n, word) for n, word in counts if n)
    return (
        f"{len(AUDITS)} audits looked at data, design and results: {listed}, which stand among the warnings and notes "
        "above."
    )


def choice(study: Study) -> Table | None:
    """The best of the models tried with and without the correction, and how often each came out best."""
    best = study.best
    if len(study.tried) < 2:
        return None
    model = Cell(study.evaluation.title(best.model))
    measured = _estimate(best.uncorrected, best.uncorrected_low, best.uncorrected_high)
    rows = [
        (Cell("Corrected for the choice", tag="headline"), model, _estimate(best.value, best.low, best.high)),
        (Cell("As measured"), model, measured),
    ]
    if study.auto is not None:
        auto = study.auto
        rows.append(
            (
                Cell("Chosen inside each fold"),
                Cell(_picked(study)),
                _estimate(auto.value, auto.low, auto.high),
            )
        )
    shares = sorted(best.chosen.items(), key=lambda item: -item[1])
    often = wording.listed(
        f"{study.evaluation.title(name)} {share:.0%}".replace("%", " %")
        for name, share in shares
        if share >= 0.005
    )
    caption = (
        f"Balanced accuracy of the best of {len(study.tried)} models tried. Best in a bootstrap sample were: "
        f"{often}"
    )
    return Table("choice", caption, ("Estimate", "Model", "Value"), (False, False, True), tuple(rows))


def stability(study: Study) -> Table | None:
    """How many calls of each model depend on how the folds fell."""
    frame = study.stability
    repeats = study.evaluation.folds.design.repeats
    if repeats < 2:
        return None
    place = {model.name: number for number, model in enumerate(study.models)}
    records = sorted(frame.to_dict("records"), key=lambda row: place[str(row["model"])])
    rows = tuple(
        (
            Cell(study.evaluation.title(str(row["model"]))),
            Cell(f"{int(row['n_flips'])} of {study.evaluation.cohort.n_samples}"),
            Cell(wording.number(float(row["agreement"]))),
        )
        for row in records
    )
    caption = (
        f"Calls that differ between {repeats} repeats of the folds, and the chance that two repeats agree on a "
        "sample"
    )
    return Table("stability", caption, ("Model", "Calls that flip", "Agreement"), (False, True, True), rows)


def flipping(study: Study) -> str:
    """The samples whose call by the best model depends on the split."""
    if study.evaluation.folds.design.repeats < 2:
        return "The folds were drawn once; with --repeats it shows which calls depend on them."
    leader = study.leader
    frame = inference.difficulty(study.evaluation, [leader.name])
    flips = frame[frame["flips"]]
    if flips.empty:
        return f"{leader.title} called every sample alike in every repeat."
    listed = wording.shortlist([f"{row.sample} ({row.label})" for row in flips.itertuples()], MOST_SAMPLES)
    return f"{leader.title} changed its call of {counted(len(flips), 'sample')} with the split: {listed}."


def permutation(study: Study) -> Table | None:
    """Scores on the real and on permuted labels."""
    test = study.permutation
    if test is None:
        return None
    rows = tuple(
        (
            Cell(study.evaluation.title(str(row["model"]))),
            Cell(wording.number(float(row["observed"]))),
            Cell(
                wording.number(float(row["null_mean"])),
                f"95 % below {wording.number(float(row['null_best']))}",
            ),
            Cell(
                p_value(float(row["p"])), f"[{p_value(float(row['p_low']))}, {p_value(float(row['p_high']))}]"
            ),
            Cell(p_value(float(row["p_best"]))),
            Cell(f"{int(row['n_permutations']):,}", f"smallest p {p_value(float(row['resolution']))}"),
        )
        for row in test.table().to_dict("records")
    )
    columns = (
        "Model",
        "Real labels",
        "Permuted labels, mean",
        "p",
        "p, adjusted for all models",
        "Permutations",
    )
    caption = (
        "Balanced accuracy of the whole nested procedure on the real labels (first repeat of the folds) and on "
        "permuted ones; p = (b + 1) / (m + 1), with the 95 % interval that the number of permutations leaves"
    )
    return Table("permutation", caption, columns, (False, *[True] * 5), rows)


def leaks(study: Study) -> Table | None:
    """What each mistake would have claimed."""
    frame = study.leaks
    if frame is None:
        return None
    rows = tuple(
        (
            Cell(str(row["title"])),
            Cell(study.evaluation.title(str(row["model"]))),
            Cell(wording.estimate(row["honest"], row["honest_low"], row["honest_high"])),
            Cell(wording.number(row["claimed"])),
            Cell(_signed(row["optimism"]), f"[{_signed(row['low'])}, {_signed(row['high'])}]"),
        )
        for row in frame.to_dict("records")
    )
    columns = ("Mistake", "Model", "Honest", "Claimed", "Optimism")
    caption = "Balanced accuracy that the usual mistakes would have claimed for the same models, with 95 % intervals"
    return Table("leaks", caption, columns, (False, False, True, True, True), rows)


def learning(study: Study) -> Table | None:
    """What half of the error would cost in samples."""
    curve = study.learning
    if curve is None:
        return None
    rows = tuple(
        (
            Cell(study.evaluation.title(str(row["model"]))),
            Cell(wording.number(float(row["error"]))),
            Cell(_samples(row["n_needed"]), f"[{_samples(row['n_low'])}, {_samples(row['n_high'])}]"),
        )
        for row in curve.halving().to_dict("records")
    )
    columns = ("Model", f"Error at {curve.sizes[-1]:.0f}", "Training samples for half of it")
    caption = (
        "One minus balanced accuracy by the fitted law at the largest training part, and the samples that would halve "
        "it: an extrapolation, with its 95 % interval"
    )
    return Table("learning", caption, columns, (False, True, True), rows)


def audits(study: Study) -> Table:
    """Every audit and what it came to."""
    found = {finding.code: finding for finding in study.audits}
    rows = tuple(
        (
            Cell(entry.code),
            Cell(entry.title, under=entry.cite),
            Cell(found[entry.code].severity if entry.code in found else "nothing found, or does not apply"),
        )
        for entry in AUDITS
    )
    caption = f"All {len(AUDITS)} audits; that one found nothing does not prove that nothing is there"
    return Table("audits", caption, ("Code", "Looks for", "Result"), (False, False, False), rows)


def _picked(study: Study) -> str:
    """How often `auto` chose which model."""
    frame = study.evaluation.settings()
    own = [str(result.setting["model"]) for result in study.evaluation.results if result.model == AUTO]
    assert len(own) == int((frame["model"] == AUTO).sum())
    counts = {name: own.count(name) for name in dict.fromkeys(own)}
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return wording.listed(
        f"{study.evaluation.title(name)} ({count} of {len(own)})" for name, count in ordered
    )


def _estimate(value: float, low: float, high: float) -> Cell:
    return Cell(wording.number(value), wording.interval(low, high))


def _samples(n: float) -> str:
    if math.isnan(n):
        return "–"
    if n > 1e5:
        return "never" if math.isinf(n) else ">100,000"
    return f"{float(f'{n:.2g}'):,.0f}"


def _signed(value: float) -> str:
    text = f"{value:+.2f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "\u2212")
