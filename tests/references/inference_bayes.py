"""Values of baycomp and scikit-posthocs, for tests/test_inference_paired.py and tests/test_inference_ranks.py.

    python tests/references/inference_bayes.py > tests/references/inference_bayes.json

Made with baycomp 1.0.3, scikit-posthocs 0.17.1, numpy 2.4.6 and scipy 1.17.1, none of which the project uses here.
"""

import json

import baycomp
import numpy as np
import pandas as pd
import scikit_posthocs

rng = np.random.default_rng(9476)


def correlated(n_folds, runs, shift, rope):
    a = np.round(rng.uniform(0.7, 0.9, n_folds * runs), 4)
    b = np.round(a - shift + rng.normal(0, 0.03, len(a)), 4)
    probabilities = baycomp.CorrelatedTTest(b, a, rope=rope, runs=runs).probs()
    # For scores b, a: probability that b, the first, is better, (that both are equivalent,) that a is.
    return {
        "n_folds": n_folds,
        "a": a.tolist(),
        "b": b.tolist(),
        "rope": rope,
        "probabilities": probabilities,
    }


def posthoc(n, k, decimals):
    scores = np.round(rng.uniform(0.6, 0.95, (n, k)) + 0.08 * np.arange(k), decimals)
    frame = pd.DataFrame(scores)
    p = scikit_posthocs.posthoc_nemenyi_friedman(frame)
    return {"scores": scores.tolist(), "nemenyi": p.to_numpy().tolist()}


values = {
    "correlated": [
        correlated(5, 1, 0.02, 0.01),
        correlated(5, 10, 0.01, 0.01),
        correlated(10, 3, -0.015, 0.005),
        correlated(5, 4, 0.0, 0.0),
    ],
    "nemenyi": [posthoc(12, 4, 4), posthoc(8, 6, 2), posthoc(30, 3, 4)],
}
print(json.dumps(values))
