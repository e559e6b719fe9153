"""External validation: a locked classifier on labelled samples that had no part in making it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.batch import Batch
from leukotype.classifier import conformal, novelty
from leukotype.classifier.calls import REASONS, Calls
from leukotype.classifier.classifier import Classifier
from leukotype.errors import BadLabels
from leukotype.metrics import METRICS, Scored, intervals
from leukotype.metrics.estimate import Units, estimate
from leukotype.readers import read_labels

# What needs no sample of every class.
_ALWAYS = ("accuracy", "log_loss", "brier", "ece")
EXPECTED_UNLIKE = novelty.LEVEL
EDGE = 0.25


@dataclass(frozen=True)
class Number:
    """A number with its 95 % interval.

    n      : samples that it rests on
    method : of the interval
    """

    value: float
    low: float
    high: float
    n: int
    method: str = "Clopper-Pearson"


@dataclass(frozen=True, eq=False)
class Validation:
    """What labelled samples say of a classifier.  Nothing is fitted.

    classifier : the classifier, unchanged
    batch      : the samples, with their labels as the file has them
    labels     : (n,) class of each sample by the classifier's names, or the file's where it knows no such class
    calls      : of all samples
    """

    classifier: Classifier
    batch: Batch
    labels: StrArray
    calls: Calls

    @property
    def classes(self) -> tuple[str, ...]:
        return self.classifier.classes

    @cached_property
    def known(self) -> BoolArray:
        """(n,) whether the sample is of a class that the classifier was trained on; the others count in no metric."""
        return np.isin(self.labels, np.array(self.classes))

    @cached_property
    def codes(self) -> IntArray:
        """(n_known,) class codes of the samples of known classes."""
        position = {name: code for code, name in enumerate(self.classes)}
        return np.array([position[label] for label in self.labels[self.known].tolist()], dtype=np.intp)

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of samples of each class that is here, by name."""
        names, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes of the classifier that have no sample here."""
        return tuple(name for name in self.classes if name not in set(self.labels.tolist()))

    @cached_property
    def probabilities(self) -> FloatArray:
        """(n_known, n_classes) calibrated."""
        return self.calls.probabilities[self.known]

    @cached_property
    def right(self) -> BoolArray:
        """(n_known,) whether the most probable class is the true one, called or not."""
        return np.asarray(self.calls.predicted[self.known] == self.codes)

    @cached_property
    def called(self) -> BoolArray:
        """(n_known,) whether there is a call."""
        return self.calls.called[self.known]

    @cached_property
    def metrics(self) -> dict[str, tuple[str, Number]]:
        """Title and number of each metric that is defined here, every sample called; by the name of the metric."""
        scored = Scored(self.codes, self.calls.predicted[self.known], self.probabilities)
        units, n = Units.of(self.codes, None), len(self.codes)
        found = {}
        for metric in METRICS:
            if metric.per_class:
                continue
            if metric.name == "balanced_accuracy":
                found[metric.name] = (metric.title, self._balanced())
            elif not self.absent or metric.name in _ALWAYS:
                one = estimate(metric, [scored], units)
                # Where every resample gave the same value no interval can be told.
                low, high = (math.nan, math.nan) if one.degenerate else (float(one.low), float(one.high))
                number = Number(float(one.value), low, high, n, metric.interval)
                found[metric.name] = (metric.title, number)
        return found

    @property
    def undefined(self) -> tuple[str, ...]:
        """Titles of the metrics that need a sample of every class, where one has none."""
        return tuple(m.title for m in METRICS if not m.per_class and m.name not in self.metrics)

    def claimed(self, metric: str) -> Mapping[str, Any]:
        """Return what the classifier claims of itself: value, low and high; empty where it claims nothing."""
        performance = self.classifier.record.get("performance")
        entry = performance.get(metric) if isinstance(performance, dict) else None
        return entry if isinstance(entry, dict) else {}

    @cached_property
    def share_called(self) -> Number:
        return _share(self.called)

    @cached_property
    def right_among_called(self) -> Number:
        return _share(self.right[self.called])

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Samples of known classes that were abstained on, by reason; one may have several."""
        own = [reasons for reasons, known in zip(self.calls.reasons, self.known, strict=True) if known]
        return {reason: sum(reason in each for each in own) for reason in REASONS}

    @cached_property
    def coverage(self) -> Number | None:
        """Share of the prediction sets that hold the true class; None where there are no sets."""
        if self.calls.sets is None:
            return None
        return _share(self.calls.sets[self.known][np.arange(len(self.codes)), self.codes])

    @property
    def set_size(self) -> float | None:
        """Mean number of classes in a set."""
        return None if self.calls.sets is None else float(self.calls.sets[self.known].sum(axis=1).mean())

    @cached_property
    def unlike(self) -> Number:
        """Share of the samples of known classes that lie farther off than 95 % of the held-out training samples."""
        return _share(self.calls.p_like[self.known] <= EXPECTED_UNLIKE)

    @cached_property
    def near_the_edge(self) -> Number:
        """Share of the samples of known classes that lie farther off than three quarters of the held-out ones."""
        return _share(self.calls.p_like[self.known] <= EDGE)

    @property
    def confidence(self) -> float:
        """Mean probability of the most probable class: what the accuracy should be."""
        return float(self.probabilities.max(axis=1).mean())

    def _balanced(self) -> Number:
        sizes = np.bincount(self.codes, minlength=len(self.classes))
        hits = np.bincount(self.codes[self.right], minlength=len(self.classes))
        present = sizes > 0
        low, high = intervals.mean_of_proportions(hits[present], sizes[present])
        value = float((hits[present] / sizes[present]).mean())
        return Number(value, low, high, len(self.codes), "MOVER-exact")


def validate(
    classifier: Classifier,
    samples: Batch,
    *,
    names: Mapping[str, str] | None = None,
    level: float = conformal.LEVEL,
    annotation: Mapping[str, str] | None = None,
) -> Validation:
    """Call labelled samples, and compare with what is known of them.

    samples    : with labels
    names      : the classifier's name of each of the file's classes that goes by another
    level      : confidence of the prediction sets
    annotation : gene symbol of each of the samples' probe ids, where they are of another array

    Raises BadLabels where there are no labels, none of a class that the classifier knows, or where `names` speaks of a
    class that is not there.
    """
    if samples.labels is None:
        raise BadLabels(
            "the samples have no labels. Name their column with --label, or a file with --labels."
        )
    own = list(dict.fromkeys(samples.labels.tolist()))
    mapping = dict(names or {})
    strangers = [name for name in mapping if name not in own]
    if strangers:
        raise BadLabels(
            f"the map of classes speaks of {strangers[0]!r}, and the samples' classes are {', '.join(own)}. Map those."
        )
    unknown = [name for name in mapping.values() if name not in classifier.classes]
    if unknown:
        raise BadLabels(
            f"the map of classes leads to {unknown[0]!r}, and the classifier's classes are "
            f"{', '.join(classifier.classes)}. Map to those."
        )
    labels = np.array([mapping.get(label, label) for label in samples.labels.tolist()], dtype=np.str_)
    if not np.isin(labels, np.array(classifier.classes)).any():
        raise BadLabels(
            f"the samples are of the classes {', '.join(own)}, and the classifier knows "
            f"{', '.join(classifier.classes)}. Say which is which with --classes."
        )
    calls = classifier.predict(samples, level=level, annotation=annotation)
    return Validation(classifier, samples, labels, calls)


def read_names(path: str | Path) -> dict[str, str]:
    """Read a CSV of two columns, the file's class and the classifier's; raises BadLabels where it is none."""
    return read_labels(path)


def _share(hits: BoolArray) -> Number:
    n = len(hits)
    if not n:
        return Number(float("nan"), float("nan"), float("nan"), 0)
    low, high = intervals.clopper_pearson(float(hits.sum()), n)
    return Number(float(hits.mean()), low, high, n)
