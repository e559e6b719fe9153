"""False alarms and power of every audit on simulated cohorts.

    python benchmarks/calibration/audits.py alarms [200]
    python benchmarks/calibration/audits.py results [200]
    python benchmarks/calibration/audits.py power [20]
    python benchmarks/calibration/audits.py labels [10]

Cohorts have 40 to 100 samples of 2 to 4 classes.  There are four kinds:

- array: log2 intensities of 300 probes that share factors; one factor is skewed, as the share of tumour cells in a
  biopsy is, so that some samples correlate less with their class;
- rnaseq: log2 counts or counts per million of 400 genes, negative binomial, with different sequencing depths;
- panel: 40 genes, log2;
- sorted: as array, with rows sorted by class and numbered, as in most public files.

"clean" cohorts have classes that differ; in "null" cohorts they don't.  Each has age, sex and batch, which are
independent of the class.  k nearest neighbours, nearest shrunken centroids, diagonal LDA and both baselines are
evaluated.  `alarms` and `results` count findings by audit and severity (results/audit_alarms.csv): of audits that need
a cohort, and of those that need an evaluation.  `power` plants one fault of
three sizes (results/audit_power.csv).  `labels` counts the wrong and right labels that LT024 reports
(results/audit_labels.csv), also in real cohorts if LEUKOTYPE_DATA is set.  The number is that of cohorts.
docs/make_reference.py writes the tables of docs/audits.md.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.audits import AUDITS, SEVERITIES, AuditInput, by_code
from leukotype.audits.labels import suspects
from leukotype.cohort import Cohort, Provenance
from leukotype.evaluation import Evaluation, evaluate
from leukotype.readers import read
from leukotype.resampling import Design

RESULTS = Path(__file__).parent / "results"
KINDS = ("array", "rnaseq", "panel", "sorted")
TRUTHS = ("clean", "null")
MODELS = ("knn", "centroids", "diagonal-lda", "majority", "single-probe")
# The audit that fits most models runs on the first cohorts of each kind only.
SLOW, N_SLOW = "LT022", 10
# Golub: samples 66 and 67 are named in the literature.  chowdary: samples 2 and 96 are exchanged.
PUBLIC_MODELS = ("logistic", "knn", "centroids", "svm")
PUBLIC = {
    "GSE9476, 1,219 probes": ("cumida/Leukemia_GSE9476_slice.csv.gz", ()),
    "Golub, 3 classes": ("golub/golub_3class_cumida_layout.csv.gz", ("66", "67")),
    "chowdary": ("wide/chowdary_breast_colon.csv.gz", ("2", "96")),
}
N_PUBLIC = 3
CLEAR = 3.0
N_PROBES = {"array": 300, "rnaseq": 400, "panel": 40, "sorted": 300}


def cohort(kind: str, truth: str, seed: int, effect: float = 1.0) -> Cohort:
    """Draw a cohort without faults; XIST and RPS4Y1 agree with the recorded sex.

    effect : factor of the differences between classes; with 1 most classes overlap, with CLEAR few do
    """
    rng = np.random.default_rng([KINDS.index(kind), TRUTHS.index(truth), seed])
    k = int(rng.integers(2, 5))
    n = int(rng.integers(40, 101))
    sizes = np.maximum(np.round(n * rng.dirichlet(np.full(k, 8.0))), 10).astype(int)
    codes = np.repeat(np.arange(k), sizes)
    n, p = len(codes), N_PROBES[kind]
    female = rng.random(n) < 0.5
    means = rng.normal(7.0, 1.8, p) if kind != "rnaseq" else rng.normal(4.0, 2.5, p)
    loadings = rng.normal(0.0, 1.0, (6, p)) * rng.uniform(0.1, 0.35, (6, 1))
    factors = rng.standard_normal((n, 6))
    factors[:, 0] = rng.gamma(1.0, 1.0, n) - 1
    level = means + factors @ loadings + rng.normal(0, 0.05, (n, 1))
    if truth == "clean":
        shifts = np.zeros((k, p))
        for code in range(k):
            markers = rng.choice(np.arange(2, p), max(3, p // 20), replace=False)
            shifts[code, markers] = rng.normal(0, rng.uniform(0.6, 1.6), len(markers))
        level += effect * shifts[codes]
    high, low = (9.0, 4.0) if kind != "rnaseq" else (7.0, -2.0)
    level[:, 0], level[:, 1] = np.where(female, high, low), np.where(female, low, high)
    if kind == "rnaseq":
        counts = _sequenced(level, rng)
        # Readers transform counts in the first way; many users bring the second.
        scale = ("log2(max(x, 1))", "log2(CPM + 1)")[seed % 2]
        per_million = counts / counts.sum(axis=1, keepdims=True) * 1e6
        values = np.log2(per_million + 1) if seed % 2 else np.log2(np.maximum(counts, 1))
    else:
        values = np.maximum(level + rng.normal(0, 0.5, level.shape), 2.5)
        scale = "log2 intensity"
    probes = np.array(["XIST", "RPS4Y1", *(f"G{place}" for place in range(2, p))])
    covariates = pd.DataFrame(
        {
            "age": rng.normal(55, 12, n).round(),
            "sex": np.where(female, "F", "M"),
            "batch": rng.choice(["a", "b", "c"], n),
        }
    )
    order = np.arange(n) if kind == "sorted" else rng.permutation(n)
    ids = np.arange(n) + 1 if kind == "sorted" else rng.permutation(9000)[:n] + 1000
    return Cohort(
        values[order],
        np.array([f"class {'ABCD'[code]}" for code in codes[order]]),
        np.array([f"S{number}" for number in ids]),
        probes,
        name=f"{kind} {truth} {seed}",
        covariates=covariates.iloc[order].reset_index(drop=True),
        provenance=Provenance("simulated", scale=scale, simulated=True),
    )


def _sequenced(level: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return negative binomial counts; 2^level is the relative abundance."""
    abundance = 2.0**level
    depth = rng.lognormal(np.log(20.0 * level.shape[1]), 0.4, (len(level), 1))
    expected = abundance / abundance.sum(axis=1, keepdims=True) * depth
    return rng.poisson(expected * rng.gamma(10.0, 0.1, level.shape)).astype(np.float64)


def evaluated(drawn: Cohort, models: tuple[str, ...] = MODELS) -> Evaluation:
    """Evaluate the models with 5 outer and 2 inner folds, once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return evaluate(drawn, list(models), design=Design(5, 2), jobs=1)


def count_alarms(n_cohorts: int, needs: str = "cohort") -> None:
    """Write the number of findings in cohorts without faults to results/audit_alarms.csv.

    needs : of the audits; the rows of the others stay
    """
    path = RESULTS / "audit_alarms.csv"
    # "null" is a name here, not a missing value.
    known = pd.read_csv(path, keep_default_na=False) if path.exists() else pd.DataFrame({"code": []})
    entries = [entry for entry in AUDITS if entry.needs == needs]
    rows = []
    # The order of the rows changes no evaluation.
    for kind in KINDS if needs == "cohort" else KINDS[:3]:
        for truth in TRUTHS:
            seen: Counter[tuple[str, str]] = Counter()
            for seed in range(n_cohorts):
                drawn = cohort(kind, truth, seed)
                data = AuditInput(drawn, evaluated(drawn) if needs == "evaluation" else None)
                some = [entry for entry in entries if entry.code != SLOW or seed < N_SLOW]
                found = [finding for entry in some if (finding := entry.finding(data)) is not None]
                seen.update((finding.code, finding.severity) for finding in found)
            rows += [
                {
                    "code": entry.code,
                    "severity": level,
                    "kind": kind,
                    "truth": truth,
                    "cohorts": min(n_cohorts, N_SLOW) if entry.code == SLOW else n_cohorts,
                    "findings": seen[entry.code, level],
                }
                for entry in entries
                for level in SEVERITIES
                if seen[entry.code, level] or level == entry.severity
            ]
            print(kind, truth, dict(sorted(seen.items())), flush=True)
    codes = {entry.code for entry in entries}
    whole = pd.concat([known[~known["code"].isin(codes)], pd.DataFrame(rows)]).sort_values(
        "code", kind="stable"
    )
    whole.astype({"cohorts": int, "findings": int}).to_csv(path, index=False)


def _values(drawn: Cohort, change: Callable[[FloatArray], None]) -> Cohort:
    values = drawn.expression.copy()
    change(values)
    return replace(drawn, expression=values)


def _copied(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Replace a sample by another of its class, measured again; `size` is the share of the variance within classes."""
    first, second = rng.choice(np.flatnonzero(drawn.codes == 0), 2, replace=False)

    def copy(values: FloatArray) -> None:
        spread = values[drawn.codes == 0].std(axis=0)
        values[second] = values[first] + np.sqrt(size) * spread * rng.standard_normal(len(spread))

    return _values(drawn, copy)


def _shared(drawn: Cohort, pairs: list[tuple[int, int]], size: float, rng: np.random.Generator) -> Cohort:
    """Add a donor's deviation to both samples of each pair; `size` in standard deviations of each probe."""

    def share(values: FloatArray) -> None:
        spread = values.std(axis=0)
        for pair in pairs:
            values[list(pair)] += size * spread * rng.standard_normal(len(spread))

    return _values(drawn, share)


def _paired_rows(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    blocks = [np.flatnonzero(drawn.codes == code) for code in range(len(drawn.classes))]
    pairs = [(int(a), int(b)) for rows in blocks for a, b in zip(rows[::2], rows[1::2], strict=False)]
    return _shared(drawn, pairs, size, rng)


def _paired_classes(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    one, two = (np.flatnonzero(drawn.codes == code) for code in (0, 1))
    return _shared(drawn, list(zip(one.tolist(), two.tolist(), strict=False)), size, rng)


def _partly_sorted(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    key = np.where(rng.random(drawn.n_samples) < size, drawn.codes + rng.random(drawn.n_samples) * 0.9,
                   rng.random(drawn.n_samples) * len(drawn.classes))  # fmt: skip
    return drawn.take(np.argsort(key), drawn.name)


def _covariate(drawn: Cohort, **columns: Any) -> Cohort:
    assert drawn.covariates is not None
    return replace(drawn, covariates=drawn.covariates.assign(**columns))


def _older(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    assert drawn.covariates is not None
    return _covariate(drawn, age=drawn.covariates["age"] + size * 12 * (drawn.codes == 0))


def _batch(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    told = rng.random(drawn.n_samples) < size
    named = np.array([f"run {code}" for code in drawn.codes])
    return _covariate(drawn, batch=np.where(told, named, rng.choice(named, drawn.n_samples)))


def _wrong_sex(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    assert drawn.covariates is not None
    sex = drawn.covariates["sex"].to_numpy().copy()
    rows = rng.choice(drawn.n_samples, int(size), replace=False)
    sex[rows] = np.where(sex[rows] == "F", "M", "F")
    return _covariate(drawn, sex=sex)


def _women(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Exchange XIST and RPS4Y1 so that the first class has this share of women."""
    rows = np.flatnonzero(drawn.codes == 0)
    female = rng.random(len(rows)) < size

    def exchange(values: FloatArray) -> None:
        pair = np.sort(values[rows, :2], axis=1)
        values[rows, :2] = np.where(female[:, None], pair[:, ::-1], pair)

    return _values(drawn, exchange)


def _bad_array(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Add noise to one sample; `size` in standard deviations of each probe."""

    def spoil(values: FloatArray) -> None:
        values[3] += size * values.std(axis=0) * rng.standard_normal(values.shape[1])

    return _values(drawn, spoil)


def _dim_array(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    def dim(values: FloatArray) -> None:
        values[3] -= size

    return _values(drawn, dim)


def _linear_samples(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    def convert(values: FloatArray) -> None:
        values[: int(size)] = 2.0 ** values[: int(size)]

    return _values(drawn, convert)


def _row_numbers(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Put columns that rise with the rows among the probes."""

    def count(values: FloatArray) -> None:
        for column in range(5, 5 + int(size)):
            values[:, column] = np.log2(np.arange(len(values)) + 2 + column)

    return _values(drawn, count)


def _other_laboratory(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Multiply the values of one class by 1 + `size`."""

    def stretch(values: FloatArray) -> None:
        values[drawn.codes == 0] *= 1 + size

    return _values(drawn, stretch)


def flipped(drawn: Cohort, size: float, rng: np.random.Generator) -> Cohort:
    """Give a share of the samples, at least one, the label of another class."""
    rows = rng.choice(drawn.n_samples, max(1, round(size * drawn.n_samples)), replace=False)
    labels = drawn.labels.copy()
    for row in rows:
        labels[row] = rng.choice([name for name in drawn.classes if name != labels[row]])
    return replace(drawn, labels=labels)


@dataclass(frozen=True)
class Fault:
    """What is planted, and in which three sizes."""

    code: str
    what: str
    sizes: tuple[float, float, float]
    plant: Callable[[Cohort, float, np.random.Generator], Cohort]
    effect: float = 1.0


# fmt: off
FAULTS = (
    Fault("LT002", "a sample measured twice; variance between the two / within the class", (0.1, 0.4, 0.8), _copied),
    Fault("LT003", "pairs of rows; deviation of a donor in SD of each probe", (0.4, 0.7, 1.0), _paired_rows),
    Fault("LT004", "rows in order of class; share of the rows", (0.4, 0.7, 1.0), _partly_sorted),
    Fault("LT005", "columns that rise with the row number; number of columns", (1, 3, 10), _row_numbers),
    Fault("LT006", "age differs in one class; difference in SD", (0.5, 1.0, 2.0), _older),
    Fault("LT007", "batch gives the class; share of the samples", (0.6, 0.8, 1.0), _batch),
    Fault("LT008", "wrong sex recorded; samples", (1, 2, 4), _wrong_sex),
    Fault("LT009", "share of women in one class, 0.5 in the others", (0.75, 0.9, 1.0), _women),
    Fault("LT010", "noise added to one sample; in SD of each probe", (0.5, 1.0, 2.0), _bad_array),
    Fault("LT011", "one sample dimmer; log2", (0.5, 1.0, 2.0), _dim_array),
    Fault("LT016", "samples on the linear scale; number of samples", (1, 3, 10), _linear_samples),
    Fault("LT024", "flipped labels, clear classes; share of the samples", (0.03, 0.06, 0.1), flipped, CLEAR),
    Fault("LT025", "values of one class multiplied; relative change", (0.03, 0.1, 0.2), _other_laboratory),
    Fault("LT026", "samples of two classes from one donor; its deviation in SD", (0.4, 0.7, 1.0), _paired_classes),
)
# fmt: on


def measure_power(n_cohorts: int) -> None:
    """Write the number of clean cohorts with a planted fault that each audit reports to results/audit_power.csv."""
    rows = []
    for fault in FAULTS:
        entry = by_code(fault.code)
        for kind in KINDS[:3]:
            for place, size in enumerate(fault.sizes):
                found = 0
                for seed in range(n_cohorts):
                    rng = np.random.default_rng([seed, place, KINDS.index(kind)])
                    faulty = fault.plant(cohort(kind, "clean", seed, fault.effect), size, rng)
                    needed = evaluated(faulty) if entry.needs == "evaluation" else None
                    found += entry.finding(AuditInput(faulty, needed)) is not None
                rows.append(
                    {
                        "code": fault.code,
                        "fault": fault.what,
                        "kind": kind,
                        "size": size,
                        "cohorts": n_cohorts,
                        "found": found,
                    }
                )
        print(fault.code, [row["found"] for row in rows if row["code"] == fault.code], flush=True)
        pd.DataFrame(rows).to_csv(RESULTS / "audit_power.csv", index=False)


def measure_labels(n_cohorts: int) -> None:
    """Write how many wrong and right labels LT024 reports to results/audit_labels.csv.

    Labels are flipped in simulated cohorts and, if LEUKOTYPE_DATA is set, in real ones.  The suspects that the
    literature names are rows of their own, with size 0.
    """
    rows: list[dict[str, object]] = []

    def add(name: str, size: float, drawn: Cohort, wrong: Iterable[str], models: tuple[str, ...]) -> None:
        seen = suspects(AuditInput(drawn, evaluated(drawn, models)))
        reported = set() if seen is None else set(drawn.samples[seen.rows].tolist())
        known = set(wrong)
        rows.append(
            {
                "cohort": name,
                "size": size,
                "samples": drawn.n_samples,
                "wrong": len(known),
                "found": len(known & reported),
                "others": len(reported - known),
            }
        )
        pd.DataFrame(rows).to_csv(RESULTS / "audit_labels.csv", index=False)

    sizes = (0.0, *next(fault.sizes for fault in FAULTS if fault.code == "LT024"))
    for (kind, (name, effect)), (place, size) in product(
        product(KINDS[:3], (("clear", CLEAR), ("overlapping", 1.0))), enumerate(sizes)
    ):
        for seed in range(n_cohorts):
            true = cohort(kind, "clean", seed, effect)
            faulty = flipped(true, size, np.random.default_rng([seed, place])) if size else true
            add(f"{kind}, {name}", size, faulty, true.samples[true.labels != faulty.labels], MODELS)
    folder = os.environ.get("LEUKOTYPE_DATA")
    for name, (path, known) in PUBLIC.items() if folder else ():
        true = read(Path(str(folder)) / path)
        add(name, 0.0, true, known, PUBLIC_MODELS)
        print(name, rows[-1], flush=True)
        for place, size in enumerate(sizes[1:] if true.n_probes < 10_000 else ()):
            for seed in range(N_PUBLIC):
                faulty = flipped(true, size, np.random.default_rng([seed, place]))
                changed = true.samples[true.labels != faulty.labels]
                add(name, size, faulty, [*changed, *known], PUBLIC_MODELS)


if __name__ == "__main__":
    TASKS: dict[str, tuple[Callable[[int], None], int]] = {
        "alarms": (count_alarms, 200),
        "results": (partial(count_alarms, needs="evaluation"), 200),
        "power": (measure_power, 20),
        "labels": (measure_labels, 10),
    }
    task, *number = sys.argv[1:]
    run, usual = TASKS[task]
    run(int(number[0]) if number else usual)
