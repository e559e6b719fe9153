"""The interface of every solver: it takes a fold and a grid, and returns one fitted candidate per setting."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import NotPortable
from leukotype.rules import Constant, Rule, assemble
from leukotype.wide.fold import Fold

Setting = Mapping[str, Any]


class Candidate(Protocol):
    """One setting, fitted on the training part of one fold.

    A candidate may also have `rule(fold) -> leukotype.rules.Rule`, where `fold` is the fold it was fitted on. The rule
    predicts like the candidate, to 1e-12. Only models with such candidates can be trained and saved.
    """

    @property
    def setting(self) -> Setting:
        """The setting of the grid that this candidate was fitted with."""

    @property
    def probes(self) -> IntArray | None:
        """Columns that the fitted rule reads; None if it reads every column."""

    def predict_proba(self, fold: Fold) -> FloatArray:
        """Return (n_test, n_classes) for the test part of `fold`, rows summing to 1.

        Models that give "scores" instead of "probabilities" return decision scores of that shape.
        """


class Path(Protocol):
    """A solver of a whole grid on one fold.

    fold   : the split; fitting may read only its training part
    labels : (n_train,) int, class codes 0 .. n_classes - 1 of the training part; every class is present
    grid   : the settings to fit, in order
    rng    : the source of all randomness

    Returns one candidate per setting, in the order of the grid.
    """

    def __call__(
        self, fold: Fold, labels: IntArray, grid: Sequence[Setting], rng: np.random.Generator
    ) -> Sequence[Candidate]: ...


@dataclass(frozen=True, eq=False)
class RuleCandidate:
    """A candidate that predicts by its portable rule."""

    setting: Setting
    portable: Rule

    @property
    def probes(self) -> IntArray:
        """Columns that the rule reads."""
        return self.portable.reads

    def predict_proba(self, fold: Fold) -> FloatArray:
        """(n_test, n_classes) output of the rule for the test part of `fold`."""
        return self.portable.unchecked_output(fold.x_test[:, self.portable.reads])

    def rule(self, fold: Fold) -> Rule:
        return self.portable


def class_shares(fold: Fold, labels: IntArray, setting: Setting) -> RuleCandidate:
    """Return the candidate that predicts the class shares of the training part for every sample."""
    shares = np.bincount(labels) / len(labels)
    return RuleCandidate(setting, Constant(len(shares), fold.n_probes, np.empty(0, dtype=np.intp), shares))


def rule_of(candidate: Candidate, fold: Fold, model: str = "") -> Rule:
    """Return the portable rule of a fitted candidate, equal to the byte to the one that a file restores.

    fold  : the fold it was fitted on
    model : the name of the model, for the message

    Raises NotPortable if the candidate has no rule.
    """
    make = getattr(candidate, "rule", None)
    if make is None:
        raise NotPortable(
            f"{f'model {model!r}' if model else 'the model'} cannot be saved: its fitted candidates have no "
            "rule(fold). Add that method, which returns a leukotype.rules.Rule, or train another model."
        )
    return assemble(*make(fold).parts())


def complete(model: str, defaults: Mapping[str, Any], setting: Setting) -> dict[str, Any]:
    """Return `setting` with the `defaults` of what it lacks; raises ValueError for an unknown name."""
    unknown = sorted(set(setting) - set(defaults))
    if unknown:
        raise ValueError(f"{model} has no setting {unknown[0]!r}; it has {', '.join(defaults)}.")
    return {**defaults, **setting}


def positive(model: str, name: str, default: float, grid: Sequence[Setting]) -> list[float]:
    """Return the only setting `name` of `model` for each entry of the grid; raises ValueError unless positive."""
    values = [complete(model, {name: default}, setting)[name] for setting in grid]
    for value in values:
        if not 0 < float(value) < float("inf"):
            raise ValueError(f"{name} is {value!r}, and must be positive and finite.")
    return [float(value) for value in values]


def share(model: str, name: str, default: float, grid: Sequence[Setting]) -> list[float]:
    """Return the only setting `name` of `model` for each entry of the grid; raises ValueError unless in [0, 1]."""
    values = [complete(model, {name: default}, setting)[name] for setting in grid]
    for value in values:
        if not 0 <= float(value) <= 1:
            raise ValueError(f"{name} is {value!r}, and must be between 0 and 1.")
    return [float(value) for value in values]


def at_least_one(setting: Mapping[str, Any], *names: str) -> None:
    """Raise ValueError unless each of the named settings is at least 1, or None."""
    for name in names:
        if setting[name] is not None and setting[name] < 1:
            raise ValueError(f"{name} is {setting[name]}, and must be at least 1.")
