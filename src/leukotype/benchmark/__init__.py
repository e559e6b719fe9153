"""benchmark: many cohorts × many models → leaderboard."""

from __future__ import annotations

from leukotype.benchmark.result import Benchmark, CohortResult, is_benchmark
from leukotype.benchmark.run import run
from leukotype.benchmark.sources import CohortSource, LeftOut, find

__all__ = ["Benchmark", "CohortResult", "CohortSource", "LeftOut", "find", "is_benchmark", "run"]
