"""Compare real cohorts with simulated ones of the same size: class differences, correlation, panels, models.

    LEUKOTYPE_DATA=folder python benchmarks/calibration/simulator.py [--draws 3] [--kinds real,old,new]

Each real cohort stands beside simulated ones of the same classes and number of probes: "old" is `simulate`, "new" is
`realistic`.  The default cohort, 64 x 22,283, has no real counterpart here.  The probes of the slice of GSE9476 were
chosen on all samples (AML against normal), so the simulated slices are chosen in the same way: 1,219 of the 15 % of
probes with the largest t statistic.  Rows (cohort, kind, draw, fact, value) are appended to results/simulator.csv;
existing ones are not computed again.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

import leukotype as lt
from leukotype.arrays import FloatArray
from leukotype.cohort import Cohort
from leukotype.datasets import simulate
from leukotype.inference import corrected_best
from leukotype.wide.screen import f_statistic

RESULTS = Path(__file__).parent / "results"
SLICE, WIDE = "slice", "default"
FILES = {
    SLICE: "cumida/Leukemia_GSE9476_slice.csv.gz",
    "chowdary": "wide/chowdary_breast_colon.csv.gz",
    "nakayama": "wide/nakayama_sarcoma.csv.gz",
    "golub": "golub/golub_3class_cumida_layout.csv.gz",
}
MODELS = ("logistic", "knn", "forest", "svm", "centroids", "majority", "single-probe")
PANELS = (5, 20, 100)
N_PANELS = 10


def real(name: str, folder: Path) -> Cohort:
    """Return a real cohort, without classes of fewer than five samples."""
    cohort = lt.read(folder / FILES[name])
    rare = [label for label, count in cohort.class_counts.items() if count < 5]
    return cohort.drop_classes(rare)


def simulated(kind: str, like: Cohort, name: str, seed: int) -> Cohort:
    """Return a simulated cohort with the classes and the number of probes of a real one."""
    draw = {"old": simulate.simulate, "new": simulate.realistic}[kind]
    if name not in (SLICE, WIDE):
        return draw(like.class_counts, like.n_probes, seed=seed).cohort
    wide = draw(seed=seed).cohort
    if name == WIDE:
        return wide
    t = f_statistic(standard(wide.expression), (wide.labels == "AML").astype(np.intp))
    best = np.argsort(-t)[: round(0.15 * wide.n_probes)]
    kept = np.random.default_rng(seed).choice(best, like.n_probes, replace=False)
    return part(wide, np.sort(kept))


def part(cohort: Cohort, columns: np.ndarray) -> Cohort:
    return Cohort(cohort.expression[:, columns], cohort.labels, cohort.samples, cohort.probes[columns])


def standard(x: FloatArray) -> FloatArray:
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0)


def facts(cohort: Cohort) -> dict[str, float]:
    """Describe the class differences and the correlation of a cohort.

    differ      : share of probes that differ between the classes (F test; Storey's estimate at 0.5)
    omega *     : share of a probe's variance that the classes explain (omega squared): mean and quantiles
    |r|         : mean absolute correlation of two probes within the classes, and the share above 0.5
    first, five : share of the variance within the classes that the first and the first five components have
    dimension   : participation ratio of the components within the classes
    """
    varied = cohort.expression[:, np.nanstd(cohort.expression, axis=0) > 1e-6]
    n, k = cohort.n_samples, len(cohort.classes)
    codes = cohort.codes
    f = f_statistic(standard(varied), codes)
    p = stats.f.sf(f, k - 1, n - k)
    omega = ((k - 1) * (f - 1)) / ((k - 1) * (f - 1) + n)
    means = np.stack([varied[codes == code].mean(axis=0) for code in range(k)])
    inside = standard(varied - means[codes])
    some = inside[:, np.random.default_rng(0).choice(inside.shape[1], min(1000, inside.shape[1]), False)]
    r = np.abs(some.T @ some / n)[np.triu_indices(some.shape[1], 1)]
    components = np.linalg.eigvalsh(inside @ inside.T)[::-1][: n - k]
    share = components / components.sum()
    return {
        "differ": 1 - 2 * float((p > 0.5).mean()),
        "omega mean": float(omega.mean()),
        **{f"omega {level}": float(np.quantile(omega, level / 100)) for level in (50, 90, 99)},
        "|r|": float(r.mean()),
        "|r| > 0.5": float((r > 0.5).mean()),
        "first": float(share[0]),
        "five": float(share[:5].sum()),
        "dimension": float(1 / (share**2).sum()),
    }


def panels(cohort: Cohort) -> dict[str, float]:
    """Mean balanced accuracy of logistic regression on random panels."""
    rng = np.random.default_rng(0)
    found = {}
    for size in PANELS:
        scores = []
        for _ in range(N_PANELS):
            one = part(cohort, np.sort(rng.choice(cohort.n_probes, size, replace=False)))
            table = lt.evaluate(one, ["logistic"], jobs=1).summary(["balanced_accuracy"])
            scores.append(table["value"].iloc[0])
        found[f"panel of {size}"] = float(np.mean(scores))
    return found


def scores(cohort: Cohort, models: tuple[str, ...] = MODELS) -> dict[str, float]:
    """Balanced accuracy and log loss of each model, of `auto` and of the corrected best."""
    evaluation = lt.evaluate(cohort, models, jobs=1)
    table = evaluation.summary(["balanced_accuracy", "log_loss"])
    found = {f"{row.model}, {row.metric.replace('_', ' ')}": float(row.value) for row in table.itertuples()}
    best = corrected_best(evaluation, "balanced_accuracy")
    return found | {"corrected best": float(best.value)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=3, help="simulated cohorts per real one")
    parser.add_argument("--kinds", default="real,old,new", help="to compute now, separated by commas")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    folder, path = Path(os.environ["LEUKOTYPE_DATA"]), RESULTS / "simulator.csv"
    done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["cohort", "kind", "draw"])
    wanted = [("real", 0), *((kind, draw) for draw in range(options.draws) for kind in ("old", "new"))]
    for kind, draw in wanted:
        for name in (WIDE, *FILES) if kind in options.kinds.split(",") else ():
            known = (done["cohort"] == name) & (done["kind"] == kind) & (done["draw"] == draw)
            if known.any() or (name == WIDE and kind == "real"):
                continue
            like = real(SLICE if name == WIDE else name, folder)
            cohort = like if kind == "real" else simulated(kind, like, name, draw)
            found = facts(cohort) | panels(cohort) | scores(cohort)
            table = pd.DataFrame(
                {
                    "cohort": name,
                    "kind": kind,
                    "draw": draw,
                    "fact": list(found),
                    "value": list(found.values()),
                }
            )
            table.to_csv(path, mode="a", header=not path.exists(), index=False, float_format="%.4g")
            print(name, kind, draw, flush=True)


if __name__ == "__main__":
    main()
