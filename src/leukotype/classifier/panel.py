"""A panel of probes that a file names: the cohort restricted to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from leukotype.cohort import Cohort
from leukotype.errors import BadIdentifiers, UnreadableFile
from leukotype.readers import read_text


def read_panel(path: str | Path) -> list[str]:
    """Read probe ids or gene symbols, one a line; of a table the first column.

    Raises UnreadableFile where there is none.
    """
    lines = (line.replace("\t", ",").split(",")[0].strip().strip('"') for line in read_text(path).splitlines())
    names = list(dict.fromkeys(name for name in lines if name and not name.startswith("#")))
    if not names:
        raise UnreadableFile(f"{path} names no probe. Give one id or gene symbol a line.")
    return names


def restrict(cohort: Cohort, path: str | Path, symbols: Mapping[str, str]) -> Cohort:
    """Return the cohort of the probes that a file names by id or by gene symbol; all probes of a gene.

    symbols : gene symbol of the cohort's probes

    Raises BadIdentifiers where the cohort has none of them; the provenance says how many it lacks.
    """
    wanted = read_panel(path)
    probes = cohort.probes.tolist()
    known = set(probes) | {symbols[probe] for probe in probes if probe in symbols}
    found = {name for name in wanted if name in known}
    if not found:
        hint = "" if symbols else " Give gene symbols to the probes with --annotation, if it names genes."
        raise BadIdentifiers(
            f"{path} names {len(wanted)} probes, the first {wanted[0]!r}, and {cohort.name} has none of them; its "
            "probes "
            f"are called {', '.join(probes[:3])} ...{hint}"
        )
    kept = np.array([probe in found or symbols.get(probe) in found for probe in probes])
    lacking = [name for name in wanted if name not in found]
    step = f"{int(kept.sum())} of {len(probes)} probes kept, those that {Path(path).name} names"
    if lacking:
        step += f"; {len(lacking)} of its {len(wanted)} names are not in the cohort, the first {lacking[0]}"
    return replace(
        cohort,
        expression=np.ascontiguousarray(cohort.expression[:, kept]),
        probes=cohort.probes[kept],
        provenance=cohort.provenance.then(f"{step}."),
    )
