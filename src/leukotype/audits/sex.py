"""Sex of each sample from the expression of XIST and RPS4Y1."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact

from leukotype.arrays import FloatArray, StrArray
from leukotype.audits.covariates import is_sex
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.stats import cramer
from leukotype.cohort import Cohort
from leukotype.genes import Annotation
from leukotype.wording import shortlist

_ENSEMBL = {"XIST": "ENSG00000229807", "RPS4Y1": "ENSG00000129824"}
# Probe sets of Affymetrix HG-U133A and HG-U133 Plus 2.0, HG-U95Av2 and HuGeneFL, used without an annotation.
_AFFYMETRIX = {
    "XIST": ("221728_x_at", "214218_s_at", "38446_at", "X56199_at"),
    "RPS4Y1": ("201909_at", "41214_at", "M58459_at"),
}
_WORDS = {"f": "female", "female": "female", "woman": "female", "w": "female",
          "m": "male", "male": "male", "man": "male"}  # fmt: skip
# log2: twice as much of one transcript as of the other.
MARGIN = 1.0
UNDECIDED = "undecided"


def sex_mismatch(data: AuditInput) -> Observation | None:
    """Finds samples whose XIST and RPS4Y1 contradict the recorded sex, or another sample of the same donor.

    XIST is transcribed from an inactive X chromosome, RPS4Y1 from the Y chromosome.  A sample with twice as much XIST
    as RPS4Y1 is called female, with half as much male.  Samples in between are undecided: loss of Y (common in
    leukaemia of older men), XXY and mixed samples.  Reports a single contradiction, since a swapped sample is as likely
    to have a wrong label as a wrong sex.

    Toker, Feng & Pavlidis (2016), F1000Research 5, 2103 (nearly half of public data sets contain such samples).
    """
    expressed = expressed_sex(data)
    if expressed is None:
        return None
    cohort, (sex, score) = data.cohort, expressed
    recorded = _recorded(cohort)
    donors = np.full(cohort.n_samples, "") if cohort.donors is None else cohort.donors
    decided = sex != UNDECIDED
    comparable = (recorded != "") & decided
    wrong = comparable & (recorded != sex)
    mixed = [
        str(name)
        for name in np.unique(donors[decided & (donors != "")])
        if len(np.unique(sex[decided & (donors == name)])) > 1
    ]
    found = np.flatnonzero(wrong | np.isin(donors, mixed))
    if len(found) == 0:
        return None
    names = [f"{cohort.samples[row]} (recorded {recorded[row]})" for row in np.flatnonzero(wrong)]
    problems = []
    if names:
        problems.append(
            f"contradict the recorded sex of {len(names)} of {comparable.sum()} samples: {shortlist(names, 5)}"
        )
    if mixed:
        problems.append(f"give two sexes among the samples of one donor: {shortlist(mixed, 5)}")
    return Observation(
        f"XIST and RPS4Y1 {', and '.join(problems)}. Such samples may be swapped and have the label of another sample. "
        "Check the records, or exclude them.",
        {"wrong": len(names), "comparable": int(comparable.sum()), "mixed_donors": len(mixed)},
        pd.DataFrame(
            {
                "sample": cohort.samples[found],
                "class": cohort.labels[found],
                "donor": donors[found],
                "recorded": recorded[found],
                "expressed": sex[found],
                "log2_xist_minus_rps4y1": score[found],
            }
        ),
    )


def sex_goes_with_class(data: AuditInput) -> Observation | None:
    """Finds classes that differ in sex according to XIST and RPS4Y1, whether or not sex was recorded.

    Fisher's exact test, or a chi-squared permutation test for more than two classes, at level 0.01, without undecided
    samples.  Genes of the X and Y chromosomes then separate the classes.
    """
    cohort, expressed = data.cohort, expressed_sex(data)
    if expressed is None or len(cohort.classes) < 2:
        return None
    sex, score = expressed
    known = sex != UNDECIDED
    if len(np.unique(sex[known])) < 2 or len(np.unique(cohort.codes[known])) < 2:
        return None
    counts = {
        name: (int((sex[own] == "female").sum()), int((sex[own] == "male").sum()))
        for name in cohort.classes
        if (own := known & (cohort.labels == name)).any()
    }
    table = np.array(list(counts.values()))
    p = (
        float(fisher_exact(table).pvalue)
        if table.shape == (2, 2)
        else cramer(sex[known], cohort.codes[known])[1]
    )
    if p > 0.01:
        return None
    shares = [f"{female} of {female + male} {name}" for name, (female, male) in counts.items()]
    return Observation(
        f"by XIST and RPS4Y1 the classes differ in sex: {shortlist(shares, 6)} are female (p = {p:.1g}). Genes of the "
        "X and Y chromosomes then separate the classes: check whether the models use them.",
        {"p": p, "undecided": int((~known).sum()), "female_male": counts},
        pd.DataFrame(
            {"sample": cohort.samples, "class": cohort.labels, "expressed": sex, "log2_xist_minus_rps4y1": score}
        ),
    )  # fmt: skip


def expressed_sex(data: AuditInput) -> tuple[StrArray, FloatArray] | None:
    """(n_samples,) female, male or undecided, and log2 XIST minus RPS4Y1; None if a gene has no probe.

    Genes are found by symbol or Ensembl id, with or without a version, by the annotation, or by known Affymetrix probe
    sets.  Uses one sample at a time.  For a gene with several probes, the one with the highest variance is read.
    """
    cohort = data.cohort
    levels = []
    for gene in ("XIST", "RPS4Y1"):
        at = _probes_of(gene, cohort, data.annotation)
        if not at:
            return None
        block = data.matrix[:, at]
        levels.append(block[:, int(block.std(axis=0).argmax())])
    score = np.asarray(levels[0] - levels[1])
    sex = np.where(score >= MARGIN, "female", np.where(score <= -MARGIN, "male", UNDECIDED))
    return sex, score


def _probes_of(gene: str, cohort: Cohort, annotation: Annotation | None) -> list[int]:
    """Columns of a gene: by symbol or Ensembl id in their name, else by the annotation, else known probe sets."""
    names = (gene, _ENSEMBL[gene])
    found = []
    for column, probe in enumerate(cohort.probes.tolist()):
        capital = probe.upper()
        if any(name in capital and name in re.split(r"[^A-Z0-9]+", capital) for name in names):
            found.append(column)
    if found:
        return found
    place = {probe: column for column, probe in enumerate(cohort.probes.tolist())}
    if annotation is not None:
        return [place[probe] for probe in annotation.probes_of(gene, place)]
    return [place[probe] for probe in _AFFYMETRIX[gene] if probe in place]


def _recorded(cohort: Cohort) -> StrArray:
    """(n_samples,) female, male or empty."""
    if cohort.covariates is not None:
        for column in cohort.covariates.columns:
            if is_sex(str(column)):
                words = cohort.covariates[column].astype(str).str.strip().str.lower()
                return words.map(_WORDS).fillna("").to_numpy(dtype=str)
    return np.full(cohort.n_samples, "", dtype="<U6")
