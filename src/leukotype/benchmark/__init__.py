"""benchmark: many cohorts × many models → leaderboard."""

from __future__ import annotations

from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.result import Benchmark
from leukotype.benchmark.run import run
from leukotype.benchmark.sources import LeftOut, Source, find
from leukotype.results.benchmark_folder import is_benchmark, write

__all__ = ["Benchmark", "LeftOut", "Outcome", "Source", "find", "is_benchmark", "run", "write"]
