"""Mutated classifier files: what each may do is be refused in one line, or call as before.

Run as a program, `python bundle_fuzz.py FIRST LAST`, it tries the mutants of those numbers in one process that holds
none of the learning libraries, and prints how many were refused, the longest time, and the most memory.
"""

from __future__ import annotations

import copy
import json
import resource
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np

from bundle_forgeries import FORGERIES
from bundle_mutants import ACCIDENTS, Members
from leukotype import bundle
from leukotype.errors import InputError
from memory import peak_mib

FILES = sorted((Path(__file__).parent / "kept").glob("*.leuko"))
ALL = (*ACCIDENTS, *FORGERIES)


@cache
def original(file: Path) -> tuple[bytes, Members, bundle.Bundle]:
    with zipfile.ZipFile(file) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return file.read_bytes(), members, bundle.read(file)


def mutant(number: int) -> tuple[Path, Callable[..., bytes], bytes]:
    """The file mutated, the way, and the bytes: the same ones for the same number."""
    rng = np.random.default_rng([2026, number])
    file, way = FILES[number // len(ALL) % len(FILES)], ALL[number % len(ALL)]
    raw, members, _ = original(file)
    return file, way, way(rng, raw, copy.copy(members))


def outcome(number: int, folder: Path) -> str:
    """'refused', 'same' or, for a forgery in good order, 'other'; anything else is an exception."""
    file, way, content = mutant(number)
    path = folder / "mutant.leuko"
    path.write_bytes(content)
    kept = original(file)[2]
    samples, expected = kept.arrays["check.samples"], kept.arrays["check.outputs"]
    try:
        read = bundle.read(path)
        rule = bundle.rule_of(read)
        x = np.resize(samples, (len(samples), rule.n_read)) if way in FORGERIES else samples[:, rule.reads]
        found = rule.output(x)
        explained = rule.contributions(x[:1], 0).values if way in FORGERIES else x
    except InputError as refused:
        line = str(refused)
        assert "\n" not in line, line
        assert 20 < len(line) < 400, line
        return "refused"
    assert np.isfinite(found).all()
    assert np.isfinite(explained).all()
    assert found.shape == (len(x), rule.n_classes)
    if way in FORGERIES:
        assert (found >= 0).all()
        np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-5)
        return (
            "same" if found.shape == expected.shape and np.allclose(found, expected, atol=1e-12) else "other"
        )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert read.document == kept.document
    assert read.texts == kept.texts
    return "same"


def main(first: int, last: int) -> None:
    # Whatever asks for more than this much address space fails at once.
    resource.setrlimit(resource.RLIMIT_AS, (2**31, 2**31))
    counts: dict[str, int] = {}
    longest, slowest = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            started = time.process_time()
            try:
                found = outcome(number, Path(folder))
            except Exception as error:
                raise AssertionError(f"mutant {number}, {mutant(number)[1].__name__}") from error
            spent = time.process_time() - started
            if spent > longest:
                longest, slowest = spent, number
            name = f"{'accident' if mutant(number)[1] in ACCIDENTS else 'forgery'} {found}"
            counts[name] = counts.get(name, 0) + 1
    heavy = sorted({"sklearn", "scipy", "pandas", "xgboost"} & set(sys.modules))
    print(
        json.dumps(
            {"counts": counts, "longest": longest, "slowest": slowest, "MiB": peak_mib(), "heavy": heavy}
        )
    )


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
