"""Which column of a new file holds which probe of the classifier: by id or by symbol, whatever their order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.errors import BadIdentifiers


@dataclass(frozen=True, eq=False)
class Matching:
    """Where the classifier's probes stand among the columns of a file.

    by      : "id" or "symbol"
    columns : (n_probes,) column of each probe, -1 where it has none or several
    several : probe to its columns, where there are several: a sample's value is their median
    shared  : number of probes that take the same column as another
    """

    by: str
    columns: IntArray
    several: Mapping[int, IntArray]
    shared: int

    @classmethod
    def find(
        cls,
        probes: Sequence[str],
        symbols: Sequence[str],
        names: Sequence[str],
        annotation: Mapping[str, str] | None = None,
        samples: Sequence[str] = (),
    ) -> Self:
        """Match probes with the names of a file's columns by id, or by symbol where that finds more.

        probes     : ids that the classifier was trained on
        symbols    : their gene symbols; "" where one has none
        names      : of the file's columns; one may stand there more than once
        annotation : symbol of each of the file's names, where the file's probes are of another array
        samples    : the file's sample ids, which tell where nothing matches whether it was turned in reading

        Where the classifier has no symbols, its ids count as such.  A symbol is matched as it is written: case counts,
        and a probe of several genes ("A /// B") matches that text alone.  Where a gene has several columns, a sample's
        value is their median; where it has several probes in the classifier, each takes that value.

        Raises BadIdentifiers where nothing matches.
        """
        by_id = _places(names)
        known = annotation or {}
        by_symbol = _places([known.get(name, name) for name in names])
        ids = [by_id.get(probe) for probe in probes]
        # A classifier of genes has symbols for ids.
        genes = [
            by_symbol.get(symbol) if symbol else None for symbol in (symbols if any(symbols) else probes)
        ]
        found_ids, found_genes = sum(p is not None for p in ids), sum(p is not None for p in genes)
        if not found_ids and not found_genes:
            raise BadIdentifiers(_nothing(probes, symbols, names, samples))
        by, found = ("symbol", genes) if found_genes > found_ids else ("id", ids)
        columns = np.full(len(probes), -1, dtype=np.intp)
        several = {}
        for number, places in enumerate(found):
            if places is None:
                continue
            if len(places) == 1:
                columns[number] = places[0]
            else:
                several[number] = np.array(places, dtype=np.intp)
        taken = [tuple(places) for places in found if places is not None]
        return cls(by, columns, several, len(taken) - len(set(taken)))

    @property
    def n_found(self) -> int:
        return int((self.columns >= 0).sum()) + len(self.several)

    def values(self, row: FloatArray) -> FloatArray:
        """(n_probes,) a sample's value of each probe, from a row of the file; NaN where there is none."""
        found = np.full(len(self.columns), np.nan)
        direct = self.columns >= 0
        found[direct] = row[self.columns[direct]]
        for number, places in self.several.items():
            known = row[places][~np.isnan(row[places])]
            if len(known):
                found[number] = np.median(known)
        return found

    def said(self) -> str:
        """Say how probes were matched, for whoever reads the calls."""
        what = "gene symbol" if self.by == "symbol" else "probe id"
        text = f"{self.n_found:,} of {len(self.columns):,} probes matched by {what}"
        if self.several:
            text += f"; {len(self.several)} of them stand in several columns, whose median was taken"
        if self.shared:
            text += f"; {self.shared} take the value of another probe of the same gene"
        return text + "."


def _places(names: Sequence[str]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for number, name in enumerate(names):
        places.setdefault(name, []).append(number)
    return places


def _nothing(
    probes: Sequence[str], symbols: Sequence[str], names: Sequence[str], samples: Sequence[str]
) -> str:
    known = {*probes, *symbols} - {""}
    turned = [sample for sample in samples if sample in known]
    if turned:
        return (
            f"none of the {len(names)} columns is known, and the samples are called like the classifier's probes "
            f"({turned[0]} ...): the file was read as if probes stood in rows. Name the column of the sample ids with "
            "--samples, or turn the table."
        )
    genes = [symbol for symbol in symbols if symbol]
    needed = f"probes such as {', '.join(probes[:3])}"
    if genes:
        needed += f", or genes such as {', '.join(genes[:3])}"
    advice = (
        "Give a table of that file's probes and gene symbols with --annotation."
        if genes
        else "If those are genes, give a table of that file's probes and gene symbols with --annotation; if they are "
        "probes of another array, train the classifier with --annotation to match by gene."
    )
    seen = ", ".join(names[:3])
    return f"none of the {len(names)} columns ({seen} ...) is known: the classifier needs {needed}. {advice}"
