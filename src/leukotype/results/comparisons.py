"""Two models on the same folds, in words and in a table."""

from __future__ import annotations

import math

from leukotype import wording
from leukotype.results.tables import Cell, Table
from leukotype.studies import Score, Study
from leukotype.wording import p_value

LEVEL = 0.05
# Probability from which on two models are called practically equivalent (Benavoli et al. 2017).
SURE = 0.95


def between(study: Study) -> str:
    """What the paired comparisons say of the best model and the others."""
    leader = study.leader
    others = [score for score in study.contenders if score is not leader]
    rows = {score.name: _row(study, leader.name, score.name) for score in others}
    worse = [
        score for score in others if rows[score.name]["p"] < LEVEL and rows[score.name]["difference"] > 0
    ]
    alike = [score for score in others if score not in worse and rows[score.name]["equivalent"] > SURE]
    open_ = [score for score in others if score not in worse and score not in alike]
    said = []
    if worse:
        said.append(f"{leader.title} is better than {_named(worse)}, beyond chance")
    if alike:
        said.append(
            f"it is practically equivalent to {_named(alike)}" if worse else _equivalent(leader, alike)
        )
    if open_:
        whom = "any other model" if len(open_) == len(others) > 1 else _named(open_)
        subject = "it" if said else leader.title
        said.append(f"that {subject} is better than {whom} is not shown")
    text = "; ".join(said)
    return (
        f"{text[:1].upper()}{text[1:]}. Compared on the same folds: corrected resampled t test, Holm-adjusted over all "
        "pairs at 5 %; equivalent means within one percentage point with a probability above 95 %."
    )


def comparisons(study: Study, *, whole: bool = False) -> Table | None:
    """The best model and each other one, or every two models; the largest differences first."""
    frame = study.comparisons
    if frame is None:
        return None
    leader = study.leader.name
    if not whole:
        frame = frame[(frame["model_a"] == leader) | (frame["model_b"] == leader)].reset_index(drop=True)
    frame = frame.iloc[frame["difference"].abs().sort_values(ascending=False, kind="stable").index]
    rows = []
    for row in frame.to_dict("records"):
        first, second = str(row["model_a"]), str(row["model_b"])
        sign = 1.0
        if row["difference"] < 0:
            first, second, sign = second, first, -1.0
        low, high = sorted((sign * row["low"], sign * row["high"]))
        better, worse = (row["a_better"], row["b_better"])[:: int(sign)]
        only, other = (row["only_a"], row["only_b"])[:: int(sign)]
        rows.append(
            (
                Cell(f"{study.evaluation.title(first)} and {study.evaluation.title(second)}"),
                Cell(_signed(abs(row["difference"])), f"[{_signed(low)}, {_signed(high)}]"),
                Cell(p_value(row["p_t_holm"]), f"{p_value(row['p_t'])} unadjusted"),
                Cell(wording.number(better)),
                Cell(wording.number(row["equivalent"])),
                Cell(wording.number(worse)),
                Cell(f"{only} and {other}", _p_text(row["p_mcnemar_holm"])),
            )
        )
    columns = (
        "Pair, the better one first", "Difference", "p, Holm-adjusted", "P(first better)", "P(equivalent)",
        "P(second better)", "Right by one alone",
    )  # fmt: skip
    caption = (
        "Differences in balanced accuracy on the same folds, with 95 % intervals; probabilities of a difference of "
        "more than a percentage point in either direction, or of less; samples that one model alone called rightly"
    )
    what = "every two models" if whole else f"{study.evaluation.title(leader)} and each other model"
    name = "all-comparisons" if whole else "comparisons"
    return Table(name, f"{caption}: {what}", columns, (False, *[True] * 6), tuple(rows))


def _p_text(p: float) -> str:
    text = p_value(p)
    return f"p {text}" if text.startswith("<") else f"p = {text}"


def _row(study: Study, leader: str, other: str) -> dict[str, float]:
    """The comparison seen from the leader."""
    frame = study.comparisons
    assert frame is not None
    for row in frame.to_dict("records"):
        if {row["model_a"], row["model_b"]} == {leader, other}:
            sign = 1.0 if row["model_a"] == leader else -1.0
            p = float(row["p_t_holm"])
            return {
                "difference": sign * float(row["difference"]),
                # Where all folds differ by the same there is no p; that nothing is shown then is the careful reading.
                "p": 1.0 if math.isnan(p) else p,
                "equivalent": float(row["equivalent"]),
            }
    raise LookupError(f"{leader} and {other} were not compared")


def _named(scores: list[Score]) -> str:
    return wording.listed(score.title for score in scores)


def _equivalent(leader: Score, alike: list[Score]) -> str:
    return f"{leader.title} is practically equivalent to {_named(alike)}"


def _signed(value: float) -> str:
    text = f"{value:+.3f}"
    return text.lstrip("+-") if float(text) == 0 else text.replace("-", "\u2212")
