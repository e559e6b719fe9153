"""The caption of the risk-coverage figure counts wrong calls."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import leukotype as lt
from leukotype.classifier.validation import Validation, validate
from leukotype.cohort import Batch
from leukotype.figures import validation


def _validated(n_wrong: int) -> Validation:
    drawn = lt.simulate({"A": 12, "B": 12}, 60, effect=4.0, composition=1.0, seed=2)
    classifier = lt.train(
        drawn.cohort, "centroids", design=lt.Design(outer=3, inner=2, repeats=1), jobs=1, align="none"
    )
    batch = Batch.of(drawn.fresh({"A": 150, "B": 150}, 3))
    right = validate(classifier, batch)
    assert right.labels is not None
    called = np.flatnonzero(right.calls.called & (right.calls.predicted == right.codes))
    labels = right.labels.copy()
    labels[called[:n_wrong]] = np.where(labels[called[:n_wrong]] == "A", "B", "A")
    kept = np.union1d(called, np.flatnonzero(~right.calls.called))
    chosen = replace(
        batch,
        expression=batch.expression[kept],
        samples=batch.samples[kept],
        labels=labels[kept],
        scales=None,
    )
    return validate(classifier, chosen)


def test_wrong_calls_are_counted() -> None:
    for n_wrong, said in ((0, "none of those calls was wrong"), (1, "1 of those calls was wrong"),
                          (2, "2 of those calls were wrong")):  # fmt: skip
        found = _validated(n_wrong)
        assert found.right_among_called.n > 200
        assert said in validation.risk(found).caption
