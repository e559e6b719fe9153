"""The folder that a benchmark leaves."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from leukotype import figures
from leukotype.benchmark.result import Benchmark
from leukotype.results import benchmark_json as json_report
from leukotype.results import benchmark_page as page
from leukotype.results import manifest, rendered
from leukotype.results.folder import plain_name, staged
from leukotype.results.study_folder import csv
from leukotype.runs import NAME

KIND = "benchmark"
# They hold run times.
_VARYING = ("leaderboard.json", "leaderboard.csv", "leaderboard.html", "cohorts.csv")


def _silent(step: str) -> None:
    """Say nothing."""


def write(
    benchmark: Benchmark,
    out: str | Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
    command: str = "",
    on_step: Callable[[str], None] = _silent,
) -> Path:
    """Write everything a benchmark leaves into the folder `out`, all of it or nothing; return the folder.

    leaderboard.html, leaderboard.json, leaderboard.csv (one row a model), cohorts.csv (one row per cohort, model and
    metric), pairs.csv, left_out.csv, failures.csv, predictions/<cohort>.csv, figures/*.svg, *.png and *.csv,
    manifest.json.

    overwrite : whether to replace an earlier result of leukotype
    resume    : whether the folder holds the store of this very run, which stays there
    command   : what was typed

    Raises OutputRefused as `study.check_output` does.
    """
    with staged(out, overwrite=overwrite, resume=resume) as place:
        drawn = rendered.draw_each(figures.of_part("benchmark"), benchmark.board, on_step=on_step)
        for plate in drawn:
            if plate.drawing is not None:
                figures.save(plate.drawing, place / "figures", plate.name)
                _text(place / "figures" / f"{plate.name}.csv", plate.csv)
        on_step("leaderboard")
        _text(place / "leaderboard.html", page.of_benchmark(benchmark, drawn))
        content = json.dumps(
            json_report.of_benchmark(benchmark), indent=2, ensure_ascii=False, allow_nan=False
        )
        _text(place / "leaderboard.json", content + "\n")
        for name, table in _tables(benchmark).items():
            _text(place / f"{name}.csv", csv(table))
        (place / "predictions").mkdir()
        for outcome in benchmark.outcomes:
            if outcome.predictions:
                _text(place / "predictions" / f"{plain_name(outcome.name)}.csv", outcome.predictions)
        facts: dict[str, Any] = {
            "kind": KIND,
            "cohorts": [outcome.name for outcome in benchmark.outcomes],
            "models": benchmark.names,
            "seed": benchmark.design.seed,
        }
        if resume:
            facts["finished_tasks"] = NAME
        manifest.write(place, command=command, facts=facts, varying=_VARYING)
    return Path(out)


def is_benchmark(out: str | Path) -> bool:
    """Tell whether a folder holds the result of a benchmark, which another may take further."""
    try:
        found = json.loads((Path(out) / manifest.NAME).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("kind") == KIND and manifest.files_of(Path(out)) is not None


def _tables(benchmark: Benchmark) -> dict[str, pd.DataFrame]:
    reasons = [(one.name, one.reason) for one in benchmark.left_out]
    return {
        "leaderboard": benchmark.table,
        "cohorts": benchmark.cohorts,
        "pairs": benchmark.board.pairs,
        "left_out": pd.DataFrame(reasons, columns=["cohort", "reason"]),
        "failures": pd.DataFrame(list(benchmark.failures), columns=["cohort", "model", "reason"]),
    }


def _text(path: Path, text: str) -> None:
    path.write_bytes(text.encode())
