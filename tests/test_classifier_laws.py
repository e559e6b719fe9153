"""Laws of every model's classifier: it saves, loads and calls alike; the same seed gives the same file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

import classifier_cases as cases
import leukotype as lt
from leukotype import execution
from leukotype.classifier import Classifier, card
from leukotype.errors import InfeasibleDesign, NotPortable, UnknownName
from leukotype.models import Model
from leukotype.wide.adapter import SklearnPath

ALIGNED = ("quantile", "rank")
# Every model as it is, one of each kind of rule by the other alignments.
PAIRS = [(name, "none") for name in cases.NAMES] + [
    (name, how) for name in ("logistic", "forest", "knn", "pairs") for how in ALIGNED
]

# Runs in a process of its own, which holds nothing that the training left; it prints what it had to load.
_FRESH = """
import sys
from pathlib import Path
import numpy as np
import leukotype as lt
folder = Path(sys.argv[1])
for path in sorted(folder.glob("*.leuko")):
    classifier = lt.load_classifier(path)
    for kind in ("whole", "thinned"):
        calls = classifier.predict(lt.read_batch(folder / f"{kind}.csv"), why=3)
        np.savez(folder / f"{path.stem}.{kind}.npz", p=calls.probabilities, sets=calls.sets, far=calls.novelty,
                 p_like=calls.p_like, missing=calls.missing, reasons=np.array(["; ".join(r) for r in calls.reasons]),
                 drivers=np.array([[driver.contribution for driver in one.drivers] + [one.rest, one.base]
                                   for one in calls.evidence]))
print(sorted({"sklearn", "scipy", "xgboost", "numba", "altair"} & set(sys.modules)))
"""


def written(batch: lt.Batch, path: Path) -> lt.Batch:
    rows = [",".join(["samples", *batch.probes])]
    for sample, row in zip(batch.samples, batch.expression.tolist(), strict=True):
        rows.append(",".join([str(sample), *("" if np.isnan(v) else repr(v) for v in row)]))
    path.write_text("\n".join(rows) + "\n")
    return lt.read_batch(path)


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> tuple[dict[str, lt.Batch], Path, str]:
    """Every classifier saved here, and loaded and asked in another process."""
    folder = tmp_path_factory.mktemp("fresh")
    batches = {
        "whole": written(cases.fresh(), folder / "whole.csv"),
        "thinned": written(cases.thinned(cases.fresh(), 0.2), folder / "thinned.csv"),
    }
    for name, how in PAIRS:
        cases.trained(name, how).save(folder / f"{name}-{how}.leuko")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", _FRESH, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return batches, folder, done.stdout


@pytest.mark.parametrize(("name", "how"), PAIRS)
def test_a_fresh_process_calls_alike(elsewhere, name, how):
    batches, folder, _ = elsewhere
    for kind, batch in batches.items():
        calls = cases.trained(name, how).predict(batch, why=3)
        with np.load(folder / f"{name}-{how}.{kind}.npz") as there:
            assert_allclose(there["p"], calls.probabilities, rtol=0, atol=1e-12)
            assert_allclose(there["far"], calls.novelty, rtol=1e-12)
            assert_array_equal(there["p_like"], calls.p_like)
            assert_array_equal(there["sets"], calls.sets)
            assert_array_equal(there["missing"], calls.missing)
            assert there["reasons"].tolist() == ["; ".join(reasons) for reasons in calls.reasons]
            here = [[d.contribution for d in one.drivers] + [one.rest, one.base] for one in calls.evidence]
            assert_allclose(there["drivers"], np.array(here), rtol=0, atol=1e-9)


def test_calling_loads_nothing_that_only_learns(elsewhere):
    assert elsewhere[2].strip() == "[]"


def arrays_of(one: Classifier) -> list[np.ndarray]:
    found = [
        one.thresholds, one.calibration.slope, one.calibration.offset, one.novelty.held_out, one.sets.scores,
        one.sets.labels, one.sets.folds, one.novelty.classes.means, one.novelty.classes.scale,
        np.array([*one.scale.medians, *one.scale.spreads, one.scale.variety, one.novelty.level]),
    ]  # fmt: skip
    for scorer in (one.scorer, *one.folds):
        found += [np.array(scorer.temperature, dtype=float), *scorer.alignment.arrays()]
        found += scorer.rule.parts()[1].values()
    return found


@pytest.mark.parametrize(("name", "how"), PAIRS)
def test_a_file_holds_the_whole_classifier(tmp_path, name, how):
    one = cases.trained(name, how)
    one.save(tmp_path / "a.leuko")
    again = lt.load_classifier(tmp_path / "a.leuko")
    for field in ("name", "classes", "probes", "symbols", "record", "card", "missing", "n_read"):
        assert getattr(again, field) == getattr(one, field), field
    for there, here in zip(arrays_of(again), arrays_of(one), strict=True):
        assert_array_equal(there, here)
    assert again.scale.is_bound == one.scale.is_bound
    assert len(again.folds) == len(one.folds) == cases.DESIGN.outer
    assert again.fingerprint
    assert not one.fingerprint
    again.save(tmp_path / "b.leuko")
    assert (tmp_path / "a.leuko").read_bytes() == (tmp_path / "b.leuko").read_bytes()


@pytest.mark.parametrize("name", cases.NAMES)
def test_probabilities_are_probabilities(name):
    calls = cases.trained(name).predict(cases.fresh())
    assert (calls.probabilities >= 0).all()
    assert_allclose(calls.probabilities.sum(axis=1), 1.0, rtol=0, atol=1e-12)
    assert ((calls.p_like > 0) & (calls.p_like <= 1)).all()
    for code, reasons, call in zip(calls.predicted, calls.reasons, calls.calls, strict=True):
        assert call == ("abstained" if reasons else calls.classes[code])


@pytest.mark.parametrize("name", cases.NAMES)
def test_evidence_is_shared_out_in_full(name):
    """What all probes add does not depend on how many of them are shown."""
    one = cases.trained(name)
    few, all_ = (one.predict(cases.fresh(), why=why).evidence for why in (2, 100))
    for short, long in zip(few, all_, strict=True):
        assert len(short.drivers) == min(2, one.n_read)
        assert len(long.drivers) == one.n_read
        total = sum(driver.contribution for driver in long.drivers)
        assert_allclose(sum(d.contribution for d in short.drivers) + short.rest, total + long.rest, atol=1e-9)
        sizes = [abs(driver.contribution) for driver in long.drivers]
        assert sizes == sorted(sizes, reverse=True)


@pytest.mark.parametrize("how", ["none", "rank"])
def test_drivers_say_what_the_sample_has_and_what_is_usual(how):
    one = cases.trained("logistic", how)
    x = cases.fresh().expression[:1].copy()
    x[0, 5:9] = np.nan
    (evidence,) = one.predict(cases.batch_of(x, one.probes), why=cases.N_PROBES).evidence
    aligned = one.novelty.classes.fill(one.scorer.alignment.complete(x[0]), np.flatnonzero(~np.isnan(x[0])))
    for driver in evidence.drivers:
        column = one.probes.index(driver.probe)
        assert driver.symbol == f"GENE{column}"
        assert driver.value == aligned[column]
        assert driver.usual == one.scorer.alignment.centre[column]
        assert driver.imputed == (5 <= column < 9)
    assert one.predict(cases.batch_of(x, one.probes)).evidence == ()


@pytest.fixture(scope="module")
def two_workers():
    with execution.open_engine("processes", jobs=2) as engine:
        yield engine


@pytest.mark.parametrize("name", cases.NAMES)
def test_the_same_seed_gives_the_same_bytes_whatever_the_workers(tmp_path, two_workers, name):
    symbols = {probe: f"GENE{number}" for number, probe in enumerate(cases.cohort().probes.tolist())}
    again = lt.train(
        cases.cohort(), cases.model(name), align="none", symbols=symbols, design=cases.DESIGN,
        engine=two_workers,
    )  # fmt: skip
    again.save(tmp_path / "two.leuko")
    cases.trained(name).save(tmp_path / "one.leuko")
    assert (tmp_path / "two.leuko").read_bytes() == (tmp_path / "one.leuko").read_bytes()


def test_another_seed_gives_another_file(tmp_path):
    other = lt.Design(outer=3, inner=2, repeats=1, seed=1)
    for seed, design in enumerate((cases.DESIGN, other)):
        lt.train(cases.cohort(), "centroids", align="none", design=design, jobs=1).save(tmp_path / str(seed))
    assert (tmp_path / "0").read_bytes() != (tmp_path / "1").read_bytes()


@pytest.mark.parametrize("name", cases.NAMES)
def test_the_honest_estimate_is_that_of_a_study(name):
    """Without alignment and panel the procedure is a study's, and so is every figure of it."""
    evaluation = lt.evaluate(cases.cohort(), [cases.model(name)], design=cases.DESIGN, jobs=1)
    record = cases.trained(name).record
    assert record["performance"] == card.performance(evaluation)
    assert record["performance"]["balanced_accuracy"]["value"] is not None
    assert record["without"] == []
    assert record["design"]["fingerprint"] == evaluation.folds.fingerprint
    # Prediction sets rest on the same out-of-fold predictions.
    sets, labels = cases.trained(name).sets, cases.cohort().codes
    assert_array_equal(sets.scores, evaluation.probabilities(name)[0][np.arange(len(labels)), labels])
    assert_array_equal(sets.folds, evaluation.fold_of[0])
    # With no probe missing, the curve begins at plain accuracy.
    right = evaluation.probabilities(name)[0].argmax(axis=1) == labels
    assert cases.trained(name).missing.curve[0] == (0.0, pytest.approx(right.mean()))


@pytest.mark.parametrize(("name", "how"), [("logistic", "quantile"), ("forest", "rank")])
def test_what_alignment_costs_is_said(name, how):
    """The estimate without alignment is that of the classifier without alignment."""
    aligned, plain = cases.trained(name, how).record, cases.trained(name).record
    assert aligned["without"] == [{"align": "none", "max_probes": None, "performance": plain["performance"]}]
    assert aligned["performance"] != plain["performance"]


@pytest.mark.parametrize("name", cases.NAMES)
def test_the_rule_is_fitted_on_the_whole_cohort(name):
    """The fitted pipeline gives what the classifier gives before calibration, and the record says what it reads."""
    one = cases.trained(name)
    x = cases.fresh().expression
    p = one.estimator().predict_proba(x)
    assert_allclose(one.calibration.apply(p), one.predict(cases.fresh()).probabilities, rtol=0, atol=1e-12)
    assert one.estimator().predict(x).tolist() == [one.classes[code] for code in p.argmax(axis=1)]
    thin = cases.thinned(cases.fresh(), 0.3)
    p = one.estimator().predict_proba(thin.expression)
    assert_allclose(one.calibration.apply(p), one.predict(thin).probabilities, rtol=0, atol=1e-12)
    assert one.record["model"]["n_read"] == one.n_read


@pytest.mark.parametrize(("name", "how"), PAIRS)
def test_the_record_is_plain(name, how):
    record = cases.trained(name, how).record
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["model"]["name"] == name
    assert record["recipe"]["align"] == how
    assert record["cohort"]["classes"] == dict(cases.SIZES)
    assert cases.trained(name, how).card.startswith("# small-")


def test_a_panel_reads_no_more_and_says_what_it_costs(tmp_path):
    panel = lt.train(
        cases.cohort(), "logistic", align="none", max_probes=5, design=cases.DESIGN, jobs=1, name="five"
    )
    assert len(panel.probes) == panel.n_read == 5
    assert set(panel.probes) < set(cases.cohort().probes.tolist())
    (without,) = panel.record["without"]
    assert without["max_probes"] is None
    assert without["performance"] == cases.trained("logistic").record["performance"]
    # The folds' panels are others, so a sample of this panel can't be asked of the folds.
    assert panel.sets is None
    assert "other panels" in panel.record["sets"]["why_none"]
    panel.save(tmp_path / "a.leuko")
    calls = lt.load_classifier(tmp_path / "a.leuko").predict(cases.fresh())
    assert calls.sets is None
    assert_array_equal(calls.probabilities, panel.predict(cases.fresh()).probabilities)
    assert not any(name.startswith("set_") for name in calls.table())


def test_a_panel_is_chosen_in_each_training_part_anew():
    """On noise, a panel chosen before the split would score far above chance; this one does not."""
    noise = lt.null_cohort({"A": 20, "B": 20}, 3000, seed=3, correlation=0.1)
    panel = lt.train(
        noise, "diagonal-lda", align="none", max_probes=10, design=lt.Design(outer=5, inner=2), jobs=1
    )
    x = noise.expression[:, [noise.probes.tolist().index(probe) for probe in panel.probes]]
    chosen_first = lt.Cohort(
        x, noise.labels, noise.samples, np.array(panel.probes), name="leak", provenance=noise.provenance
    )
    leaked = lt.evaluate(chosen_first, ["diagonal-lda"], design=lt.Design(outer=5, inner=2), jobs=1)
    assert panel.record["performance"]["balanced_accuracy"]["value"] < 0.7
    assert card.performance(leaked)["balanced_accuracy"]["value"] > 0.85


def test_a_model_that_no_file_holds_is_refused():
    quadratic = Model(
        "qda", "Quadratic discriminant",
        SklearnPath(partial(QuadraticDiscriminantAnalysis, solver="eigen"), view="raw"), {"shrinkage": (0.5,)},
    )  # fmt: skip
    with pytest.raises(NotPortable, match="cannot be saved") as refused:
        lt.train(cases.cohort(), quadratic, align="none", design=cases.DESIGN, jobs=1)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "x" * 1001}, "1,001 characters"),
        ({"name": "x\x1b"}, r"control characters in 'x\\x1b'"),
        ({"classes": ("A" * 2000, "B", "C")}, "the class 'AAA"),
        ({"classes": ("A\x07", "B", "C")}, "control characters"),
        ({"symbols": ("x\x00", *[""] * (cases.N_PROBES - 1))}, "control characters"),
        ({"record": {"what": "\x1b[2J"}}, "control characters"),
        ({"card": "\x07"}, "control characters"),
    ],
)
def test_names_that_no_file_can_hold_are_refused_in_one_line(tmp_path, change, said):
    with pytest.raises(NotPortable, match=said) as refused:
        replace(cases.trained("centroids"), **change).save(tmp_path / "a.leuko")
    assert "\n" not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        ({"model": "nonesuch"}, UnknownName, "nonesuch"),
        ({"model": "all"}, UnknownName, "all"),
        ({"models": ["knn"]}, UnknownName, "candidates of 'auto'"),
        ({"align": "loess"}, UnknownName, "none, quantile, rank"),
        ({"tune_by": "luck"}, UnknownName, "log_loss"),
        ({"max_probes": 0}, InfeasibleDesign, "at least"),
        ({"design": lt.Design(outer=9, inner=3)}, InfeasibleDesign, "PB"),
    ],
)
def test_what_cannot_be_trained_is_said_in_one_line(given, kind, said):
    with pytest.raises(kind, match=said) as refused:
        lt.train(cases.cohort(), jobs=1, **given)
    assert "\n" not in str(refused.value)
