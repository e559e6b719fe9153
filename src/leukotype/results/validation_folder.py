"""The folder that `leukotype validate` leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from leukotype import figures
from leukotype.classifier.validation import Validation
from leukotype.results import manifest, rendered, validation_json, validation_page
from leukotype.results.folder import staged


def _silent(step: str) -> None:
    """Say nothing."""


def write(
    validation: Validation,
    out: str | Path,
    *,
    overwrite: bool = False,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write validation.json, calls.csv, report.html, figures/ and manifest.json; return the folder.

    All of it or nothing.  The same validation gives the same bytes.  Raises OutputRefused as `check_output` does.
    """
    with staged(out, overwrite=overwrite) as place:
        drawn = rendered.draw_each(figures.of_part("validation"), validation, on_step=on_step)
        folder = place / "figures"
        folder.mkdir()
        for plate in drawn:
            if plate.drawing is not None:
                figures.save(plate.drawing, folder, plate.name)
                (folder / f"{plate.name}.csv").write_bytes(plate.csv.encode())
        on_step("report")
        table = validation.calls.table()
        table.insert(1, "label", validation.labels)
        (place / "calls.csv").write_bytes(table.to_csv(index=False, lineterminator="\n").encode())
        twin = json.dumps(
            validation_json.validation_json(validation), indent=2, ensure_ascii=False, allow_nan=False
        )
        (place / "validation.json").write_bytes(twin.encode() + b"\n")
        report = validation_page.of_validation(validation, drawn, command=command)
        (place / "report.html").write_bytes(report.encode())
        facts = {
            "kind": "validation",
            "classifier": {
                "name": validation.classifier.name,
                "fingerprint": validation.classifier.fingerprint,
            },
            "samples": {"n": validation.batch.n_samples, "sha256": validation.batch.provenance.sha256},
        }
        manifest.write(place, command=command, facts=facts)
    return Path(out)
