"""Cohorts as CSV files."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from leukotype.cohort import Cohort


def write_csv(cohort: Cohort, path: Path) -> None:
    """Write `samples,type,<probe ids>` and one line per sample, as CuMiDa does."""
    table = pd.DataFrame(cohort.expression, columns=cohort.probes)
    table.insert(0, "type", cohort.labels, allow_duplicates=True)
    table.insert(0, "samples", cohort.samples, allow_duplicates=True)
    table.to_csv(path, index=False, lineterminator="\n")
