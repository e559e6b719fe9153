"""External validation: a classifier on labelled samples that it was not trained on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from leukotype.arrays import BoolArray, FloatArray, IntArray, StrArray
from leukotype.classifier import conformal, novelty
from leukotype.classifier.calls import REASONS, Calls
from leukotype.classifier.classifier import Classifier
from leukotype.cohort import Batch
from leukotype.errors import BadLabels
from leukotype.metrics import METRICS, Scored, intervals
from leukotype.metrics.estimate import Units, estimate
from leukotype.wording import counted, shortlist

# Metrics that are defined without samples of some class.
_ALWAYS = ("accuracy", "log_loss", "brier", "ece")
EXPECTED_UNLIKE = novelty.LEVEL
EDGE = 0.25


@dataclass(frozen=True)
class Number:
    """A number with its 95 % interval.

    n      : number of samples
    method : of the interval
    """

    value: float
    low: float
    high: float
    n: int
    method: str = "Clopper-Pearson"


@dataclass(frozen=True, eq=False)
class Validation:
    """A classifier's calls of labelled samples, compared with the labels.  Nothing is fitted.

    batch  : the samples with the labels of their file, without those that were trained on
    labels : (n,) the same labels with the class names of the classifier; unknown classes keep their names
    calls  : of all samples
    trained_on : ids of the samples left out, because the classifier was trained on them
    unchecked  : number of samples that could not be compared with the training samples
    """

    classifier: Classifier
    batch: Batch
    labels: StrArray
    calls: Calls
    trained_on: tuple[str, ...] = ()
    unchecked: int = 0

    @property
    def classes(self) -> tuple[str, ...]:
        return self.classifier.classes

    @cached_property
    def known(self) -> BoolArray:
        """(n,) whether the classifier knows the sample's class; only these samples count in metrics."""
        return np.isin(self.labels, np.array(self.classes))

    @cached_property
    def codes(self) -> IntArray:
        """(n_known,) class codes of the samples of known classes."""
        position = {name: code for code, name in enumerate(self.classes)}
        return np.array([position[label] for label in self.labels[self.known].tolist()], dtype=np.intp)

    @property
    def class_counts(self) -> dict[str, int]:
        """Number of samples of each class in the file, by name."""
        names, counts = np.unique(self.labels, return_counts=True)
        return dict(zip(names.tolist(), counts.tolist(), strict=True))

    @property
    def absent(self) -> tuple[str, ...]:
        """Classes of the classifier without samples in the file."""
        return tuple(name for name in self.classes if name not in set(self.labels.tolist()))

    @cached_property
    def probabilities(self) -> FloatArray:
        """(n_known, n_classes) calibrated."""
        return self.calls.probabilities[self.known]

    @cached_property
    def right(self) -> BoolArray:
        """(n_known,) whether the most probable class is the true class, called or not."""
        return np.asarray(self.calls.predicted[self.known] == self.codes)

    @cached_property
    def called(self) -> BoolArray:
        """(n_known,) whether each sample is called."""
        return self.calls.called[self.known]

    @cached_property
    def metrics(self) -> dict[str, tuple[str, Number]]:
        """Title and number of each defined metric, by its name; abstention is ignored."""
        scored = Scored(self.codes, self.calls.predicted[self.known], self.probabilities)
        units, n = Units(self.codes, None), len(self.codes)
        found = {}
        for metric in METRICS:
            if metric.per_class:
                continue
            if metric.name == "balanced_accuracy":
                found[metric.name] = (metric.title, self._balanced())
            elif not self.absent or metric.name in _ALWAYS:
                one = estimate(metric, [scored], units)
                number = Number(float(one.value), float(one.low), float(one.high), n, metric.interval)
                found[metric.name] = (metric.title, number)
        return found

    @property
    def undefined(self) -> tuple[str, ...]:
        """Titles of the metrics that are not defined, because a class has no samples."""
        return tuple(m.title for m in METRICS if not m.per_class and m.name not in self.metrics)

    def claimed(self, metric: str) -> Mapping[str, Any]:
        """Return the classifier's own out-of-fold estimate: value, low and high; empty if it has none.

        The record of a file may hold anything, so an entry with other values than numbers counts as none.
        """
        performance = self.classifier.record.get("performance")
        entry = performance.get(metric) if isinstance(performance, dict) else None
        if not isinstance(entry, dict):
            return {}
        numbers = [entry.get(key) for key in ("value", "low", "high")]
        # None: not defined.
        valid = all(number is None or type(number) in (int, float) for number in numbers)
        return entry if valid else {}

    @cached_property
    def share_called(self) -> Number:
        return _share(self.called)

    @cached_property
    def right_among_called(self) -> Number:
        return _share(self.right[self.called])

    @cached_property
    def reasons(self) -> dict[str, int]:
        """Number of abstentions on samples of known classes by reason; a sample may have several reasons."""
        own = [reasons for reasons, known in zip(self.calls.reasons, self.known, strict=True) if known]
        return {reason: sum(reason in each for each in own) for reason in REASONS}

    @cached_property
    def coverage(self) -> Number | None:
        """Share of the prediction sets that contain the true class; None without sets."""
        if self.calls.sets is None:
            return None
        return _share(self.calls.sets[self.known][np.arange(len(self.codes)), self.codes])

    @property
    def set_size(self) -> float | None:
        """Mean number of classes in a set; None without sets."""
        return None if self.calls.sets is None else float(self.calls.sets[self.known].sum(axis=1).mean())

    @cached_property
    def right_outside(self) -> Number:
        """Share of correct calls among those outside their prediction set, see `Calls.outside`."""
        return _share(self.right[self.calls.outside[self.known]])

    @cached_property
    def unlike(self) -> Number:
        """Share of the samples of known classes more distant than 95 % of the held-out training samples."""
        return _share(self.calls.p_like[self.known] <= EXPECTED_UNLIKE)

    @cached_property
    def near_the_edge(self) -> Number:
        """Share of the samples of known classes more distant than 75 % of the held-out training samples."""
        return _share(self.calls.p_like[self.known] <= EDGE)

    @property
    def confidence(self) -> float:
        """Mean probability of the most probable class; equals the accuracy if probabilities are calibrated."""
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
    """Call labelled samples and compare the calls with the labels.

    names      : the file's class names to those of the classifier, if they differ
    level      : confidence of the prediction sets
    annotation : gene symbol of each probe id of the samples, if they come from another array

    Samples that the classifier was trained on are left out, also after a change of scale or rounding.

    Raises BadLabels if there are no labels, no label of a known class, an unknown class in `names`, or no sample that
    was not trained on.
    """
    if samples.labels is None:
        raise BadLabels(
            "the samples have no labels. Name their column with --label, or a file of labels with --labels."
        )
    own = list(dict.fromkeys(samples.labels.tolist()))
    mapping = dict(names or {})
    known = ", ".join(classifier.classes)
    for name, target in mapping.items():
        if name not in own:
            raise BadLabels(
                f"the class map names {name!r}; the samples' classes are {', '.join(own)}. Map these."
            )
        if target not in classifier.classes:
            raise BadLabels(
                f"the class map leads to {target!r}; the classifier's classes are {known}. Map to these."
            )
    labels = np.array([mapping.get(label, label) for label in samples.labels.tolist()], dtype=np.str_)
    if not np.isin(labels, np.array(classifier.classes)).any():
        raise BadLabels(
            f"the samples' classes are {', '.join(own)}, but the classifier's are {known}. Map one to the other with "
            "--classes."
        )
    found = classifier.trained_on(samples, annotation)
    fresh = np.array([known is not True for known in found], dtype=bool)
    left_out = tuple(samples.samples[~fresh].tolist())
    if left_out:
        if not np.isin(labels[fresh], np.array(classifier.classes)).any():
            others = ", and the others are of no class that it knows" if fresh.any() else ""
            raise BadLabels(
                f"the classifier was trained on {len(left_out)} of the {counted(len(fresh), 'sample')}{others}. "
                "Validate it with samples that it was not trained on."
            )
        step = f"{counted(len(left_out), 'training sample')} left out: {shortlist(left_out, 6)}."
        samples, labels = samples.take(fresh, step), labels[fresh]
    calls = classifier.predict(samples, level=level, annotation=annotation)
    return Validation(classifier, samples, labels, calls, left_out, found.count(None))


def _share(hits: BoolArray) -> Number:
    n = len(hits)
    if not n:
        return Number(float("nan"), float("nan"), float("nan"), 0)
    low, high = intervals.clopper_pearson(float(hits.sum()), n)
    return Number(float(hits.mean()), low, high, n)
