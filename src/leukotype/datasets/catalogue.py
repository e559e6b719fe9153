"""The catalogue: datasets by name, each with a fingerprint of its content."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import numpy as np

from leukotype.cohort import Cohort
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
    """What a genuine file holds, in place of a hash that nobody has published.

    cells : (sample, probe, value) with the value to six decimals
    """

    n_samples: int
    n_probes: int
    first_probe: str
    last_probe: str
    classes: Mapping[str, int]
    cells: tuple[tuple[str, str, float], ...] = ()

    def lines(self, cohort: Cohort) -> list[Line]:
        """Compare a cohort with the fingerprint, line by line."""
        found = [
            Line(
                "samples × probes",
                f"{cohort.n_samples} × {cohort.n_probes}",
                f"{self.n_samples} × {self.n_probes}",
            ),
            Line("first probe", str(cohort.probes[0]), self.first_probe),
            Line("last probe", str(cohort.probes[-1]), self.last_probe),
            Line("classes", _counts(cohort.class_counts), _counts(self.classes)),
        ]
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

    url    : where the file is downloaded from
    mirror : a page where a person can have it
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
            "classes": dict(self.fingerprint.classes),
            "url": self.url,
            "mirror": self.mirror,
            "citation": self.citation,
            "licence": self.licence,
        }

    def row(self) -> tuple[str, str, str, int, int, int]:
        """Return name, accession, platform, samples, probes, number of classes."""
        print_ = self.fingerprint
        return (
            self.name,
            self.accession,
            self.platform,
            print_.n_samples,
            print_.n_probes,
            len(print_.classes),
        )


def catalogue() -> dict[str, Dataset]:
    """Read the catalogue: datasets by name, in its order."""
    text = resources.files("leukotype.datasets").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return {name: _entry(name, block) for name, block in tomllib.loads(text).items()}


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


def _entry(name: str, block: dict[str, Any]) -> Dataset:
    fingerprint = dict(block.pop("fingerprint"))
    cells = tuple((sample, probe, float(value)) for sample, probe, value in fingerprint.pop("cells", []))
    return Dataset(name=name, fingerprint=Fingerprint(**fingerprint, cells=cells), **block)


def _counts(classes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {classes[name]}" for name in sorted(classes))
