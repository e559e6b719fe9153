"""Small problems with a signal, and degenerate ones, for the tests of the solvers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from leukotype.wide import Candidate, Fold, Path, Setting, rule_of


def problem(n=30, p=80, n_classes=3, seed=0, shift=1.5):
    """Samples (n, p) and labels (n,) in random order; class k is shifted in probe k, and every class is present."""
    rng = np.random.default_rng(seed)
    labels = np.sort(np.concatenate([np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]))
    x = rng.normal(7.0, 1.0, size=(n, p)) * rng.uniform(0.3, 2.0, size=p)
    for code in range(min(n_classes, p)):
        x[labels == code, code] += shift
    order = rng.permutation(n)
    return x[order], labels[order].astype(np.intp)


def fit(path: Path, x, labels, grid: Sequence[Setting], new=None) -> tuple[Fold, list[Candidate]]:
    """Fit on all of x; the test part of the fold is `new`, or x itself."""
    new = x if new is None else new
    fold = Fold(np.concatenate([x, new]), np.arange(len(x)), len(x) + np.arange(len(new)))
    return fold, list(path(fold, labels, grid, np.random.default_rng(0)))


def coefficients_of(candidate: Candidate, fold: Fold) -> tuple[np.ndarray, np.ndarray]:
    """(n_margins, n_probes) and (n_margins,) of a linear rule, for standardised probes."""
    rule = rule_of(candidate, fold)
    coefficients = np.zeros((len(rule.weights), fold.n_probes))
    coefficients[:, rule.reads] = rule.weights * fold.scale[rule.reads]
    return coefficients, rule.intercept


# Each keeps the number of samples, so labels stay the same.
DEGENERATE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "constant probes": lambda x: np.hstack([np.full((len(x), 5), 7.123), x]),
    "only constant probes": lambda x: np.full((len(x), 6), 3.3),
    "duplicate samples": lambda x: x[np.arange(len(x)) // 2],
    "duplicate probes": lambda x: np.hstack([x, x]),
    "fewer probes than samples": lambda x: x[:, :5],
    "one probe": lambda x: x[:, :1],
    "integers": lambda x: np.round(x).astype(np.int32),
    "float32": lambda x: x.astype(np.float32),
    "far from 0": lambda x: x + 1e6,
}
