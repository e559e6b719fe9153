"""The scale of the values: detected from their distribution, reported, and overridden by the user."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leukotype.errors import UnknownName
from leukotype.readers import detect_scale, read
from leukotype.readers.scale import FLOOR, apply, to_log2


def applied(values, wanted):
    return apply(values, wanted, [str(row) for row in range(len(values))], "file.csv")


RNG = np.random.default_rng(2)
RMA = RNG.normal(7, 2.2, (30, 200)).clip(2.5, 14.9)
MAS5 = 2 ** RNG.normal(7, 2.2, (30, 200))
SCORES = RNG.normal(0, 1, (30, 200))
GOLUB = RNG.normal(600, 2500, (30, 200))

SHAPES = {
    "RMA": (RMA, "log2", True),
    "RMA with holes": (np.where(RNG.random(RMA.shape) < 0.1, np.nan, RMA), "log2", True),
    "log2 counts from zero": (RNG.uniform(0, 20, (30, 200)), "log2", True),
    "MAS5": (MAS5, "linear", True),
    "MAS5 with holes": (np.where(RNG.random(MAS5.shape) < 0.1, np.nan, MAS5), "linear", True),
    "intensity differences with negatives": (GOLUB, "linear", True),
    "counts": (RNG.negative_binomial(1, 0.002, (30, 200)).astype(float), "linear", True),
    "small range above one": (RNG.uniform(1, 60, (30, 200)), "linear", True),
    "z-scores": (SCORES, "log2", False),
    "log ratios": (RNG.normal(0, 1.5, (30, 200)), "log2", False),
    "scores with a wide range": (RNG.uniform(-40, 40, (30, 200)), "log2", False),
    "proportions": (RNG.uniform(0, 1, (30, 200)), "log2", False),
    "one outlier among scores": (
        np.where(np.arange(6000).reshape(30, 200) == 7, 2000.0, SCORES),
        "log2",
        False,
    ),
    "outliers among logarithms": (
        np.where(np.arange(6000).reshape(30, 200) % 700 == 7, 65535.0, RMA),
        "log2",
        False,
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_scale_is_detected(shape):
    values, scale, certain = SHAPES[shape]
    found = detect_scale(values)
    assert (found.scale, found.certain) == (scale, certain)
    assert f"{np.nanmax(values):.4g}" in found.reason


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(3, 12), st.floats(0.5, 3))
def test_log2_values_are_not_transformed_again(seed, mean, spread):
    values = 2 ** np.random.default_rng(seed).normal(mean, spread, (10, 50)).clip(0, 16)
    logged, _ = to_log2(values)
    assert detect_scale(logged).scale == "log2"


def test_values_below_one_are_raised_to_one_and_counted():
    values = np.array([[-20.0, 0.0, 0.5, 1.0], [2.0, 1024.0, 4096.0, np.nan]])
    logged, floored = to_log2(values)
    assert FLOOR == 1
    assert floored == 3
    np.testing.assert_array_equal(logged, [[0, 0, 0, 0], [1, 10, 12, np.nan]])


def test_auto_transforms_linear_values_and_reports_it():
    values, unit, steps = applied(GOLUB, "auto")
    np.testing.assert_array_equal(values, np.log2(np.maximum(GOLUB, 1)))
    assert unit == "log2 intensity"
    assert len(steps) == 1
    assert steps[0].startswith("Linear scale detected (values from ")
    assert f"values below 1: {(GOLUB < 1).sum():,}." in steps[0]


def test_auto_leaves_log2_values_unchanged():
    values, unit, steps = applied(RMA, "auto")
    assert values is RMA
    assert unit == "log2 intensity"
    assert steps == ()


def test_auto_leaves_scores_unchanged_and_reports_it():
    values, unit, steps = applied(SCORES, "auto")
    assert values is SCORES
    assert unit == "as given"
    assert "left unchanged" in steps[0]
    assert "--scale linear" not in steps[0]  # half of the values are negative


def test_the_option_overrides_the_detected_scale():
    values, unit, steps = applied(MAS5, "log2")
    assert values is MAS5
    assert unit == "log2, as specified"
    assert "although the values look linear" in steps[0]
    values, unit, steps = applied(RMA, "linear")
    np.testing.assert_array_equal(values, np.log2(RMA))
    assert unit == "log2 intensity"
    assert "as specified" in steps[0]
    assert "do not look linear" in steps[0]
    assert applied(RMA, "log2")[2] == ()
    assert "do not look" not in applied(MAS5, "linear")[2][0]


def test_input_values_are_not_changed():
    values = MAS5.copy()
    applied(values, "auto")
    np.testing.assert_array_equal(values, MAS5)


def test_read_applies_the_scale(tmp_path):
    path = tmp_path / "linear.csv"
    lines = ["type," + ",".join(f"p{i}" for i in range(200))]
    lines += [f"{'ab'[row % 2]}," + ",".join(map(repr, MAS5[row].tolist())) for row in range(30)]
    path.write_text("\n".join(lines) + "\n")
    found = read(path)
    np.testing.assert_array_equal(found.expression, np.log2(np.maximum(MAS5, 1)))
    assert found.provenance.scale == "log2 intensity"
    assert any("Linear scale detected" in step for step in found.provenance.steps)
    forced = read(path, scale="log2")
    np.testing.assert_array_equal(forced.expression, MAS5)
    assert forced.provenance.scale == "log2, as specified"
    # The cache holds the values of the file, so one entry serves every scale.
    for scale, expected in (("linear", found), ("log2", forced), ("auto", found)):
        np.testing.assert_array_equal(
            read(path, scale=scale, cache=tmp_path / "c").expression, expected.expression
        )
    with pytest.raises(UnknownName, match="log10"):
        read(path, scale="log10")


@pytest.mark.parametrize(
    ("file", "scale"),
    [
        ("wide/chowdary_breast_colon.csv.gz", "linear"),
        ("wide/nakayama_sarcoma.csv.gz", "linear"),
        ("golub/golub_3class_cumida_layout.csv.gz", "linear"),
        ("cumida/Leukemia_GSE9476_slice.csv.gz", "log2"),
        ("cumida/Leukemia_GSE9476_genes2000.csv.gz", "log2"),
    ],
)
def test_real_cohorts(file, scale, data_folder):
    steps = read(data_folder / file).provenance.steps
    assert any("Linear scale detected" in step for step in steps) == (scale == "linear")
