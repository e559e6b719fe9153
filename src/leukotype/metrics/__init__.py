"""METRICS: one entry per metric, with its function, direction, bounds, interval and place in the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.errors import UnknownName
from leukotype.metrics import weighted
from leukotype.metrics.weighted import Scored

IntervalMethod = Literal["Clopper-Pearson", "Wilson", "MOVER-exact", "Bayesian bootstrap", "resampling range"]
# Tables of main results, widest first: comparison figure, report, LaTeX table of a paper, terminal, benchmark.
MainTable = Literal["figure", "report", "paper", "terminal", "benchmark"]
MAIN_TABLES: tuple[MainTable, ...] = ("figure", "report", "paper", "terminal", "benchmark")
# The metric that ranks models.
HEADLINE = "balanced_accuracy"

__all__ = ["HEADLINE", "METRICS", "MainTable", "Metric", "Scored", "by_name", "get", "headline"]


@dataclass(frozen=True)
class Metric:
    """A performance metric.

    weighted : values of predictions under many sample weightings at once, (n_weightings,) or, if `per_class`,
               (n_weightings, n_classes)
    interval : Clopper-Pearson for a share of all samples, Wilson for a share of one class, MOVER-exact for a mean
               of such shares, otherwise a Bayesian bootstrap with one added sample per class.  For the calibration
               error, which is biased upward in small samples, its 95 % range is not a confidence interval
    short    : title for narrow columns; empty if the title is short enough
    headline : the narrowest table of main results that shows the metric, wider ones show it too; empty for none
    mean_of  : the per-class metric of which it is the unweighted mean; empty for other metrics
    chance   : number of classes -> value without information; None if that depends on the classifier
    """

    name: str
    title: str
    weighted: weighted.Weighted
    interval: IntervalMethod = "Bayesian bootstrap"
    per_class: bool = False
    higher_is_better: bool = True
    bounds: tuple[float, float] = (0.0, 1.0)
    cite: str = ""
    short: str = ""
    headline: MainTable | Literal[""] = ""
    mean_of: str = ""
    chance: Callable[[int], float] | None = None

    @property
    def short_title(self) -> str:
        return self.short or self.title

    def value(self, scored: Scored) -> FloatArray:
        """Return the metric of unweighted predictions, of shape () or, if `per_class`, (n_classes,)."""
        return np.asarray(self.weighted(scored, scored.ones)[0])

    def __str__(self) -> str:
        return self.name


_w = weighted

# fmt: off
METRICS: tuple[Metric, ...] = (
    Metric("accuracy", "Accuracy", _w.accuracy, "Clopper-Pearson", headline="benchmark"),
    Metric("balanced_accuracy", "Balanced accuracy", _w.macro(_w.recall), "MOVER-exact", cite="Brodersen et al. 2010", headline="benchmark", mean_of="recall", chance=lambda n_classes: 1 / n_classes),
    Metric("precision_macro", "Precision (macro)", _w.macro(_w.precision), mean_of="precision"),
    Metric("precision_micro", "Precision (micro)", _w.accuracy, "Clopper-Pearson"),
    Metric("precision_weighted", "Precision (weighted)", _w.by_size(_w.precision)),
    Metric("recall_macro", "Recall (macro)", _w.macro(_w.recall), "MOVER-exact", mean_of="recall"),
    Metric("recall_micro", "Recall (micro)", _w.accuracy, "Clopper-Pearson"),
    Metric("recall_weighted", "Recall (weighted)", _w.accuracy, "Clopper-Pearson"),
    Metric("f1_macro", "F1 (macro)", _w.macro(_w.f1), headline="terminal", mean_of="f1"),
    Metric("f1_micro", "F1 (micro)", _w.accuracy, "Clopper-Pearson"),
    Metric("f1_weighted", "F1 (weighted)", _w.by_size(_w.f1)),
    Metric("mcc", "Matthews correlation", _w.matthews, bounds=(-1.0, 1.0), cite="Gorodkin 2004", short="MCC", headline="paper", chance=lambda n_classes: 0.0),
    Metric("kappa", "Cohen's kappa", _w.kappa, bounds=(-1.0, 1.0), cite="Cohen 1960"),
    Metric("roc_auc_macro", "ROC AUC (macro, one-vs-rest)", _w.macro(_w.roc_auc), short="ROC AUC (macro)", headline="benchmark", mean_of="roc_auc", chance=lambda n_classes: 0.5),
    Metric("average_precision_macro", "Average precision (macro)", _w.macro(_w.average_precision), headline="figure", mean_of="average_precision"),
    Metric("log_loss", "Log loss", _w.log_loss, higher_is_better=False, bounds=(0.0, float("inf")), headline="benchmark"),
    Metric("brier", "Brier score", _w.brier, higher_is_better=False, bounds=(0.0, 2.0), cite="Brier 1950", headline="report"),
    Metric("ece", "Expected calibration error", _w.calibration_error, "resampling range", higher_is_better=False, cite="Guo et al. 2017", short="ECE"),
    Metric("precision", "Precision", _w.precision, "Wilson", per_class=True),
    Metric("recall", "Recall", _w.recall, "Wilson", per_class=True),
    Metric("f1", "F1", _w.f1, per_class=True),
    Metric("roc_auc", "ROC AUC (one-vs-rest)", _w.roc_auc, per_class=True, short="ROC AUC"),
    Metric("average_precision", "Average precision", _w.average_precision, per_class=True),
)
# fmt: on


def by_name(name: str) -> Metric:
    """Return the metric called `name`; raises UnknownName with all names."""
    for metric in METRICS:
        if metric.name == name:
            return metric
    raise UnknownName(f"no metric {name!r}. Choose from {', '.join(map(str, METRICS))}.")


def get(names: Sequence[str] | None = None) -> tuple[Metric, ...]:
    """Return the metrics called `names`, or all."""
    return METRICS if names is None else tuple(by_name(name) for name in names)


def headline(table: MainTable) -> tuple[Metric, ...]:
    """Return the metrics in a table of main results, HEADLINE first, then in the order of METRICS."""
    level = MAIN_TABLES.index(table)
    shown = [metric for metric in METRICS if metric.headline and MAIN_TABLES.index(metric.headline) >= level]
    return tuple(sorted(shown, key=lambda metric: metric.name != HEADLINE))
