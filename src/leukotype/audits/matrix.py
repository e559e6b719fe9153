"""The expression matrix: order of rows, stray columns, control probes, normalisation and scale."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from leukotype.arrays import BoolArray, FloatArray, IntArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.cohort import Cohort, is_control
from leukotype.readers import columns
from leukotype.readers.raw import is_not_expression
from leukotype.wording import counted, percent_floor, shortlist

N_PERMUTATIONS = 1999
# Scanners count to 2^16, sequencing of one sample to about 2^25 per gene.
MOST_LOG2 = 25.0
# Share of samples that may differ from the common value of a near-constant probe.
MOST_OTHERS = 0.05
FEWEST_FOR_NEARLY = 10


def order_tells_class(data: AuditInput) -> Observation | None:
    """Finds a row number, or number in the sample ids, that predicts the class.

    In that order the class changes less often than in any of 1,999 random orders.  Harmless if the number is not a
    feature, but a sign that the classes were measured one after the other.  Files sorted by class are common and get
    one sentence.
    """
    cohort = data.cohort
    if cohort.n_samples < 6:
        return None
    orders = {"row number": np.arange(cohort.n_samples), "number in the sample ids": _id_numbers(cohort)}
    rng = np.random.default_rng(0)
    orders_of_chance = rng.permuted(np.tile(cohort.codes, (N_PERMUTATIONS, 1)), axis=1)
    chance = (np.diff(orders_of_chance, axis=1) != 0).sum(axis=1)
    for name, numbers in orders.items():
        if numbers is None:
            continue
        codes = cohort.codes[np.argsort(numbers, kind="stable")]
        changes = _changes(codes)
        p = (1 + int((chance <= changes).sum())) / (1 + N_PERMUTATIONS)
        if p > 0.001:
            continue
        hits = float((np.append(codes[1:], codes[-2]) == codes).mean())
        if name == "row number" and changes == len(cohort.classes) - 1:
            return Observation(
                "the rows are sorted by class, as in many public files. The row number is no feature here; if it is "
                "also the order of measurement, time of measurement and class can't be told apart.",
                {"order": name, "changes": changes, "expected": float(chance.mean()), "p": p, "hits": hits},
            )
        return Observation(
            f"the {name} predicts the class: in that order there are {changes + 1} runs of one class "
            f"({chance.mean() + 1:.0f} by chance), and the next sample has the same class for {percent_floor(hits)}. "
            "Do not use it as a feature, and check whether the classes were measured at different times.",
            {"order": name, "changes": changes, "expected": float(chance.mean()), "p": p, "hits": hits},
        )
    return None


def stray_columns(data: AuditInput) -> Observation | None:
    """Finds class codes, row numbers and clinical columns among the probes.

    Reports a probe that has one value per class, that rises or falls strictly along the rows or along the numbers in
    the sample ids (by chance, 2 p / n! of p probes do), that holds whole numbers unlike the others, or that has another
    range of values.  Names are compared with those of clinical columns.
    """
    cohort, matrix = data.cohort, data.matrix
    reasons = {stray.column: stray.reason for stray in columns.stray_columns(matrix, cohort.codes)}
    numbers = _id_numbers(cohort)
    if numbers is not None and len(np.unique(numbers)) == len(numbers):
        for place in np.flatnonzero(columns.counting(matrix[np.argsort(numbers)])):
            reasons.setdefault(int(place), "rises or falls with the number in the sample ids")
    is_sure = bool(reasons)
    for column, probe in enumerate(cohort.probes):
        if is_not_expression(str(probe)):
            reasons.setdefault(column, "has the name of a clinical column")
    if not reasons:
        return None
    found = sorted(reasons)
    names = [str(cohort.probes[column]) for column in found]
    one = len(found) == 1
    first = "; ".join(f"{cohort.probes[column]} {reasons[column]}" for column in found[:3])
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return Observation(
        f"{len(found)} {'column among the probes is' if one else 'columns among the probes are'} not expression: "
        f"{first}{more}. Remove such columns from the table, since models use every column.",
        {"columns": names, "reasons": [reasons[column] for column in found]},
        pd.DataFrame({"probe": names, "reason": [reasons[column] for column in found]}),
        None if is_sure else "warning",
    )


def normalised_together(data: AuditInput) -> Observation | None:
    """Finds values that were normalised over all samples, including test samples.

    Quantile normalisation gives every sample the same distribution: from the 5th to the 95th percentile, the quantiles
    of all samples agree to a thousandth of their interquartile range.  RMA normalises before it summarises probes, so
    that the values don't show it; then the provenance is used.

    Hornung et al. (2015), BMC Medical Research Methodology 15, 95: the optimism from RMA over all samples is small
    compared with that from selecting genes on all samples, but a single new sample can't be normalised this way.
    """
    stated = _stated_method(data.cohort)
    seen = data.cohort.n_samples >= 3 and data.cohort.n_probes >= 100 and _same_quantiles(data.matrix)
    if not (stated or seen):
        return None
    how = (
        "all samples have the same distribution of values, as after quantile normalisation"
        if seen
        else f"according to their provenance, the values were normalised by {stated}"
    )
    return Observation(
        f"{how}: test samples influenced the normalisation of the training samples. The optimism is usually small, but "
        "each new sample must be normalised to the reference distribution of this cohort before prediction.",
        {"same_quantiles": seen, "told": stated},
    )


def standardised_probes(data: AuditInput) -> Observation | None:
    """Finds probes that were scaled over all samples: mean 0 and deviation 1, or minimum 0 and maximum 1.

    Reports if 95 % of the varying probes have these values to a thousandth.  Deviations have divisor n or n - 1.
    """
    matrix = data.matrix
    varying = matrix[:, np.ptp(matrix, axis=0) > 0]
    if varying.shape[1] < 10 or len(matrix) < 5:
        return None
    mean, low, high = varying.mean(axis=0), varying.min(axis=0), varying.max(axis=0)
    unit = [np.abs(varying.std(axis=0, ddof=d) - 1) < 1e-3 for d in (0, 1)]
    # Rounding to three decimals moves a mean by less than this.
    kinds = {
        "mean 0 and deviation 1": (np.abs(mean) < 1e-3) & (unit[0] | unit[1]),
        "mean 0": np.abs(mean) < 1e-3,
        "minimum 0 and maximum 1": (np.abs(low) < 1e-3) & (np.abs(high - 1) < 1e-3),
    }
    for kind, fits in kinds.items():
        if fits.mean() >= 0.95:
            return Observation(
                f"{percent_floor(float(fits.mean()))} of the probes have {kind} over all samples: they were scaled "
                "together with the test samples, which cross-validation can't undo. Use the values before scaling.",
                {"kind": kind, "share": float(fits.mean())},
            )
    return None


def constant_probes(data: AuditInput) -> Observation | None:
    """Finds probes with the same value in every sample, or in all but a few.

    A probe is near-constant if at least 95 % of the samples have the same value; with 10 to 19 samples, all but one.
    Genes without reads are near-constant in counts.
    """
    matrix, cohort = data.matrix, data.cohort
    n = cohort.n_samples
    if n < 2:
        return None
    others = n - _most_frequent(matrix)
    most = max(1, int(MOST_OTHERS * n)) if n >= FEWEST_FOR_NEARLY else 0
    same, nearly = others == 0, (others > 0) & (others <= most)
    found = np.flatnonzero(same | nearly)
    if len(found) == 0:
        return None
    parts = []
    if same.any():
        parts.append(f"{same.sum()} of {cohort.n_probes} probes {_have(same)} one value in all samples")
    if nearly.any():
        parts.append(
            f"{nearly.sum()} {'' if parts else f'of {cohort.n_probes} '}probes {_have(nearly)} one value in nearly all "
            "samples"
        )
    meaning = []
    if same.any():
        meaning.append("models ignore constant probes")
    if nearly.any():
        meaning.append("near-constant probes differ in few samples only")
    return Observation(
        f"{', and '.join(parts)}; {', and '.join(meaning)}.",
        {"probes": int(same.sum()), "near_constant": int(nearly.sum())},
        pd.DataFrame(
            {
                "probe": cohort.probes[found],
                "value": np.median(matrix[:, found], axis=0),
                "samples_with_other_values": others[found],
            }
        ),
    )


def _most_frequent(matrix: FloatArray) -> IntArray:
    """(n_probes,) number of samples with the most frequent value of each probe, if that is its median; else 1.

    A value that at least half of the samples share is the median.
    """
    middle = np.quantile(matrix, 0.5, axis=0, method="lower")
    return np.asarray((matrix == middle).sum(axis=0), dtype=np.intp)


def _have(found: BoolArray) -> str:
    return "has" if found.sum() == 1 else "have"


def control_probes(data: AuditInput) -> Observation | None:
    """Finds control probes among the features; readers remove them unless --keep-controls is given.

    They measure spiked-in transcripts and RNA degradation: the laboratory process, not the sample.
    """
    found = [str(probe) for probe in data.cohort.probes if is_control(str(probe))]
    if not found:
        return None
    return Observation(
        f"{counted(len(found), 'control probe')} among the features, the first {found[0]}: control probes measure the "
        "handling of arrays and RNA, which differs between batches. Remove them by reading the data without "
        "--keep-controls.",
        {"probes": len(found)},
        pd.DataFrame({"probe": found}),
    )


def mixed_scales(data: AuditInput) -> Observation | None:
    """Finds samples on another scale than the others: linear among logarithms, or logarithms taken twice.

    Uses the 99th percentile of each sample; z-scores and other centred values are not compared.  Linear among
    logarithms: some above 100, some below 25 (no scanner or sequencer counts to 2^25).  Twice, or to another base: if
    all lie below 25, one below 0.78 of the median; base e instead of 2 gives 0.69, base 10 gives 0.30.  On the log2
    scale 0.78 of 13 is an eightfold dimmer array.
    """
    matrix, cohort = data.matrix, data.cohort
    if cohort.n_samples < 5 or cohort.n_probes < 30:
        return None
    top = np.quantile(matrix, 0.99, axis=1)
    middle = float(np.median(top))
    if (top > 100).any() and (top < MOST_LOG2).any():
        odd = top < MOST_LOG2 if middle > 100 else top > 100
        what = "logarithms, the others linear" if middle > 100 else "linear, the others logarithms"
    elif (
        middle > 4
        and np.quantile(matrix, 0.25) > 0
        and (top <= MOST_LOG2).all()
        and (top < 0.78 * middle).any()
    ):
        odd = top < 0.78 * middle
        what = "on a smaller scale, such as a logarithm to another base or taken twice"
    else:
        return None
    names = [str(name) for name in cohort.samples[odd]]
    return Observation(
        f"{len(names)} of {cohort.n_samples} samples are {what}: {shortlist(names, 5)} (99th percentile "
        f"{np.median(top[odd]):.3g}, in the others {np.median(top[~odd]):.3g}). Convert all samples to one scale "
        "first.",
        {"samples": names, "typical": middle},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, "q99": top, "odd": odd}),
    )


def doubtful_scale(data: AuditInput) -> Observation | None:
    """Finds values that log2 intensities don't have: above 25, or more than 1 % negative."""
    matrix, cohort = data.matrix, data.cohort
    if "log2" not in cohort.provenance.scale.lower() or "ratio" in cohort.provenance.scale.lower():
        return None
    high, negative = float(matrix.max(initial=0.0)), float((matrix < 0).mean())
    if high > MOST_LOG2:
        sentence = (
            f"values reach {high:.4g}, but log2 intensities stay below {MOST_LOG2:g}: the values look linear. Use "
            "--scale linear, so that logarithms are taken."
        )
    elif negative > 0.01:
        sentence = (
            f"{percent_floor(negative)} of the values are negative, but log2 intensities are positive: the values look "
            "like ratios, or centred or scaled over the samples. Check how they were processed."
        )
    else:
        return None
    return Observation(sentence, {"largest": high, "negative_share": negative})


def _changes(codes: IntArray) -> int:
    return int((np.diff(codes) != 0).sum())


def _id_numbers(cohort: Cohort) -> FloatArray | None:
    """(n_samples,) last number in each sample id; None if the ids differ in anything else."""
    parts = [re.match(r"^(.*?)(\d+)(\D*)$", sample) for sample in cohort.samples.tolist()]
    if not all(parts) or len({(part[1], part[3]) for part in parts if part}) != 1:
        return None
    return np.array([float(part[2]) for part in parts if part])


def _stated_method(cohort: Cohort) -> str:
    words = " ".join((cohort.provenance.scale, *cohort.provenance.steps))
    found = re.search(r"\b(RMA|GCRMA|fRMA|quantile normali[sz]ation|quantile[- ]normali[sz]ed)\b", words)
    # Frozen RMA normalises to an external reference.
    return "" if found is None or found[0] == "fRMA" else found[0]


def _same_quantiles(matrix: FloatArray) -> bool:
    levels = np.linspace(0.05, 0.95, 19)
    quantiles = np.quantile(matrix, levels, axis=1)
    spread = float(np.median(quantiles[14] - quantiles[4]))
    # Samples may share their smallest value for other reasons, such as a floor or zero reads.
    above = quantiles.min(axis=1) > matrix.min()
    if spread == 0 or above.sum() < 5:
        return False
    return bool((np.ptp(quantiles[above], axis=1) < 1e-3 * spread).all())
