"""The sets of CuMiDa, as blocks of the catalogue, from a table of facts."""

from __future__ import annotations

import tomllib
from importlib import resources
from typing import Any

COLLECTION = "cumida"
MEAN_OF_NINE = "mean of nine"
_ADDRESS = "https://sbcb.inf.ufrgs.br/data/cumida/Genes"


def blocks() -> dict[str, dict[str, Any]]:
    """Return the blocks of the catalogue by name, in the order of the table."""
    text = resources.files("leukotype.datasets").joinpath("cumida.toml").read_text(encoding="utf-8")
    table = tomllib.loads(text)
    return {name: _block(name, row, table) for name, row in table["sets"].items()}


def _block(name: str, row: list[Any], table: dict[str, Any]) -> dict[str, Any]:
    prefix, _, accession = name.rpartition("_GSE")
    accession = f"GSE{accession}" if prefix else name
    kind = table["types"].get(prefix, prefix)
    platform, n_samples, n_probes, n_classes, mean = row or ("", None, None, None, None)
    published = dict(table["published"].get(name, {}))
    if mean is not None:
        published[MEAN_OF_NINE] = mean
    return {
        "title": f"{kind}, {accession}" if kind else accession,
        "type": kind,
        "accession": accession,
        "platform": platform,
        "url": f"{_ADDRESS}/{prefix}/{accession}/{name}.csv" if prefix else "",
        "citation": f"{table['citation']}; GEO series {accession.split('_')[0]}",
        "licence": table["licence"],
        "published": published,
        "note": table["notes"].get(name, ""),
        "collection": COLLECTION,
        "fingerprint": {
            "n_samples": n_samples,
            "n_probes": n_probes,
            "n_classes": n_classes,
            "sizes": tuple(table["sizes"].get(name, ())),
        },
    }
