"""Write the classifier files of format 1 that every later version must read.

Run once, with leukotype 0.1.0, from the folder `tests`: python kept/make_kept.py.  A new format gets files of its
own; these are never written again.  Each holds five new samples and what the rule said of them when it was fitted.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from leukotype import bundle
from leukotype.models import by_name
from leukotype.wide import Fold, rule_of
from wide_problems import problem

KEPT = {
    "linear": ("logistic", {"C": 0.01}),
    "trees": ("forest", {"n_estimators": 20, "screen": 20}),
    "boosted": ("xgboost", {"n_estimators": 10, "max_depth": 2, "learning_rate": 0.3, "screen": 20}),
    "neighbours": ("knn", {"n_neighbors": 3, "weights": "distance"}),
}


def main() -> None:
    x, labels = problem(35, 40, 3, seed=7)
    # Values of few digits take little room.
    x = np.round(x, 2)
    fold = Fold(x, np.arange(30), np.arange(30, 35))
    for name, (model, setting) in KEPT.items():
        candidate = by_name(model).path(fold, labels[:30], [setting], np.random.default_rng(1))[0]
        document, arrays = bundle.rule_members(rule_of(candidate, fold))
        document["classes"] = ["AML", "Bone_Marrow", "PB"]
        arrays |= {"check.samples": fold.x_test, "check.outputs": candidate.predict_proba(fold)}
        target = Path(__file__).with_name(f"{name}-1.leuko")
        bundle.write(target, document, arrays, {"card.md": f"# {model}, of simulated samples\n"})
        print(target.name, target.stat().st_size)


if __name__ == "__main__":
    main()
