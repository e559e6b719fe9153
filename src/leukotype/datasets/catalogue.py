"""The catalogue: datasets by name, each with a fingerprint of its content."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

import numpy as np

from leukotype.cohort import Cohort
from leukotype.datasets import cumida
from leukotype.errors import FingerprintMismatch, UnknownName

# Half a unit of the sixth decimal, and some for a value written and read again.
_CELL_TOLERANCE = 6e-7
# Names shown to whoever gave an unknown one.
N_NEAR = 3


@dataclass(frozen=True)
class Line:
    """One line of a fingerprint: what was looked at, what was found, what was expected."""

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
    """What a genuine file holds, in place of a hash that nobody has published; None and empty where unknown.

    sizes : of the classes, the largest first, where their names in the file are not known
    cells : (sample, probe, value) with the value to six decimals
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
        """Compare a cohort with what is known, line by line."""
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
            found.append(Line("sizes of the classes", _joined(own), _joined(self.sizes)))
        return found + [self._cell(cohort, *cell) for cell in self.cells]

    def check(self, cohort: Cohort, where: str, remedy: str) -> None:
        """Raise FingerprintMismatch, naming the first difference, where `cohort` is not the dataset."""
        wrong = [line for line in self.lines(cohort) if not line.ok]
        if wrong:
            others = f" (and {len(wrong) - 1} more differences)" if len(wrong) > 1 else ""
            raise FingerprintMismatch(
                f"{where} is not the dataset it is named after: {wrong[0].what} is {wrong[0].found}, and should be "
                f"{wrong[0].expected}{others}. {remedy}"
            )

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

    url        : where the file is downloaded from; empty where that is not known
    mirror     : a page where a person can have it; empty where there is none
    published  : accuracies that others have printed, by method
    note       : where sources of these facts disagree
    collection : to which it belongs
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
        """Return what the entry says, as a dictionary."""
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
        """Number of classes in the file."""
        known = self.fingerprint.classes
        return self.fingerprint.n_classes if known is None else len(known)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes of the classes, the largest first; empty where unknown."""
        known = self.fingerprint.classes
        return self.fingerprint.sizes if known is None else tuple(sorted(known.values(), reverse=True))

    def is_of_type(self, wanted: str) -> bool:
        """Tell whether `wanted` is its type, as CuMiDa lists it or as its name begins; case does not matter."""
        return wanted.casefold() in (self.type.casefold(), self.name.partition("_GSE")[0].casefold())

    def row(self) -> tuple[str, str, str, str, str, str, str]:
        """Return name, type, accession, platform, samples, probes, number of classes; a dash for the unknown."""
        numbers = (self.fingerprint.n_samples, self.fingerprint.n_probes, self.n_classes)
        cells = (self.type, self.accession, self.platform, *("" if n is None else str(n) for n in numbers))
        return (self.name, *(cell or "–" for cell in cells))  # type: ignore[return-value]  # its length is that


def catalogue() -> dict[str, Dataset]:
    """Read the catalogue: datasets by name; those with a whole fingerprint first, then the rest of CuMiDa."""
    text = resources.files("leukotype.datasets").joinpath("catalogue.toml").read_text(encoding="utf-8")
    whole, listed = tomllib.loads(text), cumida.blocks()
    # What a block of its own says goes before the table.
    blocks = {name: {**listed.get(name, {}), **block} for name, block in whole.items()}
    return {name: _entry(name, block) for name, block in {**blocks, **listed, **blocks}.items()}


def of_type(wanted: str) -> list[Dataset]:
    """Return the datasets of one type; raises UnknownName with the types there are."""
    found = [entry for entry in catalogue().values() if entry.is_of_type(wanted)]
    if not found:
        known = ", ".join(sorted({entry.type for entry in catalogue().values() if entry.type}))
        raise UnknownName(f"no dataset of type {wanted!r}. There are {known}.")
    return found


def of_collection(wanted: str) -> list[Dataset]:
    """Return the datasets of a collection, such as cumida; none for any other name."""
    return [entry for entry in catalogue().values() if entry.collection == wanted.casefold()]


def by_name(name: str) -> Dataset:
    """Return the dataset called `name`; raises UnknownName with what comes near."""
    known = catalogue()
    if name in known:
        return known[name]
    raise UnknownName(f"no dataset {name!r}. There is {', '.join(near(name))}; see leukotype datasets list.")


def near(name: str) -> list[str]:
    """Return the names of the catalogue that come nearest to `name`; the first of them where none does."""
    known = {entry.lower(): entry for entry in catalogue()}
    close = difflib.get_close_matches(name.lower(), known, n=N_NEAR, cutoff=0.5)
    return [known[entry] for entry in close] or list(known.values())[:N_NEAR]


def _entry(name: str, block: Mapping[str, Any]) -> Dataset:
    facts = {"mirror": "", **block}
    known = dict(facts.pop("fingerprint"))
    cells = tuple((sample, probe, float(value)) for sample, probe, value in known.pop("cells", []))
    return Dataset(name=name, fingerprint=Fingerprint(**known, cells=cells), **facts)


def _counts(classes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {classes[name]}" for name in sorted(classes))


def _joined(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
