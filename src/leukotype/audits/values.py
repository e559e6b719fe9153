"""What the values themselves give away: how they were normalised, on which scale they are, what measures nothing."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray
from leukotype.audits.finding import Observation, Source
from leukotype.audits.profiles import listed, percent
from leukotype.cohort import Cohort, is_control

# The scanner counts to 2^16, sequencing of one sample to some 2^25 per gene.
MOST_LOG2 = 25.0


def normalised_together(source: Source) -> Observation | None:
    """Values that were normalised over all samples, test samples included.

    Quantile normalisation leaves the same distribution in every sample: between the 5th and the 95th percentile
    the quantiles of all samples agree to a thousandth of their interquartile range.  RMA does so before it
    summarises probes, which the values no longer show; there the provenance is believed.

    Hornung et al. (2015), BMC Medical Research Methodology 15, 95: the optimism from RMA over all samples is
    small beside that of selecting genes over all; but a new sample alone can't be normalised that way.
    """
    told = _told(source.cohort)
    seen = source.cohort.n_samples >= 3 and source.cohort.n_probes >= 100 and _same_quantiles(source.matrix)
    if not (told or seen):
        return None
    how = (
        "every sample has the same distribution of values, as quantile normalisation leaves it"
        if seen
        else f"the values were normalised by {told}, as their provenance says"
    )
    return Observation(
        f"{how}: samples of the test folds took part in normalising those of the training folds. The optimism is "
        "mostly small, but a new sample must be brought to this cohort's reference distribution before it is called.",
        {"same_quantiles": seen, "told": told},
    )


def standardised_probes(source: Source) -> Observation | None:
    """Probes that were scaled over all samples: mean 0 and deviation 1, or minimum 0 and maximum 1.

    Fires where 95 % of the varying probes have them to a thousandth.  Deviations with divisor n or n - 1.
    """
    matrix = source.matrix
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
                f"{percent(float(fits.mean()))} of the probes have {kind} over all samples: they were scaled with "
                "the test samples among the others, which no cross-validation can undo. Use the values from before.",
                {"kind": kind, "share": float(fits.mean())},
            )
    return None


def constant_probes(source: Source) -> Observation | None:
    """Probes with the same value in every sample."""
    matrix, cohort = source.matrix, source.cohort
    found = (
        np.flatnonzero(np.ptp(matrix, axis=0) == 0) if cohort.n_samples > 1 else np.array([], dtype=np.intp)
    )
    if len(found) == 0:
        return None
    one = len(found) == 1
    return Observation(
        f"{len(found)} of {cohort.n_probes} probes {'has' if one else 'have'} one value in all samples and "
        f"{'tells' if one else 'tell'} nothing; models pass over {'it' if one else 'them'}.",
        {"probes": len(found)},
        pd.DataFrame({"probe": cohort.probes[found], "value": matrix[0, found]}),
    )


def control_probes(source: Source) -> Observation | None:
    """Control probes among the features, which reading leaves out unless it is told to keep them.

    They measure spiked-in transcripts and the breakdown of RNA: how the laboratory worked, not the sample.
    """
    found = [str(probe) for probe in source.cohort.probes if is_control(str(probe))]
    if not found:
        return None
    return Observation(
        f"{len(found)} control probes stand among the features, the first {found[0]}: they measure the handling of "
        "arrays and RNA, by which batches differ. Leave them out, as is done where --keep-controls is not given.",
        {"probes": len(found)},
        pd.DataFrame({"probe": found}),
    )


def mixed_scales(source: Source) -> Observation | None:
    """Samples on another scale than the rest: linear among logarithms, or logarithms taken twice.

    Read from each sample's 99th percentile.  Linear among logarithms: some above 100, some below 25 (2^25 is
    more than any scanner or sequencer counts).  Twice, or to another base: where all lie below 25, one below
    0.78 of the median; a base of e instead of 2 gives 0.69, of 10 gives 0.30, and half of all arrays would
    have to be eight times dimmer than the others to come to 0.78 of log2 13.
    """
    matrix, cohort = source.matrix, source.cohort
    if cohort.n_samples < 5 or cohort.n_probes < 30:
        return None
    top = np.quantile(matrix, 0.99, axis=1)
    middle = float(np.median(top))
    if (top > 100).any() and (top < MOST_LOG2).any():
        odd = top < MOST_LOG2 if middle > 100 else top > 100
        what = "logarithms, the others linear" if middle > 100 else "linear, the others logarithms"
    elif middle > 4 and (top <= MOST_LOG2).all() and (top < 0.78 * middle).any():
        odd = top < 0.78 * middle
        what = "on a smaller scale, such as a logarithm to another base or taken twice"
    else:
        return None
    names = [str(name) for name in cohort.samples[odd]]
    return Observation(
        f"{len(names)} of {cohort.n_samples} samples are {what}: {listed(names)} (99th percentile "
        f"{np.median(top[odd]):.3g}, against {np.median(top[~odd]):.3g}). Bring all samples to one scale first.",
        {"samples": names, "typical": middle},
        pd.DataFrame({"sample": cohort.samples, "class": cohort.labels, "q99": top, "odd": odd}),
    )


def doubtful_scale(source: Source) -> Observation | None:
    """Values that a log2 intensity can't have: above 25, or negative in more than 1 % of the cells."""
    matrix, cohort = source.matrix, source.cohort
    if "log2" not in cohort.provenance.scale.lower() or "ratio" in cohort.provenance.scale.lower():
        return None
    high, negative = float(matrix.max(initial=0.0)), float((matrix < 0).mean())
    if high > MOST_LOG2:
        return Observation(
            f"values reach {high:.4g}, and log2 intensities end below {MOST_LOG2:g}: they look linear. Say --scale "
            "linear, so that logarithms are taken.",
            {"largest": high, "negative_share": negative},
        )
    if negative > 0.01:
        return Observation(
            f"{percent(negative)} of the values are negative, and log2 intensities are not: they look like ratios, or "
            "centred, or scaled over the samples. Find out what was done to them.",
            {"largest": high, "negative_share": negative},
        )
    return None


def _told(cohort: Cohort) -> str:
    words = " ".join((cohort.provenance.scale, *cohort.provenance.steps))
    found = re.search(r"\b(RMA|GCRMA|fRMA|quantile normali[sz]ation|quantile[- ]normali[sz]ed)\b", words)
    # Frozen RMA uses a reference from elsewhere: nothing was learned from these samples.
    return "" if found is None or found[0] == "fRMA" else found[0]


def _same_quantiles(matrix: FloatArray) -> bool:
    levels = np.linspace(0.05, 0.95, 19)
    quantiles = np.quantile(matrix, levels, axis=1)
    spread = float(np.median(quantiles[14] - quantiles[4]))
    # Many samples share their smallest value for other reasons, such as a floor or no reads at all.
    above = quantiles.min(axis=1) > matrix.min()
    if spread == 0 or above.sum() < 5:
        return False
    return bool((np.ptp(quantiles[above], axis=1) < 1e-3 * spread).all())
