"""The reported call rates use thresholds that are learned like those of the file, from all repeats at once."""

from __future__ import annotations

import numpy as np

from leukotype.classifier import abstention, calibration, novelty
from leukotype.classifier.abstention import Target


def test_thresholds_of_a_fold_are_learned_from_the_other_samples() -> None:
    rng = np.random.default_rng(3)
    n, repeats = 60, 3
    labels = np.arange(n) % 3
    p = rng.dirichlet(np.ones(3), (repeats, n)) * 0.6 + 0.4 * np.eye(3)[labels]
    folds = np.array([rng.permutation(n) % 5 for _ in range(repeats)])
    seen = abstention.OutOfFold(p, labels, folds, rng.gamma(9, size=(repeats, n)), n)
    target = Target("accuracy", 0.9)
    shown, margin, unlike = abstention._crossed(seen, "temperature", target, 0.2)
    assert 0.1 < margin.mean() < 0.9
    for repeat in range(repeats):
        for fold in range(5):
            out = folds[repeat] == fold
            others = seen.p[:, ~out]
            learned = calibration.fitted("temperature", others, labels[~out])
            least = abstention.thresholds(np.array([learned.apply(q) for q in others]), labels[~out], target)
            expected = learned.apply(seen.p[repeat, out])
            np.testing.assert_allclose(shown[repeat, out], expected)
            np.testing.assert_array_equal(
                margin[repeat, out], expected.max(axis=1) < least[expected.argmax(axis=1)]
            )
            held_out = seen.distances[:, ~out].mean(axis=0)
            far = [novelty.p_value(held_out, d) <= 0.2 for d in seen.distances[repeat, out]]
            np.testing.assert_array_equal(unlike[repeat, out], far)


def test_accuracy_of_a_class_counts_only_the_calls_of_that_class() -> None:
    # 8 samples of A and 2 of B are called A with certainty. No sample is called B.
    labels = np.array([0] * 8 + [1] * 2)
    p = np.tile([0.99, 0.01], (1, 10, 1))
    folds = np.array([[0, 1] * 5])
    seen = abstention.OutOfFold(p, labels, folds, np.ones((1, 10)), 10)
    found = abstention.decisions(seen, ("A", "B"), "raw", Target("coverage", 1.0), 0.0)["classes"]
    assert found["A"]["right_among_called"]["value"] == 1
    assert found["A"]["right_among_calls_of_it"]["value"] == 0.8
    assert found["B"]["called"]["value"] == 1
    assert found["B"]["right_among_calls_of_it"]["value"] is None
