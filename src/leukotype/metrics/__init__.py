"""METRICS: one entry a metric: the function, what it needs, its direction, its bounds and its interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from sklearn import metrics as sk

from leukotype.arrays import FloatArray
from leukotype.errors import UnknownName
from leukotype.metrics import weighted
from leukotype.metrics.scored import Scored

IntervalMethod = Literal["Clopper-Pearson", "Wilson", "MOVER-exact", "bootstrap"]

__all__ = ["METRICS", "Metric", "Scored", "by_name", "get"]


@dataclass(frozen=True)
class Metric:
    """One number of merit.

    value    : Scored -> float, or (n_classes,) where `per_class`; scikit-learn's function where it has one
    weighted : the same for many sample weightings at once, for the bootstrap
    needs    : "calls" or "probabilities"
    interval : Clopper-Pearson for a share of the samples, Wilson for a share of the samples of one class,
               MOVER-exact for a mean of such shares, otherwise a stratified bootstrap over samples
    """

    name: str
    title: str
    value: Callable[[Scored], FloatArray | float]
    weighted: weighted.Weighted
    interval: IntervalMethod = "bootstrap"
    needs: Literal["calls", "probabilities"] = "calls"
    per_class: bool = False
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    cite: str = ""

    def __str__(self) -> str:
        return self.name


def _average(function: Callable[..., float], average: str | None) -> Callable[[Scored], FloatArray | float]:
    def value(s: Scored) -> FloatArray | float:
        return function(
            s.labels, s.predicted, labels=np.arange(s.n_classes), average=average, zero_division=0.0
        )

    return value


def _one_vs_rest(function: Callable[..., float]) -> Callable[[Scored], FloatArray]:
    def value(s: Scored) -> FloatArray:
        return np.array([function(s.labels == k, s.probabilities[:, k]) for k in range(s.n_classes)])

    return value


def _unit(function: weighted.Weighted) -> Callable[[Scored], FloatArray]:
    return lambda s: function(s, s.ones)[0]


def _log_loss(s: Scored) -> float:
    return float(sk.log_loss(s.labels, s.probabilities, labels=np.arange(s.n_classes)))


_auc, _ap = _one_vs_rest(sk.roc_auc_score), _one_vs_rest(sk.average_precision_score)
_w = weighted

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("accuracy", "Accuracy", lambda s: float(sk.accuracy_score(s.labels, s.predicted)), _w.accuracy, "Clopper-Pearson"),
    Metric("balanced_accuracy", "Balanced accuracy", lambda s: float(sk.balanced_accuracy_score(s.labels, s.predicted)), _w.macro(_w.recall), "MOVER-exact", cite="Brodersen et al. 2010"),
    Metric("precision_macro", "Precision (macro)", _average(sk.precision_score, "macro"), _w.macro(_w.precision)),
    Metric("precision_micro", "Precision (micro)", _average(sk.precision_score, "micro"), _w.accuracy, "Clopper-Pearson"),
    Metric("precision_weighted", "Precision (weighted)", _average(sk.precision_score, "weighted"), _w.by_size(_w.precision)),
    Metric("recall_macro", "Recall (macro)", _average(sk.recall_score, "macro"), _w.macro(_w.recall), "MOVER-exact"),
    Metric("recall_micro", "Recall (micro)", _average(sk.recall_score, "micro"), _w.accuracy, "Clopper-Pearson"),
    Metric("recall_weighted", "Recall (weighted)", _average(sk.recall_score, "weighted"), _w.accuracy, "Clopper-Pearson"),
    Metric("f1_macro", "F1 (macro)", _average(sk.f1_score, "macro"), _w.macro(_w.f1)),
    Metric("f1_micro", "F1 (micro)", _average(sk.f1_score, "micro"), _w.accuracy, "Clopper-Pearson"),
    Metric("f1_weighted", "F1 (weighted)", _average(sk.f1_score, "weighted"), _w.by_size(_w.f1)),
    Metric("mcc", "Matthews correlation", lambda s: float(sk.matthews_corrcoef(s.labels, s.predicted)), _w.matthews, bounds=(-1.0, 1.0), cite="Gorodkin 2004"),
    Metric("kappa", "Cohen's kappa", _unit(_w.kappa), _w.kappa, bounds=(-1.0, 1.0), cite="Cohen 1960"),
    Metric("roc_auc_macro", "ROC AUC (macro, one-vs-rest)", lambda s: float(np.mean(_auc(s))), _w.macro(_w.roc_auc), needs="probabilities"),
    Metric("average_precision_macro", "Average precision (macro)", lambda s: float(np.mean(_ap(s))), _w.macro(_w.average_precision), needs="probabilities"),
    Metric("log_loss", "Log loss", _log_loss, _w.log_loss, needs="probabilities", higher_is_better=False, bounds=(0.0, float("inf"))),
    Metric("brier", "Brier score", _unit(_w.brier), _w.brier, needs="probabilities", higher_is_better=False, bounds=(0.0, 2.0), cite="Brier 1950"),
    Metric("ece", "Expected calibration error", _unit(_w.calibration_error), _w.calibration_error, needs="probabilities", higher_is_better=False, cite="Guo et al. 2017"),
    Metric("precision", "Precision", _average(sk.precision_score, None), _w.precision, "Wilson", per_class=True),
    Metric("recall", "Recall", _average(sk.recall_score, None), _w.recall, "Wilson", per_class=True),
    Metric("f1", "F1", _average(sk.f1_score, None), _w.f1, per_class=True),
    Metric("roc_auc", "ROC AUC (one-vs-rest)", _auc, _w.roc_auc, needs="probabilities", per_class=True),
    Metric("average_precision", "Average precision", _ap, _w.average_precision, needs="probabilities", per_class=True),
)
# fmt: on


def by_name(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName with the names there are."""
    for metric in METRICS:
        if metric.name == name:
            return metric
    known = ", ".join(metric.name for metric in METRICS)
    raise UnknownName(f"no metric {name!r}. There are {known}.")


def get(names: Sequence[str] | None = None) -> tuple[Metric, ...]:
    """Return the metrics called `names`, or all."""
    return METRICS if names is None else tuple(by_name(name) for name in names)
