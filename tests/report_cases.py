"""Synthetic evaluations for the tests of the report: any cohort, any models, no fitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from leukotype.cohort import Cohort, Provenance
from leukotype.evaluation import Evaluation, FoldResult, auto
from leukotype.models import MODELS, Model
from leukotype.resampling import Design, draw
from leukotype.studies import Study, of_evaluation

HOSTILE = '</script><script>document.title="owned"</script>'
AWKWARD = ("<img src=x onerror=alert(1)>", HOSTILE, "Bone & Marrow; \"B\" 'q'")


def cohort(sizes: dict[str, int], n_probes: int = 30, *, simulated: bool = False, seed: int = 3) -> Cohort:
    """A cohort whose classes differ in their first probes."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(sizes), list(sizes.values()))
    expression = rng.normal(7.0, 1.0, size=(len(labels), n_probes))
    for number, name in enumerate(sizes):
        expression[labels == name, number] += 3.0
    return Cohort(
        expression=expression,
        labels=labels,
        samples=np.array([f"S{i:03}" for i in range(len(labels))]),
        probes=np.array([f"{200000 + i}_at" for i in range(n_probes)]),
        name="cases",
        provenance=Provenance("cases.csv", "ab" * 32, simulated=simulated),
    )


def hostile_cohort() -> Cohort:
    """A cohort whose names are markup and scripts."""
    plain = cohort(dict.fromkeys(AWKWARD, 9))
    return replace(
        plain,
        samples=np.array([f"{HOSTILE}{i}" for i in range(27)]),
        probes=np.array([f"<b>{i}</b>" for i in range(30)]),
        name=f"evil {HOSTILE}",
        provenance=Provenance(f"/tmp/{HOSTILE}.csv", "ab" * 32, steps=(f"Turned {HOSTILE}.",)),
    )


def evaluation(
    of: Cohort,
    skills: dict[str, float],
    *,
    design: Design | None = None,
    notes: Sequence[str] = (),
) -> Evaluation:
    """Return predictions of models with the given skill; a skill of 0 predicts the class shares."""
    folds = draw(of, design or Design(outer=3, inner=2, repeats=1, seed=0))
    k = len(of.classes)
    truth = np.eye(k)[of.codes]
    results = []
    for number, (name, skill) in enumerate(skills.items()):
        for split in folds.splits:
            rng = np.random.default_rng([number, split.repeat, split.fold])
            share = np.bincount(of.codes[split.train], minlength=k) / len(split.train)
            noise = rng.normal(size=(len(split.test), k)) * (skill > 0)
            scores = np.log(share) + skill * truth[split.test] + noise
            p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            setting = {} if skill == 0 else {"C": 10.0 ** -(split.fold % 2)}
            results.append(
                FoldResult(
                    name,
                    split.repeat,
                    split.fold,
                    p,
                    setting,
                    -0.5,
                    np.full(len(split.train), 0.5),
                    None,
                    0.25,
                    tuple(notes),
                )
            )
    return Evaluation(of, folds, tuple(map(model, skills)), tuple(results), seconds=1.5)


def model(name: str) -> Model:
    """Return the model called `name`; a plug-in if leukotype has none."""
    return next((known for known in MODELS if known.name == name), Model(name, name, MODELS[0].path))


def with_inference(evaluation: Evaluation) -> Study:
    """Return the study of an evaluation, with `auto` if there are several models."""
    return of_evaluation(auto(evaluation) if len(evaluation.models) > 1 else evaluation)
