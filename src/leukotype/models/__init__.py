"""MODELS: one entry per model: how to fit a whole grid on one fold, what it gives, and the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from sklearn.model_selection import ParameterGrid
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.tree import DecisionTreeClassifier

from leukotype.errors import UnknownName
from leukotype.models import baselines
from leukotype.wide import (
    Path,
    Setting,
    boosting,
    centroids,
    discriminant,
    elasticnet,
    forest,
    logistic,
    neighbors,
    pairs,
    svm,
)
from leukotype.wide.adapter import SklearnPath

__all__ = ["DEFAULT", "MODELS", "Model", "by_name", "select"]


@dataclass(frozen=True)
class Model:
    """How to fit a whole grid of settings on one training fold.

    grid      : values of each setting; the tuned settings are their product, the last name varying fastest
    gives     : of {"probabilities", "scores", "genes"}; a temperature fitted on the inner folds turns scores into
                probabilities
    own_score : whether fitted candidates have an `own_score` (out of bag), so that no inner folds are needed; their
                optional `held_out`, (n_train, n_classes) out-of-bag probabilities, lets `auto` compare them sample
                by sample
    baseline  : whether it is a baseline, which any useful model must beat
    code      : identifies the code of a plug-in: the hash of its file, or the version of its package; empty for the
                models below
    """

    name: str
    title: str
    path: Path
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    gives: frozenset[str] = frozenset({"probabilities"})
    cite: str = ""
    own_score: bool = False
    baseline: bool = False
    code: str = ""

    def settings(self) -> list[Setting]:
        """Return every setting of the grid, in order; one empty setting if the grid is empty."""
        return list(ParameterGrid({name: list(values) for name, values in self.grid.items()}))

    def __str__(self) -> str:
        return self.name


_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
_GENES = frozenset({"probabilities", "genes"})

MODELS: tuple[Model, ...] = (
    Model(
        "logistic",
        "Logistic regression (ridge)",
        logistic.path,
        {"C": _PENALTIES},
        cite="Hastie & Tibshirani 2004",
    ),
    Model(
        "knn",
        "k nearest neighbours",
        neighbors.path,
        {"n_neighbors": (1, 3, 5, 7), "weights": ("uniform", "distance")},
        cite="Cover & Hart 1967",
    ),
    Model(
        "forest",
        "Random forest",
        forest.path,
        {"screen": (500, 2000), "max_features": ("sqrt", 0.1)},
        gives=_GENES,
        cite="Breiman 2001",
        own_score=True,
    ),
    Model(
        "xgboost",
        "Gradient-boosted trees (XGBoost)",
        boosting.path,
        {
            "screen": (500, 2000),
            "max_depth": (2, 4),
            "learning_rate": (0.3, 0.1),
            "n_estimators": (100, 50, 25),
            # If hundreds of probes separate the classes, trees that see all of them use the same few.
            "columns_per_tree": (100,),
        },
        gives=_GENES,
        cite="Chen & Guestrin 2016",
    ),
    Model(
        "svm",
        "Linear support vector machine",
        svm.path,
        {"C": (1e-5, 1e-4, 1e-3, 1e-2, 1e-1)},
        gives=frozenset({"scores"}),
        cite="Cortes & Vapnik 1995",
    ),
    Model(
        "centroids",
        "Nearest shrunken centroids",
        centroids.path,
        {"shrinkage": tuple(round(1 - step / 20, 2) for step in range(1, 21))},
        gives=_GENES,
        cite="Tibshirani et al. 2002",
    ),
    Model(
        "diagonal-lda",
        "Diagonal linear discriminant (shrunken variances)",
        discriminant.diagonal_path,
        {"shrinkage": (1.0, 0.5, 0.1, 0.0)},
        cite="Dudoit et al. 2002",
    ),
    Model(
        "ridge-lda",
        "Ridge linear discriminant",
        discriminant.ridge_path,
        {"ridge": (10_000.0, 1000.0, 100.0, 10.0)},
        cite="Hastie & Tibshirani 2004",
    ),
    Model(
        "pairs",
        "Top scoring pairs (k-TSP)",
        pairs.path,
        {"k": (1, 3, 5, 7, 9)},
        gives=_GENES,
        cite="Geman et al. 2004; Tan et al. 2005",
    ),
    Model(
        "naive-bayes",
        "Gaussian naive Bayes",
        SklearnPath(GaussianNB, view="raw"),
        {"var_smoothing": (1e-9, 1e-3, 1e-1)},
        cite="Hand & Yu 2001",
    ),
    Model(
        "tree",
        "Decision tree",
        SklearnPath(DecisionTreeClassifier, view="raw", seeded=True),
        {"max_depth": (2, 4, None)},
        gives=_GENES,
        cite="Breiman et al. 1984",
    ),
    Model(
        "mlp",
        "Neural network (one hidden layer)",
        SklearnPath(
            partial(MLPClassifier, hidden_layer_sizes=(32,), solver="lbfgs", max_iter=500),
            "span",
            seeded=True,
        ),
        {"alpha": (10.0, 1.0, 0.1)},
        cite="Rumelhart et al. 1986",
    ),
    Model(
        "elastic-net",
        "Sparse multinomial regression (elastic net)",
        elasticnet.path,
        {"l1_ratio": (1.0, 0.5), "strength": (0.5, 0.3, 0.2, 0.1, 0.05, 0.02)},
        gives=_GENES,
        cite="Zou & Hastie 2005; Friedman et al. 2010",
    ),
    Model("majority", "Majority class", baselines.majority, baseline=True),
    Model("single-probe", "Best single probe", baselines.single_probe, gives=_GENES, baseline=True),
)

DEFAULT: tuple[str, ...] = (
    "logistic",
    "knn",
    "forest",
    "xgboost",
    "svm",
    "centroids",
    "majority",
    "single-probe",
)


def by_name(name: str) -> Model:
    """Return the model called `name`; raises UnknownName, which lists the known names."""
    for model in MODELS:
        if model.name == name:
            return model
    known = ", ".join(model.name for model in MODELS)
    raise UnknownName(f"no model {name!r}. Use one of {known}; or all.")


def select(wanted: Sequence[str | Model] | Model | str | None = None) -> tuple[Model, ...]:
    """Return models by name or as `Model`; all for "all", the default set for None.

    wanted : a list, one `Model`, or names separated by commas
    """
    if wanted is None:
        wanted = DEFAULT
    if isinstance(wanted, str):
        wanted = [name.strip() for name in wanted.split(",") if name.strip()]
    if isinstance(wanted, Model):
        wanted = [wanted]
    if list(wanted) == ["all"]:
        return MODELS
    chosen = tuple(model if isinstance(model, Model) else by_name(model) for model in wanted)
    names = [model.name for model in chosen]
    if not names:
        raise UnknownName("no model was named. Name at least one.")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UnknownName(f"model {twice[0]!r} is named twice. Name each model once.")
    return chosen
