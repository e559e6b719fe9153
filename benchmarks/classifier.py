"""Test classifiers on unseen classes and on arrays that were measured later.

    python benchmarks/classifier.py --folder $LEUKOTYPE_DATA

First, one class of the GSE9476 slice at a time is removed from training, and its samples are called.  The table shows
how many are rejected by novelty, and the share of held-out samples of the known classes that is called.  Second, a
classifier trained on Golub's 38 training samples calls the 34 independent ones, for each alignment and model.  The
results are in benchmarks/results/classifier.json and in docs/classifier.md.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

import leukotype as lt
from common import RESULTS, machine
from leukotype.classifier.calls import UNLIKE
from leukotype.cohort import Cohort

SLICE = "cumida/Leukemia_GSE9476_slice.csv.gz"
GOLUB = ("golub/data_set_ALL_AML_train.csv", "golub/data_set_ALL_AML_independent.csv", "golub/actual.csv")
MODELS = ("logistic", "knn", "forest", "xgboost", "svm", "centroids", "elastic-net", "pairs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path(os.environ.get("LEUKOTYPE_DATA", "../shared/data"))
    )
    args = parser.parse_args()
    found = {
        "machine": machine(),
        "left_out": left_out(lt.read(args.folder / SLICE)),
        "between": between(lt.read(args.folder / SLICE)),
        "golub": golub(args.folder),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "classifier.json").write_text(json.dumps(found, indent=1) + "\n")
    for table in ("left_out", "between", "golub"):
        print(markdown(found[table]), end="\n\n")


def left_out(cohort: Cohort) -> list[dict[str, Any]]:
    """Return one row per class removed from training, for the default model of `train`."""
    rows = []
    for name in cohort.classes:
        classifier = lt.train(cohort.drop_classes([name]))
        calls = classifier.predict(cohort.take(cohort.labels == name, f"Class {name} alone."))
        decisions = classifier.record["decisions"]
        taken_for = [call for call in calls.calls if call in classifier.classes]
        rows.append(
            {
                "left out": name,
                "samples": calls.n_samples,
                "unlike": float(np.mean([UNLIKE in reasons for reasons in calls.reasons])),
                "abstained": float(1 - calls.called.mean()),
                "taken for": ", ".join(f"{one} {taken_for.count(one)}" for one in sorted(set(taken_for)))
                or "none",
                "known called": decisions["called"]["value"],
                "right among them": decisions["right_among_called"]["value"],
            }
        )
    return rows


def between(cohort: Cohort) -> list[dict[str, Any]]:
    """Return the distances between the class means, in the distance measure of novelty: one row per class."""
    from leukotype.recipes.alignment import Alignment
    from leukotype.recipes.scorer import ClassMeans

    alignment = Alignment.learn(cohort.expression, "quantile")
    aligned = np.array([alignment.complete(row) for row in cohort.expression])
    learned = ClassMeans.learn(aligned, cohort.codes)
    rows = []
    for code, name in enumerate(cohort.classes):
        own = aligned[cohort.codes == code]
        spread = [(((row - learned.means[code]) / learned.scale) ** 2).mean() for row in own]
        row: dict[str, Any] = {"class": name, "its samples, median": float(np.median(spread))}
        for other, mean in zip(cohort.classes, learned.means, strict=True):
            row[f"to {other}"] = float((((mean - learned.means[code]) / learned.scale) ** 2).mean())
        rows.append(row)
    return rows


def golub(folder: Path) -> list[dict[str, Any]]:
    """Return one row per model and alignment."""
    train, independent, labels = (folder / name for name in GOLUB)
    cohort = lt.read(train, labels=labels)
    batch = lt.read_batch(independent, labels=labels, wants_labels=True)
    rows = []
    for model in MODELS:
        for align in ("none", "quantile", "rank"):
            classifier = lt.train(cohort, model, align=align)
            calls = classifier.predict(batch)
            right = np.array(calls.classes)[calls.predicted] == batch.labels
            inside = classifier.record["performance"]["balanced_accuracy"]["value"]
            rows.append(
                {
                    "model": model,
                    "align": align,
                    "balanced accuracy, nested": inside,
                    "right of 34": int(right.sum()),
                    "called": int(calls.called.sum()),
                    "right among them": int(right[calls.called].sum()),
                    "outside their set": int(calls.outside.sum()),
                    "right among these": int(right[calls.outside].sum()),
                }
            )
            print(rows[-1], flush=True)
    return rows


def markdown(rows: list[dict[str, Any]]) -> str:
    """Return a Markdown table of rows with the same keys."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    for row in rows:
        cells = [f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row.values()]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
