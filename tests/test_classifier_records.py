"""The record of a classifier file may hold anything: no command fails because of it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import leukotype as lt
from leukotype import cli, console
from leukotype.classifier.validation import validate
from leukotype.figures import validation
from leukotype.results.json_report import validation_json
from leukotype.results.validation_page import notices, validation_page
from test_classifier_files import RANK, forged, puts

ODD = (None, True, -1, 1e300, 10**30, "x", "x" * 5000, "a\nb", [], [[]], [3], {}, {"a": {"b": []}}, {"value": "x"},
       {"value": 1e300, "low": None, "high": True})  # fmt: skip
KEYS = tuple(lt.load_classifier(RANK).record)


def records(seed: int) -> dict:
    """The record with odd values: in one entry, within an entry, or in all."""
    rng = np.random.default_rng(seed)
    record = json.loads(json.dumps(lt.load_classifier(RANK).record))
    key = KEYS[seed % len(KEYS)]
    odd = ODD[int(rng.integers(len(ODD)))]
    kind = seed // len(KEYS) % 4
    if kind == 0:
        record[key] = odd
    elif kind == 1:
        del record[key]
    elif kind == 2 and isinstance(record[key], dict):
        for name in rng.choice(sorted(record[key]), 1).tolist() if record[key] else ():
            record[key][name] = odd
    elif kind == 2 and isinstance(record[key], list):
        record[key] = [odd, *record[key], odd]
    else:
        record = {name: ODD[int(rng.integers(len(ODD)))] for name in KEYS}
    return record


@pytest.fixture(scope="module")
def sheets(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sheets")
    said = json.loads(RANK.with_suffix(".json").read_text())
    classes = lt.load_classifier(RANK).classes
    labels = [classes[code] for code in (0, 0, 0, 1, 1, 1, 2, 2)]
    for name, first in (("new", ["samples"]), ("labelled", ["samples", "type"])):
        rows = [",".join([*first, *said["probes"]])]
        for number, values in enumerate(said["samples"]):
            lead = [f"s{number}", labels[number]][: len(first)]
            rows.append(",".join([*lead, *("" if value is None else str(value) for value in values)]))
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.mark.parametrize("seed", range(0, 4 * len(KEYS), 5))
def test_calls_and_card_work_with_any_record(sheets, tmp_path, capsys, seed):
    file = forged(tmp_path / "a.leuko", puts("record", value=records(seed)))
    assert cli.run(["inspect", str(file)]) == 0
    assert cli.run(["inspect", str(file), "--json"]) == 0
    new, out = str(sheets / "new.csv"), str(tmp_path / "calls.csv")
    assert cli.run(["predict", str(file), new, "--out", out, "--why", "2"]) == 0
    assert Path(out).with_suffix(".html").exists()
    assert "Traceback" not in capsys.readouterr().err


# Each entry replaced once, and a part of the other changes.
@pytest.mark.parametrize("seed", [*range(len(KEYS)), *range(len(KEYS), 4 * len(KEYS), 5)])
def test_external_validation_works_with_any_record(sheets, tmp_path, capsys, seed):
    one = lt.load_classifier(forged(tmp_path / "a.leuko", puts("record", value=records(seed))))
    found = validate(one, lt.read_batch(sheets / "labelled.csv", wants_labels=True))
    assert "<html" in validation_page(found, ()).html()
    assert all("\n" not in notice.title for notice in notices(found))
    console.show_validation(found, tmp_path)
    assert json.dumps(validation_json(found), allow_nan=False)
    assert len(validation.risk(found).table())


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 3 * len(KEYS), 3 * len(KEYS) + 1])
def test_validate_writes_its_folder(sheets, tmp_path, seed):
    file = forged(tmp_path / "a.leuko", puts("record", value=records(seed)))
    assert cli.run(["validate", str(file), str(sheets / "labelled.csv"), "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "validation.json").read_text())
