"""LEADERBOARD: the figures of a benchmark, as FIGURES are those of a study."""

from __future__ import annotations

from leukotype.figures import ranks, scores
from leukotype.figures.figure import Figure

LEADERBOARD: tuple[Figure, ...] = (
    Figure("critical-difference", ranks.TITLE, "leaderboard", ranks.draw, ranks.applies),
    Figure("scores", scores.TITLE, "leaderboard", scores.draw, scores.applies),
)
