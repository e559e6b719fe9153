"""Probes by name: columns of a new file for the probes of a classifier, and panels named in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np

from leukotype.arrays import FloatArray, IntArray
from leukotype.cohort import Cohort
from leukotype.errors import BadIdentifiers, UnreadableFile
from leukotype.readers import read_text


@dataclass(frozen=True, eq=False)
class Matching:
    """The columns of a file that hold the classifier's probes.

    by      : "id" or "symbol"
    columns : (n_probes,) column of each probe; -1 if it has none or several
    several : probe to its columns, if it has several; a sample's value is their median
    shared  : number of probes that use the column of another probe
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
        """Match probes to the columns of a file by id, or by symbol if that finds more.

        probes     : ids that the classifier was trained on
        symbols    : their gene symbols; "" for none
        names      : column names of the file; they may repeat
        annotation : gene symbol of each column name, if the file comes from another array
        samples    : sample ids of the file, which show whether a table without matches was transposed

        A classifier without symbols uses its ids as symbols.  Symbols match case-sensitively and as a whole: a probe of
        several genes ("A /// B") matches only that text.  If a gene has several columns, a sample's value is their
        median; if it has several probes in the classifier, each gets that value.

        Raises BadIdentifiers if nothing matches.
        """
        by_id = _places(names)
        known = annotation or {}
        by_symbol = _places([known.get(name, name) for name in names])
        ids = [by_id.get(probe) for probe in probes]
        # The ids of a classifier trained on genes are symbols.
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
        """(n_probes,) values of one sample, from a row of the file; NaN for missing probes."""
        found = np.full(len(self.columns), np.nan)
        direct = self.columns >= 0
        found[direct] = row[self.columns[direct]]
        for number, places in self.several.items():
            known = row[places][~np.isnan(row[places])]
            if len(known):
                found[number] = np.median(known)
        return found

    def describe(self) -> str:
        """Describe how probes were matched."""
        what = "gene symbol" if self.by == "symbol" else "probe id"
        text = f"{self.n_found:,} of {len(self.columns):,} probes matched by {what}"
        if self.several:
            text += f"; {len(self.several)} of them have several columns, whose median is used"
        if self.shared:
            text += f"; {self.shared} share the column of another probe of the same gene"
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
            f"none of the {len(names)} columns is a probe of the classifier, but the sample ids are ({turned[0]} ...): "
            "the table was read in the wrong orientation. Use --samples-in rows if each row is a sample, else "
            "--samples-in columns."
        )
    genes = [symbol for symbol in symbols if symbol]
    needed = f"probes such as {', '.join(probes[:3])}"
    if genes:
        needed += f", or genes such as {', '.join(genes[:3])}"
    advice = (
        "Give a table of the file's probes and gene symbols with --annotation."
        if genes
        else "If those are genes, give a table of the file's probes and gene symbols with --annotation. If the file "
        "comes from another array, train the classifier with --annotation to match by gene."
    )
    seen = ", ".join(names[:3])
    return f"none of the {len(names)} columns ({seen} ...) is a probe of the classifier, which needs {needed}. {advice}"


def read_panel(path: str | Path) -> list[str]:
    """Read probe ids or gene symbols, one per line, or the first column of a table.

    Raises UnreadableFile if there are none.
    """
    lines = (
        line.replace("\t", ",").split(",")[0].strip().strip('"') for line in read_text(path).splitlines()
    )
    names = list(dict.fromkeys(name for name in lines if name and not name.startswith("#")))
    if not names:
        raise UnreadableFile(f"{path} names no probe. Give one probe id or gene symbol per line.")
    return names


def restrict(cohort: Cohort, path: str | Path, symbols: Mapping[str, str]) -> Cohort:
    """Return the cohort restricted to the probes that a file names by id or gene symbol; all probes of a gene.

    symbols : gene symbol of each probe

    Raises BadIdentifiers if the cohort has none of them; the provenance states how many are missing.
    """
    wanted = read_panel(path)
    probes = cohort.probes.tolist()
    known = set(probes) | {symbols[probe] for probe in probes if probe in symbols}
    found = {name for name in wanted if name in known}
    if not found:
        hint = (
            "" if symbols else " If these are genes, give the gene symbols of the probes with --annotation."
        )
        raise BadIdentifiers(
            f"{cohort.name} has none of the {len(wanted)} probes in {path} ({wanted[0]} ...); its probes are "
            f"{', '.join(probes[:3])} ...{hint}"
        )
    kept = np.array([probe in found or symbols.get(probe) in found for probe in probes])
    lacking = [name for name in wanted if name not in found]
    step = f"{int(kept.sum())} of {len(probes)} probes kept, as named in {Path(path).name}"
    if lacking:
        step += f"; {len(lacking)} of its {len(wanted)} names are not in the cohort ({lacking[0]} ...)"
    return replace(
        cohort,
        expression=np.ascontiguousarray(cohort.expression[:, kept]),
        probes=cohort.probes[kept],
        provenance=cohort.provenance.then(f"{step}."),
    )
