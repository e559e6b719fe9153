"""A file of new samples: read like a cohort, but each sample's scale is found from that sample alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leukotype.arrays import FloatArray
from leukotype.batch import Batch
from leukotype.cohort import Provenance
from leukotype.errors import BadLabels, BadValues, UnknownName
from leukotype.readers import scale as scales
from leukotype.readers.assemble import class_column, hint, read_labels, sample_ids
from leukotype.readers.raw import Options, RawTable
from leukotype.readers.scale import SCALES, detect_scale, to_log2


def of_table(
    raw: RawTable,
    *,
    path: str,
    sha256: str,
    options: Options,
    labels: dict[str, str] | None,
    wants_labels: bool,
    scale: str,
) -> Batch:
    """Return the samples that a raw table holds; raises InputError with what is wrong with it.

    wants_labels : whether each sample needs a label; without, none is looked for
    """
    if scale not in SCALES:
        raise UnknownName(f"no scale {scale!r}. There are {', '.join(SCALES)}.")
    if not raw.probes or not len(raw.values):
        raise BadValues(
            f"{path} holds no expression: none of its {len(raw.text)} columns holds numbers. {hint(raw.text)}"
        )
    steps = list(raw.steps)
    column, ids = sample_ids(raw, options.samples, path)
    if column is None and raw.ids is None:
        steps.append("No column of sample ids: the rows were numbered from 1.")
    classes = None
    if wants_labels:
        _, names = class_column(raw, options.label, labels, ids, path, ())
        classes = np.array(names, dtype=np.str_)
        if len(classes) == 0:
            raise BadLabels(f"{path} holds no labelled sample.")
    _refuse_infinite(raw, ids, path)
    values, said = _on_log2(raw.values, scale)
    return Batch(
        expression=values,
        samples=np.array(ids, dtype=np.str_),
        probes=np.array(raw.probes, dtype=np.str_),
        provenance=Provenance(path, sha256, steps=tuple(steps)),
        labels=classes,
        scales=tuple(said),
    )


def _refuse_infinite(raw: RawTable, ids: list[str], path: str) -> None:
    bad = np.isinf(raw.values)
    if bad.any():
        row, column = np.argwhere(bad)[0]
        raise BadValues(
            f"{path}: {int(bad.sum())} values are infinite, the first in sample {ids[row]!r}, probe "
            f"{raw.probes[column]!r}. Replace them in the file."
        )


def _on_log2(values: FloatArray, wanted: str) -> tuple[FloatArray, list[str]]:
    """Bring each sample to log2 by itself, so that its call does not depend on what came with it."""
    logged, said = values.copy(), []
    for row in logged:
        known = row[~np.isnan(row)]
        if not len(known):
            # One array that failed must not cost the others their calls; it is abstained on.
            said.append("no value at all")
            continue
        found = detect_scale(known)
        linear = (found.scale if wanted == "auto" else wanted) == "linear"
        if linear:
            row[:], floored = to_log2(row)
            how = "linear" if wanted == "auto" else "linear, as told"
            said.append(f"{how}: log2(max(x, {scales.FLOOR:g})) taken, {floored} below the floor")
        else:
            said.append("as given" if wanted == "auto" else "as given, as told")
    return logged, said


def labels_of(path: str | Path | None) -> dict[str, str] | None:
    """Read a labels file where one was named."""
    return None if path is None else read_labels(path)
