"""Writing a cohort as a file in the CuMiDa layout."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from leukotype.cohort import Cohort


def write_csv(cohort: Cohort, path: str | Path) -> None:
    """Write `samples,type,<probe ids>` and one line per sample; values as short as they can be read back."""
    target = Path(path)
    # In a folder of its own the file gets the permissions that the user's other files have.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".writing-") as folder:
        temporary = Path(folder) / target.name
        with temporary.open("w", encoding="utf-8", newline="\n") as stream:
            stream.write(",".join(["samples", "type", *map(_quoted, cohort.probes.tolist())]) + "\n")
            rows = zip(
                cohort.samples.tolist(), cohort.labels.tolist(), cohort.expression.tolist(), strict=True
            )
            for sample, label, values in rows:
                stream.write(f"{_quoted(sample)},{_quoted(label)},{','.join(map(repr, values))}\n")
        os.replace(temporary, target)


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if any(c in cell for c in ',"\r\n') else cell
