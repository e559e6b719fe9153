"""A held-out sample with missing values is treated like a new one: its score and distance are of the same kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import leukotype as lt
from leukotype import resampling
from leukotype.cohort import Cohort
from leukotype.models import by_name
from leukotype.recipes import HOWS, How, Recipe
from leukotype.recipes.fitting import Keep, fit_split
from leukotype.resampling import Design


def _gappy(cohort: Cohort, share: float, seed: int) -> Cohort:
    gone = np.random.default_rng(seed).random(cohort.expression.shape) < share
    return replace(cohort, expression=np.where(gone, np.nan, cohort.expression))


@pytest.mark.parametrize("align", HOWS)
def test_held_out_samples_are_treated_as_new_ones(align: How) -> None:
    cohort = _gappy(lt.simulate({"A": 12, "B": 9, "C": 8}, 80, seed=3).cohort, 0.2, 1)
    split = resampling.draw(cohort, Design(outer=3, inner=2)).splits[0]
    recipe = Recipe(by_name("logistic"), align)
    found = fit_split(cohort.expression, recipe, split, cohort.codes, (1, 2), keep=Keep(True, 1))
    kept = found.kept
    assert kept is not None
    assert kept.scorer is not None
    for row, p, distance in zip(split.test.tolist(), found.probabilities, kept.distances, strict=True):
        new = cohort.expression[row]
        present = np.flatnonzero(~np.isnan(new))
        aligned = kept.means.fill(kept.scorer.alignment.complete(new), present)
        np.testing.assert_allclose(kept.scorer.probabilities(aligned[None])[0], p, atol=1e-9)
        assert kept.means.distance(aligned, present) == pytest.approx(distance)
    # A study predicts the same for them.
    alone = fit_split(cohort.expression, recipe, split, cohort.codes, (1, 2))
    assert alone.probabilities.tobytes() == found.probabilities.tobytes()


def test_missing_values_keep_the_level_of_novelty() -> None:
    # With held-out gaps imputed by medians, 40 % and 22 % of these fell below 0.05.
    found = []
    for seed in (1, 2):
        drawn = lt.simulate({"A": 20, "B": 20}, 1000, effect=0.7, composition=0.3, seed=seed)
        classifier = lt.train(_gappy(drawn.cohort, 0.2, 1), "logistic", design=Design(repeats=1), jobs=1)
        fresh = _gappy(drawn.fresh({"A": 100, "B": 100}, 7), 0.2, 2)
        found.append(float((classifier.predict(fresh).p_like <= 0.05).mean()))
    assert max(found) < 0.15
