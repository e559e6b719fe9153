"""Labels that may be wrong: samples that look like another class, and class names that mean the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from leukotype.arrays import FloatArray, IntArray
from leukotype.audits.finding import AuditInput, Observation
from leukotype.audits.stats import correlation
from leukotype.class_names import similar_classes
from leukotype.wording import shortlist

# Largest mean out-of-fold probability of the own class, relative to that of the suggested class.
MOST_OWN = 0.25
# Share of the samples of both classes, without the suspects, that the models must classify as labelled.
LEAST_RECALL = 0.93
# Largest share of the samples of a class that may be suspects; more are a group that the models don't know.
MOST_SUSPECTS = 0.34
# Share of the models that must prefer the other class.
LEAST_AGREEMENT = 0.75
# With one model, 4 of 24 clean cohorts with weak markers raised an alarm; with three, none.
LEAST_MODELS = 3
N_NEIGHBOURS = 3


@dataclass(frozen=True, eq=False)
class Suspects:
    """Samples whose label may be wrong, most suspicious first.

    rows       : (n_suspects,) samples
    codes      : (n_suspects,) class that each looks like
    own, other : (n_suspects,) mean out-of-fold probability of the own and the suggested class
    nearest    : (n_suspects,) class of the most similar samples
    """

    rows: IntArray
    codes: IntArray
    own: FloatArray
    other: FloatArray
    nearest: IntArray


def mislabelled_samples(data: AuditInput) -> Observation | None:
    """Finds samples that the models place in another class, although they make few other errors.

    Uses the out-of-fold probabilities, averaged over repeats and models; needs three models besides the baselines,
    since one may be wrong with confidence.  A sample is reported if

    - the probability of its own class is at most a quarter of that of another class, and three quarters of the models
      prefer the other class; and
    - the models classify at least 93 % of the other samples of both classes, and of all samples, as labelled, and such
      samples are at most a third of each class.  If classes overlap, errors say nothing about labels.

    The class of the three most similar samples is stated with each (correlation after the mean of the cohort is
    subtracted, without samples of the same donor).  A swapped sample is usually among samples of the other class.

    After Northcutt, Jiang & Chuang (2021), Journal of Artificial Intelligence Research 70 (confident learning).
    """
    found = suspects(data)
    if found is None or len(found.rows) == 0:
        return None
    cohort = data.cohort
    names = np.array(cohort.classes)
    shown = [
        f"{cohort.samples[row]} ({cohort.labels[row]}, looks like {names[code]}; probability of its class {p:.2f}, "
        f"nearest samples: {names[closest]})"
        for row, code, p, closest in zip(found.rows, found.codes, found.own, found.nearest, strict=True)
    ]
    many = len(shown) != 1
    return Observation(
        f"{len(shown)} sample{'s look' if many else ' looks'} like another class to the models, which make few other "
        f"errors: {shortlist(shown, 5)}. Check the label{'s' if many else ''} in the records. Don't change or exclude "
        "a sample because the models misclassify it.",
        {"samples": cohort.samples[found.rows].tolist(), "looks_like": names[found.codes].tolist()},
        pd.DataFrame(
            {
                "sample": cohort.samples[found.rows],
                "class": cohort.labels[found.rows],
                "looks_like": names[found.codes],
                "p_own": found.own,
                "p_other": found.other,
                "nearest": names[found.nearest],
            }
        ),
    )


def suspects(data: AuditInput) -> Suspects | None:
    """Return the samples whose label may be wrong; None without an evaluation of three models besides baselines."""
    if data.evaluation is None:
        return None
    models = [model.name for model in data.evaluation.tried if not model.baseline]
    if len(models) < LEAST_MODELS:
        return None
    each = np.array([data.evaluation.probabilities(name).mean(axis=0) for name in models])
    codes, n = data.cohort.codes, data.cohort.n_samples
    p, rows = each.mean(axis=0), np.arange(n)
    others = p.copy()
    others[rows, codes] = -1.0
    other = others.argmax(axis=1)
    agree = (each[:, rows, other] > each[:, rows, codes]).mean(axis=0) >= LEAST_AGREEMENT
    ratio = p[rows, codes] / p[rows, other]
    doubtful = (ratio <= MOST_OWN) & agree
    right = (ratio >= 1) | doubtful
    clear = np.zeros(len(data.cohort.classes), dtype=bool)
    for code in range(len(clear)):
        own = codes == code
        rest = own & ~doubtful
        clear[code] = (
            rest.any() and right[rest].mean() >= LEAST_RECALL and doubtful[own].mean() <= MOST_SUSPECTS
        )
    if right.mean() < LEAST_RECALL:
        clear[:] = False
    found = np.flatnonzero(doubtful & clear[codes] & clear[other])
    found = found[np.argsort(ratio[found], kind="stable")]
    own, code = codes[found], other[found]
    return Suspects(found, code, p[found, own], p[found, code], nearness(data)[found].argmax(axis=1))


def nearness(data: AuditInput) -> FloatArray:
    """(n_samples, n_classes) mean correlation with the three most similar samples of each class.

    After the mean of each probe is subtracted; without the sample itself and others of its donor.
    """
    cohort = data.cohort
    r = correlation(data.matrix - data.matrix.mean(axis=0))
    if cohort.donors is None:
        np.fill_diagonal(r, np.nan)
    else:
        r[cohort.donors[:, None] == cohort.donors[None, :]] = np.nan
    found = np.full((cohort.n_samples, len(cohort.classes)), -np.inf)
    for code in range(len(cohort.classes)):
        block = np.sort(np.where(np.isnan(r), -np.inf, r)[:, cohort.codes == code], axis=1)[:, ::-1]
        for row, values in enumerate(block[:, :N_NEIGHBOURS]):
            if np.isfinite(values).any():
                found[row, code] = values[np.isfinite(values)].mean()
    return found


def similar_class_names(data: AuditInput) -> Observation | None:
    """Finds class names that differ only in case, spaces, letters that look alike, or one letter of a long word.

    Readers give the same warning before anything runs.
    """
    said = similar_classes(data.cohort.labels.tolist())
    if not said:
        return None
    return Observation(" ".join(said), {"groups": len(said)})
