"""Hostile tables: each is refused in one short line, or read as the cohort that it means."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import hostile_tables
from leukotype.errors import DataWarning, InputError
from leukotype.readers import read
from leukotype.readers.columns import stray_columns
from leukotype.readers.raw import is_not_expression

N_FAST, N_ALL = 108, 540


def judge(number: int, folder) -> str:
    """Return "" if a table is refused or read as it should be, else what went wrong."""
    name, table = hostile_tables.draw(number)
    path = table.write(folder, number)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            cohort = read(path, **table.options)
        except InputError as refusal:
            message = str(refusal).replace(str(folder), "")
            fits = len(message) <= 300 and "\n" not in message and message.isprintable()
            if name == "good":
                return f"{number} {name}: refused: {message}"
            return "" if fits else f"{number} {name}: {len(message)} characters: {message}"
    is_true = (
        cohort.samples.tolist() == table.samples
        and cohort.labels.tolist() == table.labels
        and cohort.probes.tolist() == table.probes
        and np.array_equal(cohort.expression, table.values)
    )
    warned = any(issubclass(warning.category, DataWarning) for warning in caught)
    if table.accepted == "never" or not is_true:
        return f"{number} {name}: misread as {cohort!r} {cohort.provenance.steps}"
    return "" if warned or table.accepted == "true" else f"{number} {name}: read without a warning"


@pytest.mark.parametrize("start", range(0, N_FAST, 27))
def test_hostile_tables_are_refused_or_read_as_they_mean(start, tmp_path):
    assert [wrong for number in range(start, start + 27) if (wrong := judge(number, tmp_path))] == []


@pytest.mark.slow
def test_all_hostile_tables_are_refused_or_read_as_they_mean(tmp_path):
    assert [wrong for number in range(N_FAST, N_ALL) if (wrong := judge(number, tmp_path))] == []


def test_no_gene_has_the_name_of_a_clinical_column(data_folder):
    chip = (data_folder / "annotation" / "HG_U133A.chip").read_text().splitlines()[1:]
    named = [line.split("\t")[1] for line in chip]
    ensembl = (data_folder / "annotation" / "GENCODEv44_Gene_id2name.csv").read_text().splitlines()
    named += [line.split(",")[-1].strip('"') for line in ensembl]
    assert len(named) > 60_000
    assert [gene for gene in named if is_not_expression(gene) and gene.strip()] == []


def clean(kind: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Values and classes of a cohort without a stray column."""
    n, p = int(rng.integers(6, 70)), int(rng.choice([40, 500, 5000]))
    codes = np.sort(rng.integers(0, 3, n))
    low = rng.negative_binomial(2, 1 / (1 + 0.5 * np.exp(rng.normal(0, 2, p))), (n, p))
    values = {
        "log2, two decimals": lambda: np.round(rng.normal(rng.uniform(3, 13, p), 0.7, (n, p)), 2),
        "log2, one decimal": lambda: np.round(rng.normal(rng.uniform(3, 13, p), 0.7, (n, p)), 1),
        "linear": lambda: np.round(2 ** rng.normal(rng.uniform(2, 12, p), 0.7, (n, p)), 1),
        "z-scores": lambda: np.round(rng.normal(0, 1, (n, p)), 3),
        "counts": lambda: low.astype(float),
        "log2 counts": lambda: np.round(np.log2(low + 1), 3),
        "markers": lambda: np.round(
            rng.normal(7, 0.3, (n, p)) + (rng.random(p) < 0.3) * codes[:, None] * 3, 2
        ),
    }[kind]()
    return values, codes


@pytest.mark.parametrize(
    "kind",
    ["log2, two decimals", "log2, one decimal", "linear", "z-scores", "counts", "log2 counts", "markers"],
)
def test_clean_columns_are_expression(kind):
    assert [seed for seed in range(40) if stray_columns(*clean(kind, np.random.default_rng(seed)))] == []
