"""For each audit, a simulated cohort with its problem and a similar one without."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from leukotype.audits import Finding, audit
from leukotype.cohort import Cohort, Provenance
from leukotype.evaluation import Evaluation, FoldResult, evaluate
from leukotype.models import select
from leukotype.resampling import Design, Folds, OuterFold, draw

N_PROBES = 400
N_MARKERS = 20


def clean(seed: int = 0, sizes: Mapping[str, int] | None = None, effect: float = 2.0) -> Cohort:
    """A sound cohort: rows in random order, random ids, covariates independent of the classes.

    Probes share factors, as genes do; probe 0 is XIST and probe 1 RPS4Y1, consistent with the recorded sex.
    """
    rng = np.random.default_rng([seed, 77])
    sizes = {"AML": 30, "Normal": 30} if sizes is None else sizes
    n = sum(sizes.values())
    codes = rng.permutation(np.repeat(np.arange(len(sizes)), list(sizes.values())))
    means = rng.normal(7.0, 1.8, N_PROBES)
    loadings = rng.normal(0.0, 0.25, (8, N_PROBES))
    values = means + rng.normal(size=(n, 8)) @ loadings + rng.normal(0.0, 0.5, (n, N_PROBES))
    for code in range(len(sizes)):
        columns = 2 + N_MARKERS * code + np.arange(N_MARKERS)
        values[np.ix_(codes == code, columns)] += effect * rng.normal(0.5, 0.2, N_MARKERS)
    female = rng.random(n) < 0.5
    values[:, 0] = np.where(female, 9.5, 4.5) + rng.normal(0, 0.4, n)
    values[:, 1] = np.where(female, 4.0, 10.0) + rng.normal(0, 0.4, n)
    values += rng.normal(0.0, 0.05, (n, 1))
    return Cohort(
        expression=np.clip(values, 2.0, None) + rng.uniform(0, 1e-6, values.shape),
        labels=np.array(list(sizes))[codes],
        samples=np.array([f"S{number}" for number in rng.permutation(900)[:n] + 100]),
        probes=np.array(["XIST", "RPS4Y1", *(f"G{i}" for i in range(2, N_PROBES))]),
        name="clean",
        covariates=pd.DataFrame(
            {
                "age": rng.normal(55, 12, n).round(),
                "sex": np.where(female, "F", "M"),
                "batch": rng.choice(["a", "b", "c"], n),
            }
        ),
        provenance=Provenance("simulated for a test", simulated=True),
    )


def evaluated(
    cohort: Cohort, skill: float = 2.0, baseline: float = 0.2, folds: Folds | None = None, seed: int = 0
) -> Evaluation:
    """An evaluation with made-up probabilities: logistic with the given skill, a single probe, the majority."""
    folds = draw(cohort, Design(outer=5, inner=2)) if folds is None else folds
    k = len(cohort.classes)
    truth, results = np.eye(k)[cohort.codes], []
    for model, weight in (("logistic", skill), ("single-probe", baseline), ("majority", 0.0)):
        for split in folds.splits:
            rng = np.random.default_rng([len(model), split.repeat, split.fold, seed])
            noise = 0.0 if model == "majority" else 0.6
            scores = weight * truth[split.test] + noise * rng.normal(size=(len(split.test), k))
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            losses = np.full(len(split.train), 0.5)
            results.append(FoldResult(model, split.repeat, split.fold, p, {}, -0.5, losses, None, 0.1))
    return Evaluation(cohort, folds, select(["logistic", "single-probe", "majority"]), tuple(results))


def changed(cohort: Cohort, change: Callable[[Any], None]) -> Cohort:
    values = cohort.expression.copy()
    change(values)
    return replace(cohort, expression=values)


def _with_donors(split: bool) -> list[Finding]:
    cohort = clean()
    donors = np.array([f"D{i}" for i in range(60)])
    mates = [np.flatnonzero(cohort.labels == "AML")[:2], np.flatnonzero(cohort.labels == "Normal")[:2]]
    for first, second in mates:
        donors[second] = donors[first]
    folds = draw(cohort, Design(outer=5, inner=2))
    named = replace(cohort, donors=donors)
    if not split:
        return audit(named, evaluated(named, folds=draw(named, Design(outer=5, inner=2))))
    # Folds drawn without the donors, which separate the samples of each donor.
    parts = [np.arange(60) % 5]
    parts[0][mates[0]] = [0, 1]
    parts[0][mates[1]] = [1, 2]
    splits = tuple(
        OuterFold(0, k, np.flatnonzero(parts[0] != k), np.flatnonzero(parts[0] == k), ()) for k in range(5)
    )
    folds = Folds(Design(5, 2), splits, named.fingerprint, source="read from folds.csv")
    return audit(named, evaluated(named, folds=folds))


def _twin(noise: float) -> list[Finding]:
    def copy(values: Any) -> None:
        values[1] = values[0] + np.random.default_rng(1).normal(0, noise, N_PROBES)

    cohort = clean()
    labels = cohort.labels.copy()
    labels[1] = labels[0]
    return audit(changed(replace(cohort, labels=labels), copy))


def _pairs(offset: int) -> list[Finding]:
    """Samples that share part of their deviations: within pairs, or with both neighbours."""
    cohort = clean()
    rng = np.random.default_rng(3)

    def share(values: Any) -> None:
        for label in cohort.classes:
            rows = np.flatnonzero(cohort.labels == label)
            steps = rng.normal(0, 0.9, (len(rows) + 1, N_PROBES))
            for place, row in enumerate(rows):
                values[row] += steps[place // 2] if offset else 0.7 * (steps[place] + steps[place + 1])

    return audit(changed(cohort, share))


def _sorted_rows(fully: bool) -> list[Finding]:
    cohort = clean()
    order = np.argsort(cohort.codes, kind="stable")
    if not fully:
        # Sorted by something else: runs of classes are as long as by chance.
        order = np.argsort(cohort.samples, kind="stable")
    return audit(cohort.take(order, "sorted"))


def _row_number(broken: bool) -> list[Finding]:
    def number(values: Any) -> None:
        values[:, 5] = np.log2(np.arange(1, 61) + 1)
        if broken:
            values[[3, 40], 5] = values[[40, 3], 5]

    return audit(changed(clean(), number))


def _age(gap: float) -> list[Finding]:
    cohort = clean()
    table = cohort.covariates.copy()
    table["age"] += gap * (cohort.labels == "AML")
    return audit(replace(cohort, covariates=table))


def _batch(share: float) -> list[Finding]:
    """A batch that determines the class for a share of the samples."""
    cohort = clean()
    told = np.random.default_rng(5).random(60) < share
    table = cohort.covariates.copy()
    table["batch"] = np.where(told, np.where(cohort.labels == "AML", "a", "b"), table["batch"])
    cohort = replace(cohort, covariates=table)
    return audit(cohort, evaluated(cohort))


def _sex(wrong: int) -> list[Finding]:
    cohort = clean()
    table = cohort.covariates.copy()
    table.loc[: wrong - 1, "sex"] = table.loc[: wrong - 1, "sex"].map({"F": "M", "M": "F"})
    # Loss of Y in a man, common in leukaemia, is no contradiction.
    man = int(np.flatnonzero(table["sex"] == "M")[-1])

    def lose_y(values: Any) -> None:
        values[man, 1] = 4.2

    return audit(changed(replace(cohort, covariates=table), lose_y))


def _sex_by_class(women: float) -> list[Finding]:
    cohort = clean()
    rng = np.random.default_rng(8)
    female = np.where(cohort.labels == "AML", rng.random(60) < women, rng.random(60) < 0.5)

    def express(values: Any) -> None:
        values[:, 0] = np.where(female, 9.5, 4.5)
        values[:, 1] = np.where(female, 4.0, 10.0)

    return audit(changed(replace(cohort, covariates=None), express))


def _bad_array(noise: float) -> list[Finding]:
    def spoil(values: Any) -> None:
        values[7] += np.random.default_rng(2).normal(0, noise, N_PROBES)

    return audit(changed(clean(), spoil))


def _dim_array(shift: float) -> list[Finding]:
    def dim(values: Any) -> None:
        values[7] += shift

    return audit(changed(clean(), dim))


def _quantile_normalised(fully: bool) -> list[Finding]:
    def normalise(values: Any) -> None:
        target = np.sort(values, axis=1).mean(axis=0)
        ranks = values.argsort(axis=1).argsort(axis=1)
        values[:] = target[ranks]
        if not fully:
            # Each array is centred on its own.
            values += np.random.default_rng(0).normal(0, 0.05, values.shape)
            values -= np.median(values, axis=1, keepdims=True) - 7

    return audit(changed(clean(), normalise))


def _scaled(over: int) -> list[Finding]:
    def scale(values: Any) -> None:
        part = values[:over]
        values -= part.mean(axis=0)
        values /= part.std(axis=0)

    cohort = changed(clean(), scale)
    return audit(replace(cohort, provenance=Provenance("test", scale="as given")))


def _constant(others: int) -> list[Finding]:
    def fix(values: Any) -> None:
        values[:, 5] = 4.0
        values[:others, 5] += np.arange(others) + 1

    return audit(changed(clean(), fix))


def _control(name: str) -> list[Finding]:
    cohort = clean()
    probes = cohort.probes.astype("<U20").copy()
    probes[7] = name
    return audit(replace(cohort, probes=probes))


def _mixed(power: float) -> list[Finding]:
    def convert(values: Any) -> None:
        if power:
            values[:4] = 2.0 ** values[:4]
        else:
            values[:4] -= 1.5  # dim arrays on the same scale

    return audit(changed(clean(), convert))


def _centred(by: float) -> list[Finding]:
    def centre(values: Any) -> None:
        values -= by

    return audit(changed(clean(), centre))


def _sizes(aml: int, normal: int) -> list[Finding]:
    return audit(clean(sizes={"AML": aml, "Normal": normal}))


def _baseline(skill: float) -> list[Finding]:
    cohort = clean()
    return audit(cohort, evaluated(cohort, baseline=skill))


def _random_genes(everywhere: bool) -> list[Finding]:
    def shift(values: Any) -> None:
        if everywhere:
            sign = np.random.default_rng(4).choice([-1, 1], N_PROBES)
            values[cohort.labels == "AML"] += 0.5 * sign
        else:
            values[:, 2 : 2 + 2 * N_MARKERS] = values[:, 2 + 2 * N_MARKERS : 2 + 4 * N_MARKERS]
            values[cohort.labels == "AML", 10] += 4

    cohort = clean()
    cohort = changed(cohort, shift)
    return audit(cohort, evaluated(cohort))


def _perfect(n: int) -> list[Finding]:
    cohort = clean(sizes={"AML": n // 2, "Normal": n // 2})
    return audit(cohort, evaluated(cohort, skill=20.0))


def _flipped(wrong: bool) -> list[Finding]:
    """Real models, since the nearest samples must agree with them."""
    cohort = clean(effect=4.0)
    labels = cohort.labels.copy()
    if wrong:
        labels[7] = "AML" if labels[7] == "Normal" else "Normal"
    flipped = replace(cohort, labels=labels)
    return audit(flipped, evaluate(flipped, ["logistic", "knn", "centroids"], design=Design(5, 2), jobs=1))


def _other_arrays(stretch: float) -> list[Finding]:
    cohort = clean()

    def change(values: Any) -> None:
        values[cohort.labels == "AML"] *= stretch

    return audit(changed(cohort, change))


def _mates(shift: int) -> list[Finding]:
    """The k-th samples of both classes share a donor, or each sample is like its neighbours in time."""
    cohort = clean()
    rng = np.random.default_rng(4)
    steps = rng.normal(0, 0.7, (33, N_PROBES))

    def share(values: Any) -> None:
        for label in cohort.classes:
            for place, row in enumerate(np.flatnonzero(cohort.labels == label)):
                values[row] += steps[place] if not shift else steps[place : place + 4].mean(axis=0)

    return audit(changed(cohort, share))


def _classes(one: str, two: str) -> list[Finding]:
    cohort = clean()
    labels = np.where(np.arange(60) % 10 == 0, one, np.where(cohort.labels == "AML", "AML", two))
    return audit(replace(cohort, labels=labels))


# code: (with the problem, without)
CASES: dict[str, tuple[Callable[[], list[Finding]], Callable[[], list[Finding]]]] = {
    "LT001": (lambda: _with_donors(split=True), lambda: _with_donors(split=False)),
    "LT002": (lambda: _twin(0.2), lambda: _twin(1.5)),
    "LT003": (lambda: _pairs(1), lambda: _pairs(0)),
    "LT004": (lambda: _sorted_rows(True), lambda: _sorted_rows(False)),
    "LT005": (lambda: _row_number(False), lambda: _row_number(True)),
    "LT006": (lambda: _age(23.0), lambda: _age(0.0)),
    "LT007": (lambda: _batch(0.98), lambda: _batch(0.6)),
    "LT008": (lambda: _sex(1), lambda: _sex(0)),
    "LT009": (lambda: _sex_by_class(1.0), lambda: _sex_by_class(0.5)),
    "LT010": (lambda: _bad_array(2.0), lambda: _bad_array(0.1)),
    "LT011": (lambda: _dim_array(2.0), lambda: _dim_array(0.05)),
    "LT012": (lambda: _quantile_normalised(True), lambda: _quantile_normalised(False)),
    "LT013": (lambda: _scaled(60), lambda: _scaled(40)),
    "LT014": (lambda: _constant(0), lambda: _constant(4)),
    "LT015": (lambda: _control("AFFX-BioB-5_at"), lambda: _control("AFF1")),
    "LT016": (lambda: _mixed(2.0), lambda: _mixed(0.0)),
    "LT017": (lambda: _centred(7.0), lambda: _centred(1.0)),
    "LT018": (lambda: _sizes(18, 40), lambda: _sizes(19, 40)),
    "LT019": (lambda: _sizes(12, 60), lambda: _sizes(60, 60)),
    "LT020": (lambda: _sizes(19, 120), lambda: _sizes(20, 120)),
    "LT021": (lambda: _baseline(2.0), lambda: _baseline(0.2)),
    "LT022": (lambda: _random_genes(True), lambda: _random_genes(False)),
    "LT023": (lambda: _perfect(34), lambda: _perfect(36)),
    "LT024": (lambda: _flipped(True), lambda: _flipped(False)),
    "LT025": (lambda: _other_arrays(1.1), lambda: _other_arrays(1.005)),
    "LT026": (lambda: _mates(0), lambda: _mates(1)),
    "LT027": (lambda: _classes("leukaemia", "leukemia"), lambda: _classes("ALL", "CLL")),
}
