"""Screens of probes by the F statistic of the training part."""

from __future__ import annotations

import numpy as np

from leukotype.arrays import FloatArray, IntArray


def f_statistic(x: FloatArray, labels: IntArray) -> FloatArray:
    """(n_probes,) F statistic of one-way analysis of variance of each column of `x` over the classes.

    x      : (n_samples, n_probes)
    labels : (n_samples,) int codes

    0 for a constant probe; inf for one that differs between the classes and is constant within each. All are 0 if
    there is one class, or if every class has one sample.
    """
    present, codes = np.unique(labels, return_inverse=True)
    n_samples, n_classes = len(labels), len(present)
    if n_classes < 2 or n_samples <= n_classes:
        return np.zeros(x.shape[1])
    centred = x - x.mean(axis=0)
    share = _explained_share(centred, centred**2, np.eye(n_classes)[codes].T, np.ones((1, n_samples)))[0]
    share = np.maximum(share, 0.0)
    with np.errstate(divide="ignore"):
        return np.asarray(share / (1.0 - share) * (n_samples - n_classes) / (n_classes - 1))


def f_screen(x: FloatArray, labels: IntArray, size: int) -> IntArray:
    """(size,) columns of `x` with the highest F statistic, best first; all columns if there are fewer.

    x : (n_samples, n_probes) of the training part alone: a screen that sees a test sample is a leak.
    """
    return strongest(f_statistic(x, labels)[None, :], size)[0]


class FScreens:
    """Screens of many draws from the same samples.

    x      : (n_samples, n_probes), standardised: columns far from 0 lose digits
    labels : (n_samples,) int codes 0 .. n_classes - 1
    size   : probes in a screen
    """

    def __init__(self, x: FloatArray, labels: IntArray, size: int) -> None:
        self._x = x
        self._squares = x**2
        self._members = np.eye(int(labels.max()) + 1)[labels].T
        self._size = size

    def of_draws(self, weights: FloatArray) -> IntArray:
        """(n_draws, size) columns with the highest F statistic within each draw, best first.

        weights : (n_draws, n_samples) how often each sample was drawn
        """
        return strongest(_explained_share(self._x, self._squares, self._members, weights), self._size)


def strongest(scores: FloatArray, size: int) -> IntArray:
    """(n_rows, size) columns of the highest scores in each row of `scores`, best first; ties by column."""
    n_probes = scores.shape[1]
    size = min(size, n_probes)
    chosen = np.empty((len(scores), size), dtype=np.intp)
    # argpartition would break ties at the border arbitrarily.
    border = np.partition(scores, n_probes - size, axis=1)[:, n_probes - size]
    for row, (values, least) in enumerate(zip(scores, border, strict=True)):
        above = np.flatnonzero(values > least)
        level = np.flatnonzero(values == least)[: size - len(above)]
        chosen[row] = np.sort(np.concatenate([above, level]))
    order = np.argsort(-np.take_along_axis(scores, chosen, axis=1), axis=1, kind="stable")
    return np.take_along_axis(chosen, order, axis=1)


def _explained_share(
    x: FloatArray, squares: FloatArray, members: FloatArray, weights: FloatArray
) -> FloatArray:
    """(n_draws, n_probes) between-class share of the variance, of which F is an increasing function; -1 if constant.

    members : (n_classes, n_samples) 0 or 1
    """
    n_draws, n_probes = len(weights), x.shape[1]
    split = weights[:, None, :] * members
    sums = (split.reshape(-1, x.shape[0]) @ x).reshape(n_draws, len(members), n_probes)
    correction = sums.sum(axis=1) ** 2 / weights.sum(axis=1)[:, None]
    sums **= 2
    # A class without drawn samples has sum 0, and adds nothing.
    sums /= np.maximum(split.sum(axis=2), 1.0)[:, :, None]
    total = weights @ squares
    varies = total - correction > 1e-12 * np.maximum(total, np.finfo(np.float64).tiny)
    total -= correction
    share = np.full((n_draws, n_probes), -1.0)
    np.divide(sums.sum(axis=1) - correction, total, out=share, where=varies)
    return np.minimum(share, 1.0, out=share)
