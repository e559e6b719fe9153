"""Folds: nesting, donors, scikit-learn's splits, files of folds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from leukotype.cohort import Cohort
from leukotype.errors import BadLabels, InfeasibleDesign
from leukotype.resampling import Design, draw, read_folds


def cohort_of(sizes: list[int], donors: np.ndarray | None = None) -> Cohort:
    labels = np.repeat([f"class {i}" for i in range(len(sizes))], sizes)
    n = len(labels)
    return Cohort(np.zeros((n, 1)), labels, np.arange(n).astype(str), np.array(["p"]), donors=donors)


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(2, 14), min_size=2, max_size=4),
    outer=st.integers(2, 6),
    inner=st.integers(2, 4),
    seed=st.integers(0, 5),
)
def test_design_is_refused_or_folds_are_correctly_nested(sizes, outer, inner, seed):
    cohort = cohort_of(sizes)
    feasible = all(size >= outer and size - -(-size // outer) >= inner for size in sizes)
    if not feasible:
        with pytest.raises(InfeasibleDesign, match=r"--outer|--drop-class"):
            draw(cohort, Design(outer, inner, 1, seed))
        return
    folds = draw(cohort, Design(outer, inner, 2, seed))
    everyone = np.arange(cohort.n_samples)
    for repeat in range(2):
        tests = [split.test for split in folds.splits if split.repeat == repeat]
        np.testing.assert_array_equal(np.sort(np.concatenate(tests)), everyone)
    for split in folds.splits:
        assert not set(split.train) & set(split.test)
        assert len(split.train) + len(split.test) == cohort.n_samples
        np.testing.assert_array_equal(np.sort(np.concatenate([test for _, test in split.inner])), split.train)
        for train, test in split.inner:
            assert not set(train) & set(test)
            assert not (set(train) | set(test)) & set(split.test)
            assert set(cohort.codes[train]) == set(range(len(sizes)))


def test_splits_equal_those_of_scikit_learn(tiny_cohort):
    folds = draw(tiny_cohort, Design(5, 3, 1, seed=7))
    theirs = StratifiedKFold(5, shuffle=True, random_state=7).split(tiny_cohort.codes, tiny_cohort.codes)
    for split, (train, test) in zip(folds.splits, theirs, strict=True):
        np.testing.assert_array_equal(split.train, train)
        np.testing.assert_array_equal(split.test, test)
        inner = StratifiedKFold(3, shuffle=True, random_state=8).split(train, tiny_cohort.codes[train])
        for (ours, _), (positions, _) in zip(split.inner, inner, strict=True):
            np.testing.assert_array_equal(ours, train[positions])


def test_fingerprint_depends_on_the_seed(tiny_cohort):
    prints = [draw(tiny_cohort, Design(seed=seed)).fingerprint for seed in (0, 0, 1)]
    assert prints[0] == prints[1] != prints[2]


def test_repeats_differ(tiny_cohort):
    folds = draw(tiny_cohort, Design(repeats=2))
    first, second = ([s.test.tolist() for s in folds.splits if s.repeat == r] for r in (0, 1))
    assert first != second


@settings(deadline=None, max_examples=25)
@given(per_donor=st.integers(1, 4), seed=st.integers(0, 50))
def test_all_samples_of_a_donor_are_in_one_fold(per_donor, seed):
    donors = np.repeat([f"d{i}" for i in range(24)], per_donor)
    labels = np.repeat(["a", "b"], 12 * per_donor)
    n = len(donors)
    cohort = Cohort(np.zeros((n, 1)), labels, np.arange(n).astype(str), np.array(["p"]), donors=donors)
    for split in draw(cohort, Design(4, 3, 1, seed)).splits:
        for train, test in ((split.train, split.test), *split.inner):
            assert not set(donors[train]) & set(donors[test])


def test_class_size_counts_donors_not_samples():
    donors = np.array(["a"] * 10 + [f"b{i}" for i in range(10)])
    with pytest.raises(InfeasibleDesign, match="class 'class 0' has 1 donor;"):
        draw(cohort_of([10, 10], donors), Design(2, 2))


def test_error_suggests_a_feasible_design():
    cohort = cohort_of([20, 4])
    with pytest.raises(InfeasibleDesign, match="Use --outer 4 --inner 3") as caught:
        draw(cohort, Design(5, 3))
    assert "'class 1' has 4 samples" in str(caught.value)
    draw(cohort, Design(4, 3))


def test_one_class_is_refused():
    with pytest.raises(BadLabels, match="only one class"):
        draw(cohort_of([10]), Design())


@pytest.mark.parametrize("field", ["outer", "inner", "repeats"])
def test_impossible_designs_are_refused(field):
    with pytest.raises(InfeasibleDesign, match=field):
        Design(**{field: 0})


def write_folds(path, cohort, splits):
    rows = [(cohort.samples[i], s.repeat, s.fold) for s in splits for i in s.test]
    pd.DataFrame(rows, columns=["sample", "repeat", "fold"]).to_csv(path, index=False)


def test_written_folds_are_read_back(tiny_cohort, tmp_path):
    drawn = draw(tiny_cohort, Design(4, 2, 2))
    write_folds(tmp_path / "folds.csv", tiny_cohort, drawn.splits)
    read = read_folds(tmp_path / "folds.csv", tiny_cohort, Design(5, 2, 1))
    assert read.design == Design(4, 2, 2)
    assert read.fingerprint == drawn.fingerprint


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda t: t.rename(columns={"fold": "part"}), "sample, repeat and fold are needed"),
        (lambda t: t.iloc[1:], "29 of 30 samples"),
        (lambda t: pd.concat([t, t.iloc[:1]]), "31 lines"),
        (lambda t: t.assign(fold=0), "only one fold"),
        (lambda t: t.assign(fold="x"), "whole numbers"),
        (lambda t: t.assign(sample=t["sample"] + "x"), "30 samples that tiny lacks"),
    ],
    ids=["columns", "missing", "twice", "one fold", "text", "unknown samples"],
)
def test_bad_fold_files_are_refused(tiny_cohort, tmp_path, edit, words):
    path = tmp_path / "folds.csv"
    write_folds(path, tiny_cohort, draw(tiny_cohort, Design(3, 2)).splits)
    edit(pd.read_csv(path)).to_csv(path, index=False)
    with pytest.raises(InfeasibleDesign, match=words):
        read_folds(path, tiny_cohort, Design(3, 2))


def test_fold_file_that_splits_a_donor_is_refused(tiny_cohort, tmp_path):
    path = tmp_path / "folds.csv"
    write_folds(path, tiny_cohort, draw(tiny_cohort, Design(3, 2)).splits)
    paired = dataclasses.replace(tiny_cohort, donors=np.repeat([f"d{i}" for i in range(15)], 2))
    with pytest.raises(InfeasibleDesign, match="in both training and test part"):
        read_folds(path, paired, Design(3, 2))


def test_missing_fold_file_is_refused(tiny_cohort, tmp_path):
    with pytest.raises(InfeasibleDesign, match="cannot read folds"):
        read_folds(tmp_path / "none.csv", tiny_cohort, Design())
