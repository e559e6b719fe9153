"""Write the complete classifiers that every later version must read, and the calls they make.

Run once for each format, from the folder `tests`: python kept/make_classifiers.py.  A new format gets files of its own;
files of earlier formats are never written again.  Next to each file are its calls of eight new samples, some of them
odd.  Format 1 (leukotype 0.1.0): one file for each alignment, without donors.  Format 2: one file, with donors.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import leukotype as lt
from leukotype.classifier.calibration import Calibration
from leukotype.models import by_name

FOLDER = Path(__file__).with_name("classifiers")
SIZES = {"AML": 13, "Bone_Marrow": 10, "PB": 9}
QUICK = {"forest": {"n_estimators": (12,), "screen": (20,)}}
KEPT = {"quantile": "logistic"}
# In format 1: {"quantile": "logistic", "none": "forest", "rank": "svm"}.
FORMAT = 2


def main() -> None:
    simulated = lt.simulate(SIZES, 36, markers_per_class=5, effect=2.0, seed=12, name="kept")
    cohort = replace(
        simulated.cohort,
        expression=simulated.cohort.expression.round(2),
        # The last two samples of each class are of one donor.
        donors=np.array([f"d{n - (n in (12, 22, 31))}" for n in range(32)]),
    )
    symbols = {probe: f"GENE{number}" for number, probe in enumerate(cohort.probes.tolist()) if number % 3}
    samples = simulated.fresh(dict.fromkeys(SIZES, 3), 1).expression[:8].round(2)
    samples[5, ::4] = np.nan
    samples[6, 3:] = np.nan
    samples[7] = samples[7] * 3 + 20
    for align, name in KEPT.items():
        model = by_name(name)
        model = replace(model, grid=QUICK.get(name, model.grid))
        design = lt.Design(outer=3, inner=2, repeats=1)
        one = lt.train(
            cohort, model, name=f"kept-{align}", align=align, symbols=symbols, design=design, jobs=1
        )
        if align == "rank":
            # The third method of calibration, which a cohort of this size does not choose.
            sigmoid = Calibration("sigmoid", np.array([1.5, 1.0, 0.75]), np.array([0.25, -0.125, 0.0]))
            one = replace(one, calibration=sigmoid)
        target = FOLDER / f"{align}-{FORMAT}.leuko"
        one.save(target)
        batch = lt.Batch(samples, np.arange(8).astype(str), cohort.probes, cohort.provenance)
        calls = one.predict(batch)
        said = {
            "probes": cohort.probes.tolist(),
            "samples": [[None if np.isnan(value) else value for value in row] for row in samples.tolist()],
            "calls": calls.calls,
            "reasons": [list(reasons) for reasons in calls.reasons],
            "probabilities": calls.probabilities.tolist(),
            "sets": calls.sets.tolist(),
            "unlikeness": calls.novelty.tolist(),
            "p_like": calls.p_like.tolist(),
            "missing": calls.missing.tolist(),
            "outside": calls.outside.tolist(),
            "trained on": one.trained_on(lt.Batch.of(cohort)).count(True),
        }
        target.with_suffix(".json").write_text(json.dumps(said) + "\n")
        print(target.name, target.stat().st_size, one.calibration.method, calls.calls, calls.reasons)


if __name__ == "__main__":
    main()
