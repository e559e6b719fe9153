"""The sex that expression tells, from XIST and RPS4Y1."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from leukotype.arrays import FloatArray, StrArray
from leukotype.audits.association import cramer
from leukotype.audits.columns import is_sex
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed
from leukotype.cohort import Cohort
from leukotype.genes import Annotation

# Probe sets of Affymetrix HG-U133A and HG-U133 Plus 2.0, used where no annotation is given.
_AFFYMETRIX = {"XIST": ("221728_x_at", "214218_s_at"), "RPS4Y1": ("201909_at",)}
# log2: twice as much of one transcript as of the other.
MARGIN = 1.0
UNDECIDED = "undecided"


def sex_mismatch(source: Source) -> Observation | None:
    """Samples whose XIST and RPS4Y1 speak against the recorded sex, or against another sample of their donor.

    XIST is transcribed from an inactive X, RPS4Y1 from the Y chromosome.  Within one sample, twice as much
    XIST as RPS4Y1 says female, half as much male; in between nothing is said, since loss of Y (common in
    leukaemia of older men), XXY and mixed samples lie there.  Fires on a single contradiction: a swapped
    sample is a wrong label as likely as a wrong sex.

    Toker, Feng & Pavlidis (2016), F1000Research 5, 2103 (nearly half of public data sets hold such samples).
    """
    told = expressed_sex(source)
    if told is None:
        return None
    cohort, (sex, score) = source.cohort, told
    recorded = _recorded(cohort)
    wrong = (recorded != "") & (sex != UNDECIDED) & (recorded != sex)
    mixed = _mixed_donors(cohort, sex)
    found = np.flatnonzero(wrong | np.isin(_donors(cohort), mixed))
    if len(found) == 0:
        return None
    comparable = int(((recorded != "") & (sex != UNDECIDED)).sum())
    names = [f"{cohort.samples[row]} (recorded {recorded[row]})" for row in np.flatnonzero(wrong)]
    said = []
    if names:
        said.append(f"contradict the recorded sex of {len(names)} of {comparable} samples: {listed(names)}")
    if mixed:
        said.append(f"tell two sexes among the samples of one donor: {listed(mixed)}")
    return Observation(
        f"XIST and RPS4Y1 {', and '.join(said)}. Such a sample may be swapped, and then carries someone else's "
        "label: check the records, or leave it out.",
        {"wrong": len(names), "comparable": comparable, "mixed_donors": len(mixed)},
        pd.DataFrame(
            {
                "sample": cohort.samples[found],
                "class": cohort.labels[found],
                "donor": _donors(cohort)[found],
                "recorded": recorded[found],
                "expressed": sex[found],
                "log2_xist_minus_rps4y1": score[found],
            }
        ),
    )


def sex_goes_with_class(source: Source) -> Observation | None:
    """Classes that differ in the sex that XIST and RPS4Y1 tell, whether or not sex was recorded.

    Fisher's exact test, or chi-squared by permutation for more than two classes, at 0.01, among samples whose
    sex is told.  Genes of X and Y then tell the classes apart.
    """
    cohort, told = source.cohort, expressed_sex(source)
    if told is None or len(cohort.classes) < 2:
        return None
    sex, score = told
    known = sex != UNDECIDED
    if len(np.unique(sex[known])) < 2 or len(np.unique(cohort.codes[known])) < 2:
        return None
    told_of = {
        name: (int((sex[mine] == "female").sum()), int((sex[mine] == "male").sum()))
        for name in cohort.classes
        if (mine := known & (cohort.labels == name)).any()
    }
    table = np.array(list(told_of.values()))
    two_by_two = table.shape == (2, 2)
    p = float(stats.fisher_exact(table).pvalue) if two_by_two else cramer(sex[known], cohort.codes[known])[1]
    if p > 0.01:
        return None
    shares = [f"{female} of {female + male} {name}" for name, (female, male) in told_of.items()]
    return Observation(
        f"the classes differ in sex as XIST and RPS4Y1 tell it: female are {listed(shares, 6)} (p = {p:.1g}). "
        "Genes of the X and Y chromosomes then tell the classes apart: look whether the models use them.",
        {"p": p, "undecided": int((~known).sum()), "female_male": told_of},
        pd.DataFrame(
            {"sample": cohort.samples, "class": cohort.labels, "expressed": sex, "log2_xist_minus_rps4y1": score}
        ),
    )  # fmt: skip


def expressed_sex(source: Source) -> tuple[StrArray, FloatArray] | None:
    """(n_samples,) female, male or undecided, and log2 XIST minus RPS4Y1; None where a gene has no probe.

    Each sample is judged by itself.  A gene with several probes is read from the one that varies most.
    """
    cohort = source.cohort
    levels = []
    for gene in ("XIST", "RPS4Y1"):
        at = _probes_of(gene, cohort, source.annotation)
        if not at:
            return None
        block = source.matrix[:, at]
        levels.append(block[:, int(block.std(axis=0).argmax())])
    score = np.asarray(levels[0] - levels[1])
    sex = np.where(score >= MARGIN, "female", np.where(score <= -MARGIN, "male", UNDECIDED))
    return sex, score


def _probes_of(gene: str, cohort: Cohort, annotation: Annotation | None) -> list[int]:
    place = {probe: column for column, probe in enumerate(cohort.probes.tolist())}
    if gene in place:
        return [place[gene]]
    if annotation is not None:
        return [place[probe] for probe in annotation.probes_of(gene, place)]
    return [place[probe] for probe in _AFFYMETRIX[gene] if probe in place]


def _donors(cohort: Cohort) -> StrArray:
    return np.full(cohort.n_samples, "") if cohort.donors is None else cohort.donors


def _mixed_donors(cohort: Cohort, sex: StrArray) -> list[str]:
    if cohort.donors is None:
        return []
    known = sex != UNDECIDED
    return [
        str(name)
        for name in np.unique(cohort.donors[known])
        if len(np.unique(sex[known & (cohort.donors == name)])) > 1
    ]


def _recorded(cohort: Cohort) -> StrArray:
    """(n_samples,) female, male or nothing."""
    nothing = np.full(cohort.n_samples, "", dtype="<U6")
    if cohort.covariates is None:
        return nothing
    spoken = {"f": "female", "female": "female", "woman": "female", "w": "female",
              "m": "male", "male": "male", "man": "male"}  # fmt: skip
    for column in cohort.covariates.columns:
        if is_sex(str(column)):
            words = cohort.covariates[column].astype(str).str.strip().str.lower()
            return words.map(spoken).fillna("").to_numpy(dtype=str)
    return nothing
