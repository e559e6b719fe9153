"""Write the tables of docs/classifier.md from the results of prediction_sets.py, abstention.py and training_rows.py.

    python benchmarks/calibration/classifier_page.py

This script replaces only the parts between <!-- name --> and <!-- end -->.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from generated import filled, markdown

RESULTS = Path(__file__).parent / "results"
PAGE = Path(__file__).parents[2] / "docs" / "classifier.md"
# Repeats of abstention.py from this one on were not used to choose the assurance.
HELD_OUT = 4
NEW = "other samples of the cohort"


def prediction_sets() -> pd.DataFrame:
    """One row per design, level and kind of unit: coverage of a class, mean and lowest over the three classes."""
    table = pd.read_csv(RESULTS / "prediction_sets.csv")
    groups = table.groupby(["design", "level", "units"], sort=False)
    found = groups.agg(
        cohorts=("cohort", "nunique"), coverage=("coverage", "mean"),
        poor=("coverage", lambda each: (each < 0.8).mean()), size=("size", "mean"),
    )  # fmt: skip
    by_class = table.groupby(["design", "level", "units", "class"], sort=False)["coverage"].mean()
    found.insert(2, "lowest class", by_class.groupby(["design", "level", "units"], sort=False).min())
    return found.reset_index().sort_values(["design", "level", "units"], ignore_index=True)


def abstention() -> pd.DataFrame:
    """One row per target, rule and number of samples: share of classifiers below the target, and share called."""
    table = pd.read_csv(RESULTS / "abstention.csv")
    # A classifier that calls nothing makes no error.
    table["short"] = table["right"] < table["target"] * table["called"]
    table["share"] = table["called"] / table["new"]
    table["none"] = table["called"] == 0
    keys = ["target", "rule", "n"]
    found = table.groupby(keys, sort=False).agg(
        classifiers=("short", "size"), short=("short", "mean"), share=("share", "mean"), none=("none", "mean")
    )
    held_out = table[table["repeat"] >= HELD_OUT].groupby(keys, sort=False)["short"].mean()
    found.insert(2, "held out", held_out)
    found.insert(3, "of those that call", table[~table["none"]].groupby(keys, sort=False)["short"].mean())
    good = table[table["accuracy"] >= 0.9].groupby(keys, sort=False)["share"].mean()
    found["share if accuracy ≥ 0.9"] = good
    return found.reset_index().sort_values(
        ["target", "rule", "n"], ascending=[True, False, True], ignore_index=True
    )


def outside() -> pd.DataFrame:
    """One row per number of samples, for the target 0.95: errors of calls inside and outside their prediction set."""
    table = pd.read_csv(RESULTS / "abstention.csv").query("target == 0.95 and rule == 'assured'")
    rows = []
    for n, part in [*table.groupby("n"), ("all", table)]:
        total = part.sum(numeric_only=True)
        rows.append({
            "samples": n,
            "calls outside their set": total["outside"] / total["called"],
            "with an empty set": total["empty"] / total["called"],
            "error outside": 1 - total["right outside"] / total["outside"],
            "error of the other calls": 1
            - (total["right"] - total["right outside"]) / (total["called"] - total["outside"]),
            "error of as many least confident calls": 1 - total["right least sure"] / total["outside"],
        })  # fmt: skip
    return pd.DataFrame(rows)


def training_rows() -> pd.DataFrame:
    """One row per cohort: `recognised of compared`, for each change of the training samples and for other samples."""
    table = pd.read_csv(RESULTS / "training_rows.csv")
    compared = table["n"] - table["not compared"]
    table["found"] = table["recognised"].astype(str) + " of " + compared.astype(str)
    changes = [name for name in table["samples"].unique() if name != NEW]
    wide = table.pivot_table(index="samples", columns="cohort", values="found", aggfunc="first", sort=False)
    return wide.loc[[*changes, NEW]].reset_index()


def _sets() -> str:
    names = {
        "units": "counted",
        "coverage": "class coverage",
        "poor": "class-cohorts below 0.8",
        "size": "mean classes in a set",
    }
    table = prediction_sets().rename(columns={"design": "donors x samples", **names})
    table["level"] = table["level"].map("{:g}".format)
    return markdown(table)


def _abstention() -> str:
    names = {
        "n": "samples",
        "short": "classifiers below the target",
        "held out": "the same, repeats 4 and 5",
        "of those that call": "of those that call samples",
        "share": "samples called",
        "none": "classifiers without calls",
        "share if accuracy ≥ 0.9": "called if the accuracy is 0.9 or more",
    }
    table = abstention().rename(columns=names)
    table["target"] = table["target"].map("{:g}".format)
    return markdown(table)


BLOCKS: dict[str, Callable[[], str]] = {
    "coverage of the sets": _sets,
    "target of abstention": _abstention,
    "calls outside their set": lambda: markdown(outside()),
    "training samples": lambda: markdown(training_rows()),
}


def main() -> None:
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), BLOCKS), encoding="utf-8")


if __name__ == "__main__":
    main()
