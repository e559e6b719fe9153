"""On noise, models score at chance; with selection before the split, they score far above it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.feature_selection import f_classif

from leukotype.datasets.simulate import null_cohort
from leukotype.evaluation import evaluate
from leukotype.models import MODELS, by_name
from leukotype.resampling import Design

N_COHORTS = 20
CHANCE = 0.2
# Smaller grids, because trees take minutes on so many cohorts.  The code is the same, and the cohorts have many times
# as many probes as a screen keeps.
SMALLER = {
    "forest": {"screen": (100, 500), "max_features": ("sqrt", 0.1), "n_estimators": (100,)},
    "xgboost": {
        "screen": (100, 500),
        "max_depth": (2,),
        "learning_rate": (0.3,),
        "n_estimators": (50, 25),
        "columns_per_tree": (100,),
    },
}

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")]


def leaky(cohort):
    """The cohort with the 50 best probes by all samples, including test samples."""
    statistics, _ = f_classif(cohort.expression, cohort.codes)
    best = np.sort(np.argsort(-statistics)[:50])
    return dataclasses.replace(cohort, expression=cohort.expression[:, best], probes=cohort.probes[best])


def mean_score(model, cohorts) -> float:
    model = dataclasses.replace(model, grid=SMALLER.get(model.name, model.grid))
    scores = [
        evaluate(cohort, [model], design=Design(seed=number), jobs=1)
        .summary(["balanced_accuracy"])
        .loc[0, "value"]
        for number, cohort in enumerate(cohorts)
    ]
    return float(np.mean(scores))


@pytest.fixture(scope="module")
def cohorts():
    return [null_cohort(n_probes=2000, seed=seed) for seed in range(N_COHORTS)]


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_noise_scores_at_chance(model, cohorts):
    assert cohorts[0].expression.shape == (60, 2000)
    assert mean_score(model, cohorts) == pytest.approx(CHANCE, abs=0.03)


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("logistic", 0.45),
        ("knn", 0.45),
        ("svm", 0.45),
        ("naive-bayes", 0.45),
        ("forest", 0.35),
        ("xgboost", 0.35),
    ],
)
def test_selection_before_the_split_scores_far_above_chance(name, claimed, cohorts):
    assert mean_score(by_name(name), [leaky(cohort) for cohort in cohorts[:6]]) > claimed
