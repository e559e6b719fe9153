"""A classifier whose ids are gene symbols reads a file of probes by their annotation."""

from __future__ import annotations

import numpy as np
import pytest

from leukotype.classifier.matching import Matching
from leukotype.errors import BadIdentifiers

GENES = ("TP53", "MYC", "LCK")


def test_ids_that_are_genes_match_annotated_probes() -> None:
    annotation = {"1_at": "MYC", "2_at": "TP53", "3_at": "MYC"}
    found = Matching.find(GENES, ("", "", ""), ("1_at", "2_at", "3_at", "4_at"), annotation)
    assert found.by == "symbol"
    assert found.n_found == 2
    np.testing.assert_array_equal(found.values(np.array([1.0, 5.0, 3.0, 9.0])), [5.0, 2.0, np.nan])


def test_ids_come_before_symbols_where_they_find_as_many() -> None:
    found = Matching.find(GENES, ("", "", ""), GENES, {"TP53": "MYC"})
    assert found.by == "id"


def test_without_annotation_the_error_says_what_to_give() -> None:
    with pytest.raises(BadIdentifiers, match="--annotation"):
        Matching.find(GENES, ("", "", ""), ("1_at", "2_at"))
