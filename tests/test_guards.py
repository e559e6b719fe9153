"""What a command reads it does not replace, and no class is called as a missing call is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import leukotype as lt
from leukotype.atomic import check_new
from leukotype.errors import BadLabels, OutputRefused


def test_what_is_read_is_not_replaced(tmp_path: Path) -> None:
    source = tmp_path / "new.csv"
    source.write_text("samples,a\n1,2\n")
    other = tmp_path / "other.csv"
    other.hardlink_to(source)
    for out in (source, other, tmp_path / "." / "new.csv"):
        with pytest.raises(OutputRefused, match="is an input file"):
            check_new(out, overwrite=True, read=(source, tmp_path / "none.csv"))
    check_new(tmp_path / "calls.csv", overwrite=True, read=(source,))


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputRefused, match="cannot write"):
        check_new(tmp_path / ("y" * 300), overwrite=False)


def test_no_class_is_called_abstained() -> None:
    cohort = lt.simulate({"A": 8, "B": 8}, 20, seed=1).cohort
    named = np.where(cohort.labels == "A", "abstained", "B")
    with pytest.raises(BadLabels, match="Rename the class"):
        lt.train(replace(cohort, labels=named), jobs=1)
