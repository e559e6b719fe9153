"""A classifier's file gives back what was put into it, and nothing else is read."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.testing import assert_array_equal

from leukotype import bundle
from leukotype.bundle import npy

DOCUMENT = {"classes": ["AML", "B"], "half": 0.5, "none": None, "nested": {"é": [1, 2, {"deep": True}]}}
ARRAYS = {"rule.weights": np.arange(12.0).reshape(3, 4), "codes": np.array([1, 2, 3], dtype="<i4")}
TEXTS = {"card.md": "# A card\n\nµ"}


def test_what_was_written_is_read(tmp_path):
    bundle.write(tmp_path / "a.leuko", DOCUMENT, ARRAYS, TEXTS)
    again = bundle.read(tmp_path / "a.leuko")
    assert again.document == DOCUMENT
    assert again.texts == TEXTS
    assert list(again.arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert_array_equal(again.arrays[name], array, strict=True)
    assert [file.name for file in tmp_path.iterdir()] == ["a.leuko"]


@pytest.mark.parametrize("kind", npy.TYPES)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_arrays_are_numpys_own(kind, data):
    array = data.draw(arrays(kind, array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4)))
    content = npy.dumps(npy.plain(array))
    assert_array_equal(npy.loads(content, "x"), array, strict=True)
    assert_array_equal(np.load(io.BytesIO(content), allow_pickle=False), array, strict=True)
    theirs = io.BytesIO()
    np.lib.format.write_array(theirs, np.ascontiguousarray(array), version=(1, 0))
    assert_array_equal(npy.loads(theirs.getvalue(), "x"), np.ascontiguousarray(array), strict=True)
