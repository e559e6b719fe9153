"""Learning curves: performance against the number of training samples, and the price of a smaller error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import InfeasibleDesign, UnknownName
from leukotype.evaluation import Evaluation, FoldResult, evaluate
from leukotype.execution import Engine
from leukotype.inference import power_law
from leukotype.inference.fold_scores import fitted_models, known, single
from leukotype.inference.power_law import PowerLaw
from leukotype.metrics import Metric, intervals
from leukotype.models import Model
from leukotype.resampling import Folds, OuterFold

FRACTIONS = (0.4, 0.55, 0.7, 0.85, 1.0)


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Performance of several models against the number of training samples.

    sizes     : (n_sizes,) mean number of training samples
    values    : (n_sizes,) metric of each model
    resampled : (n_resamples, n_sizes) the same under a bootstrap of the samples
    """

    metric: Metric
    sizes: FloatArray
    values: dict[str, FloatArray]
    resampled: dict[str, FloatArray]

    def table(self) -> pd.DataFrame:
        """One row per model and size: model, metric, n_train, value, low, high, fitted, fitted_low, fitted_high."""
        blocks = []
        for model, values in self.values.items():
            low, high = _ends(self.resampled[model])
            fitted = self._as_metric(self._fit(values[None]).at(self.sizes))[0]
            ends = _ends(self._as_metric(self._fit(self.resampled[model]).at(self.sizes)))
            blocks.append(
                pd.DataFrame(
                    {
                        "model": model,
                        "metric": self.metric.name,
                        "n_train": self.sizes,
                        "value": values,
                        "low": np.minimum(low, values),
                        "high": np.maximum(high, values),
                        "fitted": fitted,
                        "fitted_low": ends[0],
                        "fitted_high": ends[1],
                    }
                )
            )
        return pd.concat(blocks, ignore_index=True)

    def extrapolated(self, n_train: Sequence[float]) -> pd.DataFrame:
        """One row per model and number of training samples: model, n_train, fitted, low, high."""
        blocks = []
        for model, values in self.values.items():
            low, high = _ends(self._as_metric(self._fit(self.resampled[model]).at(n_train)))
            fitted = self._as_metric(self._fit(values[None]).at(n_train))[0]
            blocks.append(
                pd.DataFrame({"model": model, "n_train": n_train, "fitted": fitted, "low": low, "high": high})
            )
        return pd.concat(blocks, ignore_index=True)

    def halving(self) -> pd.DataFrame:
        """One row a model: what half of the error would cost.

        error                      : fitted at the largest size
        floor, scale, exponent     : of error = floor + scale * n ** -exponent
        n_needed, n_low, n_high    : training samples in all at which the error is half; inf where the curve
                                     levels off above it, nan where there is no error to halve
        share_reached              : share of bootstrap samples in which the curve gets there at all

        An extrapolation by a law that was fitted to few points: its interval is as wide as it looks.
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
                    "share_reached": float(np.isfinite(spread).mean()) if len(spread) else np.nan,
                }
            )
        return pd.DataFrame(rows)

    def _fit(self, values: FloatArray) -> PowerLaw:
        errors = 1.0 - values if self.metric.higher_is_better else values
        return power_law.fit(self.sizes, errors)

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
    on_done: Callable[[FoldResult], None] | None = None,
) -> LearningCurve:
    """Evaluate on growing parts of each training part, with the same test parts; this refits.

    models    : names, or `Model` entries of one's own; by default all of the evaluation
    fractions : of the training part, ascending; the last is 1, for which the evaluation's own results are used.
                Those too small for the inner folds are left out.
    on_done   : called with each result as it comes, in no fixed order

    Within a training part smaller subsets lie inside larger ones; they are stratified by class, made of whole
    donors where donors are known, and tuned on their own inner folds.  More repeats of the folds draw more
    subsets.  Resampling is over samples (donors), as for every interval.

    Raises InfeasibleDesign where fewer than 3 sizes are left, UnknownName for a metric without a bound of 1 or 0.
    """
    judged = single(metric)
    if judged.higher_is_better and judged.bounds[1] != 1:
        raise UnknownName(f"metric {metric!r} has no error to halve. Name one whose best value is 1 or 0.")
    chosen = fitted_models(evaluation, models)
    names = known(evaluation, None if models is None else [str(model) for model in models])
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
            on_done=on_done,
        )
        parts.append((_mean_size(folds), part))
    parts.append((_mean_size(evaluation.folds), evaluation))
    weights = evaluation.units.weights
    resampled = {
        name: np.stack(
            [np.mean([judged.weighted(s, weights) for s in part.scored(name)], axis=0) for _, part in parts],
            axis=1,
        )
        for name in names
    }
    values = {
        name: np.array([np.mean([judged.value(s) for s in part.scored(name)]) for _, part in parts])
        for name in names
    }
    return LearningCurve(judged, np.array([size for size, _ in parts]), values, resampled)


def subset(cohort: Cohort, train: IntArray, fraction: float, entropy: Sequence[int]) -> IntArray:
    """Return rows of `train`, ascending: about `fraction` of the units of each class.

    The unit is the donor where donors are known.  The same entropy gives subsets that lie inside one another.
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
    """Return the folds with smaller training parts, those of a curve, the smallest first; nothing is fitted.

    Raises InfeasibleDesign where fewer than 2 of them fill their inner folds: a curve needs 3 sizes in all.
    """
    drawn = [_thinned(cohort, folds, fraction, seed) for fraction in sorted(set(fractions) - {1.0})]
    found = [part for part in drawn if part is not None]
    if len(found) < 2:
        raise InfeasibleDesign(
            f"{len(found) + 1} training sizes fill the inner folds, and a learning curve needs at least 3. The "
            "smallest class is too small for one: leave out --learning-curve, or the class with --drop-class."
        )
    return found


def _thinned(cohort: Cohort, folds: Folds, fraction: float, seed: int) -> Folds | None:
    """Return the folds with thinner training parts; None where a part cannot fill its inner folds."""
    if not 0 < fraction <= 1:
        raise InfeasibleDesign(
            f"{fraction:g} of the training part was asked for: name fractions above 0, up to 1."
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
    # Between two infinite values interpolation is undefined: take an observed one.
    tail = (1 - intervals.LEVEL) / 2
    low, high = np.quantile(values, [tail, 1 - tail], method="inverted_cdf")
    return float(low), float(high)
