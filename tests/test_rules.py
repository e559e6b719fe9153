"""Laws of every rule: it predicts like the fitted model, for one sample as for many."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from leukotype import bundle
from leukotype.errors import BadValues
from leukotype.rules import KINDS, assemble
from rule_cases import NAMES, fitted, rule


@pytest.mark.parametrize("n_classes", [2, 3, 5])
@pytest.mark.parametrize("name", NAMES)
def test_a_rule_predicts_like_the_model(name, n_classes):
    fold, candidate = fitted(name, n_classes)
    frozen = rule(name, n_classes)
    found = frozen.output(fold.x_test[:, frozen.reads])
    assert found.shape == (fold.n_test, n_classes)
    assert_allclose(found, candidate.predict_proba(fold), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=15, deadline=None)
@given(order=st.permutations(range(13)), start=st.integers(0, 11), size=st.integers(1, 13))
def test_a_row_does_not_depend_on_its_batch(name, order, start, size):
    fold, _ = fitted(name)
    frozen = rule(name)
    x = fold.x_test[:, frozen.reads]
    together = frozen.output(x)
    assert_array_equal(frozen.output(x[order]), together[order])
    assert_array_equal(frozen.output(x[start : start + size]), together[start : start + size])
    assert_array_equal(frozen.output(x[[start]])[0], together[start])


@pytest.mark.parametrize("name", NAMES)
def test_parts_make_the_same_rule(name):
    fold, _ = fitted(name)
    frozen = rule(name)
    again = assemble(*frozen.parts())
    x = fold.x_test[:, frozen.reads]
    assert_array_equal(again.output(x), frozen.output(x))
    for code in range(3):
        assert_array_equal(again.contributions(x, code).values, frozen.contributions(x, code).values)


def test_every_kind_belongs_to_a_model():
    assert {rule(name).kind for name in NAMES} >= {kind.kind for kind in KINDS}


@pytest.mark.parametrize("name", NAMES)
def test_no_samples_have_no_outputs(name):
    frozen = rule(name)
    assert frozen.output(np.empty((0, frozen.n_read))).shape == (0, 3)


def test_missing_values_are_refused():
    frozen = rule("logistic")
    with pytest.raises(BadValues, match="Impute missing values"):
        frozen.output(np.full((1, frozen.n_read), np.nan))
    with pytest.raises(ValueError, match="must have shape"):
        frozen.output(np.zeros((1, frozen.n_read + 1)))


_FRESH = """
import json, sys
from pathlib import Path
import numpy as np
from leukotype import bundle
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.leuko")):
    rule = bundle.rule_of(bundle.read(path))
    samples = np.load(path.with_suffix(".samples.npy"))
    np.save(path.with_suffix(".outputs.npy"), rule.output(samples[:, rule.reads]))
heavy = ("sklearn", "scipy", "pandas", "xgboost", "joblib", "leukotype.wide", "leukotype.models")
print(json.dumps([name for name in heavy if name in sys.modules]))
"""


def test_a_fresh_process_predicts_the_same(tmp_path):
    for name in NAMES:
        document, arrays = bundle.rule_members(rule(name))
        bundle.write(tmp_path / f"{name}.leuko", document, arrays, {})
        np.save(tmp_path / f"{name}.samples.npy", fitted(name)[0].x_test)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FRESH, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Prediction must not load what only fitting needs.
    assert json.loads(done.stdout) == []
    for name in NAMES:
        fold, candidate = fitted(name)
        found = np.load(tmp_path / f"{name}.outputs.npy")
        assert_allclose(found, candidate.predict_proba(fold), rtol=0, atol=1e-12, err_msg=name)
        assert_array_equal(found, rule(name).output(fold.x_test[:, rule(name).reads]), err_msg=name)
