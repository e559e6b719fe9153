"""Learning curves: performance against the number of training samples, with a fitted power law."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import Evaluation, evaluate
from leukotype.execution import Engine
from leukotype.inference.fold_scores import checked_names, scalar_metric
from leukotype.inference.refitting import fitted_models
from leukotype.metrics import Metric, intervals
from leukotype.metrics.estimate import estimate
from leukotype.models import Model
from leukotype.resampling import Folds, OuterFold

FRACTIONS = (0.4, 0.55, 0.7, 0.85, 1.0)
# A curve measured over less than a threefold range says nothing about more than ten times as many samples.
REACH = 10
# Slower decay is invisible in any cohort; faster decay resembles a step.
_EXPONENTS = np.linspace(0.05, 3.0, 119)


@dataclass(frozen=True, eq=False)
class PowerLaw:
    """Errors floor + scale * n ** -exponent of one or many curves, each (n_curves,); floor and scale are at least 0."""

    floor: FloatArray
    scale: FloatArray
    exponent: FloatArray

    @classmethod
    def fit(cls, sizes: ArrayLike, errors: ArrayLike) -> PowerLaw:
        """Fit each curve by least squares.

        sizes  : (n_sizes,) numbers of training samples
        errors : (n_curves, n_sizes)

        For a fixed exponent, floor and scale solve a linear problem; the exponent is the best of a fine grid.

        Cortes et al. (1993), NIPS 6, 327-334; Mukherjee et al. (2003), J. Comput. Biol. 10, 119-142, on microarrays.
        """
        n = np.asarray(sizes, dtype=np.float64)
        y = np.atleast_2d(np.asarray(errors, dtype=np.float64))
        # Relative to the largest size, so that powers are of order one.
        x = (n / n.max()) ** -_EXPONENTS[:, None]
        x_mean, y_mean = x.mean(axis=1), y.mean(axis=1)
        centred = x - x_mean[:, None]
        slope = np.maximum(y @ centred.T / (centred**2).sum(axis=1), 0.0)
        floor = y_mean[:, None] - slope * x_mean
        # A negative floor is set to 0, and the scale is fitted alone.
        negative = floor < 0
        alone = np.maximum(y @ x.T / (x**2).sum(axis=1), 0.0)
        floor, slope = np.where(negative, 0.0, floor), np.where(negative, alone, slope)
        residual = ((y[:, None, :] - floor[:, :, None] - slope[:, :, None] * x) ** 2).sum(axis=2)
        best = residual.argmin(axis=1)
        rows = np.arange(len(y))
        exponent = _EXPONENTS[best]
        return cls(floor[rows, best], slope[rows, best] * n.max() ** exponent, exponent)

    def at(self, n: ArrayLike) -> FloatArray:
        """(n_curves, n_sizes) error at each number of training samples."""
        sizes = np.atleast_1d(np.asarray(n, dtype=np.float64))
        return self.floor[:, None] + self.scale[:, None] * sizes ** -self.exponent[:, None]

    def samples_for(self, error: FloatArray) -> FloatArray:
        """(n_curves,) training samples at which each curve reaches its `error`; inf if it never does."""
        room = error - self.floor
        with np.errstate(divide="ignore", over="ignore"):
            needed = (self.scale / np.where(room > 0, room, 1.0)) ** (1 / self.exponent)
        return np.where(room > 0, needed, np.inf)


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Performance of several models against the number of training samples.

    sizes     : (n_sizes,) mean number of training samples
    values    : (n_sizes,) metric of each model
    ends      : (2, n_sizes) interval of the metric of each model, as in the evaluation
    resampled : (n_resamples, n_sizes) metric of each model under a bootstrap of the samples

    The resamples keep the fitted models.  A range over resamples is therefore narrower than a 95 % interval: the
    variation between training sets is missing (docs/calibration.md).
    """

    metric: Metric
    sizes: FloatArray
    values: dict[str, FloatArray]
    ends: dict[str, FloatArray]
    resampled: dict[str, FloatArray]

    @property
    def reach(self) -> float:
        """Training samples up to which the fitted curve is read."""
        return REACH * float(self.sizes[-1])

    def table(self) -> pd.DataFrame:
        """One row per model and size: model, metric, n_train, value, low, high, fitted, fitted_low, fitted_high.

        low, high               : interval of the metric
        fitted_low, fitted_high : range of the fitted curve over 95 % of the resamples
        """
        blocks = []
        for model, values in self.values.items():
            fitted = self._as_metric(self._fit(values[None]).at(self.sizes))[0]
            ends = _ends(self._as_metric(self._fit(self.resampled[model]).at(self.sizes)))
            blocks.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "metric": self.metric.name,
                        "n_train": self.sizes,
                        "value": values,
                        "low": self.ends[model][0],
                        "high": self.ends[model][1],
                        "fitted": fitted,
                        "fitted_low": ends[0],
                        "fitted_high": ends[1],
                    }
                )
            )
        return pd.concat(blocks, ignore_index=True)

    def extrapolated(self, n_train: Sequence[float]) -> pd.DataFrame:
        """One row per model and number of training samples: model, n_train, fitted, low, high (over the resamples)."""
        blocks = []
        for model, values in self.values.items():
            low, high = _ends(self._as_metric(self._fit(self.resampled[model]).at(n_train)))
            fitted = self._as_metric(self._fit(values[None]).at(n_train))[0]
            blocks.append(
                pd.DataFrame({"model": model, "n_train": n_train, "fitted": fitted, "low": low, "high": high})
            )
        return pd.concat(blocks, ignore_index=True)

    def halving(self) -> pd.DataFrame:
        """One row per model: the number of training samples at which the fitted error is halved.

        error                   : fitted at the largest size
        floor, scale, exponent  : see `PowerLaw`
        n_needed, n_low, n_high : training samples, and their range over 95 % of the resamples; inf if the curve stays
                                  above half the error, NaN for an error of 0
        share_reached           : share of resamples in which the curve reaches half the error within `reach` samples

        An extrapolation from few points; the range shows how uncertain it is at least.
        """
        rows = []
        for model, values in self.values.items():
            law, many = self._fit(values[None]), self._fit(self.resampled[model])
            error = float(law.at(self.sizes[-1:])[0, 0])
            needed = _halved(law, self.sizes)
            spread = _halved(many, self.sizes)
            spread = spread[~np.isnan(spread)]
            low, high = (np.nan, np.nan) if len(spread) == 0 else _unbounded_ends(spread)
            rows.append(
                {
                    "model": model,
                    "metric": self.metric.name,
                    "n_train": float(self.sizes[-1]),
                    "error": error,
                    "floor": float(law.floor[0]),
                    "scale": float(law.scale[0]),
                    "exponent": float(law.exponent[0]),
                    "n_needed": float(needed[0]),
                    "n_low": low,
                    "n_high": high,
                    "share_reached": float((spread <= self.reach).mean()) if len(spread) else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def _fit(self, values: FloatArray) -> PowerLaw:
        errors = 1.0 - values if self.metric.higher_is_better else values
        return PowerLaw.fit(self.sizes, errors)

    def _as_metric(self, errors: FloatArray) -> FloatArray:
        return 1.0 - errors if self.metric.higher_is_better else errors


def learning_curve(
    evaluation: Evaluation,
    metric: str = "balanced_accuracy",
    *,
    models: Sequence[str | Model] | None = None,
    fractions: Sequence[float] = FRACTIONS,
    seed: int = 0,
    jobs: int | Engine | None = None,
) -> LearningCurve:
    """Evaluate on growing subsets of each training set, with the same test sets; this refits.

    models    : names or `Model` objects; by default all of the evaluation
    fractions : of the training set; those too small for the inner folds are left out.  1 is always included and uses
                the evaluation's own results
    jobs      : worker processes or an engine; all cores by default

    Subsets are nested, stratified by class, made of whole donors if donors are known, and tuned on their own inner
    folds.  More repeats of the folds draw more subsets.

    Raises InfeasibleDesign if fewer than 3 sizes remain, UnknownName for a metric whose best value is not 0 or 1.
    """
    scalar = scalar_metric(metric)
    if scalar.higher_is_better and scalar.bounds[1] != 1:
        raise UnknownName(
            f"metric {metric!r} has no error to halve. Use a metric whose best value is 0 or 1."
        )
    chosen = fitted_models(evaluation, models)
    names = checked_names(evaluation, None if models is None else [str(model) for model in models])
    parts: list[tuple[float, Evaluation]] = []
    for folds in thinner(evaluation.cohort, evaluation.folds, fractions, seed=seed):
        part = evaluate(
            evaluation.cohort,
            chosen,
            align=evaluation.align,
            max_probes=evaluation.max_probes,
            folds=folds,
            tune_by=evaluation.tune_by,
            engine=jobs if isinstance(jobs, Engine) else None,
            jobs=None if isinstance(jobs, Engine) else jobs,
        )
        parts.append((_mean_size(folds), part))
    parts.append((_mean_size(evaluation.folds), evaluation))
    weights = evaluation.units.weights
    resampled = {
        name: np.stack(
            [np.mean([scalar.weighted(s, weights) for s in part.scored(name)], axis=0) for _, part in parts],
            axis=1,
        )
        for name in names
    }
    values = {
        name: np.array([np.mean([scalar.value(s) for s in part.scored(name)]) for _, part in parts])
        for name in names
    }
    ends = {
        name: np.array(
            [
                [getattr(estimate(scalar, part.scored(name), evaluation.units), end) for _, part in parts]
                for end in ("low", "high")
            ],
            dtype=np.float64,
        )
        for name in names
    }
    return LearningCurve(scalar, np.array([size for size, _ in parts]), values, ends, resampled)


def subset(cohort: Cohort, train: IntArray, fraction: float, entropy: Sequence[int]) -> IntArray:
    """Return rows of `train`, ascending: about this fraction of the samples of each class, or of the donors if known.

    Subsets drawn with the same entropy are nested.
    """
    rng = np.random.default_rng(np.random.SeedSequence(list(entropy)))
    kept: set[str] = set()
    units = cohort.samples if cohort.donors is None else cohort.donors
    for code in np.unique(cohort.codes[train]):
        of_class = np.unique(units[train][cohort.codes[train] == code])
        order = rng.permutation(of_class)
        kept |= set(order[: max(1, round(fraction * len(order)))].tolist())
    return train[np.isin(units[train], sorted(kept))]


def thinner(
    cohort: Cohort, folds: Folds, fractions: Sequence[float] = FRACTIONS, *, seed: int = 0
) -> list[Folds]:
    """Return the folds with the smaller training sets of a learning curve, smallest first; nothing is fitted.

    Raises InfeasibleDesign if fewer than 2 of them are large enough for the inner folds.
    """
    drawn = [_thinned(cohort, folds, fraction, seed) for fraction in sorted(set(fractions) - {1.0})]
    found = [part for part in drawn if part is not None]
    if len(found) < 2:
        raise InfeasibleDesign(
            f"a learning curve needs 3 training set sizes, but only {len(found) + 1} suffice for the inner folds: the "
            "smallest class is too small. Leave out --learning-curve, or the class with --drop-class."
        )
    return found


def _thinned(cohort: Cohort, folds: Folds, fraction: float, seed: int) -> Folds | None:
    """Return the folds with smaller training sets; None if one is too small for its inner folds."""
    if not 0 < fraction <= 1:
        raise InfeasibleDesign(
            f"the fraction {fraction:g} is not above 0 and at most 1. Use fractions such as 0.5."
        )
    splits = []
    for split in folds.splits:
        train = subset(cohort, split.train, fraction, (seed, split.repeat, split.fold))
        inner = _inner(cohort, train, folds)
        if inner is None:
            return None
        splits.append(OuterFold(split.repeat, split.fold, train, split.test, inner))
    return replace(folds, splits=tuple(splits), source=f"thinned to {fraction:g}")


def _inner(cohort: Cohort, train: IntArray, folds: Folds) -> tuple[tuple[IntArray, IntArray], ...] | None:
    labels, n_inner, seed = cohort.codes[train], folds.design.inner, folds.design.seed + 1
    units = train if cohort.donors is None else cohort.donors[train]
    if min(len(np.unique(units[labels == code])) for code in np.unique(labels)) < n_inner:
        return None
    if cohort.donors is None:
        pairs = StratifiedKFold(n_inner, shuffle=True, random_state=seed).split(train, labels)
    else:
        pairs = StratifiedGroupKFold(n_inner, shuffle=True, random_state=seed).split(train, labels, units)
    found = tuple((train[inside], train[outside]) for inside, outside in pairs)
    whole = all(len(np.unique(cohort.codes[part])) == len(cohort.classes) for part, _ in found)
    return found if whole else None


def _mean_size(folds: Folds) -> float:
    return float(np.mean([len(split.train) for split in folds.splits]))


def _halved(law: PowerLaw, sizes: FloatArray) -> FloatArray:
    error = law.at(sizes[-1:])[:, 0]
    return np.where(error > 1e-9, law.samples_for(error / 2), np.nan)


def _ends(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    tail = (1 - intervals.LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail], axis=0)
    return low, high


def _unbounded_ends(values: FloatArray) -> tuple[float, float]:
    # Observed values, because interpolation between infinite values is undefined.
    tail = (1 - intervals.LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)
