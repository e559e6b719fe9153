"""Bias of the expected calibration error on few samples, and the error that chance alone gives.

    python benchmarks/calibration/ece.py

Probabilities of 2 or 5 classes: the softmax of normal scores, sharpened (overconfident) or flattened (underconfident)
by a temperature.  The true error, with the same bins, is that of 400,000 samples.  Means over 1,000 sets of n samples
are written to results/ece.csv: the measured error, and the error of exactly right probabilities by chance.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import softmax

from leukotype.metrics import Scored
from leukotype.metrics.weighted import calibration_error, calibration_error_by_chance

RESULTS = Path(__file__).parent / "results"
N_TRUE, N_SETS = 400_000, 1000
TEMPERATURES = {"calibrated": 1.0, "overconfident": 0.5, "underconfident": 2.0}


def row(n_classes: int, kind: str, n: int) -> dict[str, object]:
    rng = np.random.default_rng([n_classes, n])
    scores = 2.5 * rng.standard_normal((N_TRUE, n_classes))
    right = np.cumsum(softmax(scores, axis=1), axis=1)
    labels = np.minimum((rng.random(N_TRUE)[:, None] > right).sum(axis=1), n_classes - 1)
    p = softmax(scores / TEMPERATURES[kind], axis=1)

    def scored(rows: np.ndarray | slice) -> Scored:
        return Scored(labels[rows], p[rows].argmax(axis=1), p[rows])

    whole = scored(slice(None))
    sets = [scored(rng.integers(0, N_TRUE, n)) for _ in range(N_SETS)]
    return {
        "classes": n_classes,
        "probabilities": kind,
        "samples": n,
        "true": calibration_error(whole, np.ones((1, N_TRUE)))[0],
        "measured": np.mean([calibration_error(one, one.ones)[0] for one in sets]),
        "by chance": np.mean([calibration_error_by_chance(one, 200) for one in sets]),
    }


def main() -> None:
    rows = [row(k, kind, n) for k in (2, 5) for kind in TEMPERATURES for n in (40, 64, 100)]
    pd.DataFrame(rows).to_csv(RESULTS / "ece.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
