"""Verdicts of mlscorecheck on 200 published results, half of them altered, for tests/test_claims.py.

    python tests/references/claims_mlscorecheck.py > tests/references/claims_mlscorecheck.json

Made with mlscorecheck 1.0.3 (MIT licence) and PuLP 3.3.2, none of which the project uses.  Each case has the arguments
of `leukotype.claims.check`, and whether mlscorecheck calls the numbers inconsistent.  It gets the class sizes, which
`check` does not need, and for folds also their sizes, which `check` does not take.
"""

import json

import numpy as np
from mlscorecheck.check.binary import check_1_dataset_known_folds_mos, check_1_testset_no_kfold
from mlscorecheck.check.multiclass import check_1_testset_no_kfold_macro, check_1_testset_no_kfold_micro

rng = np.random.default_rng(9476)
NAMES = {"accuracy": "acc", "precision": "ppv", "recall": "sens", "f1": "f1p"}


def printed(values, *, altered):
    """Round as papers do; if `altered`, one number changes by 1 to 30 units of its last digit."""
    digits = int(rng.integers(3, 5))
    units = {name: round(value * 10**digits) for name, value in values.items()}
    if altered:
        name = str(rng.choice(list(units)))
        shift = int(rng.integers(1, 31))
        units[name] += shift if units[name] + shift <= 10**digits and rng.random() < 0.5 else -shift
    return {name: f"{max(number, 0) / 10**digits:.{digits}f}" for name, number in units.items()}, digits


def verdict(test, digits, numbers, **where):
    scores = {NAMES[name]: float(text) for name, text in numbers.items()}
    if test is check_1_testset_no_kfold_macro:
        # The mean accuracy of each class against the rest: a miss is an error of two classes.
        scores["acc"] = 1 - 2 * (1 - scores["acc"]) / len(where["testset"])
    found = test(scores=scores, eps=0.5 * 10.0**-digits, **where)
    return bool(found["inconsistency"])


def some(values):
    names = list(values)
    kept = sorted(rng.choice(len(names), rng.integers(2, len(names) + 1), replace=False))
    return {names[i]: values[names[i]] for i in kept}


def two_classes(altered):
    positive, negative = (int(rng.integers(6, 50)) for _ in range(2))
    tp, tn = int(rng.integers(1, positive + 1)), int(rng.integers(0, negative + 1))
    values = {
        "accuracy": (tp + tn) / (positive + negative),
        "precision": tp / (tp + negative - tn),
        "recall": tp / positive,
        "f1": 2 * tp / (tp + negative - tn + positive),
    }
    numbers, digits = printed(some(values), altered=altered)
    arguments = {"n_test": positive + negative, "n_positive": positive, "classes": 2, "average": "binary"}
    wrong = verdict(check_1_testset_no_kfold, digits, numbers, testset={"p": positive, "n": negative})
    return arguments | numbers, wrong


def hits_of(sizes):
    return np.array([rng.integers(size // 3, size + 1) for size in sizes])


def micro(altered):
    sizes = rng.integers(4, 30, rng.integers(2, 6))
    numbers, digits = printed({"recall": hits_of(sizes).sum() / sizes.sum()}, altered=altered)
    arguments = {"n_test": int(sizes.sum()), "classes": len(sizes), "average": "micro"}
    where = {"testset": dict(enumerate(sizes.tolist()))}
    return arguments | numbers, verdict(check_1_testset_no_kfold_micro, digits, numbers, **where)


def macro(altered):
    sizes = rng.integers(4, 20, rng.integers(2, 5))
    hits = hits_of(sizes)
    values = {"accuracy": hits.sum() / sizes.sum(), "recall": (hits / sizes).mean()}
    numbers, digits = printed(values, altered=altered)
    arguments = {"n_test": int(sizes.sum()), "class_sizes": sizes.tolist(), "average": "macro"}
    where = {"testset": dict(enumerate(sizes.tolist())), "verbosity": 0}
    return arguments | numbers, verdict(check_1_testset_no_kfold_macro, digits, numbers, **where)


def folds(altered):
    parts = [(int(rng.integers(3, 9)), int(rng.integers(3, 9))) for _ in range(rng.integers(2, 5))]
    hits = [(rng.integers(1, p + 1), rng.integers(1, n + 1)) for p, n in parts]
    values = {
        "accuracy": np.mean([(a + b) / (p + n) for (a, b), (p, n) in zip(hits, parts, strict=True)]),
        "recall": np.mean([a / p for (a, _), (p, _) in zip(hits, parts, strict=True)]),
    }
    numbers, digits = printed(values, altered=altered)
    positive, negative = (sum(part[i] for part in parts) for i in (0, 1))
    arguments = {
        "n_total": positive + negative,
        "n_positive": positive,
        "folds": len(parts),
        "classes": 2,
        "average": "binary",
    }
    where = {
        "dataset": {"p": positive, "n": negative},
        "folding": {"folds": [{"p": p, "n": n} for p, n in parts]},
        "verbosity": 0,
    }
    return arguments | numbers, verdict(check_1_dataset_known_folds_mos, digits, numbers, **where)


cases = []
for kind, count in ((two_classes, 80), (micro, 40), (macro, 40), (folds, 40)):
    for number in range(count):
        altered = number % 2 == 1
        arguments, wrong = kind(altered)
        cases.append({"kind": kind.__name__, "altered": altered, "claim": arguments, "inconsistent": wrong})
print("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]")
