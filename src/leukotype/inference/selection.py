"""The score of the best of several models, corrected for the choice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leukotype import metrics
from leukotype.arrays import FloatArray, IntArray, StrArray
from leukotype.errors import InfeasibleDesign
from leukotype.evaluation import AUTO, Evaluation
from leukotype.inference.fold_scores import checked_names, scalar_metric
from leukotype.metrics import Metric, intervals
from leukotype.metrics.estimate import Units, estimate

_BLOCK = 256


@dataclass(frozen=True)
class BestOfMany:
    """The score of the best model with 95 % intervals, before and after correction for the choice.

    model            : the best by its own score; of equal ones, that with the smallest log loss
    value, low, high : corrected for the choice
    uncorrected, uncorrected_low, uncorrected_high : its own score
    chosen           : share of bootstrap samples in which each model was the best
    """

    metric: str
    model: str
    value: float
    low: float
    high: float
    uncorrected: float
    uncorrected_low: float
    uncorrected_high: float
    chosen: dict[str, float]

    @property
    def optimism(self) -> float:
        """Uncorrected minus corrected value."""
        return self.uncorrected - self.value


def corrected_best(
    evaluation: Evaluation,
    metric: str = "balanced_accuracy",
    *,
    models: Sequence[str] | None = None,
    n_resamples: int = 1000,
    seed: int = 0,
) -> BestOfMany:
    """Estimate the score of the best model by bootstrap bias-corrected cross-validation.

    models : names; all but `auto` by default.  For a single model, the estimate is its own

    In each bootstrap sample of the samples (of the donors if they are known), the best model is chosen by its mean over
    repeats and scored on the samples that were not drawn.  The estimate is the mean of these scores, and never better
    than the best model's own score.  Draws are stratified by class and repeated if they leave out no sample of some
    class.

    The interval is the percentile interval of the scores.  It is widened to the closed interval of the corrected shares
    or, for a metric without one, to the width of the best model's own interval, because a bootstrap has no spread for
    a model that is always correct.

    Raises InfeasibleDesign if there is no model or a class is too small, UnknownName for an unknown metric or model.

    Tsamardinos, Greasidou & Borboudakis (2018), Machine Learning 107, 1895-1922.
    """
    scalar = scalar_metric(metric)
    tried = [model for model in checked_names(evaluation, models) if models is not None or model != AUTO]
    if not tried:
        raise InfeasibleDesign("there is no model to choose from. Name at least one model.")
    sign = 1.0 if scalar.higher_is_better else -1.0
    plain = [estimate(scalar, evaluation.scored(model), evaluation.units) for model in tried]
    best = _first_of_best(evaluation, tried, [round(sign * float(found.value), 12) for found in plain])
    uncorrected = float(plain[best].value), float(plain[best].low), float(plain[best].high)
    if len(tried) == 1:
        return BestOfMany(metric, tried[0], *uncorrected, *uncorrected, {tried[0]: 1.0})

    drawn, left_out = _draws(evaluation, n_resamples, seed)
    winners = np.argmax(sign * _scores(evaluation, tried, scalar, drawn), axis=0)
    values = np.take_along_axis(_scores(evaluation, tried, scalar, left_out), winners[None], axis=0)[0]
    # The samples left out weigh differently, which may raise the mean; a correction never improves the score.
    value = sign * min(sign * float(values.mean()), sign * uncorrected[0])
    closed = _closed_interval(scalar, value, evaluation, tried, winners, left_out)
    # Without a closed form, the interval is at least as wide as that of the best model.
    shifted = value + np.array(uncorrected[1:]) - uncorrected[0]
    ends = [
        np.quantile(values, [0.025, 0.975]),
        np.clip(shifted, *scalar.bounds) if closed is None else closed,
    ]
    low, high = float(np.min(ends)), float(np.max(ends))
    share = np.bincount(winners, minlength=len(tried)) / len(winners)
    chosen = dict(zip(tried, share.tolist(), strict=True))
    return BestOfMany(metric, tried[best], value, min(low, value), max(high, value), *uncorrected, chosen)


def _first_of_best(evaluation: Evaluation, models: Sequence[str], values: Sequence[float]) -> int:
    """Return the position of the largest value; of equal ones, that of the model with the smallest log loss."""
    leaders = [k for k, value in enumerate(values) if value == max(values)]
    if len(leaders) < 2:
        return leaders[0] if leaders else 0
    loss = metrics.by_name("log_loss")
    losses = [np.mean([loss.value(scored) for scored in evaluation.scored(models[k])]) for k in leaders]
    return leaders[int(np.argmin(losses))]


def _scores(evaluation: Evaluation, models: Sequence[str], metric: Metric, weights: FloatArray) -> FloatArray:
    """(n_models, n_resamples, ...) metric of each model under each weighting, mean over repeats."""
    return np.array(
        [
            np.mean([metric.weighted(scored, weights) for scored in evaluation.scored(model)], axis=0)
            for model in models
        ]
    )


def _draws(evaluation: Evaluation, n_resamples: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """(n_resamples, n_samples) weights of the samples drawn, and 1 for those left out."""
    labels, donors = evaluation.cohort.codes, evaluation.cohort.donors
    member = np.eye(len(evaluation.classes))[labels]
    seeds = np.random.SeedSequence(seed)
    kept: list[tuple[FloatArray, FloatArray]] = []
    found = tried = 0
    while found < n_resamples:
        child = int(seeds.spawn(1)[0].generate_state(1)[0])
        drawn = intervals.bootstrap_weights(labels, donors, n_resamples=_BLOCK, seed=child)
        left_out = (_of_unit(drawn, donors) == 0).astype(np.float64)
        whole = ((left_out @ member) > 0).all(axis=1)
        kept.append((drawn[whole], left_out[whole]))
        found, tried = found + int(whole.sum()), tried + _BLOCK
        if found < tried / 1000:
            raise InfeasibleDesign(
                f"class {_smallest(evaluation)!r} is too small: bootstrap samples leave out no sample of it. Leave the "
                "class out with --drop-class."
            )
    drawn, left_out = (np.concatenate(parts)[:n_resamples] for parts in zip(*kept, strict=True))
    return drawn, left_out


def _of_unit(weights: FloatArray, donors: StrArray | None) -> FloatArray:
    # A donor with samples of two classes is left out only if neither class has drawn it.
    if donors is None:
        return weights
    number = np.unique(donors, return_inverse=True)[1]
    of_donor = np.eye(int(number.max()) + 1)[number]
    return np.asarray((weights @ of_donor)[:, number])


def _smallest(evaluation: Evaluation) -> str:
    sizes = Units(evaluation.cohort.codes, evaluation.cohort.donors).per_class
    return evaluation.classes[int(np.argmin(sizes))]


def _closed_interval(
    metric: Metric,
    value: float,
    evaluation: Evaluation,
    models: Sequence[str],
    winners: IntArray,
    left_out: FloatArray,
) -> intervals.Interval | None:
    units = evaluation.units
    if metric.interval == "Clopper-Pearson":
        return intervals.clopper_pearson(value * units.total, units.total)
    if metric.interval == "MOVER-exact":
        recall = _scores(evaluation, models, metrics.by_name("recall"), left_out)
        shares = recall[winners, np.arange(len(winners))].mean(axis=0)
        return intervals.mean_of_proportions(shares * units.per_class, units.per_class)
    return None
