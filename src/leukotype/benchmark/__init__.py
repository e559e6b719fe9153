"""benchmark: many cohorts × many models → leaderboard."""

from __future__ import annotations

from leukotype.benchmark.board import Benchmark
from leukotype.benchmark.outcome import Outcome
from leukotype.benchmark.outputs import is_benchmark, write
from leukotype.benchmark.run import run
from leukotype.benchmark.sources import LeftOut, Source, find

__all__ = ["Benchmark", "LeftOut", "Outcome", "Source", "find", "is_benchmark", "run", "write"]
