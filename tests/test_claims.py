"""Which published numbers are possible, against brute force."""

from __future__ import annotations

import json
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from leukotype.claims import Counts, check, read
from leukotype.errors import InputError

ONE = {"classes": 2, "average": "binary"}


def test_96_percent_of_13_samples_is_impossible() -> None:
    claim = check(13, accuracy="0.96")
    assert not claim.possible
    assert not claim.if_cut
    assert [(row["hits"], row["n"]) for row in claim.nearest] == [(12, 13), (13, 13)]
    assert claim.smallest_n == 23  # 22 of 23 is 0.9565
    last = claim.nearest[-1]
    assert (round(last["low"], 3), last["high"]) == (0.753, 1.0)
    text = " ".join(claim.lines())
    assert "impossible" in text
    assert "0.753 to 1.000" in text
    json.dumps(claim.as_dict(), allow_nan=False)


def test_interval_of_13_correct_predictions() -> None:
    claim = check(13, accuracy="100%")
    assert claim.possible
    assert claim.nearest[0]["low"] == pytest.approx(0.025 ** (1 / 13))
    assert "0.753" in " ".join(claim.lines())


@given(st.integers(1, 120), st.data(), st.integers(1, 5))
@settings(max_examples=150, deadline=None)
def test_every_true_accuracy_is_possible(n: int, data: st.DataObject, digits: int) -> None:
    hits = data.draw(st.integers(0, n))
    for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN):
        text = (Decimal(hits) / Decimal(n)).quantize(Decimal(1).scaleb(-digits), rounding=rounding)
        assert check(n, accuracy=str(text)).possible


@given(st.integers(1, 60), st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_possible_if_and_only_if_a_count_rounds_to_it(n: int, thousandths: int) -> None:
    shown = Fraction(thousandths, 1000)
    half = Fraction(1, 2000)
    exists = any(shown - half <= Fraction(hits, n) <= shown + half for hits in range(n + 1))
    assert check(n, accuracy=f"{thousandths / 1000:.3f}").possible is exists


@given(
    st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9), st.sampled_from([True, False])
)
@settings(max_examples=60, deadline=None)
def test_every_true_table_is_possible(tp: int, fp: int, fn: int, tn: int, known: bool) -> None:
    counts = Counts(tp, fp, fn, tn)
    if tp == 0:
        return  # precision, recall or F1 may be 0 / 0
    shown = {name: f"{value:.4f}" for name, value in counts.metrics.items()}
    claim = check(tp + fp + fn + tn, n_positive=tp + fn if known else None, **ONE, **shown)
    assert claim.possible
    assert claim.n_ways >= 1
    for example in claim.examples:
        for name, value in example.metrics.items():
            assert abs(value - float(shown[name])) <= 0.5e-4 + 1e-9


def test_metrics_of_counts_agree_with_scikit_learn() -> None:
    truth = np.repeat([1, 0, 1, 0], [7, 2, 3, 11])
    calls = np.repeat([1, 1, 0, 0], [7, 2, 3, 11])
    found = Counts(7, 2, 3, 11).metrics
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, calls))
    assert found["precision"] == pytest.approx(precision_score(truth, calls))
    assert found["recall"] == pytest.approx(recall_score(truth, calls))
    assert found["f1"] == pytest.approx(f1_score(truth, calls))


def test_numbers_possible_alone_but_not_together() -> None:
    assert check(13, recall="0.80", n_positive=5, **ONE).possible
    assert check(13, precision="0.75", **ONE).possible
    together = check(13, recall="0.80", precision="0.75", n_positive=5, **ONE)
    assert together.possible is False  # recall 4 of 5 leaves precision 4 of 4, 5, 6 ...: 1, 0.8, 0.667
    assert together.examples[0].true_positive == 4
    assert "nearest" in " ".join(together.lines())


def test_number_of_combinations() -> None:
    # Recall 1/2 of n = 4 with two positives: one true positive, and 0, 1 or 2 false positives.
    assert check(4, recall="0.50", n_positive=2, **ONE).n_ways == 3


def test_more_digits_allow_fewer_combinations() -> None:
    ways = [check(50, precision=text, **ONE).n_ways for text in ("0.9", "0.90", "0.900", "0.9000")]
    assert ways == sorted(ways, reverse=True)
    assert ways[0] > ways[-1] > 0


def test_truncated_digits() -> None:
    claim = check(65, accuracy="0.96")  # 63 of 65 is 0.9692
    assert not check(63, accuracy="0.960").possible
    assert claim.if_cut
    assert check(13, accuracy="0.92").if_cut


def test_means_over_folds() -> None:
    # 64 in 5 folds: 13, 13, 13, 13, 12; one error in the fold of 12.
    shown = f"{(4 + 11 / 12) / 5:.5f}"
    assert check(64, accuracy=shown).possible is False
    assert check(n_total=64, folds=5, accuracy=shown).possible
    assert check(n_total=65, folds=5, accuracy="0.98462").possible  # equal folds: the same as pooling
    # The sizes of folds may differ by more.
    unequal = check(n_total=64, folds=5, accuracy="0.99999")
    assert unequal.possible is None
    assert "undecided" in " ".join(unequal.lines())
    assert check(n_total=20, repeats=3, accuracy="0.9833").possible  # 59 of 60


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [("0.96", 0.955, 0.965), ("96%", 0.955, 0.965), ("96", 0.955, 0.965), ("96.0 %", 0.9595, 0.9605),
     ("1.0", 0.95, 1.0), ("1", 1.0, 1.0), ("0", 0.0, 0.0), (0.923, 0.9225, 0.9235), ("0,96", 0.955, 0.965),
     (".9", 0.85, 0.95), ("100%", 0.995, 1.0)],
)  # fmt: skip
def test_reading_a_number(text: str | float, low: float, high: float) -> None:
    number = read(text)
    assert (number.low, number.high) == pytest.approx((low, high))


@pytest.mark.parametrize("text", ["-0.1", "101%", "x", "", "nan", "1e400", "120"])
def test_a_number_that_is_not_a_share_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"0\.96"):
        check(13, accuracy=text)


@pytest.mark.parametrize(
    "wrong",
    [{"n_test": 0, "accuracy": "0.9"}, {"accuracy": "0.9"}, {"n_test": 13},
     {"n_test": 13, "f1": "0.9", "n_positive": 14},
     {"n_test": 13, "accuracy": "0.9", "folds": 14}, {"n_test": 5000, "f1": "0.9", "classes": 2, "average": "binary"},
     {"n_test": 13, "f1": "0.9", "average": "mean"}, {"n_test": 13, "f1": "0.9", "classes": 1},
     {"n_test": 13, "f1": "0.9", "class_sizes": (5, 5)},
     {"n_test": 13, "f1": "0.9", "class_sizes": (8, 5), "classes": 3}],
)  # fmt: skip
def test_claim_that_cannot_be_checked_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        check(**wrong)  # type: ignore[arg-type]


def shown_numbers(
    rng: np.random.Generator, labels, calls, average: str, n_classes: int, digits: int, skip: bool
):
    """Accuracy, precision, recall and F1 of true results, some of them, rounded as papers do."""
    options = {"labels": np.arange(n_classes), "average": None, "zero_division": np.nan if skip else 0.0}
    values = {
        "precision": precision_score(labels, calls, **options),
        "recall": recall_score(labels, calls, **options),
        "f1": f1_score(labels, calls, **options),
    }
    if skip:
        # Some compute F1 from precision and recall, which leaves out classes without predictions.
        values["f1"] = np.where(np.isnan(values["precision"]), np.nan, values["f1"])
    if average == "binary":
        numbers = {name: value[0] for name, value in values.items()}
    elif average == "micro":
        numbers = dict.fromkeys(values, accuracy_score(labels, calls))
    elif average == "macro":
        numbers = {name: np.nanmean(value) for name, value in values.items()}
    else:
        sizes = np.bincount(labels, minlength=n_classes)
        numbers = {name: np.average(value, weights=sizes) for name, value in values.items()}
    numbers["accuracy"] = accuracy_score(labels, calls)
    kept = [name for name in numbers if rng.random() < 0.7 and np.isfinite(numbers[name])] or ["accuracy"]
    return {name: f"{numbers[name]:.{digits}f}" for name in kept}


@pytest.mark.parametrize("average", ["binary", "macro", "weighted", "micro"])
def test_no_true_result_is_called_impossible(average: str) -> None:
    undecided = 0
    for seed in range(150):
        rng = np.random.default_rng([7, seed])
        n, n_classes = int(rng.integers(6, 60)), int(rng.integers(2, 6))
        sizes = rng.multinomial(n - n_classes, rng.dirichlet(np.ones(n_classes))) + 1
        labels = np.repeat(np.arange(n_classes), sizes)
        calls = np.where(rng.random(n) < rng.uniform(0.3, 1), labels, rng.integers(0, n_classes, n))
        # A class without predictions, left out of the means by some authors.
        if rng.random() < 0.3:
            calls[calls == n_classes - 1] = 0
        skip = average == "macro" and rng.random() < 0.5
        numbers = shown_numbers(rng, labels, calls, average, n_classes, int(rng.integers(2, 5)), skip)
        more = (
            {"class_sizes": tuple(sizes)}
            if average != "binary" and rng.random() < 0.5
            else {"classes": n_classes}
        )
        claim = check(n, average=average, **more, **numbers)
        assert claim.possible is not False, (seed, numbers, claim.reasons)
        undecided += claim.possible is None
    assert undecided < 150 or average in ("macro", "weighted")


def test_no_true_mean_over_folds_is_called_impossible() -> None:
    for seed in range(150):
        rng = np.random.default_rng([8, seed])
        n, n_classes, folds = int(rng.integers(20, 60)), int(rng.integers(2, 5)), int(rng.integers(2, 6))
        labels, average = rng.integers(0, n_classes, n), str(rng.choice(["binary", "macro", "weighted"]))
        calls = np.where(rng.random(n) < 0.8, labels, rng.integers(0, n_classes, n))
        order = rng.permutation(n)
        cuts = np.sort(rng.choice(np.arange(1, n), folds - 1, replace=False))
        parts = np.array_split(order, folds) if rng.random() < 0.5 else np.split(order, cuts)
        names = shown_numbers(rng, labels, calls, average, n_classes, 3, skip=False)
        each = [
            shown_numbers(
                np.random.default_rng(0), labels[part], calls[part], average, n_classes, 12, skip=False
            )
            for part in parts
        ]
        numbers = {
            name: f"{np.mean([float(one[name]) for one in each]):.3f}"
            for name in names
            if all(name in one for one in each)
        }
        if numbers:
            claim = check(n_total=n, folds=folds, classes=n_classes, average=average, **numbers)
            assert claim.possible is not False, (seed, numbers, claim.reasons)


@pytest.mark.parametrize(
    "claim",
    [
        {"n_test": 13, "accuracy": "0.96", "f1": "0.95"},
        {"n_test": 13, "accuracy": "0.96", "f1": "0.95", "classes": 5, "average": "macro"},
        {"n_test": 64, "recall": "0.99", "classes": 5, "average": "weighted"},
        {"n_test": 64, "accuracy": "0.969", "recall": "0.953", "classes": 5, "average": "weighted"},
        {"n_test": 64, "accuracy": "0.969", "f1": "0.953", "classes": 3, "average": "micro"},
        {"n_test": 64, "accuracy": "0.969", "recall": "1", "classes": 5, "average": "macro"},
        {"n_test": 64, "accuracy": "1", "recall": "0.98", "classes": 5, "average": "macro"},
        {"n_test": 64, "accuracy": "0.969", "recall": "0.30", "classes": 3, "average": "macro"},
        {
            "n_test": 64,
            "precision": "0.80",
            "recall": "0.70",
            "f1": "0.79",
            "classes": 5,
            "average": "weighted",
        },
        {"n_test": 64, "precision": "0.80", "recall": "0.60", "f1": "0.80", "classes": 5, "average": "macro"},
        {"n_test": 44, "recall": "0.973", "class_sizes": (26, 10, 8), "average": "macro"},
        {
            "n_test": 44,
            "accuracy": "0.955",
            "recall": "0.992",
            "class_sizes": (26, 10, 8),
            "average": "macro",
        },
        {"n_test": 13, "recall": "0.80", "precision": "0.75", "n_positive": 5, **ONE},
    ],
)
def test_impossible_results_are_found(claim: dict[str, object]) -> None:
    found = check(**claim)  # type: ignore[arg-type]
    assert found.possible is False
    assert "impossible" in found.lines()[0]
    json.dumps(found.as_dict(), allow_nan=False)


def test_precision_without_classes_and_average_is_not_judged() -> None:
    claim = check(64, precision="0.957", recall="0.931", f1="0.912")
    assert claim.possible is None
    assert "--average" in " ".join(claim.lines())
    # Five classes, one of them examined: accuracy counts the other classes too.
    assert check(
        64, accuracy="0.906", precision="0.957", recall="0.846", classes=5, average="binary"
    ).possible


def test_verdicts_agree_with_mlscorecheck() -> None:
    cases = json.loads((Path(__file__).parent / "references" / "claims_mlscorecheck.json").read_text())
    assert len(cases) == 200
    decided = 0
    for case in cases:
        claim = check(**case["claim"])
        if not case["altered"]:
            assert claim.possible is not False, case
            assert not case["inconsistent"]
        if case["kind"] == "folds":
            # Only with the sizes of the folds, which `check` does not take, is a mean over folds impossible.
            assert claim.possible is not False, case
        elif case["inconsistent"]:
            assert claim.possible is False, case
            decided += 1
        elif case["kind"] != "macro":
            assert claim.possible, case
    assert decided == 77


def true_table(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Labels and calls of 2 to 5 classes."""
    n_classes = int(rng.integers(2, 6))
    n = int(rng.integers(6 * n_classes, 90))
    labels = rng.permutation(np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)])
    calls = np.where(rng.random(n) < rng.uniform(0.4, 1), labels, rng.integers(0, n_classes, n))
    return labels, calls, n_classes


def numbers_of(labels: np.ndarray, calls: np.ndarray, n_classes: int, average: str) -> dict[str, float]:
    """Accuracy, and averages of precision, recall and F1; 0 / 0 is 0, as in scikit-learn."""
    table = np.bincount(labels * n_classes + calls, minlength=n_classes**2).reshape(n_classes, n_classes)
    hits, size, called = table.diagonal(), table.sum(axis=1), table.sum(axis=0)
    shares = {
        "precision": hits / np.maximum(called, 1),
        "recall": hits / np.maximum(size, 1),
        "f1": 2 * hits / np.maximum(called + size, 1),
    }
    weights = {"binary": np.eye(n_classes)[0], "macro": np.ones(n_classes), "weighted": size}[average]
    means = {name: np.average(value, weights=weights) for name, value in shares.items()}
    return {"accuracy": hits.sum() / len(labels)} | means


@pytest.mark.parametrize("design", ["single split", "equal folds", "unequal folds"])
def test_none_of_300_true_tables_is_called_impossible(design: str) -> None:
    for seed in range(100):
        rng = np.random.default_rng([13, len(design), seed])
        labels, calls, n_classes = true_table(rng)
        average = ("binary", "macro", "weighted", None)[seed % 4]
        parts = [np.arange(len(labels))]
        if design == "equal folds":
            parts = np.array_split(parts[0], int(rng.integers(2, 6)))
        elif design == "unequal folds":
            parts = np.split(parts[0], np.sort(rng.choice(np.arange(1, len(labels)), 3, replace=False)))
        each = [numbers_of(labels[part], calls[part], n_classes, average or "macro") for part in parts]
        digits = int(rng.integers(2, 5))
        shown = {name: f"{np.mean([one[name] for one in each]):.{digits}f}" for name in each[0]}
        where = {} if average is None else {"classes": n_classes, "average": average}
        size = {"n_test": len(labels)} if len(parts) == 1 else {"n_total": len(labels), "folds": len(parts)}
        claim = check(**size, **where, **shown)
        assert claim.possible is not False, (seed, shown, claim.reasons)


def two_class_tables(n: int) -> np.ndarray:
    """(n_tables, 4) all tables of n samples with both classes: hits and size of the first, hits of the second."""
    rows = [
        (hits, size, others, n - size)
        for size in range(1, n)
        for hits in range(size + 1)
        for others in range(n - size + 1)
    ]
    return np.array(rows, dtype=float)


def all_numbers(tables: np.ndarray, average: str) -> dict[str, np.ndarray]:
    """Accuracy, precision, recall and F1 of every table; a class without predictions has precision 0."""
    hits, size, others, rest = tables.T
    with np.errstate(invalid="ignore"):
        precision = np.nan_to_num(
            np.stack([hits / (hits + rest - others), others / (others + size - hits)]), nan=0.0
        )
    recall = np.stack([hits / size, others / rest])
    f1 = 2 * np.stack([hits / (hits + rest - others + size), others / (others + size - hits + rest)])
    shares = {
        "binary": np.stack([np.ones_like(size), np.zeros_like(size)]),
        "macro": np.full_like(recall, 0.5),
        "weighted": np.stack([size, rest]) / (size + rest),
    }[average]
    means = {"precision": precision, "recall": recall, "f1": f1}
    return {"accuracy": (hits + others) / (size + rest)} | {
        name: (value * shares).sum(axis=0) for name, value in means.items()
    }


@pytest.mark.parametrize("average", ["binary", "macro", "weighted"])
def test_all_of_60_impossible_tables_are_found(average: str) -> None:
    n_found = 0
    for seed in range(40):
        rng = np.random.default_rng([14, seed, len(average)])
        n = int(rng.integers(15, 45))
        values = all_numbers(two_class_tables(n), average)
        one = int(rng.integers(len(values["f1"])))
        units = {name: round(1000 * value[one]) for name, value in values.items()}
        altered = str(rng.choice(list(units)))
        units[altered] = abs(units[altered] - int(rng.integers(3, 40)))
        fits = [np.abs(values[name] - unit / 1000) <= 0.0005 + 1e-9 for name, unit in units.items()]
        if np.logical_and.reduce(fits).any():
            continue
        shown = {name: f"{unit / 1000:.3f}" for name, unit in units.items()}
        claim = check(n, classes=2, average=average, **shown)
        assert claim.possible is False, (seed, shown, claim.lines())
        n_found += 1
        if n_found == 20:
            return
    pytest.fail(f"only {n_found} tables are impossible")


def test_averages_of_three_classes_are_enumerated_with_their_sizes() -> None:
    sizes, average = (6, 5, 4), "macro"
    labels = np.repeat([0, 1, 2], sizes)
    calls = np.array([0, 0, 0, 0, 1, 2, 1, 1, 1, 1, 0, 2, 2, 2, 0])
    shown = {name: f"{value:.3f}" for name, value in numbers_of(labels, calls, 3, average).items()}
    assert check(15, class_sizes=sizes, average=average, **shown).possible
    assert check(15, classes=3, average=average, **shown).possible
    # Each macro recall and each accuracy is possible, but few tables have both.
    other = shown | {"precision": "0.601", "f1": "0.670"}
    assert check(15, class_sizes=sizes, average=average, **other).possible is False
    # Too many tables: undecided.
    assert check(200, classes=3, average=average, accuracy="0.8", f1="0.7").possible is None
    assert check(999_999, classes=2, average=average, accuracy="0.8", f1="0.7").possible is None
