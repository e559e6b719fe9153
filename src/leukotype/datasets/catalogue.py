"""The catalogue: datasets by name, each with a fingerprint of its content."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np

from leukotype.cohort import Cohort
from leukotype.errors import UnknownName

# Half a unit of the sixth decimal, with room for rounding.
_CELL_TOLERANCE = 6e-7
# Suggestions for an unknown name.
N_NEAR = 3
CUMIDA = "cumida"
# The mean accuracy that CuMiDa publishes for each of its sets.
MEAN_OF_NINE = "mean of nine"
_CUMIDA_ADDRESS = "https://sbcb.inf.ufrgs.br/data/cumida/Genes"


@dataclass(frozen=True)
class Line:
    """One property of a dataset: what was compared, the value found, the value expected."""

    what: str
    found: str
    expected: str

    @property
    def ok(self) -> bool:
        return self.found == self.expected

    def facts(self) -> dict[str, Any]:
        """Return the line as a dictionary."""
        return {"what": self.what, "found": self.found, "expected": self.expected, "ok": self.ok}


@dataclass(frozen=True)
class Fingerprint:
    """Known content of a genuine file, because nobody publishes hashes; None or empty if unknown.

    sizes : of the classes, largest first, if their names in the file are unknown
    cells : (sample, probe, value), the value with six decimals
    """

    n_samples: int | None = None
    n_probes: int | None = None
    first_probe: str | None = None
    last_probe: str | None = None
    classes: Mapping[str, int] | None = None
    cells: tuple[tuple[str, str, float], ...] = ()
    n_classes: int | None = None
    sizes: tuple[int, ...] = ()

    def lines(self, cohort: Cohort) -> list[Line]:
        """Compare a cohort with the known content, line by line."""
        found = []
        if self.n_samples is not None and self.n_probes is not None:
            shape = f"{cohort.n_samples} × {cohort.n_probes}"
            found.append(Line("samples × probes", shape, f"{self.n_samples} × {self.n_probes}"))
        if self.first_probe is not None:
            found.append(Line("first probe", str(cohort.probes[0]), self.first_probe))
        if self.last_probe is not None:
            found.append(Line("last probe", str(cohort.probes[-1]), self.last_probe))
        if self.classes is not None:
            found.append(Line("classes", _counts(cohort.class_counts), _counts(self.classes)))
        elif self.n_classes is not None:
            found.append(Line("number of classes", str(len(cohort.classes)), str(self.n_classes)))
        if self.sizes:
            own = sorted(cohort.class_counts.values(), reverse=True)
            found.append(Line("class sizes", str(own)[1:-1], str(list(self.sizes))[1:-1]))
        return found + [self._cell(cohort, *cell) for cell in self.cells]

    @staticmethod
    def _cell(cohort: Cohort, sample: str, probe: str, value: float) -> Line:
        what, expected = f"sample {sample}, probe {probe}", f"{value:.6f}"
        rows, columns = np.flatnonzero(cohort.samples == sample), np.flatnonzero(cohort.probes == probe)
        if not len(rows) or not len(columns):
            return Line(what, "absent", expected)
        cell = float(cohort.expression[rows[0], columns[0]])
        return Line(what, expected if abs(cell - value) <= _CELL_TOLERANCE else f"{cell:.6f}", expected)


@dataclass(frozen=True)
class Dataset:
    """One entry of the catalogue.

    url        : address of the file; empty if unknown
    mirror     : page with a manual download; empty if there is none
    published  : accuracies published by others, by method
    note       : disagreements between the sources of these facts
    collection : name of its collection, e.g. "cumida"
    """

    name: str
    title: str
    type: str
    accession: str
    platform: str
    url: str
    mirror: str
    citation: str
    licence: str
    fingerprint: Fingerprint
    published: Mapping[str, float] = field(default_factory=dict)
    note: str = ""
    collection: str = ""

    def facts(self) -> dict[str, Any]:
        """Return the entry as a dictionary."""
        return {
            "name": self.name,
            "title": self.title,
            "type": self.type,
            "accession": self.accession,
            "platform": self.platform,
            "samples": self.fingerprint.n_samples,
            "probes": self.fingerprint.n_probes,
            "n_classes": self.n_classes,
            "classes": None if self.fingerprint.classes is None else dict(self.fingerprint.classes),
            "class_sizes": list(self.sizes) or None,
            "url": self.url,
            "mirror": self.mirror,
            "citation": self.citation,
            "licence": self.licence,
            "published_accuracy": dict(self.published),
            "note": self.note,
        }

    @property
    def n_classes(self) -> int | None:
        known = self.fingerprint.classes
        return self.fingerprint.n_classes if known is None else len(known)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Class sizes, largest first; empty if unknown."""
        known = self.fingerprint.classes
        return self.fingerprint.sizes if known is None else tuple(sorted(known.values(), reverse=True))

    def row(self) -> tuple[str, ...]:
        """Return name, type, accession, platform, samples, probes, number of classes; a dash if unknown."""
        numbers = (self.fingerprint.n_samples, self.fingerprint.n_probes, self.n_classes)
        cells = (self.type, self.accession, self.platform, *("" if n is None else str(n) for n in numbers))
        return (self.name, *(cell or "–" for cell in cells))


def catalogue() -> dict[str, Dataset]:
    """Return all datasets by name; those with a complete fingerprint come first."""
    complete, listed = _toml("catalogue.toml"), _cumida()
    # Facts in catalogue.toml override those of the table of CuMiDa.
    blocks = {name: {**listed.get(name, {}), **block} for name, block in complete.items()}
    return {name: _entry(name, block) for name, block in {**blocks, **listed, **blocks}.items()}


def of_type(wanted: str) -> list[Dataset]:
    """Return the datasets whose type or start of the name is `wanted`, ignoring case; raises UnknownName."""
    known = catalogue().values()
    names = {
        entry.name: (entry.type.casefold(), entry.name.partition("_GSE")[0].casefold()) for entry in known
    }
    found = [entry for entry in known if wanted.casefold() in names[entry.name]]
    if not found:
        types = ", ".join(sorted({entry.type for entry in known if entry.type}))
        raise UnknownName(f"no dataset of type {wanted!r}. Known types: {types}.")
    return found


def of_collection(wanted: str) -> list[Dataset]:
    """Return the datasets of a collection such as cumida; an empty list for an unknown name."""
    return [entry for entry in catalogue().values() if entry.collection == wanted.casefold()]


def by_name(name: str) -> Dataset:
    """Return the dataset called `name`; raises UnknownName with similar names."""
    known = catalogue()
    if name in known:
        return known[name]
    raise UnknownName(
        f"no dataset {name!r}. Similar names: {', '.join(near(name))}; for all, run leukotype datasets list."
    )


def near(name: str) -> list[str]:
    """Return the catalogue names most similar to `name`, or its first names if none is similar."""
    known = {entry.lower(): entry for entry in catalogue()}
    close = difflib.get_close_matches(name.lower(), known, n=N_NEAR, cutoff=0.5)
    return [known[entry] for entry in close] or list(known.values())[:N_NEAR]


def _toml(file: str) -> dict[str, Any]:
    return tomllib.loads(resources.files("leukotype.datasets").joinpath(file).read_text(encoding="utf-8"))


def _cumida() -> dict[str, dict[str, Any]]:
    """Return the sets of CuMiDa as blocks like those of catalogue.toml, in the order of cumida.toml."""
    table = _toml("cumida.toml")
    blocks = {}
    for name, row in table["sets"].items():
        prefix, _, accession = name.rpartition("_GSE")
        accession = f"GSE{accession}" if prefix else name
        kind = table["types"].get(prefix, prefix)
        platform, n_samples, n_probes, n_classes, mean = row or ("", None, None, None, None)
        blocks[name] = {
            "title": f"{kind}, {accession}" if kind else accession,
            "type": kind,
            "accession": accession,
            "platform": platform,
            "url": f"{_CUMIDA_ADDRESS}/{prefix}/{accession}/{name}.csv" if prefix else "",
            "citation": f"{table['citation']}; GEO series {accession.split('_')[0]}",
            "licence": table["licence"],
            "published": table["published"].get(name, {}) | ({} if mean is None else {MEAN_OF_NINE: mean}),
            "note": table["notes"].get(name, ""),
            "collection": CUMIDA,
            "fingerprint": {
                "n_samples": n_samples,
                "n_probes": n_probes,
                "n_classes": n_classes,
                "sizes": tuple(table["sizes"].get(name, ())),
            },
        }
    return blocks


def _entry(name: str, block: Mapping[str, Any]) -> Dataset:
    facts = {"mirror": "", **block}
    known = dict(facts.pop("fingerprint"))
    cells = tuple((sample, probe, float(value)) for sample, probe, value in known.pop("cells", []))
    return Dataset(name=name, fingerprint=Fingerprint(**known, cells=cells), **facts)


def _counts(classes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {classes[name]}" for name in sorted(classes))
